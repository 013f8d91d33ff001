"""Writes to one side, as values."""

from collections.abc import Mapping
from dataclasses import dataclass

from jpi.sync.events import Category, Incident, LogEntry, Status


@dataclass(frozen=True)
class CreateIncidentIssue:
    """Make the incident's issue, with its questions, stakeholders and incident manager."""

    incident: Incident
    agent: str | None = None


@dataclass(frozen=True)
class TransitionIssue:
    """Bring the issue from the category both sides agreed on into this one."""

    category: Category
    agreed: Category


@dataclass(frozen=True)
class AddComment:
    """Comment on the issue, once per `mark`."""

    mark: str
    text: str


@dataclass(frozen=True)
class AddTimeline:
    """One issue of the timeline for each entry not carried over yet."""

    entries: tuple[LogEntry, ...]


@dataclass(frozen=True)
class SetIncidentStatus:
    """Bring the incident into this status. `reopens`: it is to be resolved before."""

    status: Status
    reopens: bool = False


@dataclass(frozen=True)
class EditIssue:
    """Set the issue's summary (`title`) or priority, in Jira's words; changed where they come from at `at`."""

    values: Mapping[str, str]
    at: float


@dataclass(frozen=True)
class EditIncident:
    """Set the incident's title or priority, in PagerDuty's words; changed where they come from at `at`."""

    values: Mapping[str, str]
    at: float


Action = (CreateIncidentIssue | TransitionIssue | AddComment | AddTimeline | SetIncidentStatus | EditIssue
          | EditIncident)
