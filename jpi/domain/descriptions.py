"""What was done about an event, what was not, and what to do about a failure, in sentences for people. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from jpi.domain.action_words import in_words
from jpi.domain.actions import (
    Action,
    AddComment,
    AddTimeline,
    AgreeOnStatus,
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
from jpi.domain.decide import qualifies, stale
from jpi.domain.events import Event, IncidentEvent, IssueEvent
from jpi.domain.link import Link
from jpi.domain.model import STATUS_OF
from jpi.domain.policy import Policy
from jpi.domain.text_limits import cut
from jpi.errors import JpiError, NoWay, Outage, OutcomeUnknown, OutOfTime, Permanent, Refused, TooEarly, Unavailable

SHORT, ATTEMPT_LIMIT = 120, 250
STAYED = ("The issue was left where it is: its workflow has no way to {to}, as a comment on it says, or somebody has "
          "closed it meanwhile.")
NOT_TOLD = "The incident has no issue that it could be told to."
SIDES = {"pagerduty": "PagerDuty", "jira": "Jira"}
# What Jira's three categories are called where nobody has renamed them.
CATEGORIES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404


def done(action: Action, was: Action, link: Link) -> tuple[str, bool]:
    """What became of `action`, of which `was` was carried out, `link` being what is known then; and whether all of it
    was.
    """
    if isinstance(action, EditIssue | EditIncident):
        return _edited(action, was)
    if isinstance(action, TransitionIssue) and link.issue_status != STATUS_OF[action.category]:
        return STAYED.format(to=CATEGORIES[action.category]), False
    return _SAID[type(action)](action, link), True


def _edited(action: EditIssue | EditIncident, was: Action) -> tuple[str, bool]:
    where, title = ("issue", "summary") if isinstance(action, EditIssue) else ("incident", "title")
    written = was.values if isinstance(was, EditIssue | EditIncident) else {}
    names = {name: title if name == "title" else name for name in action.values}
    said = [f"{names[name]} {cut(value, SHORT)!r}" if isinstance(value := written[name], str) and name != "assignee"
            else names[name] for name in action.values if name in written]
    left = [names[name] for name in action.values if name not in written]
    text = f"Set the {where}'s {', '.join(said)}." if said else ""
    refused = f"Left the {where}'s {', '.join(left)} as it was." if left else ""
    return " ".join(filter(None, (text, refused))), not left


def _created(action: CreateIncidentIssue, link: Link) -> str:
    return f"Made the issue {link.issue_key}."


_SAID: Mapping[type, Callable[[Any, Link], str]] = {
    CreateIncidentIssue: _created,
    TransitionIssue: lambda action, link: f"Moved the issue to {CATEGORIES[action.category]}.",
    AgreeOnStatus: lambda action, link: f"Took the status {action.status} as known; it is not carried over.",
    AddComment: lambda action, link: f"Commented on the issue: {cut(action.text, SHORT)!r}",
    AddTimeline: lambda action, link:
        f"Saw to {len(action.entries)} line{'' if len(action.entries) == 1 else 's'} of the timeline.",
    SetIncidentStatus: lambda action, link: f"{'Reopened' if action.reopens else 'Set'} the incident: {action.status}.",
    CarryNote: lambda action, link: f"Made {action.note.author or 'somebody'}'s note a comment on the issue.",
    EditComment: lambda action, link: "Took a note's change over into its comment.",
    CarryComment: lambda action, link:
        f"Made {action.comment.author.name if action.comment.author else 'somebody'}'s comment a note of the incident.",
    EditNote: lambda action, link: "Took a comment's change over into its note.",
    EndLink: lambda action, link: f"Ended the link: what it ties is gone on {SIDES[action.side]}.",
    MoveManager: lambda action, link: f"Made {action.name} the issue's incident manager, if they have an issue.",
}


def attempted(action: Action, policy: Policy) -> str:
    """What an action that failed would have done."""
    return f"Could not {cut(in_words(action, policy), ATTEMPT_LIMIT)}."


def why_nothing(event: Event, link: Link, policy: Policy, ours: bool) -> str:
    """Why an event called for nothing."""
    if ours:
        return "Our own account did that: it is an echo of what jpi wrote."
    if link.ended:
        return "The two are kept in step no more, since one of them is gone."
    if isinstance(event, IncidentEvent) and not link.issue_key:
        return _no_issue(event, policy)
    if event.shows_state and stale(event, link):
        return "It tells of a state older than one that was already dealt with."
    return "It shows nothing that the other side does not have already."


def _no_issue(event: IncidentEvent, policy: Policy) -> str:
    if not event.shows_state:
        return NOT_TOLD
    rule = policy.rule_for(event.incident, event.incident.priority)
    has = f"priority {event.incident.priority}" if event.incident.priority else "no priority"
    if rule and not rule.create:
        return f"A rule of the sync file says that such an incident ({has}) gets no issue."
    if qualifies(event, policy):
        return "It will get its issue."
    if policy.rules:
        return f"No rule of the sync file fits it: it has {has}, urgency {event.incident.urgency or 'unknown'}."
    wanted = ", ".join(sorted(policy.sync_priorities))
    return f"It has {has}; only {wanted} gets an issue (SYNC_PRIORITIES). Should that change, it gets one then."


def advice(error: JpiError) -> str:
    """What to do about a failure, and whether jpi goes on by itself."""
    if isinstance(error, Refused):
        return _about_refusal(error)
    if isinstance(error, NoWay):
        return "Change the workflow on Jira, or name the status to use in the sync file."
    by_type: dict[type[JpiError], str] = {
        OutOfTime: "There was no time left in this run: it is tried again by itself.",
        Unavailable: "The service limits jpi or could not be reached: it is tried again by itself.",
        OutcomeUnknown: "Nobody knows whether that was done: jpi looks before it tries again, by itself.",
        TooEarly: "It is tried again by itself in a moment.",
        Outage: "AWS did not do its part: it is tried again by itself.",
        Permanent: "It is not tried again at once. Mend what it says; the next poll comes back to it.",
    }
    return next((said for kind, said in by_type.items() if isinstance(error, kind)), "It is tried again by itself.")


def _about_refusal(error: Refused) -> str:
    service, token, account = (("Jira", "JIRA_API_TOKEN", "JIRA_USER_EMAIL") if error.call.startswith("Jira")
                               else ("PagerDuty", "PAGERDUTY_API_TOKEN", "PAGERDUTY_USER_EMAIL"))
    if error.status == UNAUTHORIZED:
        return f"{service} does not take the token: make a new one and put it into {token}."
    if error.status == FORBIDDEN:
        return f"The account of {account} may not do that on {service}: give it the right to."
    if error.status == NOT_FOUND:
        return f"It is not there, or {account} may not see it on {service}."
    if error.fields:
        return (f"{service} wants something else in: {', '.join(error.fields)}. Fill it in by a rule of the sync file, "
                "or change the screen; the next poll comes back to it.")
    return f"{service} says why; once that is mended, the next poll comes back to it."


def side_told(event: Event) -> str:
    """The service that an event tells of, by its name."""
    return SIDES["jira" if isinstance(event, IssueEvent) else "pagerduty"]
