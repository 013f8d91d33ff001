"""Both services, the store and the queue as plain Python, so that thousands of histories can be played."""

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from jpi.errors import LostRace, OutcomeUnknown, Permanent, Retryable, Unavailable
from jpi.sync.drafts import QUESTION, TIMELINE, Created
from jpi.sync.engine import Engine
from jpi.sync.entities import CATEGORY_OF, Incident, Issue, LogEntry, Person
from jpi.sync.events import (
    IncidentAcknowledged,
    IncidentPriorityUpdated,
    IncidentReopened,
    IncidentResolved,
    IncidentTriggered,
    IncidentUnacknowledged,
    IssueUpdated,
    incident_of,
)
from jpi.sync.link import Link
from jpi.sync.measures import Figures
from jpi.sync.policy import Policy, Question
from jpi.sync.poll import Poll
from jpi.sync.reconcile import Reconcile
from tests.faults.wire import Crash

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
LAG = 30.0
RITA, BOT = Person("PRITA", "Rita"), Person("PBOT", "jpi")
POLICY = Policy(person_project="", questions=tuple(Question(f"Question {number}?") for number in range(3)))
KINDS = {("triggered", "acknowledged"): IncidentAcknowledged, ("acknowledged", "triggered"): IncidentUnacknowledged,
         ("resolved", "triggered"): IncidentReopened, ("triggered", "resolved"): IncidentResolved,
         ("acknowledged", "resolved"): IncidentResolved}


