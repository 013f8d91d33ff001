"""Decides what an event calls for. Pure: no I/O, no clock, no settings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jpi.domain.actions import (
    LOG_READ,
    AcceptStatus,
    Action,
    AddTimeline,
    Assignee,
    CreateIncidentIssue,
    EditIncident,
    EditIssue,
    EndLink,
    ReplaceManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.backlog import Part, get_part_step_id
from jpi.domain.conversation_rules import decide_conversation
from jpi.domain.events import (
    Event,
    IncidentEvent,
    IncidentGone,
    IncidentLogged,
    IncidentReopened,
    IssueCreated,
    IssueDeleted,
    IssueEvent,
    IssueUpdated,
)
from jpi.domain.field_merge import FieldMerge, find_assignee, merge_fields, observe_snapshot
from jpi.domain.link import IssueRef, Link
from jpi.domain.link_parts import FieldName
from jpi.domain.model import STATUS_BY_CATEGORY, Side
from jpi.domain.policy import CreationRule, Policy
from jpi.domain.retry_state import decide_retries, is_waiting, leave_waiting_steps
from jpi.domain.status_rules import (
    decide_status,
    get_snapshot_valid_until,
    get_status,
    get_watermark,
    is_done_contradicted,
    is_overruled,
    is_stale,
)


class Reason(StrEnum):
    """Why a decision has no actions."""

    LINK_ENDED = "link ended"
    OWN_ECHO = "own echo"
    NO_ISSUE = "no issue"
    NO_MATCHING_RULE = "no matching rule"
    SKIPPED_BY_RULE = "skipped by rule"
    STALE = "stale"
    NOTHING_NEW = "nothing new"


@dataclass(frozen=True)
class Decision:
    """What an event calls for: writes, in order. `reason` is None where there are any.

    `conflicts`: the fields that people changed on both sides, each with the side whose value stays.
    """

    actions: tuple[Action, ...] = ()
    conflicts: Mapping[str, Side] = field(default_factory=dict)
    reason: Reason | None = None


def decide(event: Event, link: Link, policy: Policy) -> Decision:
    """Return the writes that `event` calls for, or the reason why there are none."""
    if link.ended:
        return Decision(reason=Reason.LINK_ENDED)
    if isinstance(event, IssueDeleted) and link.is_opening:
        return Decision((EndLink(Side.JIRA),))
    if not link.issue_key:
        return _decide_creation(event, link, policy)
    if isinstance(event, IssueDeleted | IncidentGone):
        return Decision((EndLink(event.side),))
    stale = event.snapshot is not None and is_stale(event, link)
    merge = FieldMerge() if stale else merge_fields(event, link, policy)
    status_actions = decide_status(event, link, policy)
    conflicts = dict(merge.conflicts)
    if not stale and not status_actions and is_overruled(event, link, policy):
        conflicts["status"] = event.side.other
    actions = (*status_actions, *merge.edits, *_decide_manager(event, link, policy, merge.edits),
               *decide_conversation(event, link, policy), *_decide_timeline(event, link, policy))
    actions = (*leave_waiting_steps(actions, event, link), *decide_retries(event, link, actions))
    return Decision(actions, conflicts, None if actions else Reason.STALE if stale else Reason.NOTHING_NEW)


def decide_about_nothing(link: Link) -> Decision:
    """Return the decision about an event that has nothing in it to carry over."""
    return Decision(reason=Reason.NOTHING_NEW if link.issue_key else Reason.NO_ISSUE)


def record_action(action: Action, link: Link, changed_at: float = 0.0) -> Link:
    """Return the link once `action` is done: both sides are equal in what it wrote, which changed at this time."""
    if isinstance(action, TransitionIssue):
        return link.with_agreed_status(STATUS_BY_CATEGORY[action.category], changed_at)
    if isinstance(action, SetIncidentStatus | AcceptStatus):
        return link.with_agreed_status(action.status, changed_at)
    return link


def advance_watermarks(event: Event, link: Link, issue_was_created: bool = False) -> Link:
    """Return the link once an event was applied: its side's watermark, and the snapshot's values.

    `issue_was_created`: just now; its assignee is left to the next event.
    """
    # What happens while the link has ended is news once it resumes.
    if event.snapshot is None or link.ended or is_stale(event, link):
        return link
    link = link.with_watermark(event.side, snapshot_at=get_snapshot_valid_until(event))
    if isinstance(event, IncidentReopened):
        link = replace(link, status=replace(link.status, reopened_at=event.at.timestamp()))
    # Once the creation of the issue has begun, the link keeps what it was created with.
    if link.issue_key or not link.leases:
        link = observe_snapshot(event, link, except_fields=[FieldName.ASSIGNEE] if issue_was_created else [])
    if isinstance(event, IssueUpdated):
        is_known_better = is_stale(event, link, "status") or is_done_contradicted(event, link)
        # An issue that is seen for the first time may have been moved or may have begun there: the poll asks Jira.
        is_unclear = (link.status.on_jira is None and event.read_at is None and not event.moved
                      and event.issue.category == "indeterminate")
        status = None if is_known_better or is_unclear else get_status(event)
        link = link.with_issue_status(status) if status else link
        link = replace(link, issue=IssueRef(event.issue.key, link.issue_id or event.issue.id))
        if event.read_at is None or event.has_unread_comments:
            return link
        return link.with_watermark(Side.JIRA, comments_read_until=event.at.timestamp())
    if link.issue_key or isinstance(event, IssueEvent):
        return link
    return link.with_agreed_status(event.incident.status) if event.incident.status else link


def needs_whole_log(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Return True if the timeline lacks entries from before the poll's window: new issue, or something was refused."""
    if log_read := link.backlog.find_step(LOG_READ):
        return not event.whole and not is_waiting(log_read, event)
    if not policy.timeline_project or has_whole_log(event):
        return False
    if not link.issue_key:
        return needs_issue(event, policy)
    is_paused = link.backlog.is_waiting(get_part_step_id(Part.TIMELINE), event.observed_at)
    return Part.TIMELINE in link.backlog.pending and not is_paused


