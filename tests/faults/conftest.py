"""What the fault tests share: worlds to break, how much of them to break, and the count of what they survived."""

import functools
import time

import pytest

from sandbox.clock import RunningClock
from sandbox.hosts import InProcessHost, LoopbackHost
from sandbox.world import World
from tests.faults.fault_injector import FaultInjector
from tests.faults.scenario import ScenarioRun, play_and_check

# The end state and the calls of a play without faults, with a queue and in process: every play has the same.
BASELINES = {}


class FaultArena:
    """Makes a world for each play; knows the end state without faults, and the calls it takes."""

    def __init__(self, enter, queued):
        self._enter = enter
        self.queued = queued
        if queued not in BASELINES:
            wire = FaultInjector()
            BASELINES[queued] = play_and_check(self.start_run(wire)), wire.calls
        self.expected, self.calls = BASELINES[queued]

    def start_run(self, wire=None):
        """Begin a play in a world of its own, whose calls this wire carries."""
        wire = wire or FaultInjector()
        world = World(InProcessHost(wire.intercept_http, wire.intercept_call), queued=self.queued, LOG_LEVEL="CRITICAL")
        return ScenarioRun(self._enter(world))


@pytest.fixture
def time_passes(monkeypatch):
    """`time_passes(world)`: where botocore would sleep, the world's clock moves on."""
    return lambda world: monkeypatch.setattr(time, "sleep", world.clock.advance) or world


@pytest.fixture
def arena(enter, time_passes):
    """`arena(queued)`: where the scenario is played."""
    return functools.cache(lambda queued: FaultArena(lambda world: enter(time_passes(world)), queued))


@pytest.fixture
def arena_of(enter, time_passes):
    """`arena_of(**settings)`: a world of its own for one test."""
    return lambda **changes: enter(time_passes(World(InProcessHost(), LOG_LEVEL="CRITICAL", **changes)))


@pytest.fixture
def loopback_arena_of(enter, time_passes, aws):
    """`loopback_arena_of(**settings)`: the same on sockets and moto, for processes of their own."""
    return lambda **changes: enter(time_passes(World(LoopbackHost(aws), RunningClock(), LOG_LEVEL="CRITICAL",
                                                     **changes)))


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
