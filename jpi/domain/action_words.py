"""What an action does, told to people before it is done. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from jpi.domain.actions import (
    AcceptStatus,
    Action,
    AddComment,
    AddTimeline,
    Assignee,
    CreateIncidentIssue,
    EditComment,
    EditIncident,
    EditIssue,
    EditNote,
    EndLink,
    MirrorComment,
    MirrorNote,
    ReplaceManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.issue_drafts import draft_incident_issue
from jpi.domain.model import STATUS_BY_CATEGORY
from jpi.domain.policy import Policy


def describe_planned_action(action: Action, policy: Policy) -> str:
    """A few words, with the values that would be written."""
    return PLANNED_TEXT_BY_ACTION[type(action)](action, policy)


def _describe_creation(action: CreateIncidentIssue, policy: Policy) -> str:
    draft = draft_incident_issue(action.incident, action.issue_spec, None, action.issue_spec.assignee or None, policy)
    fields = "; ".join(f"{name} = {value}" for name, value in draft.fields.items() if value not in ("", None))
    said = {"priority": draft.priority, "labels": " ".join(draft.labels), "assigned to": draft.assignee, "with": fields}
    parts = "".join(f", {name} {value}" for name, value in said.items() if value)
    return f"create an issue in {draft.project}: {draft.type} '{draft.summary}'{parts}"


def _describe_transition(action: TransitionIssue, policy: Policy) -> str:
    names = policy.statuses.get(STATUS_BY_CATEGORY[action.category], ())
    return f"move the issue to {' or '.join(names) or f'a status of the category {action.category!r}'}"


def _describe_edit(thing: str, action: EditIssue | EditIncident) -> str:
    shown = {name: f"{value.name or value.id}, as they are known there" if isinstance(value, Assignee) else repr(value)
             for name, value in action.values.items()}
    return " and ".join(f"set the {thing}'s {name} to {value}" for name, value in shown.items())


def _describe_note_edit(action: EditNote) -> str:
    return f"{'delete' if action.comment is None else 'change'} the note of a comment"


def _describe_comment_edit(action: EditComment) -> str:
    return f"{'delete' if action.note is None else 'change'} the comment of a note"


PLANNED_TEXT_BY_ACTION: Mapping[type, Callable[[Any, Policy], str]] = {
    CreateIncidentIssue: _describe_creation,
    TransitionIssue: _describe_transition,
    AcceptStatus: lambda action, _: f"remember that the incident is {action.status}",
    AddComment: lambda action, _: f"comment on the issue: {action.text}",
    AddTimeline: lambda action, _: f"add to the timeline what it lacks of {len(action.entries)} log entries",
    SetIncidentStatus: lambda action, _: f"set the incident to {action.status}",
    EditIssue: lambda action, _: _describe_edit("issue", action),
    EditIncident: lambda action, _: _describe_edit("incident", action),
    ReplaceManager: lambda action, _: f"link {action.person_name} as the incident manager",
    MirrorNote: lambda action, _: f"make a comment of a note by {action.note.author or 'somebody'}",
    EditComment: lambda action, _: _describe_comment_edit(action),
    MirrorComment: lambda action, _: "make a note of a comment by "
                                    f"{action.comment.author.name if action.comment.author else 'somebody'}",
    EditNote: lambda action, _: _describe_note_edit(action),
    EndLink: lambda action, _: f"end the link, as it is gone on {action.gone_side}",
}