class Clock:
    """Seconds that pass only when told."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def moment(self):
        return datetime.fromtimestamp(self.now, UTC)

    def second(self):
        return self.moment().replace(microsecond=0)


class Breaks:
    """What becomes of the calls to come: each takes its time, and one may be told to break."""

    def __init__(self, clock):
        self.clock, self.next, self.kind = clock, 0, ""

    def plan(self, after, kind):
        self.next, self.kind = after, kind

    def before(self):
        self.clock.now += 0.001
        if not self.kind:
            return
        self.next -= 1
        if self.next >= 0:
            return
        kind = self.kind
        if kind in ("crash before", "refused"):
            self.kind = ""
            raise Crash if kind == "crash before" else Unavailable("refused")

    def after(self, writes):
        if self.next >= 0 or self.kind not in ("crash after", "answer lost"):
            return
        kind, self.kind = self.kind, ""
        if kind == "crash after":
            raise Crash
        raise OutcomeUnknown("lost") if writes else Unavailable("lost")


def call(writes=False):
    """A method that goes over the wire."""
    def wrap(method):
        def through(self, *arguments):
            self.breaks.before()
            found = method(self, *arguments)
            self.writes += writes
            self.breaks.after(writes)
            return found
        return through
    return wrap


@dataclass
class Side:
    clock: Clock
    breaks: Breaks
    under_way: list
    writes: int = 0


@dataclass
class PagerDuty(Side):
    """Incidents with their logs."""

    incidents: dict = field(default_factory=dict)
    logs: dict = field(default_factory=dict)
    changed: dict = field(default_factory=dict)
    ids: itertools.count = field(default_factory=itertools.count)

    def trigger(self, priority):
        name = f"Q{next(self.ids)}"
        self.incidents[name] = Incident(name, "Down", "triggered", priority, details="x", created=self.clock.second())
        self.logs[name] = []
        self._happened(name, IncidentTriggered, "trigger", priority, RITA)

    def person(self, name, choice):
        """Rita does one of what can be done; nothing to an incident that stays over."""
        there = self.incidents[name]
        if choice == "P1":
            self.incidents[name] = replace(there, priority="P1")
            self._happened(name, IncidentPriorityUpdated, "priority_change", "P1", RITA)
        elif choice != there.status and (there.status != "resolved" or choice == "triggered"):
            self._move(name, choice, RITA)

    def _move(self, name, status, agent):
        kind = KINDS[self.incidents[name].status, status]
        there = self.incidents[name]
        reopened = self.clock.second() if there.status == "resolved" else there.reopened
        self.incidents[name] = replace(there, status=status, reopened=reopened)
        self._happened(name, kind, status, None, agent)

    def _happened(self, name, kind, entry_type, priority, agent):
        self.clock.now += 0.01
        at = self.clock.second()
        entry = LogEntry(f"{name}R{len(self.logs[name])}", f"{entry_type}_log_entry", at, entry_type, priority, agent)
        self.logs[name].append(entry)
        self.changed[name] = at
        event_id = f"{entry.id}-webhook"
        self.under_way.append(kind(event_id, self.clock.moment(), replace(self.incidents[name], details=None), agent))

    def _logged(self, name):
        return [Logged(entry, self.incidents[name], self.changed[name]) for entry in self.logs[name]]

    @property
    def notes(self):
        return NOTHING_SAID

    @call()
    def own_id(self):
        return BOT.id

    @call()
    def incident(self, name):
        return self.incidents[name]

    @call()
    def shown(self, name):
        return Logged(None, self.incidents[name], self.changed[name])

    @call()
    def open_incidents(self):
        return [Logged(None, one, self.changed[name]) for name, one in self.incidents.items()
                if one.status != "resolved"]

    @call()
    def incident_log(self, name):
        return self._logged(name)

    @call()
    def log_entries(self, since, until):
        found = [one for name in self.incidents for one in self._logged(name) if since <= one.entry.at <= until]
        return found, True

    @call(writes=True)
    def edit(self, name, values):
        self.incidents[name] = replace(self.incidents[name], **values)
        self.changed[name] = self.clock.second()
        return {}

    @call(writes=True)
    def set_status(self, name, status, reopens=False):
        there = self.incidents[name].status
        if status == there or (status != "resolved" and there != ("resolved" if reopens else "triggered")):
            return False, None if status == "resolved" else self._seen(name)
        for one in ["triggered", status] if (there, status) == ("resolved", "acknowledged") else [status]:
            self._move(name, one, BOT)
        return True, self._seen(name)

    def _seen(self, name):
        return Logged(None, self.incidents[name], self.changed[name])


@dataclass(frozen=True)
class Logged:
    entry: LogEntry | None
    incident: Incident
    at: datetime


class NothingSaid:
    """Comments and notes, of which there are none here."""

    def of(self, one):
        return {} if isinstance(one, list) else []

    def learn(self, project, issue_type):
        """Nothing to learn."""


class NothingKnown:
    """A cache that is empty."""

    def get(self, name):
        """Nothing."""


NOTHING_KNOWN = NothingKnown()
NOTHING_SAID = NothingSaid()


@dataclass
class Jira(Side):
    """Issues by key: (draft, category); the search index knows them a while after they were made."""

    issues: dict = field(default_factory=dict)
    made_at: dict = field(default_factory=dict)
    changed: dict = field(default_factory=dict)
    last_mover: dict = field(default_factory=dict)
    own_id = "bot"

    @property
    def comments(self):
        return NOTHING_SAID

    def incident_issues(self, name):
        return [key for key, (draft, _) in self.issues.items() if draft.mark == f"incident:{name}"]

    def category(self, key):
        return self.issues[key][1]

    def person(self, key, category):
        """Jim moves an issue on, or out of done."""
        if self.category(key) != category and (category != "new" or self.category(key) == "done"):
            self._move(key, category, Person("JIM", "Jim"))

    def _move(self, key, category, actor):
        self.clock.now += 0.01
        left = self.category(key)
        self.last_mover[key] = actor.id
        self.issues[key] = (self.issues[key][0], category)
        self.changed[key] = self.clock.moment()
        event_id = f"{key}-{len(self.under_way)}-{self.clock()}"
        self.under_way.append(
            IssueUpdated(event_id, self.clock.moment(), Issue(key, key, category), actor, moved=True,
                         left=left))

    def _make(self, draft):
        key = f"{draft.project}-{len(self.issues) + 1}"
        self.issues[key] = (draft, "new")
        self.made_at[key] = self.clock()
        self.changed[key] = self.clock.moment()
        return Created(key, key)

    @call()
    def learn_site(self):
        pass

    @property
    def screens(self):
        return NOTHING_SAID

    @call(writes=True)
    def create(self, draft):
        return self._make(draft)

    @call(writes=True)
    def create_all(self, drafts):
        return [self._make(draft) for draft in drafts]

    @call(writes=True)
    def transition(self, key, way):
        if self.category(key) == way.category:
            return "there"
        if self.category(key) == "done" != way.agreed:
            return "left"
        self._move(key, way.category, Person("bot", "jpi"))
        return "moved"

    @call()
    def status(self, status_id):
        return status_id, status_id

    @call(writes=True)
    def edit(self, key, values):
        self.changed[key] = self.clock.moment()
        return {}

    @call()
    def labelled(self, project, label):
        found = [key for key, (draft, _) in self.issues.items()
                 if label in draft.labels and self.made_at[key] <= self.clock() - LAG + 1]
        return Issue(found[0], found[0], self.category(found[0])) if found else None

    @call()
    def marks(self, key, link_type, like):
        return {draft.mark for draft, _ in self.issues.values()
                if any((to.type, to.key) == (link_type, key) for to in draft.links)}

    @call()
    def moved(self, key):
        return self.changed[key].timestamp() != self.made_at[key]

    @call()
    def recent(self, label, minutes):
        since = self.clock() - 60 * minutes
        return [key for key, (draft, _) in self.issues.items()
                if label in draft.labels and self.changed[key].timestamp() >= since
                and self.made_at[key] <= self.clock() - LAG]

    @call()
    def states(self, keys):
        return [(Issue(key, key, self.category(key)), self.changed[key]) for key in keys]


@dataclass
class Store:
    """Links, ledger and cursor, as strict about versions as DynamoDB is."""

    breaks: Breaks
    links: dict = field(default_factory=dict)
    ids: set = field(default_factory=set)
    position: object = None
    writes: int = 0

    @call()
    def get(self, name):
        return self.links.get(name, Link(name))

    def get_all(self, names):
        return {name: self.get(name) for name in names}

    @call()
    def incident_of(self, key):
        return next((link.incident_id for link in self.links.values() if link.issue_key == key), None)

    @call()
    def open(self):
        return [link for link in self.links.values() if link.open]

    @call(writes=True)
    def save(self, link):
        there = self.links.get(link.incident_id)
        if (there.version if there else None) != link.version:
            raise LostRace("another was first")
        self.links[link.incident_id] = replace(link, version=(link.version or 0) + 1)
        return self.links[link.incident_id]

    @call()
    def known(self, ids):
        return self.ids & set(ids)

    @call(writes=True)
    def add(self, ids):
        self.ids |= set(ids)


class Cursor:
    """The poll's position."""

    position = None

    def load(self):
        return self.position

    def save(self, position):
        self.position = position


