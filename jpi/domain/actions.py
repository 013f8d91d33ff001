"""Writes to one side, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jpi.domain.model import Category, Comment, Incident, LogEntry, Note, Side, SourceId, Status
from jpi.domain.policy import IssueSpec


@dataclass(frozen=True)
class CreateIncidentIssue:
    """Make the incident's issue, with its questions, stakeholders and incident manager."""

    incident: Incident
    agent_name: str | None = None
    issue_spec: IssueSpec = field(default_factory=IssueSpec)


@dataclass(frozen=True)
class TransitionIssue:
    """Bring the issue from the category both sides agreed on into this one."""

    category: Category
    from_category: Category


@dataclass(frozen=True)
class AcceptStatus:
    """Take the status as known where it is not carried over."""

    status: Status


@dataclass(frozen=True)
class AddComment:
    """Comment on the issue, once per `mark`."""

    idempotency_key: str
    text: str


@dataclass(frozen=True)
class AddTimeline:
    """One issue of the timeline for each entry not carried over yet."""

    entries: tuple[LogEntry, ...]


@dataclass(frozen=True)
class SetIncidentStatus:
    """Bring the incident into this status. `reopens`: it is to be resolved before."""

    status: Status
    is_reopening: bool = False


@dataclass(frozen=True)
class Assignee:
    """Somebody as `side` knows them; who that is on the other is looked up when it is written there."""

    side: Side
    id: str
    name: str = ""


@dataclass(frozen=True)
class EditIssue:
    """Set the issue's summary (`title`), priority or assignee, in Jira's words; changed where they come from at `at`.
    """

    values: Mapping[str, str | Assignee]
    changed_at: float


@dataclass(frozen=True)
class EditIncident:
    """Set the incident's title, priority or assignee, in PagerDuty's words; changed, where they come from, at `at`."""

    values: Mapping[str, str | Assignee]
    changed_at: float


@dataclass(frozen=True)
class MirrorNote:
    """A note of PagerDuty's as a comment, once."""

    note: Note


@dataclass(frozen=True)
class EditComment:
    """The comment made of this note to say what the note says now; None: it is gone."""

    source: SourceId
    note: Note | None


@dataclass(frozen=True)
class MirrorComment:
    """A comment of Jira's as a note, once."""

    comment: Comment


@dataclass(frozen=True)
class EditNote:
    """The note made of this comment to say what the comment says now; None: it is gone."""

    source: SourceId
    comment: Comment | None


@dataclass(frozen=True)
class EndLink:
    """Keep them in step no more, as one of them is gone, and say so on the other; `side` is the one that is gone."""

    gone_side: Side


@dataclass(frozen=True)
class ReplaceManager:
    """Link the issue to this person's issue as its incident manager, in place of whoever was."""

    person_name: str


ConversationAction = MirrorNote | EditComment | MirrorComment | EditNote
Action = (CreateIncidentIssue | AcceptStatus | TransitionIssue | AddComment | AddTimeline | SetIncidentStatus
          | EditIssue | EditIncident | ReplaceManager | ConversationAction | EndLink)
