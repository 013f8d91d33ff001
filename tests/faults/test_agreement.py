"""The world in one process and the one of sockets and moto agree: the same calls, the same faults, the same end."""

from contextlib import nullcontext
from difflib import unified_diff
from functools import partial

import pytest
from botocore.retries.standard import ExponentialBackoff

from sandbox.pagerduty.model import IDS
from sandbox.places import Loopback
from sandbox.world import World
from tests.faults.scenario import Run, play_broken
from tests.faults.wire import DEATHS, FAULTS, Wire, all_pairs, at

# Of all pairs of a call and a fault, every so many (no multiple of the number of faults); `make test` plays fewer.
SAMPLE, FEWER = 199, 9


def ended(start, wire, carrying):
    """What both services show in the end, which calls led there, and what became of them."""
    # With the same ids each time, since jpi goes through incidents in the order of theirs.
    IDS.seed(20261120)
    run = start()
    with carrying:
        end = play_broken(run)
    return {"end": end, "calls": wire.calls, "met": wire.met}


@pytest.fixture
def on_sockets(enter, time_passes, aws, monkeypatch):
    """`on_sockets(queued)`: begins a play in a world of its own on sockets of 127.0.0.1."""
    # botocore waits for up to twice as long, at random; the stores in memory wait for the mean.
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _, context: 0.5 * 2 ** (context.attempt_number - 1))
    return lambda queued: Run(enter(time_passes(World(Loopback(aws), queued=queued, LOG_LEVEL="CRITICAL"))))


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_a_play_ends_alike_in_one_process_and_on_sockets(arena, on_sockets, queued, exhaustive, survived):
    place = arena(queued)
    pairs = all_pairs(len(place.calls), [*FAULTS, *DEATHS])[SAMPLE // 2 :: SAMPLE]
    chosen, failures = pairs[:: 1 if exhaustive else FEWER], {}
    for call, fault in chosen:
        inside, outside = Wire(at(call, fault)), Wire(at(call, fault))
        expected = ended(partial(place.start, inside), inside, nullcontext())
        found = ended(partial(on_sockets, queued), outside, outside.on_sockets())
        if found != expected:
            failures[call, fault.name] = [*unified_diff(expected["calls"], found["calls"], lineterm="", n=2)][:40], {
                name: (found[name], expected[name]) for name in ("end", "met") if found[name] != expected[name]}
    survived(len(chosen), failures)
