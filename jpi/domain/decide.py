"""What to do about an event. Pure: no I/O, no clock, no settings."""

from collections.abc import Collection
from dataclasses import replace

from jpi.domain.actions import (
    Action,
    AddComment,
    AddTimeline,
    AgreeOnStatus,
    CreateIncidentIssue,
    EditIncident,
    EditIssue,
    EndLink,
    MoveManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.conversation_rules import talk
from jpi.domain.events import (
    Event,
    IncidentEvent,
    IncidentGone,
    IncidentLogged,
    IncidentReopened,
    IssueDeleted,
    IssueEvent,
    IssueUpdated,
)
from jpi.domain.field_merge import Side, known, merge, noticed, set_by_us, side_of, written
from jpi.domain.link import Link
from jpi.domain.model import CATEGORY_OF, STATUS_OF, Status
from jpi.domain.policy import Create, Policy

MERGED = "This incident was merged on PagerDuty into {incident}."
WITHIN_THE_SECOND = 0.999
# Where `Link.seen` keeps until when the issue's comments were read.
COMMENTS = "jira: comments"
RANK: dict[str | None, int] = {None: -1, "triggered": 0, "acknowledged": 1, "resolved": 2}


def decide(event: Event, link: Link, policy: Policy) -> list[Action]:
    """The writes that `event` calls for, in order; none where nothing changed, or the issue is gone."""
    without_state = isinstance(event, IssueEvent) or not event.shows_state
    if link.ended or (without_state and not link.issue_key):
        return []
    if isinstance(event, IssueDeleted | IncidentGone):
        return [EndLink(side_of(event))]
    said = talk(event, link, policy)
    if isinstance(event, IssueUpdated):
        return [*_moves(_new_status(event, link), link, policy), *_edits(event, link, policy), *said]
    if isinstance(event, IssueEvent) or not event.shows_state:
        return [*said]
    created: list[Action] = []
    if not link.issue_key:
        rule = rule_for(event, policy)
        if rule is None:
            return []
        created = [CreateIncidentIssue(event.incident, event.actor.name if event.actor else None, rule)]
    edits = _edits(event, link, policy) if link.issue_key else []
    edits += _manager(event, link, policy, edits) if link.issue_key else []
    return [*created, *_status_actions(event, link, policy), *edits, *said, *_timeline(event, link, policy)]


def performed(action: Action, link: Link) -> Link:
    """The link once `action` is done: both sides are equal in what it wrote."""
    if isinstance(action, TransitionIssue):
        return replace(link, agreed={**link.agreed, "status": STATUS_OF[action.category]})
    if isinstance(action, SetIncidentStatus | AgreeOnStatus):
        return replace(link, agreed={**link.agreed, "status": action.status})
    return written(action, link) if isinstance(action, EditIssue | EditIncident) else link


def settle(event: Event, link: Link, created: bool = False) -> Link:
    """The link once an event is dealt with: how far its side was seen; without an issue, what PagerDuty said.

    `created`: the issue was made just now; whom it is to be assigned to is left to the next event.
    """
    if stale(event, link) or not event.shows_state:
        return link
    side = side_of(event)
    link = replace(link, seen={**link.seen, side: max(_covered(event), link.seen.get(side, 0.0))})
    link = noticed(event, link, but=["assignee"] if created else [])
    if isinstance(event, IssueUpdated):
        there = None if stale(event, link, "status") or _crossing(event, link) else _status(event)
        link = replace(link, issue_status=there or link.issue_status, issue_key=event.issue.key)
        return replace(link, seen={**link.seen, COMMENTS: event.at.timestamp()}) if event.read_at else link
    if link.issue_key or isinstance(event, IssueEvent):
        return link
    said = {name: getattr(event.incident, name) for name in ("status", "title", "priority")}
    return replace(link, agreed={**link.agreed, **{name: value for name, value in said.items() if value is not None}})


def stale(event: Event, link: Link, name: str | None = None) -> bool:
    """Whether that side, or this field there, has been seen in a newer state, or set. A read tells of when it was read.
    """
    side = side_of(event)
    seen, read_at = _seen(link, side, name), getattr(event, "read_at", None)
    if read_at is None:
        return event.at.timestamp() < seen
    return bool(read_at.timestamp() < max(seen, link.seen.get(looked(side), 0.0)))


def _seen(link: Link, side: Side, name: str | None = None) -> float:
    return max(link.seen.get(side, 0.0), link.seen.get(set_by_us(side, name), 0.0) if name else 0.0)


def _covered(event: Event) -> float:
    """Until when a snapshot holds what happened; PagerDuty's reads, told to the second, hold all of their last one."""
    read_at = getattr(event, "read_at", None)
    if read_at is None or isinstance(event, IssueUpdated):
        return event.at.timestamp()
    return min(float(read_at.timestamp()), event.at.timestamp() + WITHIN_THE_SECOND)


def looked(side: str) -> str:
    """Where `Link.seen` keeps when we last wrote to a side, by our own clock, as reads are dated."""
    return f"{side}, by us"


def wants_whole_log(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Whether the timeline lacks what happened before the poll's window: the issue is new, or a line was refused."""
    if not policy.timeline_project or from_the_beginning(event):
        return False
    return "timeline" in link.todo if link.issue_key else qualifies(event, policy)


def qualifies(event: IncidentEvent, policy: Policy) -> bool:
    """Whether the incident gets an issue."""
    return rule_for(event, policy) is not None


def rule_for(event: IncidentEvent, policy: Policy) -> Create | None:
    """The issue that an incident gets by the priority it has, or once had: also in an old snapshot."""
    entries = event.entries if isinstance(event, IncidentLogged) else ()
    priorities = [event.incident.priority, *(entry.priority for entry in entries if entry.priority)]
    found = (policy.rule_for(event.incident, priority) for priority in priorities)
    return next((rule.create for rule in found if rule and rule.create), None)


def is_news(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Whether there is anything in it to write or to remember."""
    annotated = bool(link.issue_key and event.annotations and policy.how("comments").reaches("jira"))
    return annotated or bool(decide(event, link, policy)) or event.at.timestamp() > _seen(link, "pagerduty", "status")


def without(event: IncidentLogged, known: Collection[str]) -> IncidentLogged:
    """The event without the entries that were carried over already."""
    return replace(event, entries=tuple(entry for entry in event.entries if entry.id not in known))


def from_the_beginning(event: IncidentLogged) -> bool:
    """Whether the entries begin with what opened the incident: then none of its log is missing."""
    return any(entry.is_trigger and entry.at == event.incident.created for entry in event.entries)


def _edits(event: Event, link: Link, policy: Policy) -> list[Action]:
    return [] if stale(event, link) else merge(event, link, policy)


def _manager(event: IncidentEvent, link: Link, policy: Policy, edits: Collection[Action]) -> list[Action]:
    """A changed assignee of PagerDuty's is the incident manager from now on; not who we became by acknowledging.

    `edits`: where they put the assignee back, that won over what we had set since.
    """
    before, now = known(link, "pagerduty", "assignee"), next(iter(event.incident.assignees), None)
    won = any(isinstance(one, EditIncident) and "assignee" in one.values for one in edits)
    if not before or now is None or now.id == before or not now.name or (stale(event, link, "assignee") and not won):
        return []
    return [MoveManager(now.name)] if policy.person_project and policy.how("assignee").reaches("jira") else []


def _moves(status: Status | None, link: Link, policy: Policy) -> list[Action]:
    # Where it stays on Jira, what is agreed on remains PagerDuty's: or its next read would be taken for a move there.
    if status is None or not policy.how("status").reaches("pagerduty"):
        return []
    return [SetIncidentStatus(status, reopens=link.agreed.get("status") == "resolved")]


def _status_actions(event: IncidentEvent, link: Link, policy: Policy) -> list[Action]:
    status = _new_status(event, link)
    if status is None:
        return []
    if not policy.how("status").reaches("jira"):
        return [AgreeOnStatus(status)]
    merged = event.incident.merged_into if status == "resolved" else None
    comment = [AddComment(f"merged:{event.incident.id}", MERGED.format(incident=merged))] if merged else []
    agreed: Status = link.agreed["status"] if link.issue_key else "triggered"  # type: ignore[assignment]
    return [*comment, TransitionIssue(CATEGORY_OF[status], CATEGORY_OF[agreed])]


def _new_status(event: Event, link: Link) -> Status | None:
    """The status to bring the other side into, or None where that side need not move."""
    status = None if stale(event, link, "status") else _status(event)
    agreed = link.agreed.get("status")
    if isinstance(event, IssueEvent):
        if not isinstance(event, IssueUpdated):
            return None
        if agreed == "resolved":
            return status if status != "resolved" and _left_done(event, link) else None
        return status if _entered(event, link) and RANK[status] > RANK[agreed] else None
    if not link.issue_key:
        # A new issue starts in "to do", whatever PagerDuty said while there was none.
        status, agreed = status or agreed, "triggered"  # type: ignore[assignment]
    reopens = isinstance(event, IncidentReopened | IncidentLogged) or _reopened_since(event, link)
    moved = status not in (None, agreed) and (agreed != "resolved" or reopens)
    # Of two webhooks of the same millisecond nobody knows which came first: the more advanced is taken for the later.
    behind = _same_moment(event, link) and RANK[status] < RANK[agreed] and not reopens
    return status if moved and not behind else None


def _reopened_since(event: IncidentEvent, link: Link) -> bool:
    """Whether the incident was reopened after its side was last seen; the event of that may come later, or never."""
    reopened = event.incident.reopened
    return reopened is not None and reopened.timestamp() > _seen(link, "pagerduty", "status")


def _same_moment(event: IncidentEvent, link: Link) -> bool:
    return event.at.timestamp() == _seen(link, "pagerduty", "status")


def _entered(event: IssueUpdated, link: Link) -> bool:
    """Whether the issue got there by somebody's doing: a workflow may begin anywhere but in done."""
    if link.issue_status is None:
        return event.moved or event.issue.category == "done"
    return _status(event) != link.issue_status


def _left_done(event: IssueUpdated, link: Link) -> bool:
    """Whether somebody took the issue out of done: it says so itself, or was read after it was known to be there."""
    return event.reopens or (event.read_at is not None and link.issue_status == "resolved")


def _crossing(event: IssueUpdated, link: Link) -> bool:
    """Whether an issue known to be done is told of as if it had never been: the next read shows which came first."""
    done = link.issue_status == link.agreed.get("status") == "resolved"
    return done and _status(event) != "resolved" and not _left_done(event, link)


def _status(event: Event) -> Status | None:
    if isinstance(event, IssueEvent):
        return STATUS_OF[event.issue.category] if event.issue.category else None
    return event.incident.status


def _timeline(event: IncidentEvent, link: Link, policy: Policy) -> list[Action]:
    if not isinstance(event, IncidentLogged) or not policy.timeline_project:
        return []
    return [AddTimeline(event.entries)] if event.entries or "timeline" in link.todo else []
