"""All words for people: actions before and after they are performed, reasons, and what to do about failures. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
from jpi.domain.decide import Reason
from jpi.domain.events import Event, IssueEvent
from jpi.domain.issue_drafts import draft_incident_issue
from jpi.domain.link import Link
from jpi.domain.link_parts import HistoryFailure
from jpi.domain.model import STATUS_BY_CATEGORY, Comment, Side
from jpi.domain.policy import Policy
from jpi.domain.templates import cut_text, format_time
from jpi.domain.write_limits import Pause
from jpi.errors import (
    MISSING_SCOPE_TEXT,
    AddressError,
    AwsOutage,
    IdentityDoubt,
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
ISSUE_NOT_MOVED = ("The issue was left where it is: its workflow has no way to {to}, as a comment on it says, or "
                   "somebody has closed it meanwhile.")
# What Jira calls its three categories, unless a site has renamed them.
CATEGORY_NAMES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
# Rows of earlier versions hold this sentence.
NO_ISSUE_TO_UPDATE = "The incident has no issue that it could be told to."
_TEXT_BY_REASON: Mapping[Reason,
                         str] = {Reason.LINK_ENDED: "Sync has ended, because the incident or its issue is gone.",
                                 Reason.OWN_ECHO: "Our own account made this change: it is an echo of what jpi wrote.",
                                 Reason.NO_ISSUE: NO_ISSUE_TO_UPDATE,
                                 Reason.STALE: "A newer state was applied already.",
                                 Reason.NOTHING_NEW: "No change needed."}
_ADVICE_BY_ERROR: Mapping[type[JpiError], str] = {
    NoTransition: "Change the workflow on Jira, or name the status to use in the sync file.",
    AddressError: "Set the address to the service's own (https://, its present name); jpi retries by itself.",
    IdentityDoubt: "Create a new token, if it has expired, and put it into the setting that the reason names; jpi "
                   "retries by itself.",
    OutOfTime: "This run had no time left; jpi retries by itself.",
    ServiceUnavailable: "The service limits jpi or could not be reached; jpi retries by itself.",
    OutcomeUnknown: "The outcome is unknown; jpi looks before it retries, by itself.",
    TooEarly: "jpi retries by itself in a moment.",
    AwsOutage: "AWS failed; jpi retries by itself.",
    PermanentError: "Fix what the reason says; the next poll retries.",
}


@dataclass(frozen=True)
class ActionWords:
    """How people are told of an action: `planned` goes after "jpi would", and after "Could not" where it failed."""

    planned: Callable[[Any, Policy], str]
    done: Callable[[Any, Any, Link], str]


def describe_planned_action(action: Action, policy: Policy) -> str:
    """Return in a few words what the action would write."""
    return WORDS_BY_ACTION[type(action)].planned(action, policy)


def describe_failed_action(action: Action, policy: Policy, reason: str = "") -> str:
    """Return what a failed action would have done, and the reason."""
    text = f"Could not {cut_text(describe_planned_action(action, policy), ATTEMPT_MAX_CHARACTERS)}"
    return f"{text}: {reason}" if reason else f"{text}."


def describe_performed_action(action: Action, performed_action: Action | None, link: Link) -> tuple[str, bool]:
    """Return what became of the action, and whether all of it was done; `link`: as it is afterwards."""
    text = WORDS_BY_ACTION[type(action)].done(action, performed_action, link)
    if isinstance(action, EditIssue | EditIncident):
        return text, _get_written_values(performed_action).keys() >= action.values.keys()
    return text, not isinstance(action, TransitionIssue) or _is_moved(action, link)


def _plan_creation(action: CreateIncidentIssue, policy: Policy) -> str:
    draft = draft_incident_issue(action.incident, action.issue_spec, None, action.issue_spec.assignee or None, policy)
    fields = "; ".join(f"{name} = {value}" for name, value in draft.fields.items() if value not in ("", None))
    parts = [("priority", draft.priority), ("labels", " ".join(draft.labels)), ("assigned to", draft.assignee),
             ("with", fields)]
    text = "".join(f", {name} {value}" for name, value in parts if value)
    return f"create an issue in {draft.project}: {draft.type} '{draft.summary}'{text}"


def _plan_transition(action: TransitionIssue, policy: Policy) -> str:
    names = policy.statuses.get(STATUS_BY_CATEGORY[action.category], ())
    return f"move the issue to {' or '.join(names) or f'a status of the category {action.category!r}'}"


def _describe_transition(action: TransitionIssue, _: Action | None, link: Link) -> str:
    name = CATEGORY_NAMES[action.category]
    return f"Moved the issue to {name}." if _is_moved(action, link) else ISSUE_NOT_MOVED.format(to=name)


def _is_moved(action: TransitionIssue, link: Link) -> bool:
    return link.status.on_jira == STATUS_BY_CATEGORY[action.category]


def _plan_edit(action: EditIssue | EditIncident, _: Policy) -> str:
    values = {name: value.name or value.id if isinstance(value, Assignee) else repr(value)
              for name, value in action.values.items()}
    return " and ".join(f"set the {_get_edited_thing(action)}'s {name} to {value}" for name, value in values.items())


def _describe_edit(action: EditIssue | EditIncident, performed_action: Action | None, _: Link) -> str:
    thing, written = _get_edited_thing(action), _get_written_values(performed_action)
    title = "summary" if isinstance(action, EditIssue) else "title"
    names = {name: title if name == "title" else name for name in action.values}
    changes = [f"{names[name]} {cut_text(value, VALUE_MAX_CHARACTERS)!r}" if isinstance(value := written[name], str)
               and name != "assignee" else names[name] for name in names if name in written]
    refused = [names[name] for name in names if name not in written]
    return " ".join([*([f"Set the {thing}'s {', '.join(changes)}."] if changes else []),
                     *([f"Left the {thing}'s {', '.join(refused)} as it was."] if refused else [])])


def _get_edited_thing(action: EditIssue | EditIncident) -> str:
    return "issue" if isinstance(action, EditIssue) else "incident"


def _get_written_values(performed_action: Action | None) -> Mapping[str, str | Assignee]:
    return performed_action.values if isinstance(performed_action, EditIssue | EditIncident) else {}


def _get_author(comment: Comment) -> str:
    return comment.author.name if comment.author else "somebody"


WORDS_BY_ACTION: Mapping[type, ActionWords] = {
    CreateIncidentIssue: ActionWords(_plan_creation, lambda action, _, link: f"Made the issue {link.issue_key}."),
    TransitionIssue: ActionWords(_plan_transition, _describe_transition),
    EditIssue: ActionWords(_plan_edit, _describe_edit),
    EditIncident: ActionWords(_plan_edit, _describe_edit),
    AcceptStatus: ActionWords(
        lambda action, _: f"remember that the incident is {action.status}",
        lambda action, *_: f"Remembered that the incident is {action.status}; the status is not synced."),
    AddComment: ActionWords(
        lambda action, _: f"comment on the issue: {action.text}",
        lambda action, *_: f"Commented on the issue: {cut_text(action.text, VALUE_MAX_CHARACTERS)!r}"),
    AddTimeline: ActionWords(
        lambda action, _: f"add to the timeline the missing ones of {len(action.entries)} log entries",
        lambda action, *_: f"Added {len(action.entries)} timeline entr{'y' if len(action.entries) == 1 else 'ies'}."),
    SetIncidentStatus: ActionWords(
        lambda action, _: f"set the incident to {action.status}",
        lambda action, *_: f"{'Reopened' if action.is_reopening else 'Set'} the incident: {action.status}."),
    ReplaceManager: ActionWords(
        lambda action, _: f"link {action.person_name} as the incident manager",
        lambda action, *_: f"Linked {action.person_name} as the incident manager, if an issue of that name exists."),
    MirrorNote: ActionWords(
        lambda action, _: f"copy a note by {action.note.author or 'somebody'} into a comment",
        lambda action, *_: f"Copied {action.note.author or 'somebody'}'s note into a comment on the issue."),
    MirrorComment: ActionWords(
        lambda action, _: f"copy a comment by {_get_author(action.comment)} into a note",
        lambda action, *_: f"Copied {_get_author(action.comment)}'s comment into a note of the incident."),
    EditComment: ActionWords(
        lambda action, _: f"{'change' if action.note else 'delete'} the comment copied from a note",
        lambda action, *_: f"{'Changed' if action.note else 'Deleted'} the comment copied from a note."),
    EditNote: ActionWords(
        lambda action, _: f"{'change' if action.comment else 'delete'} the note copied from a comment",
        lambda action, *_: f"{'Changed' if action.comment else 'Deleted'} the note copied from a comment."),
    EndLink: ActionWords(
        lambda action, _: f"end the sync: gone on {action.gone_side.display_name}",
        lambda action, *_: f"Ended the sync: gone on {action.gone_side.display_name}."),
}


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


def describe_pause(pause: Pause) -> str:
    """Return why nothing is written for a link: who answers whom, how often, and until when it is paused."""
    counts = ", ".join(f"{pause.counts[side]} on {side.display_name}" for side in Side)
    return (f"Paused until {format_time(datetime.fromtimestamp(pause.until, UTC))}: in ten minutes jpi wrote "
            f"{sum(pause.counts.values())} {pause.kind} ({counts}), and {pause.answered_by or 'somebody'} on "
            f"{pause.answered_on.display_name} answers them. jpi goes on after the pause, or at once by Sync now.")


def remediation_for(failure: HistoryFailure) -> str:
    """Return what to do about a failure, and whether jpi goes on by itself."""
    if failure.kind == Refused.__name__:
        return _get_remediation_for_refusal(failure)
    return next((advice for error, advice in _ADVICE_BY_ERROR.items() if error.__name__ == failure.kind),
                "jpi retries by itself.")


def _get_remediation_for_refusal(failure: HistoryFailure) -> str:
    service, token, account = (("Jira", "JIRA_API_TOKEN", "JIRA_USER_EMAIL") if failure.service == "Jira"
                               else ("PagerDuty", "PAGERDUTY_API_TOKEN", "PAGERDUTY_USER_EMAIL"))
    if failure.is_unauthorized and MISSING_SCOPE_TEXT not in failure.reason:
        # Rows of earlier versions hold the refusals of dead tokens; now they are IdentityDoubt.
        return f"{service} does not know the token: create a new one, if it has expired, and set {token}."
    if failure.is_unauthorized:
        return f"{service} does not take the token for that: create one with the missing scope, and set {token}."
    if failure.is_forbidden:
        return f"The account of {account} may not do that on {service}: grant it the permission."
    if failure.is_not_found:
        return f"It does not exist, or {account} may not see it on {service}."
    if failure.field_names:
        return (f"{service} rejects the values of: {', '.join(failure.field_names)}. Set them by a rule in the sync "
                "file, or change the screen; the next poll retries.")
    return f"{service} says why; once that is fixed, the next poll retries."
