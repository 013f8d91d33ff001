"""What happened to an incident or an issue, whichever way we heard of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Status = Literal["triggered", "acknowledged", "resolved"]
Category = Literal["new", "indeterminate", "done"]

# The two vocabularies of status, most open first. Jira's category names differ by site, its keys do not.
CATEGORY_OF: Mapping[Status, Category] = {"triggered": "new", "acknowledged": "indeterminate", "resolved": "done"}
STATUS_OF: Mapping[Category, Status] = {category: status for status, category in CATEGORY_OF.items()}


@dataclass(frozen=True)
class Person:
    """Somebody on either side, as webhooks refer to them: never with an e-mail."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class Incident:
    """PagerDuty's incident as a webhook or a read shows it; what it did not say is None.

    `details`: its trigger's, as text; `trigger`: the same, as JSON. `key`: what whoever opened it called it.
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
    """One entry of an incident's log; `details` are a trigger's own, as text; `trigger`: as JSON."""

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
        """Whether the incident began with it."""
        return self.type == "trigger_log_entry"


@dataclass(frozen=True)
class IncidentEvent:
    """Something happened on PagerDuty; `incident` is what that side looks like at `at`."""

    id: str
    at: datetime
    incident: Incident
    actor: Person | None = None
    source: str = "webhook"

    @property
    def changed(self) -> frozenset[str]:
        """The fields that it says were changed just then."""
        return frozenset()


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


@dataclass(frozen=True)
class IncidentLogged(IncidentEvent):
    """The poll found entries in its log; `incident` is its state when it was read with them, at `read_at`.

    `whole`: nothing of its log is missing, but for what was carried over already.
    """

    entries: tuple[LogEntry, ...] = field(default=())
    source: str = "poll"
    read_at: datetime | None = None
    whole: bool = False


@dataclass(frozen=True)
class Issue:
    """Jira's issue as a webhook or a read shows it; what it did not say is None. `status` is its name there."""

    key: str
    id: str | None = None
    category: Category | None = None
    title: str | None = None
    priority: str | None = None
    status: str | None = None
    type: str | None = None
    assignee: Person | None = None


@dataclass(frozen=True)
class IssueUpdated:
    """Something happened on Jira; `issue` is what that side looks like at `at`. `read_at`: the poll's, when it read.

    `moved`: the event says that the status changed, `left`: from which, by id, `reopens`: and that it was done before.
    `changed`: which other fields it says were.
    `incident_id`: whose issue it is, once that was looked up.
    """

    id: str
    at: datetime
    issue: Issue
    actor: Person | None = None
    source: str = "webhook"
    read_at: datetime | None = None
    moved: bool = False
    left: str | None = None
    reopens: bool = False
    incident_id: str | None = None
    changed: frozenset[str] = frozenset()


Event = IncidentEvent | IssueUpdated


def incident_of(event: Event) -> str | None:
    """The incident that an event concerns; None where that was not looked up yet."""
    return event.incident_id if isinstance(event, IssueUpdated) else event.incident.id
