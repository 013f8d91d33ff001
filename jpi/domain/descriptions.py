"""What was done about an event, what was not, and what to do about a failure, in sentences for people. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from jpi.domain.action_words import describe_planned_action
from jpi.domain.actions import (
    AcceptStatus,
    Action,
    AddComment,
    AddTimeline,
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
from jpi.domain.decide import Reason
from jpi.domain.events import Event, IssueEvent
from jpi.domain.link import Link
from jpi.domain.model import STATUS_BY_CATEGORY
from jpi.domain.policy import Policy
from jpi.domain.text_limits import cut_text
from jpi.errors import (
    AwsOutage,
    JpiError,
    NoTransition,
    OutcomeUnknown,
    OutOfTime,
    PermanentError,
    Refused,
    ServiceUnavailable,
    TooEarly,
)

VALUE_MAX_CHARACTERS, ATTEMPT_MAX_CHARACTERS = 120, 250
ISSUE_NOT_MOVED = (
    "The issue was left where it is: its workflow has no way to {to}, as a comment on it says, or somebody has "
    "closed it meanwhile."
)
# What Jira's three categories are called where nobody has renamed them.
CATEGORY_NAMES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
# Rows of earlier versions hold this sentence.
NO_ISSUE_TO_UPDATE = "The incident has no issue that it could be told to."
_TEXT_BY_REASON: Mapping[Reason, str] = {
    Reason.LINK_ENDED: "Sync has ended, because the incident or its issue is gone.",
    Reason.OWN_ECHO: "Our own account made this change: it is an echo of what jpi wrote.",
    Reason.NO_ISSUE: NO_ISSUE_TO_UPDATE,
    Reason.STALE: "A newer state was applied already.",
    Reason.NOTHING_NEW: "No change needed.",
}


def describe_performed_action(action: Action, performed_action: Action, link: Link) -> tuple[str, bool]:
    """What became of `action`, of which `was` was carried out, `link` being what is known then; and whether all of it
    was.
    """
    if isinstance(action, EditIssue | EditIncident):
        return _describe_edit(action, performed_action)
    if isinstance(action, TransitionIssue) and link.status.on_jira != STATUS_BY_CATEGORY[action.category]:
        return ISSUE_NOT_MOVED.format(to=CATEGORY_NAMES[action.category]), False
    return _PERFORMED_TEXT_BY_ACTION[type(action)](action, link), True


def _describe_edit(action: EditIssue | EditIncident, performed_action: Action) -> tuple[str, bool]:
    where, title = ("issue", "summary") if isinstance(action, EditIssue) else ("incident", "title")
    written = performed_action.values if isinstance(performed_action, EditIssue | EditIncident) else {}
    names = {name: title if name == "title" else name for name in action.values}
    said = [f"{names[name]} {cut_text(value, VALUE_MAX_CHARACTERS)!r}" if isinstance(value := written[name], str)
            and name != "assignee" else names[name] for name in action.values if name in written]
    left = [names[name] for name in action.values if name not in written]
    text = f"Set the {where}'s {', '.join(said)}." if said else ""
    refused = f"Left the {where}'s {', '.join(left)} as it was." if left else ""
    return " ".join(filter(None, (text, refused))), not left


def _describe_creation(action: CreateIncidentIssue, link: Link) -> str:
    return f"Made the issue {link.issue_key}."


_PERFORMED_TEXT_BY_ACTION: Mapping[type, Callable[[Any, Link], str]] = {
    CreateIncidentIssue: _describe_creation,
    TransitionIssue: lambda action, link: f"Moved the issue to {CATEGORY_NAMES[action.category]}.",
    AcceptStatus: lambda action, link: f"Took the status {action.status} as known; it is not carried over.",
    AddComment: lambda action, link: f"Commented on the issue: {cut_text(action.text, VALUE_MAX_CHARACTERS)!r}",
    AddTimeline: lambda action, link:
        f"Saw to {len(action.entries)} line{'' if len(action.entries) == 1 else 's'} of the timeline.",
    SetIncidentStatus: lambda action, link:
        f"{'Reopened' if action.is_reopening else 'Set'} the incident: {action.status}.",
    MirrorNote: lambda action, link: f"Made {action.note.author or 'somebody'}'s note a comment on the issue.",
    EditComment: lambda action, link: "Took a note's change over into its comment.",
    MirrorComment: lambda action, link:
        f"Made {action.comment.author.name if action.comment.author else 'somebody'}'s comment a note of the incident.",
    EditNote: lambda action, link: "Took a comment's change over into its note.",
    EndLink: lambda action, link: f"Ended the link: what it ties is gone on {action.gone_side.display_name}.",
    ReplaceManager: lambda action, link:
        f"Made {action.person_name} the issue's incident manager, if they have an issue.",
}


def describe_failed_action(action: Action, policy: Policy) -> str:
    """What an action that failed would have done."""
    return f"Could not {cut_text(describe_planned_action(action, policy), ATTEMPT_MAX_CHARACTERS)}."


def describe_reason(reason: Reason | None, event: Event, policy: Policy) -> str:
    """Return why an event called for nothing; empty where it called for something."""
    if reason is None:
        return ""
    if reason in _TEXT_BY_REASON or isinstance(event, IssueEvent):
        return _TEXT_BY_REASON.get(reason, "")
    has = f"priority {event.incident.priority}" if event.incident.priority else "no priority"
    if reason is Reason.SKIPPED_BY_RULE:
        return f"A rule of the sync file says that such an incident ({has}) gets no issue."
    if policy.rules:
        return f"No rule of the sync file matches it: it has {has}, urgency {event.incident.urgency or 'unknown'}."
    priorities = ", ".join(sorted(policy.sync_priorities))
    return f"It has {has}; only {priorities} gets an issue (SYNC_PRIORITIES). Should that change, it gets one then."


def remediation_for(error: JpiError) -> str:
    """What to do about a failure, and whether jpi goes on by itself."""
    if isinstance(error, Refused):
        return _remediation_for_refusal(error)
    if isinstance(error, NoTransition):
        return "Change the workflow on Jira, or name the status to use in the sync file."
    by_type: dict[type[JpiError], str] = {
        OutOfTime: "There was no time left in this run: it is tried again by itself.",
        ServiceUnavailable: "The service limits jpi or could not be reached: it is tried again by itself.",
        OutcomeUnknown: "Nobody knows whether that was done: jpi looks before it tries again, by itself.",
        TooEarly: "It is tried again by itself in a moment.",
        AwsOutage: "AWS did not do its part: it is tried again by itself.",
        PermanentError: "It is not tried again at once. Mend what it says; the next poll comes back to it.",
    }
    return next((said for kind, said in by_type.items() if isinstance(error, kind)), "It is tried again by itself.")


def _remediation_for_refusal(error: Refused) -> str:
    service, token, account = (("Jira", "JIRA_API_TOKEN", "JIRA_USER_EMAIL") if error.service == "Jira"
                               else ("PagerDuty", "PAGERDUTY_API_TOKEN", "PAGERDUTY_USER_EMAIL"))
    if error.is_unauthorized:
        return f"{service} does not take the token: make a new one and put it into {token}."
    if error.is_forbidden:
        return f"The account of {account} may not do that on {service}: give it the right to."
    if error.is_not_found:
        return f"It is not there, or {account} may not see it on {service}."
    if error.field_errors:
        return (f"{service} wants something else in: {', '.join(error.field_errors)}. Fill it in by a rule of the sync "
                "file, or change the screen; the next poll comes back to it.")
    return f"{service} says why; once that is mended, the next poll comes back to it."
