"""What the fault tests share: worlds to break, how much to break, and the count of survived cases."""

import functools
import time

import pytest

from sandbox.clock import RunningClock
from sandbox.fault_injector import FaultInjector
from sandbox.hosts import InProcessHost, LoopbackHost
from sandbox.pagerduty.model import ID_RANDOM
from sandbox.scenario import ScenarioRun, play_and_check
from sandbox.world import World

# The end state and the calls of a play without faults, with and without a queue; they are always the same.
BASELINES = {}
# Of the pairs of a call and a fault, `make test` plays every so many.
SAMPLE_STEP = 10


def pytest_collection_modifyitems(items):
    # Each play is a fork of its worker, and a small worker is forked faster: before moto and the schemas are in it.
    items.sort(key=lambda item: item.path.name != "test_every_call.py")


def seed_ids():
    """Give the next world the ids that every world has: jpi reads incidents in the order of their ids."""
    ID_RANDOM.seed(1)


class FaultArena:
    """Makes a world for each play; knows the end state without faults, and the calls of that play."""

    def __init__(self, enter, queued):
        self._enter = enter
        self.queued = queued
        if queued not in BASELINES:
            wire = FaultInjector()
            BASELINES[queued] = play_and_check(self.start_run(wire)), wire.calls
        self.expected, self.calls = BASELINES[queued]

    def start_run(self, wire=None):
        """Start a play in a new world whose calls `wire` intercepts."""
        wire = wire or FaultInjector()
        seed_ids()
        world = World(InProcessHost(wire.intercept_http, wire.intercept_call), queued=self.queued, LOG_LEVEL="CRITICAL")
        return ScenarioRun(self._enter(world))


@pytest.fixture
def time_passes(monkeypatch):
    """Return `time_passes(world)`: advance the world's clock where botocore would sleep."""
    return lambda world: monkeypatch.setattr(time, "sleep", world.clock.advance) or world


@pytest.fixture
def arena(enter, time_passes):
    """Return `arena(queued)`: the arena where the scenario is played."""
    return functools.cache(lambda queued: FaultArena(lambda world: enter(time_passes(world)), queued))


@pytest.fixture
def arena_of(enter, time_passes):
    """Return `arena_of(**settings)`: make a new world for one test."""
    return lambda **changes: enter(time_passes(World(InProcessHost(), LOG_LEVEL="CRITICAL", **changes)))


@pytest.fixture
def loopback_arena_of(enter, time_passes, aws):
    """Return `loopback_arena_of(**settings)`: the same on sockets and moto, for separate processes."""
    return lambda **changes: enter(time_passes(World(LoopbackHost(aws), RunningClock(), LOG_LEVEL="CRITICAL",
                                                     **changes)))


@pytest.fixture
def exhaustive(request):
    """True if every case is to be played, not a sample."""
    return request.config.getoption("--exhaustive")


@pytest.fixture(scope="session")
def fault_step(request):
    """Return the step through the pairs of a call and a fault: 1 plays all of them."""
    return request.config.getoption("--fault-step") if request.config.getoption("--exhaustive") else SAMPLE_STEP


@pytest.fixture
def survived(record_property):
    """Return `survived(cases, failures)`: record how many cases ended well; fail unless all did."""

    def check_failures(cases, failures):
        record_property("survived", (cases - len(failures), cases))
        assert failures == {}

    return check_failures
