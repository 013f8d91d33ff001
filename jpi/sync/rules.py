"""What to do about an event. Pure: no I/O, no clock, no settings."""

from collections.abc import Collection
from dataclasses import replace

from jpi.sync.actions import (
    Action,
    AddComment,
    AddTimeline,
    CreateIncidentIssue,
    EditIncident,
    EditIssue,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.sync.events import (
    CATEGORY_OF,
    STATUS_OF,
    Event,
    IncidentEvent,
    IncidentLogged,
    IncidentReopened,
    IssueUpdated,
    Status,
)
from jpi.sync.link import Link
from jpi.sync.merge import Side, merge, noticed, set_by_us, side_of, written
from jpi.sync.policy import Policy

MERGED = "This incident was merged on PagerDuty into {incident}."
WITHIN_THE_SECOND = 0.999
RANK: dict[str | None, int] = {None: -1, "triggered": 0, "acknowledged": 1, "resolved": 2}


def decide(event: Event, link: Link, policy: Policy) -> list[Action]:
    """The writes that `event` calls for, in order; none where nothing changed, or the issue is gone."""
    if link.ended:
        return []
    if isinstance(event, IssueUpdated):
        if not link.issue_key:
            return []
        status = _new_status(event, link)
        moves = [SetIncidentStatus(status, reopens=link.agreed.get("status") == "resolved")] if status else []
        return [*moves, *_edits(event, link, policy)]
    created: list[Action] = []
    if not link.issue_key:
        if not qualifies(event, policy):
            return []
        created = [CreateIncidentIssue(event.incident, event.actor.name if event.actor else None)]
    edits = _edits(event, link, policy) if link.issue_key else []
    return [*created, *_status_actions(event, link), *edits, *_timeline(event, link, policy)]


def performed(action: Action, link: Link) -> Link:
    """The link once `action` is done: both sides are equal in what it wrote."""
    if isinstance(action, TransitionIssue):
        return replace(link, agreed={**link.agreed, "status": STATUS_OF[action.category]})
    if isinstance(action, SetIncidentStatus):
        return replace(link, agreed={**link.agreed, "status": action.status})
    return written(action, link) if isinstance(action, EditIssue | EditIncident) else link


def settle(event: Event, link: Link) -> Link:
    """The link once an event is dealt with: how far its side was seen; without an issue, what PagerDuty said."""
    if stale(event, link):
        return link
    side = side_of(event)
    link = replace(link, seen={**link.seen, side: max(_covered(event), link.seen.get(side, 0.0))})
    link = noticed(event, link)
    if isinstance(event, IssueUpdated):
        there = None if stale(event, link, "status") or _crossing(event, link) else _status(event)
        return replace(link, issue_status=there or link.issue_status)
    if link.issue_key:
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
    """Whether the incident has, or once had, a priority that gets an issue: also in an old snapshot."""
    entries = event.entries if isinstance(event, IncidentLogged) else ()
    return not policy.sync_priorities.isdisjoint({event.incident.priority, *(entry.priority for entry in entries)})


def is_news(event: IncidentLogged, link: Link, policy: Policy) -> bool:
    """Whether there is anything in it to write or to remember."""
    return bool(decide(event, link, policy)) or event.at.timestamp() > _seen(link, "pagerduty", "status")


def without(event: IncidentLogged, known: Collection[str]) -> IncidentLogged:
    """The event without the entries that were carried over already."""
    return replace(event, entries=tuple(entry for entry in event.entries if entry.id not in known))


def from_the_beginning(event: IncidentLogged) -> bool:
    """Whether the entries begin with what opened the incident: then none of its log is missing."""
    return any(entry.is_trigger and entry.at == event.incident.created for entry in event.entries)


def _edits(event: Event, link: Link, policy: Policy) -> list[Action]:
    return [] if stale(event, link) else merge(event, link, policy)


def _status_actions(event: IncidentEvent, link: Link) -> list[Action]:
    status = _new_status(event, link)
    if status is None:
        return []
    merged = event.incident.merged_into if status == "resolved" else None
    comment = [AddComment(f"merged:{event.incident.id}", MERGED.format(incident=merged))] if merged else []
    agreed: Status = link.agreed["status"] if link.issue_key else "triggered"  # type: ignore[assignment]
    return [*comment, TransitionIssue(CATEGORY_OF[status], CATEGORY_OF[agreed])]


def _new_status(event: Event, link: Link) -> Status | None:
    """The status to bring the other side into, or None where that side need not move."""
    status = None if stale(event, link, "status") else _status(event)
    agreed = link.agreed.get("status")
    if isinstance(event, IssueUpdated):
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
    if isinstance(event, IssueUpdated):
        return STATUS_OF[event.issue.category] if event.issue.category else None
    return event.incident.status


def _timeline(event: IncidentEvent, link: Link, policy: Policy) -> list[Action]:
    if not isinstance(event, IncidentLogged) or not policy.timeline_project:
        return []
    return [AddTimeline(event.entries)] if event.entries or "timeline" in link.todo else []