def needs_issue(event: IncidentEvent, policy: Policy) -> bool:
    """Return True if the incident gets an issue."""
    rule = find_rule(event, policy)
    return rule is not None and rule.issue_spec is not None


def can_open_incident(event: IssueEvent, policy: Policy) -> bool:
    """Return True if an issue that is linked to no incident opens one: it is new, or was edited into a rule."""
    if isinstance(event, IssueUpdated):
        is_wanted = event.is_reclassified and event.issue.category != "done"
    else:
        is_wanted = isinstance(event, IssueCreated)
    return is_wanted and policy.find_opening_rule(event.issue) is not None


def find_rule(event: IncidentEvent, policy: Policy) -> CreationRule | None:
    """Return the rule that decides whether the incident gets an issue; None if no rule matches.

    A rule that creates an issue for a priority the incident once had precedes the rule for the priority it has now.
    """
    entries = event.entries if isinstance(event, IncidentLogged) else ()
    priorities = [event.incident.priority, *(entry.priority for entry in entries if entry.priority)]
    rules = [policy.match_rule(event.incident, priority) for priority in priorities]
    return next((rule for rule in rules if rule and rule.issue_spec), rules[0])


def needs_applying(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Return True if there is anything in the event to write or to remember."""
    annotated = bool(link.issue_key and event.annotation_ids and policy.field_policy("comments").is_synced_to("jira"))
    is_newer = event.at.timestamp() > get_watermark(link, Side.PAGERDUTY, "status")
    return annotated or bool(decide(event, link, policy).actions) or is_newer


def drop_processed_entries(event: IncidentLogged, processed_ids: Collection[str]) -> IncidentLogged:
    """Return the event without the entries that were carried over already."""
    return replace(event, entries=tuple(entry for entry in event.entries if entry.id not in processed_ids))


def has_whole_log(event: IncidentLogged) -> bool:
    """Return True if the entries begin with the one that opened the incident, so that none is missing."""
    return any(entry.is_trigger and entry.at == event.incident.created for entry in event.entries)


def _decide_creation(event: Event, link: Link, policy: Policy) -> Decision:
    if isinstance(event, IssueEvent) or event.snapshot is None:
        return Decision(reason=Reason.NO_ISSUE)
    rule = find_rule(event, policy)
    if rule is None or rule.issue_spec is None:
        return Decision(reason=Reason.SKIPPED_BY_RULE if rule else Reason.NO_MATCHING_RULE)
    creation = CreateIncidentIssue(event.incident, event.actor.name if event.actor else None, rule.issue_spec)
    return Decision((creation, *decide_status(event, link, policy), *decide_conversation(event, link, policy),
                     *_decide_timeline(event, link, policy)))


def _decide_manager(event: Event, link: Link, policy: Policy, edits: Collection[Action]) -> list[Action]:
    """Make the changed assignee the incident manager, unless acknowledging made us the assignee.

    On Jira the edits name the assignee. For a change on PagerDuty, an edit that sets the assignee there again says
    that a person's change won over ours.
    """
    assignees = [edit.values.get("assignee") for edit in edits if isinstance(edit, EditIssue | EditIncident)]
    if isinstance(event, IssueEvent):
        name = next((assignee.name for assignee in assignees if isinstance(assignee, Assignee)), "")
    else:
        has_won = any(isinstance(edit, EditIncident) and "assignee" in edit.values for edit in edits)
        is_carried = policy.field_policy("assignee").is_synced_to("jira") and (
            has_won or not is_stale(event, link, "assignee"))
        name = _find_new_assignee_name(event, link) if is_carried else ""
    return [ReplaceManager(name)] if name and policy.person_project else []


def _find_new_assignee_name(event: IncidentEvent, link: Link) -> str:
    """Return the name of the assignee whom the incident got; "" if it has the one of before."""
    known_id, assignee = link.fields[FieldName.ASSIGNEE].pagerduty.value, find_assignee(event, link)
    if assignee is None or assignee.id == known_id:
        return ""
    # The issue was created with the manager of whoever was assigned then, though its assignee may not be set yet.
    is_new = "assignee" in event.changed if link.responders is None else assignee.id not in link.responders
    return assignee.name if known_id or is_new else ""


def _decide_timeline(event: Event, link: Link, policy: Policy) -> list[Action]:
    if not isinstance(event, IncidentLogged) or not policy.timeline_project:
        return []
    return [AddTimeline(event.entries)] if event.entries or Part.TIMELINE in link.backlog.pending else []