class Silent:
    """A log that nobody reads."""

    def info(self, msg, *, extra):
        """Nothing."""

    warning = error = info


class Model:
    """Everything, wired; `queue` holds what was handed over and not applied yet."""

    status = 202

    def __init__(self):
        self.clock, self.under_way, self.queue = Clock(), [], []
        self.breaks = Breaks(self.clock)
        self.pagerduty = PagerDuty(self.clock, self.breaks, self.under_way)
        self.jira = Jira(self.clock, self.breaks, self.under_way)
        self.store, self.cursor = Store(self.breaks), Cursor()
        self.start()

    def start(self):
        """A new process."""
        parts = self.store, self.store, POLICY, self.clock, Silent()
        links, ledger, policy, clock, log = parts
        self.engine = Engine(self.jira, self.pagerduty, links, ledger, NOTHING_KNOWN, policy, clock, log, Figures(),
                             LAG)
        reconcile = Reconcile(self.jira, self.pagerduty, links, policy, clock, log)
        self.poller = Poll(self.pagerduty, links, ledger, self.cursor, reconcile, self, policy, clock, log, 6)

    def __call__(self, events):
        """Hand over, as `jpi.queue.Queue` does."""
        self.queue += events
        return ["queued"] * len(events)

    def deliver(self, event):
        """A webhook arrives; for an issue of nobody's it is dropped at the door."""
        if isinstance(event, IssueUpdated):
            event = replace(event, incident_id=self.store.incident_of(event.issue.key))
        if incident_of(event):
            self.queue.append(event)

    def attempt(self, work):
        """As Lambda does it: whether it worked; whoever dies is started again."""
        try:
            work()
        except Crash:
            self.start()
            return False
        except Retryable:
            return False
        except Permanent as error:
            raise AssertionError("nothing here is beyond mending") from error
        return True

    def work(self, number=0, keep=False):
        """Apply one of the queued events, the first of its incident unless `keep`: then a copy of any."""
        if not self.queue:
            return
        event = self.queue[number % len(self.queue)]
        first = event if keep else next(one for one in self.queue if incident_of(one) == incident_of(event))
        if self.attempt(lambda: self.engine.apply(first)) and not keep:
            self.queue.remove(first)

    def poll(self):
        """The schedule's turn."""
        self.attempt(self.poller.run)

    def drain(self):
        """Until the queue is empty; time passes where somebody may still be at it."""
        for _ in range(200):
            if not self.queue:
                return
            before = len(self.queue)
            self.work()
            self.clock.now += 60 * (len(self.queue) == before)
        raise AssertionError(f"still queued: {self.queue}")

    def settle(self):
        """Quiet: nothing breaks any more, two polls, everything applied."""
        self.breaks.kind = ""
        for _ in range(2):
            self.drain()
            self.clock.now += 60
            self.poll()
        self.drain()
        self.clock.now += 60

    def total_writes(self):
        """Writes to either service."""
        return self.pagerduty.writes + self.jira.writes

    def wrong(self):
        """What is not as it should be after quiet and two polls, in words."""
        return {name: said for name in self.pagerduty.incidents if (said := self._wrong(name))}

    def _wrong(self, name):
        incident, keys = self.pagerduty.incidents[name], self.jira.incident_issues(name)
        entries = self.pagerduty.logs[name]
        if not any(entry.priority == "P1" for entry in entries):
            return "an issue that nobody wanted" if keys else ""
        if len(keys) != 1:
            return f"{len(keys)} issues"
        parts = Counter(to.type for draft, _ in self.jira.issues.values() for to in draft.links if to.key == keys[0])
        if parts != {QUESTION: 3, TIMELINE: len(entries)}:
            return f"{parts} of 3 questions and {len(entries)} entries"
        ends = incident.status, self.jira.category(keys[0])
        if ends == ("acknowledged", "new") and self.jira.last_mover.get(keys[0]) == "JIM":
            # If it was acknowledged before it was done: PagerDuty's API cannot take that back.
            return ""
        if CATEGORY_OF[incident.status] != self.jira.category(keys[0]):
            return f"{incident.status} and {self.jira.category(keys[0])}"
        return ""
