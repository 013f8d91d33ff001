"""Writes to one side, as values, and the steps that a service may refuse of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jpi.domain.backlog import Part, StepId, StepKind, get_part_step_id
from jpi.domain.model import Category, Comment, Incident, LogEntry, Note, Side, SourceId, SourceKind, Status
from jpi.domain.policy import IssueSpec
from jpi.domain.templates import compute_digest


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

LOG_READ = StepId(StepKind.LOG_READ, Side.JIRA)
NOTES_READ = StepId(StepKind.NOTES_READ, Side.JIRA)
MANAGER = StepId(StepKind.MANAGER, Side.JIRA)
# Of the copy of a comment: it was to be deleted.
DELETION = ""


def list_steps(action: Action) -> dict[StepId, str]:
    """Return what the action writes, by the ids of its steps; nothing of an action that everything else depends on."""
    list_steps_of_type = _STEPS_BY_ACTION.get(type(action))
    return list_steps_of_type(action) if list_steps_of_type else {}


def get_copy_step_id(source: SourceId) -> StepId:
    """Return the id of the step that copies a note or a comment, or follows what became of it."""
    is_note = source.kind is SourceKind.NOTE
    return StepId(StepKind.NOTE if is_note else StepKind.COMMENT, Side.JIRA if is_note else Side.PAGERDUTY, source.id)


def _list_fields(side: Side, values: Mapping[str, str | Assignee]) -> dict[StepId, str]:
    return {StepId(StepKind.FIELD, side, name): value.id if isinstance(value, Assignee) else value
            for name, value in values.items()}


def _list_copy(source: SourceId, original: Note | Comment | None) -> dict[StepId, str]:
    return {get_copy_step_id(source): compute_digest(original.text) if original else DELETION}


_STEPS_BY_ACTION: Mapping[type[Action], Callable[[Any], dict[StepId, str]]] = {
    TransitionIssue: lambda action: {StepId(StepKind.STATUS, Side.JIRA): action.category},
    SetIncidentStatus: lambda action: {StepId(StepKind.STATUS, Side.PAGERDUTY): action.status},
    EditIssue: lambda action: _list_fields(Side.JIRA, action.values),
    EditIncident: lambda action: _list_fields(Side.PAGERDUTY, action.values),
    AddComment: lambda action: {StepId(StepKind.REMARK, Side.JIRA, action.idempotency_key): action.text},
    MirrorNote: lambda action: _list_copy(action.note.source, action.note),
    EditComment: lambda action: _list_copy(action.source, action.note),
    MirrorComment: lambda action: _list_copy(action.comment.source, action.comment),
    EditNote: lambda action: _list_copy(action.source, action.comment),
    AddTimeline: lambda action: {get_part_step_id(Part.TIMELINE): ""},
    ReplaceManager: lambda action: {MANAGER: action.person_name},
}


class Result(StrEnum):
    """The kind of an outcome; metrics are kept by it."""

    APPLIED = "applied"
    NOTHING_TO_DO = "nothing to do"
    IGNORED = "ignored"
    FAILED = "failed"
    QUEUED = "queued"


@dataclass(frozen=True)
class Outcome:
    """What came of an event; `str()` of it stands in log lines and histories.

    `action_names`: the actions that were performed. `detail`: why it was ignored, or what else was done.
    """

    result: Result
    action_names: tuple[str, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        if self.result is Result.IGNORED:
            return f"{self.result}: {self.detail}"
        return ", ".join(self.action_names) or self.detail or self.result


NOTHING_TO_DO = Outcome(Result.NOTHING_TO_DO)
FAILED = Outcome(Result.FAILED)
QUEUED = Outcome(Result.QUEUED)
INCIDENT_IS_OPEN = Outcome(Result.APPLIED, detail="an incident is open for it")
NO_LINKED_INCIDENT = Outcome(Result.IGNORED, detail="no incident is linked to this issue")
LINK_IS_PAUSED = Outcome(Result.IGNORED, detail="the link is paused")
REFUSED = Outcome(Result.FAILED, detail="refused; it is in the backlog")
OWN_ECHO = Outcome(Result.IGNORED, detail="done by our own account")


def build_outcome(actions: Sequence[Action]) -> Outcome:
    """Return the outcome of an event whose actions were performed."""
    return Outcome(Result.APPLIED, tuple(type(action).__name__ for action in actions)) if actions else NOTHING_TO_DO
