"""Every call of the scenario fails in every way, and every call may be the process's last: the end is the same."""

import time

import pytest

from sandbox.branches import Branches
from sandbox.call_interception import WireFault
from sandbox.fault_injector import (
    DEATHS,
    FAULTS,
    FaultInjector,
    classify_fault,
    is_aws_call,
    pair_calls_with_faults,
    plan_fault_at,
)
from sandbox.scenario import find_differences, play_despite_faults

SLICES = 4


class BranchingInjector(FaultInjector):
    """A wire that forks the play at each call, once for each fault that the call is to meet."""

    def __init__(self, faults_by_call):
        super().__init__(self._branch_at_call)
        self.branches = Branches()
        self.run = None
        self._faults_by_call = faults_by_call
        self._fault = None

    def is_refused(self):
        """True if the fault of this branch is a refusal in the service's own words."""
        return self._fault is not None and bool(self._fault.own_error)

    def _branch_at_call(self, number, name):
        for fault in self._faults_by_call.get(number, ()):
            if self.branches.fork_branch((number, fault)):
                self._fault = fault
                if is_aws_call(name):
                    # This fault never meets a session of the services' clients.
                    self.run.carry_calls_quickly()
                self._plan = plan_fault_at(number, fault)
                return self._plan(number, name)
        return None


def play_slice(arena, faults, number, step):
    """Play this slice of all pairs of a call and a fault; return the numbers of pairs and plays, and the failures.

    Faults that are equal for a call share one play.
    """
    sample = pair_calls_with_faults(len(arena.calls), faults)[::step]
    pairs = [(call, fault) for call, fault in sample if call % SLICES == number]
    by_kind = {(call, classify_fault(fault, arena.calls[call])): fault for call, fault in pairs}
    faults_by_call = {}
    for (call, _), fault in by_kind.items():
        faults_by_call.setdefault(call, []).append(fault)
    wire = BranchingInjector(faults_by_call)
    wire.run = run = arena.start_run(wire)
    wire.branches.run(lambda: (play_despite_faults(run, wire.is_refused), wire.faults_met))
    ends = wire.branches.results
    failures = {f"call {call}: {', '.join(met) or f'{fault.name} never met'}": find_differences(end, arena.expected)
                for (call, fault), (end, met) in ends.items() if end != arena.expected or not met}
    assert len(ends) == len(by_kind)
    return len(pairs), len(ends), failures


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
@pytest.mark.parametrize("faults", [FAULTS, DEATHS], ids=["every call may fail", "the process may die at every call"])
@pytest.mark.parametrize("number", range(SLICES))
def test_the_end_is_the_same_though(arena, queued, faults, number, fault_step, survived, record_property):
    fault_arena, started = arena(queued), time.perf_counter()
    count, plays, failures = play_slice(fault_arena, faults, number, fault_step)
    record_property("plays", (plays, time.perf_counter() - started))
    survived(count, failures)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", ["DynamoDB_20120810.PutItem", "AmazonSQS.SendMessageBatch"])
def test_all_errors_of_aws_in_memory_are_one(name, fault):
    """Check that faults before the effect may share a play, and those after it, too."""
    fault = fault.fit_to_call(name)
    calls, wire = [], FaultInjector(plan_fault_at(0, fault))
    for _ in range(fault.times):
        with pytest.raises(WireFault):
            wire.intercept_call(name, lambda: calls.append(name))
    wire.intercept_call(name, lambda: calls.append("sent again"))
    assert calls == [*[name] * fault.is_after_effect, "sent again"]
    assert classify_fault(fault, name) == (fault.is_after_effect, fault.times, False)
