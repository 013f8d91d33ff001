"""The small world: jpi's real service, poller and reconciler over plain services, advanced by one call at a time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jpi.domain.actions import QUEUED
from jpi.domain.events import Event, IssueUpdated, get_incident_id
from jpi.domain.model import CATEGORY_BY_STATUS
from jpi.domain.policy import Policy
from jpi.errors import RetryableError
from jpi.metrics import MetricCounters
from jpi.store.cache import Cache
from jpi.store.cursor import Cursor
from jpi.sync.poll_errors import PollErrors
from jpi.sync.poller import Poller
from jpi.sync.reconciler import Reconciler
from jpi.sync.service import SyncService
from sandbox.aws.memory_rows import MemoryTables
from sandbox.aws.memory_stores import make_memory_stores
from sandbox.call_interception import Crash
from sandbox.clock import Clock
from sandbox.small_world.calls import DIED, LATE, LOST, CallSequence, Pause, RecordedService
from sandbox.small_world.state import Limits, State, Worker, compute_key
from tests.fakes.jira import INDEX_LAG_SECONDS, FakeJira
from tests.fakes.log import FakeLog
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.services import JIM

POLICY = Policy(person_project="", timeline_project="")
WRITES = {"create", "create_all", "transition_issue", "edit", "set_status", "PutItem", "BatchWriteItem", "queue"}
POLL_WINDOW_HOURS, PATIENCE_SECONDS, QUIET_SECONDS, MAX_TRIES = 6, 60, 3600, 100


class PlainCalls:
    """Lets the fakes' calls pass; faults happen before they are reached."""

    def begin_call(self) -> None:
        """Do nothing."""

    def end_call(self, is_write: bool) -> None:
        """Do nothing."""


