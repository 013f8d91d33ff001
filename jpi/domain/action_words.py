"""What an action does, told to people before it is done. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from jpi.domain.actions import (
    Action,
    AddComment,
    AddTimeline,
    AgreeOnStatus,
    Assignee,
    CarryComment,
    CarryNote,
    CreateIncidentIssue,
    EditComment,
    EditIncident,
    EditIssue,
    EditNote,
    EndLink,
    MoveManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.issue_drafts import incident_draft
from jpi.domain.model import STATUS_OF
from jpi.domain.policy import Policy


def in_words(action: Action, policy: Policy) -> str:
    """A few words, with the values that would be written."""
    return WORDS[type(action)](action, policy)


def _create(action: CreateIncidentIssue, policy: Policy) -> str:
    draft = incident_draft(action.incident, action.rule, None, action.rule.assignee or None, policy)
    fields = "; ".join(f"{name} = {value}" for name, value in draft.fields.items() if value not in ("", None))
    said = {"priority": draft.priority, "labels": " ".join(draft.labels), "assigned to": draft.assignee, "with": fields}
    parts = "".join(f", {name} {value}" for name, value in said.items() if value)
    return f"create an issue in {draft.project}: {draft.type} '{draft.summary}'{parts}"


def _transition(action: TransitionIssue, policy: Policy) -> str:
    names = policy.statuses.get(STATUS_OF[action.category], ())
    return f"move the issue to {' or '.join(names) or f'a status of the category {action.category!r}'}"


def _edited(thing: str, action: EditIssue | EditIncident) -> str:
    shown = {name: f"{value.name or value.id}, as they are known there" if isinstance(value, Assignee) else repr(value)
             for name, value in action.values.items()}
    return " and ".join(f"set the {thing}'s {name} to {value}" for name, value in shown.items())


def _note_changed(action: EditNote) -> str:
    return f"{'delete' if action.comment is None else 'change'} the note of a comment"


def _comment_changed(action: EditComment) -> str:
    return f"{'delete' if action.note is None else 'change'} the comment of a note"


WORDS: Mapping[type, Callable[[Any, Policy], str]] = {
    CreateIncidentIssue: _create,
    TransitionIssue: _transition,
    AgreeOnStatus: lambda action, _: f"remember that the incident is {action.status}",
    AddComment: lambda action, _: f"comment on the issue: {action.text}",
    AddTimeline: lambda action, _: f"add to the timeline what it lacks of {len(action.entries)} log entries",
    SetIncidentStatus: lambda action, _: f"set the incident to {action.status}",
    EditIssue: lambda action, _: _edited("issue", action),
    EditIncident: lambda action, _: _edited("incident", action),
    MoveManager: lambda action, _: f"link {action.name} as the incident manager",
    CarryNote: lambda action, _: f"make a comment of a note by {action.note.author or 'somebody'}",
    EditComment: lambda action, _: _comment_changed(action),
    CarryComment: lambda action, _: "make a note of a comment by "
                                    f"{action.comment.author.name if action.comment.author else 'somebody'}",
    EditNote: lambda action, _: _note_changed(action),
    EndLink: lambda action, _: f"end the link, as it is gone on {action.side}",
}
