"""What happened to an incident or an issue, whichever way we heard of it."""

from dataclasses import dataclass, field
from datetime import datetime

from jpi.domain.model import Comment, Incident, Issue, LogEntry, Note, Person


@dataclass(frozen=True)
class IncidentEvent:
    """Something happened on PagerDuty; `incident` is what that side looks like at `at`.

    `request`: the id of the delivery or poll that brought it, in every log line about it.
    """

    id: str
    at: datetime
    incident: Incident
    actor: Person | None = None
    source: str = "webhook"
    request: str = field(default="", kw_only=True)

    @property
    def changed(self) -> frozenset[str]:
        """The fields that it says were changed just then."""
        return frozenset()

    @property
    def has_snapshot(self) -> bool:
        """Whether `incident` is more than its id."""
        return True


@dataclass(frozen=True)
class IncidentTriggered(IncidentEvent):
    """A new incident."""


@dataclass(frozen=True)
class IncidentAcknowledged(IncidentEvent):
    """Somebody is on it."""


@dataclass(frozen=True)
class IncidentUnacknowledged(IncidentEvent):
    """Nobody is on it any more."""


@dataclass(frozen=True)
class IncidentResolved(IncidentEvent):
    """It is over, or was merged into another."""


@dataclass(frozen=True)
class IncidentReopened(IncidentEvent):
    """It was over and is not."""


@dataclass(frozen=True)
class IncidentPriorityUpdated(IncidentEvent):
    """Its priority was set, raised, lowered or cleared."""

    @property
    def changed(self) -> frozenset[str]:
        """Just that."""
        return frozenset({"priority"})


@dataclass(frozen=True)
class IncidentReassigned(IncidentEvent):
    """Somebody else, another level or another escalation policy."""

    @property
    def changed(self) -> frozenset[str]:
        """Just that."""
        return frozenset({"assignee"})


@dataclass(frozen=True)
class IncidentAnnotated(IncidentEvent):
    """Somebody wrote a note. It says nothing of the incident's state; `notes` is None where only that is known."""

    notes: tuple[Note, ...] | None = None

    @property
    def has_snapshot(self) -> bool:
        """It does not."""
        return False


@dataclass(frozen=True)
class IncidentGone(IncidentEvent):
    """PagerDuty says that there is no such incident, or not for us to see."""

    @property
    def has_snapshot(self) -> bool:
        """It does not."""
        return False


@dataclass(frozen=True)
class IncidentLogged(IncidentEvent):
    """The poll found entries in its log; `incident` is its state when it was read with them, at `read_at`.

    `whole`: nothing of its log is missing, but for what was carried over already. `notes`: all there are, once read.
    """

    entries: tuple[LogEntry, ...] = field(default=())
    source: str = "poll"
    read_at: datetime | None = None
    whole: bool = False
    notes: tuple[Note, ...] | None = None

    @property
    def annotation_ids(self) -> frozenset[str]:
        """The ids of the entries that tell of notes."""
        return frozenset(entry.id for entry in self.entries if entry.type == "annotate_log_entry")


@dataclass(frozen=True)
class IssueEvent:
    """Something happened on Jira. `incident_id`: whose issue it is, once that was looked up.

    `changed`: the fields that it says were changed just then.
    `request`: the id of the delivery or poll that brought it, in every log line about it.
    """

    id: str
    at: datetime
    issue: Issue
    actor: Person | None = None
    source: str = "webhook"
    incident_id: str | None = None
    changed: frozenset[str] = frozenset()
    request: str = field(default="", kw_only=True)

    @property
    def issue_keys(self) -> tuple[str, ...]:
        """The keys under which its link may be found."""
        return (self.issue.key,)

    @property
    def has_snapshot(self) -> bool:
        """Whether `issue` is more than its key."""
        return False


@dataclass(frozen=True)
class IssueUpdated(IssueEvent):
    """`issue` is what that side looks like at `at`. `read_at`: the poll's, when it read.

    `moved`: the event says that the status changed, `left`: from which, by id, `reopens`: and that it was done before.
    `old_key`: what it was called in the project that it came from.
    `comments`: those the poll found.
    """

    read_at: datetime | None = None
    moved: bool = False
    left: str | None = None
    reopens: bool = False
    old_key: str | None = None
    comments: tuple[Comment, ...] = ()

    @property
    def issue_keys(self) -> tuple[str, ...]:
        """The old one too, where it has moved."""
        return (self.issue.key, self.old_key) if self.old_key else (self.issue.key,)

    @property
    def has_snapshot(self) -> bool:
        """It is."""
        return True


@dataclass(frozen=True)
class IssueCreated(IssueEvent):
    """A new issue; `ours`: by its labels we made it for an incident."""

    ours: bool = False


@dataclass(frozen=True)
class IssueCommented(IssueEvent):
    """Somebody wrote or changed a comment, or (`deleted`) took it away; of the issue it says only which."""

    comment: Comment | None = None
    deleted: bool = False


@dataclass(frozen=True)
class IssueDeleted(IssueEvent):
    """It is gone, or hidden from us."""


Event = IncidentEvent | IssueEvent


def get_incident_id(event: Event) -> str | None:
    """The incident that an event concerns; None where that was not looked up yet."""
    return event.incident_id if isinstance(event, IssueEvent) else event.incident.id
