"""jpi's real service, poller and reconciler between the fakes, so that tests can play thousands of histories."""

from collections import Counter
from dataclasses import replace

from jpi.domain.actions import QUEUED
from jpi.domain.events import IssueUpdated, get_incident_id
from jpi.domain.issue_drafts import QUESTION_LINK_TYPE, TIMELINE_LINK_TYPE
from jpi.domain.model import CATEGORY_BY_STATUS
from jpi.domain.policy import Policy, Question
from jpi.errors import PermanentError, RetryableError
from jpi.metrics import MetricCounters
from jpi.store.cache import Cache
from jpi.store.cursor import Cursor
from jpi.sync.poll_errors import PollErrors
from jpi.sync.poller import Poller
from jpi.sync.reconciler import Reconciler
from jpi.sync.service import SyncService
from sandbox.aws.memory_rows import MemoryTables
from sandbox.aws.memory_stores import make_memory_stores
from sandbox.clock import Clock
from tests.fakes.faults import BreakingCalls, Crash
from tests.fakes.jira import INDEX_LAG_SECONDS, FakeJira
from tests.fakes.log import FakeLog
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.services import JIM

QUESTIONS = 3
POLICY = Policy(person_project="", questions=tuple(Question(f"Question {number}?") for number in range(QUESTIONS)))
POLL_WINDOW_HOURS = 6
MINUTE_SECONDS = 60


class FakeWorld:
    """Everything, wired; `in_flight`: webhooks not delivered yet, `queue`: events not applied yet."""

    def __init__(self):
        self.clock, self.in_flight, self.queue, self.log = Clock(), [], [], FakeLog()
        self.calls = BreakingCalls(self.clock)
        self.pagerduty = FakePagerDuty(self.clock, self.calls, self.in_flight)
        self.jira = FakeJira(self.clock, self.calls, self.in_flight)
        self.stores = make_memory_stores(MemoryTables(self.clock), self.calls.intercept_call, self.clock.advance)
        self.links, self.cursor = self.stores.links, Cursor(self.stores.config)
        self.start_jpi()

    def start_jpi(self):
        """Start jpi as a new process does."""
        ledger, cache = self.stores.processed_ids, Cache(self.stores.config, self.clock)
        self.engine = SyncService(self.jira, self.pagerduty, self.links, ledger, cache, POLICY, self.clock, self.log,
                                  MetricCounters(), INDEX_LAG_SECONDS)
        errors = PollErrors(self.clock, self.log)
        reconcile = Reconciler(self.jira, self.pagerduty, self.links, POLICY, self.clock, self.log, errors)
        self._poll = Poller(self.pagerduty, self.links, ledger, self.cursor, reconcile, self, POLICY,
                            self.clock, self.log, errors, POLL_WINDOW_HOURS)

    def take(self, events):
        """Queue events, as `jpi.queue.EventQueue` does."""
        self.queue += events
        return [QUEUED] * len(events)

    def deliver_webhook(self, event):
        """Deliver a webhook; drop that of an issue without a link."""
        if isinstance(event, IssueUpdated):
            event = replace(event, incident_id=self.links.find_incident_id(event.issue.key))
        if get_incident_id(event):
            self.queue.append(event)

    def run_as_lambda(self, work):
        """Do some work as Lambda does; return True if it succeeded, and restart a process that died."""
        try:
            work()
        except Crash:
            self.start_jpi()
            return False
        except RetryableError:
            return False
        except PermanentError as error:
            raise AssertionError("nothing in this world fails for good") from error
        return True

    def apply_any(self, number=0, keep=False):
        """Apply a queued event, the first of its incident; or, with `keep`, a copy of any."""
        if not self.queue:
            return
        event = self.queue[number % len(self.queue)]
        if not keep:
            event = next(first for first in self.queue if get_incident_id(first) == get_incident_id(event))
        if self.run_as_lambda(lambda: self.engine.apply(event)) and not keep:
            self.queue.remove(event)

    def run_poll(self):
        """Poll once, as the schedule does."""
        self.run_as_lambda(self._poll.run)

    def drain(self):
        """Apply events until none is queued; let time pass while another worker may hold the lease."""
        for _ in range(200):
            if not self.queue:
                return
            before = len(self.queue)
            self.apply_any()
            if len(self.queue) == before:
                self.clock.advance(MINUTE_SECONDS)
        raise AssertionError(f"still queued: {self.queue}")

    def run_until_idle(self):
        """Let everything settle: no call breaks, two polls run, and every queued event is applied."""
        self.calls.clear_fault()
        for _ in range(2):
            self.drain()
            self.clock.advance(MINUTE_SECONDS)
            self.run_poll()
        self.drain()
        self.clock.advance(MINUTE_SECONDS)

    def count_writes(self):
        """Return the number of writes to either service."""
        return self.pagerduty.writes + self.jira.writes

    def find_failures(self):
        """Return, by incident, what is wrong after everything settled."""
        failures = {name: self._find_failure(name) for name in self.pagerduty.incidents}
        return {name: failure for name, failure in failures.items() if failure}

    def _find_failure(self, name):
        log, keys = self.pagerduty.incidents[name].log, self.jira.list_incident_issues(name)
        if not any(entry.priority == "P1" for entry in log):
            return "an unwanted issue" if keys else ""
        if len(keys) != 1:
            return f"{len(keys)} issues"
        links = [link for issue in self.jira.issues.values() for link in issue.draft.links]
        parts = Counter(link.type for link in links if link.key == keys[0])
        if parts != {QUESTION_LINK_TYPE: QUESTIONS, TIMELINE_LINK_TYPE: len(log)}:
            return f"{parts} of {QUESTIONS} questions and {len(log)} entries"
        return self._find_difference(self.pagerduty.incidents[name].current.status, self.jira.issues[keys[0]])

    def _find_difference(self, status, issue):
        if (status, issue.category, issue.last_mover) == ("acknowledged", "new", JIM.id):
            # It may have been acknowledged before it was done; PagerDuty's API cannot undo that.
            return ""
        return "" if CATEGORY_BY_STATUS[status] == issue.category else f"{status} and {issue.category}"
