"""Every call of the scenario goes wrong in every way; every call is the process's last: the end is the same."""

import itertools

import pytest

from tests.faults.scenario import Run, Stuck, difference, play
from tests.faults.wire import DEATHS, FAULTS, Wire, at

SLICES = 8
# Of the exhaustive runs, `make test` plays every so many: no multiple of the number of faults, so all of them occur.
SAMPLE = 61


def broken(arena, faults, number, exhaustive):
    """This slice of all pairs of a call and a fault: how many there are, and in which the end was another."""
    pairs = list(itertools.product(range(arena.calls), faults))[:: 1 if exhaustive else SAMPLE][number::SLICES]
    failures = {}
    for call, fault in pairs:
        run, wire = Run(arena.world), Wire(at(call, fault))
        try:
            with wire():
                found = play(run)
        except (Stuck, AttributeError) as error:
            # AttributeError: where there is no issue, nobody can move it.
            found = {"made": repr(error)}
        if found != arena.expected or not wire.met:
            failures[f"call {call}: {', '.join(wire.met) or 'never met'}"] = difference(found, arena.expected)
    return len(pairs), failures


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
@pytest.mark.parametrize("number", range(SLICES))
def test_every_call_may_fail_in_every_way(arena, queued, number, exhaustive, survived):
    survived(*broken(arena(queued), FAULTS, number, exhaustive))


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
@pytest.mark.parametrize("number", range(SLICES))
def test_the_process_may_die_at_every_call(arena, queued, number, exhaustive, survived):
    survived(*broken(arena(queued), DEATHS, number, exhaustive))
