"""Events on either side, however jpi learned of them: by webhook, log entry or read."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from jpi.domain.model import Comment, Incident, IncidentSnapshot, Issue, LogEntry, Note, Person, Side

# The source of an event that somebody asked for, on the status page.
MANUAL_SOURCE = "by hand"


@dataclass(frozen=True)
class BaseEvent:
    """Something that happened on a side, by the sender's clock at `at`.

    `request`: the id of the delivery or poll that brought the event; every log line about the event has it.
    `read_at`: when jpi read the state, by its own clock; None if the event brought the state itself.
    """

    side: ClassVar[Side]

    id: str
    at: datetime
    request: str = field(default="", kw_only=True)
    read_at: datetime | None = field(default=None, kw_only=True)

    @property
    def observed_at(self) -> float:
        """Return when the state shown was true, in epoch seconds."""
        return (self.read_at or self.at).timestamp()


@dataclass(frozen=True)
class IncidentEvent(BaseEvent):
    """Something happened on PagerDuty, and the incident looks like `incident` now."""

    side = Side.PAGERDUTY

    incident: Incident
    actor: Person | None = None
    source: str = "webhook"

    @property
    def snapshot(self) -> Incident | None:
        """Return the incident's state; None where only its id is known."""
        return self.incident

    @property
    def changed(self) -> frozenset[str]:
        """Return the fields that the event itself reports as changed."""
        return frozenset()


@dataclass(frozen=True)
class IncidentTriggered(IncidentEvent):
    """The incident was opened."""


@dataclass(frozen=True)
class IncidentAcknowledged(IncidentEvent):
    """Somebody works on the incident."""


@dataclass(frozen=True)
class IncidentUnacknowledged(IncidentEvent):
    """Nobody works on the incident any more."""


@dataclass(frozen=True)
class IncidentResolved(IncidentEvent):
    """The incident was resolved, or merged into another."""


@dataclass(frozen=True)
class IncidentReopened(IncidentEvent):
    """The resolved incident was opened again."""


@dataclass(frozen=True)
class IncidentPriorityUpdated(IncidentEvent):
    """The incident's priority was set, raised, lowered or cleared."""

    @property
    def changed(self) -> frozenset[str]:
        """Return the priority."""
        return frozenset({"priority"})


@dataclass(frozen=True)
class IncidentReassigned(IncidentEvent):
    """The incident went to another person, level or escalation policy."""

    @property
    def changed(self) -> frozenset[str]:
        """Return the assignee."""
        return frozenset({"assignee"})


@dataclass(frozen=True)
class IncidentAnnotated(IncidentEvent):
    """Somebody wrote a note. `notes` is None where their texts are not known yet."""

    notes: tuple[Note, ...] | None = None

    @property
    def snapshot(self) -> None:
        """Return None: the event does not show the incident's state."""


@dataclass(frozen=True)
class IncidentGone(IncidentEvent):
    """PagerDuty says that the incident does not exist, or that jpi may not see it."""

    @property
    def snapshot(self) -> None:
        """Return None: there is no state."""


@dataclass(frozen=True)
class IncidentLogged(IncidentEvent):
    """The poll found log entries; `incident` is the state that it read with them.

    `whole`: the entries are the whole log, but for those that were carried over already.
    `notes`: all notes of the incident, once they were read; `has_unread_notes`: but for those that are not readable.
    """

    entries: tuple[LogEntry, ...] = field(default=())
    source: str = "poll"
    whole: bool = False
    notes: tuple[Note, ...] | None = None
    has_unread_notes: bool = False

    @property
    def annotation_ids(self) -> frozenset[str]:
        """Return the ids of the entries that report notes."""
        return frozenset(entry.id for entry in self.entries if entry.type == "annotate_log_entry")


@dataclass(frozen=True)
class IssueEvent(BaseEvent):
    """Something happened on Jira.

    `incident_id`: the incident that the issue is linked to, once that was looked up.
    `changed`: the fields that the event itself reports as changed.
    """

    side = Side.JIRA

    issue: Issue
    actor: Person | None = None
    source: str = "webhook"
    incident_id: str | None = None
    changed: frozenset[str] = frozenset()

    @property
    def snapshot(self) -> Issue | None:
        """Return the issue's state; None where only its key is known."""
        return None

    @property
    def issue_keys(self) -> tuple[str, ...]:
        """Return the keys by which the link may be found."""
        return (self.issue.key,)


@dataclass(frozen=True)
class IssueUpdated(IssueEvent):
    """The issue was changed or read, and looks like `issue` now.

    `moved`: the event reports a change of status, `left`: from this status, by id, `reopens`: which meant done.
    `old_key`: the issue's key in the project that it was moved from; `is_reclassified`: the event reports a change of
    project, type or priority, which rules go by.
    `comments`: those that the poll found; `has_unread_comments`: Jira did not give them all, so a later poll reads
    them again.
    `incident`: the incident as it was read just before the issue's change is carried over.
    """

    moved: bool = False
    left: str | None = None
    reopens: bool = False
    old_key: str | None = None
    is_reclassified: bool = False
    comments: tuple[Comment, ...] = ()
    has_unread_comments: bool = False
    incident: IncidentSnapshot | None = None

    @property
    def snapshot(self) -> Issue:
        """Return the issue's state."""
        return self.issue

    @property
    def issue_keys(self) -> tuple[str, ...]:
        """Return the key, and the old one if the issue was moved to another project."""
        return (self.issue.key, self.old_key) if self.old_key else (self.issue.key,)


@dataclass(frozen=True)
class IssueCreated(IssueEvent):
    """An issue was created."""


@dataclass(frozen=True)
class IssueCommented(IssueEvent):
    """A comment was written, changed or (`deleted`) removed; the issue is known by its key alone."""

    comment: Comment | None = None
    deleted: bool = False


@dataclass(frozen=True)
class IssueDeleted(IssueEvent):
    """The issue was deleted, or hidden from jpi."""


Event = IncidentEvent | IssueEvent


def get_incident_id(event: Event) -> str | None:
    """Return the incident that an event concerns; None where that was not looked up yet."""
    return event.incident_id if isinstance(event, IssueEvent) else event.incident.id
