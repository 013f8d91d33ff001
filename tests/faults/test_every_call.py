"""Every call of the scenario goes wrong in every way; every call is the process's last: the end is the same."""

import time

import pytest

from sandbox.wire import WireFault
from tests.faults.forks import Branches
from tests.faults.scenario import difference, play_broken
from tests.faults.wire import DEATHS, FAULTS, Wire, all_pairs, at, kind_of

SLICES = 4
# Of the exhaustive runs, `make test` plays every so many.
SAMPLE = 10


class BranchingWire(Wire):
    """A wire that branches the play at each call: once for each fault that the call is to meet."""

    def __init__(self, faults_by_call):
        super().__init__(self._branch)
        self.branches = Branches()
        self._faults_by_call = faults_by_call

    def _branch(self, number, name):
        for fault in self._faults_by_call.get(number, ()):
            if self.branches.branch((number, fault)):
                self._plan = at(number, fault)
                return self._plan(number, name)
        return None


def broken(arena, faults, number, exhaustive):
    """This slice of all pairs of a call and a fault: how many there are, how many plays, in which the end was another.

    Faults of one kind to a call lead to one play.
    """
    sample = all_pairs(len(arena.calls), faults)[:: 1 if exhaustive else SAMPLE]
    pairs = [(call, fault) for call, fault in sample if call % SLICES == number]
    by_kind = {(call, kind_of(fault, arena.calls[call])): fault for call, fault in pairs}
    faults_by_call = {}
    for (call, _), fault in by_kind.items():
        faults_by_call.setdefault(call, []).append(fault)
    wire = BranchingWire(faults_by_call)
    run = arena.start(wire)
    wire.branches.run(lambda: (play_broken(run), wire.met))
    ends = wire.branches.results
    failures = {f"call {call}: {', '.join(met) or f'{fault.name} never met'}": difference(end, arena.expected)
                for (call, fault), (end, met) in ends.items() if end != arena.expected or not met}
    assert len(ends) == len(by_kind)
    return len(pairs), len(ends), failures


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
@pytest.mark.parametrize("faults", [FAULTS, DEATHS], ids=["every call may fail", "the process may die at every call"])
@pytest.mark.parametrize("number", range(SLICES))
def test_the_end_is_the_same_though(arena, queued, faults, number, exhaustive, survived, record_property):
    place, started = arena(queued), time.perf_counter()
    count, plays, failures = broken(place, faults, number, exhaustive)
    record_property("plays", (plays, time.perf_counter() - started))
    survived(count, failures)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("name", ["DynamoDB_20120810.PutItem", "AmazonSQS.SendMessageBatch"])
def test_all_errors_of_aws_in_memory_are_one(name, fault):
    """So that those before the effect, and those after it, may share a play."""
    made, wire = [], Wire(at(0, fault))
    for _ in range(fault.times):
        with pytest.raises(WireFault):
            wire.carry(name, lambda: made.append(name))
    wire.carry(name, lambda: made.append("sent again"))
    assert made == [*[name] * fault.after, "sent again"]
    assert kind_of(fault, name) == (fault.after, fault.times, False)
