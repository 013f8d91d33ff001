"""What to do about an event. Pure: no I/O, no clock, no settings."""

from collections.abc import Collection
from dataclasses import replace

from jpi.domain.actions import (
    AcceptStatus,
    Action,
    AddComment,
    AddTimeline,
    CreateIncidentIssue,
    EditIncident,
    EditIssue,
    EndLink,
    ReplaceManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.conversation_rules import decide_conversation
from jpi.domain.events import (
    Event,
    IncidentEvent,
    IncidentGone,
    IncidentLogged,
    IssueDeleted,
    IssueEvent,
    IssueUpdated,
)
from jpi.domain.field_merge import (
    get_known_value,
    get_side,
    merge_fields,
    observe_snapshot,
    record_own_write,
)
from jpi.domain.link import Link
from jpi.domain.model import CATEGORY_BY_STATUS, STATUS_BY_CATEGORY, Status
from jpi.domain.policy import IssueSpec, Policy
from jpi.domain.status_rules import (
    find_new_status,
    get_snapshot_valid_until,
    get_status,
    get_watermark,
    is_done_contradicted,
    is_stale,
)

MERGED_COMMENT = "This incident was merged on PagerDuty into {incident}."
# Where `Link.seen` keeps until when the issue's comments were read.
COMMENTS_READ_KEY = "jira: comments"


def decide(event: Event, link: Link, policy: Policy) -> list[Action]:
    """The writes that `event` calls for, in order; none where nothing changed, or the issue is gone."""
    without_state = isinstance(event, IssueEvent) or not event.has_snapshot
    if link.ended or (without_state and not link.issue_key):
        return []
    if isinstance(event, IssueDeleted | IncidentGone):
        return [EndLink(get_side(event))]
    said = decide_conversation(event, link, policy)
    if isinstance(event, IssueUpdated):
        return [*_decide_incident_status(find_new_status(event, link), link, policy),
                *_decide_edits(event, link, policy), *said]
    if isinstance(event, IssueEvent) or not event.has_snapshot:
        return [*said]
    created: list[Action] = []
    if not link.issue_key:
        rule = find_issue_spec(event, policy)
        if rule is None:
            return []
        created = [CreateIncidentIssue(event.incident, event.actor.name if event.actor else None, rule)]
    edits = _decide_edits(event, link, policy) if link.issue_key else []
    edits += _decide_manager(event, link, policy, edits) if link.issue_key else []
    return [*created, *_decide_issue_status(event, link, policy), *edits, *said, *_decide_timeline(event, link, policy)]


def record_action(action: Action, link: Link) -> Link:
    """The link once `action` is done: both sides are equal in what it wrote."""
    if isinstance(action, TransitionIssue):
        return replace(link, agreed={**link.agreed, "status": STATUS_BY_CATEGORY[action.category]})
    if isinstance(action, SetIncidentStatus | AcceptStatus):
        return replace(link, agreed={**link.agreed, "status": action.status})
    return record_own_write(action, link) if isinstance(action, EditIssue | EditIncident) else link


def advance_watermarks(event: Event, link: Link, issue_was_created: bool = False) -> Link:
    """The link once an event is dealt with: how far its side was seen; without an issue, what PagerDuty said.

    `created`: the issue was made just now; whom it is to be assigned to is left to the next event.
    """
    if is_stale(event, link) or not event.has_snapshot:
        return link
    side = get_side(event)
    link = replace(link, watermarks={**link.watermarks, side: max(get_snapshot_valid_until(event),
                                                                  link.watermarks.get(side, 0.0))})
    link = observe_snapshot(event, link, except_fields=["assignee"] if issue_was_created else [])
    if isinstance(event, IssueUpdated):
        there = None if is_stale(event, link, "status") or is_done_contradicted(event, link) else get_status(event)
        link = replace(link, issue_status=there or link.issue_status, issue_key=event.issue.key)
        return (replace(link, watermarks={**link.watermarks, COMMENTS_READ_KEY: event.at.timestamp()}) if event.read_at
                else link)
    if link.issue_key or isinstance(event, IssueEvent):
        return link
    said = {name: getattr(event.incident, name) for name in ("status", "title", "priority")}
    return replace(link, agreed={**link.agreed, **{name: value for name, value in said.items() if value is not None}})


def needs_whole_log(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Whether the timeline lacks what happened before the poll's window: the issue is new, or a line was refused."""
    if not policy.timeline_project or has_whole_log(event):
        return False
    return "timeline" in link.backlog if link.issue_key else needs_issue(event, policy)


def needs_issue(event: IncidentEvent, policy: Policy) -> bool:
    """Whether the incident gets an issue."""
    return find_issue_spec(event, policy) is not None


def find_issue_spec(event: IncidentEvent, policy: Policy) -> IssueSpec | None:
    """The issue that an incident gets by the priority it has, or once had: also in an old snapshot."""
    entries = event.entries if isinstance(event, IncidentLogged) else ()
    priorities = [event.incident.priority, *(entry.priority for entry in entries if entry.priority)]
    found = (policy.find_rule(event.incident, priority) for priority in priorities)
    return next((rule.issue_spec for rule in found if rule and rule.issue_spec), None)


def needs_applying(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Whether there is anything in it to write or to remember."""
    annotated = bool(link.issue_key and event.annotation_ids and policy.field_policy("comments").is_synced_to("jira"))
    return (annotated or bool(decide(event, link, policy)) or event.at.timestamp() > get_watermark(link, "pagerduty",
                                                                                                    "status"))


def drop_processed_entries(event: IncidentLogged, processed_ids: Collection[str]) -> IncidentLogged:
    """The event without the entries that were carried over already."""
    return replace(event, entries=tuple(entry for entry in event.entries if entry.id not in processed_ids))


def has_whole_log(event: IncidentLogged) -> bool:
    """Whether the entries begin with what opened the incident: then none of its log is missing."""
    return any(entry.is_trigger and entry.at == event.incident.created for entry in event.entries)


def _decide_edits(event: Event, link: Link, policy: Policy) -> list[Action]:
    return [] if is_stale(event, link) else merge_fields(event, link, policy)


def _decide_manager(event: IncidentEvent, link: Link, policy: Policy, edits: Collection[Action]) -> list[Action]:
    """A changed assignee of PagerDuty's is the incident manager from now on; not who we became by acknowledging.

    `edits`: where they put the assignee back, that won over what we had set since.
    """
    before, now = get_known_value(link, "pagerduty", "assignee"), next(iter(event.incident.assignees), None)
    won = any(isinstance(one, EditIncident) and "assignee" in one.values for one in edits)
    if not before or now is None or now.id == before or not now.name or (is_stale(event, link, "assignee") and not won):
        return []
    return ([ReplaceManager(now.name)] if policy.person_project and policy.field_policy("assignee").is_synced_to("jira")
            else [])


def _decide_incident_status(status: Status | None, link: Link, policy: Policy) -> list[Action]:
    # Where it stays on Jira, what is agreed on remains PagerDuty's: or its next read would be taken for a move there.
    if status is None or not policy.field_policy("status").is_synced_to("pagerduty"):
        return []
    return [SetIncidentStatus(status, is_reopening=link.agreed.get("status") == "resolved")]


def _decide_issue_status(event: IncidentEvent, link: Link, policy: Policy) -> list[Action]:
    status = find_new_status(event, link)
    if status is None:
        return []
    if not policy.field_policy("status").is_synced_to("jira"):
        return [AcceptStatus(status)]
    merged = event.incident.merged_into if status == "resolved" else None
    comment = [AddComment(f"merged:{event.incident.id}", MERGED_COMMENT.format(incident=merged))] if merged else []
    agreed: Status = link.agreed["status"] if link.issue_key else "triggered"  # type: ignore[assignment]
    return [*comment, TransitionIssue(CATEGORY_BY_STATUS[status], CATEGORY_BY_STATUS[agreed])]


def _decide_timeline(event: IncidentEvent, link: Link, policy: Policy) -> list[Action]:
    if not isinstance(event, IncidentLogged) or not policy.timeline_project:
        return []
    return [AddTimeline(event.entries)] if event.entries or "timeline" in link.backlog else []
