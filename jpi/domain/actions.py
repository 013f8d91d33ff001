"""Writes to one side, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jpi.domain.model import Category, Comment, Incident, LogEntry, Note, Side, SourceId, Status
from jpi.domain.policy import IssueSpec


@dataclass(frozen=True)
class CreateIncidentIssue:
    """Create the incident's issue, with its questions, stakeholders and incident manager."""

    incident: Incident
    agent_name: str | None = None
    issue_spec: IssueSpec = field(default_factory=IssueSpec)


@dataclass(frozen=True)
class TransitionIssue:
    """Move the issue from the category that both sides agreed on into this one."""

    category: Category
    from_category: Category


@dataclass(frozen=True)
class AcceptStatus:
    """Remember the status without carrying it over."""

    status: Status


@dataclass(frozen=True)
class AddComment:
    """Comment on the issue, once per `idempotency_key`."""

    idempotency_key: str
    text: str


@dataclass(frozen=True)
class AddTimeline:
    """Create an issue of the timeline for each entry that was not carried over yet."""

    entries: tuple[LogEntry, ...]


@dataclass(frozen=True)
class SetIncidentStatus:
    """Set the incident's status. `is_reopening`: it is resolved now."""

    status: Status
    is_reopening: bool = False


@dataclass(frozen=True)
class Assignee:
    """A person as `side` knows them; the executor finds the same person on the other side."""

    side: Side
    id: str
    name: str = ""


@dataclass(frozen=True)
class EditIssue:
    """Set the issue's summary (`title`), priority or assignee. `changed_at`: when they changed where they come from."""

    values: Mapping[str, str | Assignee]
    changed_at: float


@dataclass(frozen=True)
class EditIncident:
    """Set the incident's title, priority or assignee. `changed_at`: when they changed where they come from.

    `assignee_ids`: the incident's assignees; the new one takes the place of `replaced_id`, all others stay.
    """

    values: Mapping[str, str | Assignee]
    changed_at: float
    assignee_ids: tuple[str, ...] = ()
    replaced_id: str | None = None


@dataclass(frozen=True)
class MirrorNote:
    """Copy a note into a comment, once."""

    note: Note


@dataclass(frozen=True)
class EditComment:
    """Change the comment copied from a note to what the note says now; None: delete it."""

    source: SourceId
    note: Note | None


@dataclass(frozen=True)
class MirrorComment:
    """Copy a comment into a note, once."""

    comment: Comment


@dataclass(frozen=True)
class EditNote:
    """Change the note copied from a comment to what the comment says now; None: delete it."""

    source: SourceId
    comment: Comment | None


@dataclass(frozen=True)
class EndLink:
    """End the sync, because incident or issue is gone on `gone_side`, and say so on the other side."""

    gone_side: Side


@dataclass(frozen=True)
class ReplaceManager:
    """Link the issue to this person's issue as its only incident manager."""

    person_name: str


ConversationAction = MirrorNote | EditComment | MirrorComment | EditNote
Action = (CreateIncidentIssue | AcceptStatus | TransitionIssue | AddComment | AddTimeline | SetIncidentStatus
          | EditIssue | EditIncident | ReplaceManager | ConversationAction | EndLink)