class SmallWorld:
    """One world that takes any state."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.pagerduty = FakePagerDuty(self.clock, PlainCalls(), [])
        self.jira = FakeJira(self.clock, PlainCalls(), [])
        self.tables = MemoryTables(self.clock)
        self.log = FakeLog()
        self.state: State

    def make_first_state(self, limits: Limits) -> State:
        """Return the state in which a P1 was just triggered."""
        self.pagerduty.trigger_incident("P1")
        self.state = State(self.clock.now(), self.pagerduty.incidents, self.jira.issues, self.tables.rows,
                           self.pagerduty.in_flight, [None, None, None], limits)
        self.finish_step()
        return self.state

    def load_state(self, state: State) -> None:
        """Be in this state."""
        self.state = state
        self.clock.__setstate__(state.now)
        self.pagerduty.incidents, self.jira.issues, self.tables.rows = state.incidents, state.issues, state.rows
        self.pagerduty.in_flight = self.jira.in_flight = state.messages
        self.log.lines.clear()

    def begin_second(self) -> None:
        """Let people act at whole seconds only, so that more states are equal."""
        self.clock.advance(math.ceil(self.clock()) - self.clock())

    def finish_step(self) -> None:
        """Keep the time, and name messages by their content, not by their time."""
        state = self.state
        state.now = self.clock.now()
        state.messages[:] = [replace(message, id=f"moved to {message.issue.category}")
                             if isinstance(message, IssueUpdated) else message for message in state.messages]

    def finish_work(self) -> None:
        """Let each worker finish, one after the other."""
        for slot, worker in enumerate(self.state.workers):
            if worker:
                self.advance_worker(slot, is_endless=True)
                self.finish_step()

    def advance_worker(self, slot: int, fault: str = "", is_endless: bool = False) -> str:
        """Let a worker make its next call, or (`is_endless`) all that are left; return the last one's name."""
        state = self.state
        worker = state.workers[slot]
        assert worker
        sequence = CallSequence(self.clock, worker, fault, is_endless)
        try:
            self._work(worker.message, sequence)
            state.workers[slot] = None
        except Pause:
            pass
        except (Crash, RetryableError):
            state.workers[slot] = None
            if worker.message:
                state.messages.append(worker.message)
        self._note_exception(sequence.last_name, fault)
        return sequence.last_name

    def _note_exception(self, name: str, fault: str) -> None:
        self.state.has_lost_creation |= name == "create" and fault in (LOST, DIED)
        self.state.has_late_index |= fault == LATE

    def _work(self, message: Event | None, sequence: CallSequence) -> None:
        """Apply a message, or poll, from the beginning."""
        clock, call = sequence.read_clock, sequence.make_call
        shared, own = (make_memory_stores(self.tables, partial(_call_table, call, is_shared), _skip)
                       for is_shared in (True, False))
        jira, pagerduty = RecordedService(self.jira, sequence), RecordedService(self.pagerduty, sequence)
        links, ledger = shared.links, shared.processed_ids
        if message:
            if isinstance(message, IssueUpdated):
                message = replace(message, incident_id=links.find_incident_id(message.issue.key))
            if get_incident_id(message):
                SyncService(jira, pagerduty, links, ledger, Cache(own.config, clock), POLICY, clock, self.log,
                            MetricCounters(), INDEX_LAG_SECONDS).apply(message)
            return
        errors = PollErrors(clock, self.log)
        reconciler = Reconciler(jira, pagerduty, links, POLICY, clock, self.log, errors)
        Poller(pagerduty, links, ledger, Cursor(own.config), reconciler, _Queue(self, sequence), POLICY, clock,
               self.log, errors, POLL_WINDOW_HOURS).run()

    def find_failure_after_quiet(self, verdicts: dict[bytes, str], polls: int = 2) -> str:
        """Let everything settle without faults, poll twice, and return what is wrong then.

        `verdicts`: what is known already, by the world's key, and is added to.
        """
        if not self._drain():
            return "a message is still under way after hours"
        self.finish_step()
        if not polls:
            return self._find_failure()
        key = compute_key(self.state, is_world_only=True) + bytes([polls])
        if key not in verdicts:
            self.clock.advance(QUIET_SECONDS)
            self._do_at_once(None)
            verdicts[key] = self.find_failure_after_quiet(verdicts, polls - 1)
        return verdicts[key]

    def _drain(self) -> bool:
        for _ in range(MAX_TRIES):
            if not self.state.messages:
                return True
            message = self.state.messages.pop(0)
            if not self._do_at_once(message):
                self.state.messages.append(message)
                self.clock.advance(PATIENCE_SECONDS)
        return False

    def _do_at_once(self, message: Event | None) -> bool:
        try:
            self._work(message, CallSequence(self.clock, Worker(message, self.clock()), is_endless=True))
        except RetryableError:
            return False
        return True

    def _find_failure(self) -> str:
        [incident] = self.state.incidents.values()
        issues = list(self.state.issues.values())
        if len(issues) != 1:
            return f"{len(issues)} issues"
        status, [issue] = incident.current.status, issues
        if (status, issue.category, issue.last_mover) == ("acknowledged", "new", JIM.id):
            # PagerDuty's API cannot undo an acknowledgement.
            return ""
        return "" if CATEGORY_BY_STATUS[status] == issue.category else f"{status} and {issue.category}"


class _Queue:
    """Takes the events that the poll found."""

    http_status = 202

    def __init__(self, world: SmallWorld, sequence: CallSequence) -> None:
        self._world, self._sequence = world, sequence

    def take(self, events: Sequence[Event]) -> list[Any]:
        """Put the events under way, in one call."""
        outcomes: list[Any] = self._sequence.make_call("queue", lambda: self._store(events))
        return outcomes

    def _store(self, events: Sequence[Event]) -> list[Any]:
        self._world.state.messages += events
        return [QUEUED] * len(events)


def _call_table(call: Callable[..., Any], is_shared: bool, name: str, perform: Callable[[], Any]) -> Any:
    return call(name.rpartition(".")[2], perform, is_shared)


def _skip(seconds: float) -> None:
    """Let no time pass: a repetition of DynamoDB's client is a call of its own."""


