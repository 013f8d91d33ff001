"""What both services keep, as values: incidents, log entries and notes; issues and comments. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from jpi.errors import ServiceUnavailable

Status = Literal["triggered", "acknowledged", "resolved"]
Category = Literal["new", "indeterminate", "done"]

# The two vocabularies of status, most open first. Jira's category names differ by site, its keys do not.
CATEGORY_BY_STATUS: Mapping[Status, Category] = {"triggered": "new", "acknowledged": "indeterminate",
                                                 "resolved": "done"}
STATUS_BY_CATEGORY: Mapping[Category, Status] = {category: status for status, category in CATEGORY_BY_STATUS.items()}


class Side(StrEnum):
    """One of the two services."""

    PAGERDUTY = "pagerduty"
    JIRA = "jira"

    @property
    def other(self) -> "Side":
        """Return the opposite side."""
        return Side.JIRA if self is Side.PAGERDUTY else Side.PAGERDUTY

    @property
    def display_name(self) -> str:
        """Return the service's name as people write it."""
        return "PagerDuty" if self is Side.PAGERDUTY else "Jira"


class SourceKind(StrEnum):
    """What is mirrored on the other side."""

    NOTE = "note"
    COMMENT = "comment"


@dataclass(frozen=True)
class SourceId:
    """The note or comment that a mirror was made of."""

    kind: SourceKind
    id: str

    @property
    def idempotency_key(self) -> str:
        """Return the key under which the processed ids keep it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Person:
    """A person on either side, as webhooks show them: never with an e-mail."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class Incident:
    """PagerDuty's incident as a webhook or a read shows it; None where it does not show a field.

    `details`: the trigger's details as text; `trigger`: the same as JSON. `key`: its name for whoever opened it.
    """

    id: str
    title: str | None = None
    status: Status | None = None
    priority: str | None = None
    url: str | None = None
    service: str | None = None
    service_id: str | None = None
    key: str | None = None
    urgency: str | None = None
    number: int | None = None
    assignees: tuple[Person, ...] = ()
    merged_into: str | None = None
    details: str | None = None
    trigger: Any = None
    created: datetime | None = None
    reopened: datetime | None = None


@dataclass(frozen=True)
class LogEntry:
    """One entry of an incident's log. `details`: those of a trigger as text; `trigger`: the same as JSON."""

    id: str
    type: str
    at: datetime
    summary: str
    priority: str | None = None
    agent: Person | None = None
    details: str | None = None
    trigger: Any = None
    url: str | None = None

    @property
    def is_trigger(self) -> bool:
        """Return True if the entry opened the incident."""
        return self.type == "trigger_log_entry"


@dataclass(frozen=True)
class IncidentSnapshot:
    """An incident as it is now; `changed_at` is when it last changed, to the second."""

    incident: Incident
    changed_at: datetime


@dataclass(frozen=True)
class LogEntrySnapshot(IncidentSnapshot):
    """One log entry with the incident it belongs to."""

    entry: LogEntry


@dataclass(frozen=True)
class Note:
    """A note on PagerDuty. `trimmed`: the webhook brought only its beginning."""

    id: str
    text: str
    at: datetime
    author: str = ""
    trimmed: bool = False

    @property
    def source(self) -> SourceId:
        """Return the id of its mirror's source."""
        return SourceId(SourceKind.NOTE, self.id)


@dataclass(frozen=True)
class Issue:
    """Jira's issue as a webhook or a read shows it; None where it does not show a field. `status`: its name."""

    key: str
    id: str | None = None
    category: Category | None = None
    title: str | None = None
    priority: str | None = None
    status: str | None = None
    type: str | None = None
    assignee: Person | None = None


@dataclass(frozen=True)
class IssueStates:
    """Issues as they are now, each with the time of its last change.

    `unread_ids`: the requested ids of those that Jira could not read this time. Any other missing one is gone.
    """

    states: Sequence[tuple[Issue, datetime]] = ()
    unread_ids: frozenset[str] = frozenset()

    def get_all(self) -> Sequence[tuple[Issue, datetime]]:
        """Return the states; raise ServiceUnavailable if Jira could not read one of the issues."""
        if self.unread_ids:
            raise ServiceUnavailable(f"Jira could not read these issues now: {', '.join(sorted(self.unread_ids))}")
        return self.states


@dataclass(frozen=True)
class Comment:
    """A comment on Jira, as plain text. `at`: when it was last changed; `internal`: not everybody may read it."""

    id: str
    text: str
    at: datetime
    author: Person | None = None
    internal: bool = False

    @property
    def source(self) -> SourceId:
        """Return the id of its mirror's source."""
        return SourceId(SourceKind.COMMENT, self.id)


@dataclass(frozen=True)
class IssueComments:
    """The readable comments of several issues, by issue id; `unread_ids`: the issues that have, or may have, others."""

    by_issue_id: Mapping[str, Sequence[Comment]]
    unread_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class IncidentNotes:
    """The readable notes of an incident, the oldest first; `is_whole`: there are no others."""

    notes: Sequence[Note] = ()
    is_whole: bool = True


WebhookScope = tuple[str, str]


@dataclass(frozen=True)
class Webhook:
    """A webhook as it is registered with a service. `scope`: Jira's JQL, or PagerDuty's (kind, id).

    `is_active`: it should deliver; `is_delivering`: it does, since PagerDuty has not disabled it.
    """

    id: str
    url: str
    event_types: frozenset[str]
    scope: str | WebhookScope
    is_active: bool = True
    is_delivering: bool = True
    is_signed: bool = True
