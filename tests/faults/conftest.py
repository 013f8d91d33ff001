"""What the fault tests share: worlds to break, how much of them to break, and the count of what they survived."""

import time
from dataclasses import dataclass

import pytest

from jpi import wiring
from sandbox.world import World
from tests.faults.scenario import Run, wanted
from tests.faults.wire import Wire


@dataclass
class Arena:
    """A world that one run after the other is played in; the end state without faults, and the calls it takes."""

    world: World
    expected: dict
    calls: int


@pytest.fixture(scope="session")
def arenas():
    """Those made so far: with a queue, and in process."""
    made = {}
    yield made
    for arena in made.values():
        arena.world.stop()


@pytest.fixture
def arena(arenas, aws, monkeypatch):
    """`arena(queued)`, ready: time passes where jpi or botocore would sleep."""

    def get(queued):
        world = arenas[queued].world if queued in arenas else World(aws, queued=queued, LOG_LEVEL="CRITICAL")
        enter(world, aws, monkeypatch)
        if queued not in arenas:
            # Once before, so that who is who is known: later runs do not ask either.
            wanted(Run(world))
            wire = Wire()
            with wire():
                arenas[queued] = Arena(world, wanted(Run(world)), len(wire.calls))
        return arenas[queued]

    return get


def enter(world, aws, monkeypatch):
    aws.follow(world.clock)
    monkeypatch.setattr(time, "sleep", world.clock.advance)
    monkeypatch.setattr(wiring, "jpi", lambda: world.jpi)


@pytest.fixture
def arena_of(aws, monkeypatch):
    """`arena_of(**settings)`: a world of its own for one test."""
    made = []

    def make(**changes):
        made.append(World(aws, LOG_LEVEL="CRITICAL", **changes))
        made[-1].jpi = made[-1].start_jpi()
        enter(made[-1], aws, monkeypatch)
        return made[-1]

    yield make
    for world in made:
        world.stop()


@pytest.fixture
def exhaustive(request):
    """Whether every case is wanted, not a sample."""
    return request.config.getoption("--exhaustive")


@pytest.fixture
def survived(record_property):
    """`survived(cases, failures)`: says how many cases ended well; all must."""

    def check(cases, failures):
        record_property("survived", (cases - len(failures), cases))
        assert failures == {}

    return check
