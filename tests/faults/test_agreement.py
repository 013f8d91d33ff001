"""The world in one process and the world of sockets and moto agree: the same calls, the same faults, the same end."""

from contextlib import nullcontext
from difflib import unified_diff
from functools import partial

import pytest
from botocore.retries.standard import ExponentialBackoff
from moto.sqs.models import SQSBackend

from sandbox.fault_injector import DEATHS, FAULTS, FaultInjector, pair_calls_with_faults, plan_fault_at
from sandbox.hosts import LoopbackHost
from sandbox.scenario import ScenarioRun, play_despite_faults
from sandbox.world import World
from tests.faults.conftest import seed_ids

# Every so many pairs of a call and a fault (no multiple of the number of faults); `make test` plays fewer.
SAMPLE, SHORT_SAMPLE = 199, 14


def play_to_end(start, wire, carrying):
    """Return what both services show at the end, the calls, and the faults that they met."""
    run = start()
    with carrying:
        end = play_despite_faults(run)
    return {"end": end, "calls": wire.calls, "met": wire.faults_met}


def receive_as_sqs(receive):
    """Return moto's `receive_message`, which after a time-out gives one message of a group where SQS gives them all."""
    def receive_message(backend, queue_name, *arguments, **options):
        queue = backend.get_queue(queue_name)
        queue.pending_messages.difference_update([message for message in queue.pending_messages if message.visible])
        return receive(backend, queue_name, *arguments, **options)
    return receive_message


@pytest.fixture
def on_sockets(enter, time_passes, aws, monkeypatch):
    """Return `on_sockets(queued)`: start a play in a new world on sockets of 127.0.0.1."""
    # botocore waits at random up to twice as long; the stores in memory wait for the mean.
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _, context: 0.5 * 2 ** (context.attempt_number - 1))
    monkeypatch.setattr(SQSBackend, "receive_message", receive_as_sqs(SQSBackend.receive_message))

    def start_run(queued):
        seed_ids()
        return ScenarioRun(enter(time_passes(World(LoopbackHost(aws), queued=queued, LOG_LEVEL="CRITICAL"))))

    return start_run


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_a_play_ends_alike_in_one_process_and_on_sockets(arena, on_sockets, queued, exhaustive, survived):
    fault_arena = arena(queued)
    pairs = pair_calls_with_faults(len(fault_arena.calls), [*FAULTS, *DEATHS])[SAMPLE // 2 :: SAMPLE]
    sample, failures = pairs[:: 1 if exhaustive else SHORT_SAMPLE], {}
    for call, fault in sample:
        inside, outside = FaultInjector(plan_fault_at(call, fault)), FaultInjector(plan_fault_at(call, fault))
        expected = play_to_end(partial(fault_arena.start_run, inside), inside, nullcontext())
        actual = play_to_end(partial(on_sockets, queued), outside, outside.intercept_sockets())
        if actual != expected:
            failures[call, fault.name] = [*unified_diff(expected["calls"], actual["calls"], lineterm="", n=2)][:40], {
                name: (actual[name], expected[name]) for name in ("end", "met") if actual[name] != expected[name]}
    survived(len(sample), failures)
