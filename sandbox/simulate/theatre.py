"""Keeps worlds of this process ready, so that a history begins at once, and the same way each time."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from jpi import wiring
from jpi.handlers import log_entries
from jpi.sync import leases
from sandbox.fault_injector import FaultInjector
from sandbox.hosts import InProcessHost
from sandbox.pagerduty.model import ID_RANDOM
from sandbox.simulate.history import History, Knobs
from sandbox.simulate.play import Outcome, Play
from sandbox.world import World
from sandbox.world_snapshot import WorldSnapshot

# How much more jpi allows for the lag of Jira's index than the index really lags.
INDEX_LAG_MARGIN_SECONDS = 30
OPENING_FILE = Path(__file__).with_name("opening.toml")
NO_PARTS = {"PERSON_PROJECT_KEY": "", "QUESTION_PROJECT_KEY": "", "TIMELINE_PROJECT_KEY": "",
            "JIRA_ISSUE_STAKEHOLDERS": ""}


class Theatre:
    """One world, put back to its beginning before each history."""

    def __init__(self, is_queued: bool) -> None:
        self._injector = FaultInjector()
        self._host = InProcessHost(self._injector.intercept_http, self._injector.intercept_call)
        with repeat_randomness():
            self._world = World(self._host, queued=is_queued, LOG_LEVEL="CRITICAL")
            self._warm_up()
        self._snapshot = WorldSnapshot(self._world)
        self._environ = dict(self._world.environ)

    def _warm_up(self) -> None:
        """Poll once: jpi was set up before the first incident."""
        jpi = self._world.start_jpi()
        wiring.use_app(lambda: jpi)
        log_entries.handler({}, None)
        self._world.clock.advance(60)

    def play_history(self, history: History) -> Outcome:
        """Play the history; equal histories have equal outcomes."""
        self._snapshot.restore_world()
        self._turn_knobs(history.knobs)
        self._world.forget_calls()
        with repeat_randomness():
            play = Play(self._world, self._injector, history)
            wiring.use_app(play.get_jpi)
            return play.run()

    def _turn_knobs(self, knobs: Knobs) -> None:
        world = self._world
        world.jira.index_lag_seconds = knobs.index_lag
        world.jira.search_page_limit, world.jira.comment_page_limit = knobs.search_page_limit, knobs.comment_page_limit
        world.pagerduty.log_order = knobs.log_order
        self._host.set_table_lag(knobs.table_lag)
        leases.LEASE_SECONDS = knobs.lease
        if world.event_source:
            world.event_source.batch_size = knobs.batch_size
        minutes = knobs.poll_interval // 60
        world.environ = {**self._environ, **({} if knobs.has_parts else NO_PARTS),
                         **({"SYNC_FILE": str(OPENING_FILE)} if knobs.opens_incidents else {}),
                         "JIRA_INDEX_LAG_SECONDS": str(knobs.index_lag + INDEX_LAG_MARGIN_SECONDS),
                         "PAGERDUTY_POLL_INTERVAL": f"{minutes} minute{'s' * (minutes > 1)}"}


@cache
def open_theatre(is_queued: bool) -> Theatre:
    """Return the theatre of this process, with a queue or without."""
    return Theatre(is_queued)


def play_history(history: History) -> Outcome:
    """Play the history in this process."""
    return open_theatre(history.knobs.is_queued).play_history(history)


@contextmanager
def repeat_randomness() -> Iterator[None]:
    """Make all ids the same in every play while inside."""
    chance, get_random_bytes = random.Random(0), os.urandom
    ID_RANDOM.seed(0)
    os.urandom = chance.randbytes
    try:
        yield
    finally:
        os.urandom = get_random_bytes
