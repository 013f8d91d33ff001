"""Fixtures: worlds in this process and on loopback, and guards against sleeping and the network."""

import functools
import gc
import logging
import os
import socket
import textwrap
import threading
import time

import pytest
from hypothesis import settings
from pynamodb.connection import base

from jpi import logs, wiring
from jpi.pagerduty import webhooks as pagerduty_webhooks
from sandbox.aws.moto_server import Aws
from sandbox.clock import RunningClock
from sandbox.hosts import InProcessHost, LoopbackHost
from sandbox.live_sandbox import SANDBOX_SETTINGS, LiveSandbox
from sandbox.site_setup import set_up_jira
from sandbox.world import World
from tests.source_files import read_source_files
from tests.world_actions import run_poll

LOOPBACK = ("127.0.0.1", "::1", "localhost")

# Tests make and drop worlds by the thousand: collecting less often saves a fifth of the time.
gc.set_threshold(50_000, 20, 100)

settings.register_profile("jpi", deadline=None, print_blob=True, max_examples=200)
settings.load_profile("jpi")


def pytest_addoption(parser):
    parser.addoption("--exhaustive", action="store_true", help="every fault at every call, not a sample (minutes)")
    parser.addoption("--fault-step", type=int, default=1, help="with --exhaustive: every so many faults at every call")
    parser.addoption("--write-ledger", action="store_true", help="write the ledger of witnesses into the documents")


def pytest_collection_finish(session):
    # Modules and tests stay to the end, so the collector may skip them.
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    properties = [pair for report in reports if report.when == "call" for pair in report.user_properties]
    counts = [value for name, value in properties if name == "survived"]
    for seeds in (value for name, value in properties if name == "seeds"):
        terminalreporter.write_line(f"a day in the life, interleaved by seeds {', '.join(map(str, seeds))}")
    if counts:
        survived_count, case_count = (sum(column) for column in zip(*counts, strict=True))
        plays, seconds = (sum(column) for column in zip(
            (0, 0.0), *(value for name, value in properties if name == "plays"), strict=True))
        speed = f", {1000 * seconds / plays:.0f} ms a play" if plays else ""
        terminalreporter.write_line(f"faults, deaths and orders: survived {survived_count} of {case_count}{speed}")


@pytest.fixture(autouse=True)
def _no_network_and_no_sleep(monkeypatch):
    connect, sleep = socket.socket.connect, time.sleep

    def connect_to_loopback(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test reached for {address}")
        return connect(self, address)

    def refuse_sleep(seconds):
        if threading.current_thread() is threading.main_thread():
            raise AssertionError("a test slept")
        sleep(seconds)

    monkeypatch.setattr(socket.socket, "connect", connect_to_loopback)
    monkeypatch.setattr(time, "sleep", refuse_sleep)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in [*os.environ]:
        if name.startswith(("AWS_", "JIRA_", "PAGERDUTY_")) or name in ("STAGE", "IS_OFFLINE"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _log_level_of_its_own():
    # A process has one logger of jpi: the level that an earlier test set must not silence it.
    logging.getLogger(logs.SERVICE_NAME).setLevel(logging.INFO)


@pytest.fixture(autouse=True, scope="session")
def _one_botocore_session():
    # Each bound table makes a session, which costs more than the rest of a test.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "get_session", functools.cache(base.get_session))
        yield


@pytest.fixture(scope="session")
def aws():
    """Run DynamoDB and SQS as moto simulates them, on loopback."""
    server = Aws()
    yield server
    server.stop()


@pytest.fixture
def enter(monkeypatch):
    """Return `enter(world)`: run jpi in the world as `world.jpi`; whatever builds another one uses the same outside."""
    entered = []

    def enter_world(world):
        entered.append(world)
        world.jpi = world.start_jpi()
        wiring.use_app(lambda: world.jpi)
        monkeypatch.setattr(wiring, "make_infrastructure", world.make_outside)
        return world

    yield enter_world
    wiring.use_app(None)
    for world in entered:
        world.stop()


@pytest.fixture
def make_world(enter):
    """Return `make_world(**settings)`: make a world in this process, with jpi running in it as `world.jpi`."""
    return lambda clock=None, **changes: enter(World(InProcessHost(), clock, **changes))


@pytest.fixture
def make_loopback_world(enter, aws):
    """Return `make_loopback_world(**settings)`: the same on sockets of 127.0.0.1, with moto's DynamoDB and SQS."""
    return lambda **changes: enter(World(LoopbackHost(aws), RunningClock(), **changes))


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def queued(make_world):
    """Make a world with a queue between the webhooks and the workers."""
    return make_world(queued=True)


@pytest.fixture
def sandbox_world(enter):
    """Make the world of `make sandbox`, in this process."""
    return enter(World(InProcessHost(), RunningClock(), None, (0, 0, 0), True, set_up_jira, **SANDBOX_SETTINGS))


@pytest.fixture
def running(sandbox_world):
    """Run `make sandbox` in this process, after its first poll; the next one comes in an hour."""
    live_sandbox = LiveSandbox(sandbox_world, interval_seconds=3600)
    live_sandbox.start()
    while not any(line.kind == "poll" for _, line in live_sandbox.page.feed.list_lines_after()):
        live_sandbox.page.feed.wait_for_lines(10**9)
    yield live_sandbox
    live_sandbox.stop()


@pytest.fixture
def p1(world):
    """Trigger a P1 whose webhook is not delivered yet: (world, its event)."""
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1", "Nobody can pay.")
    [delivery] = world.pagerduty.outbox.pending
    world.pagerduty.outbox.pending.clear()
    [event] = pagerduty_webhooks.parse_delivery(delivery.body)
    return world, event


@pytest.fixture
def make_linked(make_world, tmp_path):
    """Return `make_linked(sync_file, **settings)`: make a P1 with its issue, all in step: (world, incident, issue)."""
    def make_linked_world(sync_file="", **changes):
        if sync_file:
            file = tmp_path / "sync.toml"
            file.write_text(textwrap.dedent(sync_file))
            changes["SYNC_FILE"] = str(file)
        world = make_world(**changes)
        incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
        world.run_until_idle()
        run_poll(world)
        world.forget_calls()
        return world, incident, world.find_issue(incident)

    return make_linked_world


@pytest.fixture
def linked(make_linked):
    """Make a P1 with its issue, all in step: (world, incident, issue)."""
    return make_linked()


@pytest.fixture(params=["in process", "queued"])
def linked_pair(request, make_world):
    """Make a P1 with its issue, all in step: (world, incident, issue)."""
    world = make_world(queued=request.param == "queued")
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    return world, incident, world.find_issue(incident)


@pytest.fixture(scope="module")
def source_files():
    """Return the files of jpi and the sandbox, parsed; of one module only, since the trees are large."""
    return read_source_files("jpi", "sandbox")


@pytest.fixture(scope="module")
def our_files(source_files):
    """Return jpi's files of these."""
    return [source_file for source_file in source_files if source_file.path.startswith("jpi/")]
