"""Decides which status an event brings the other side into, and how new its snapshot is. Pure."""

from jpi.domain.actions import AcceptStatus, Action, AddComment, SetIncidentStatus, TransitionIssue
from jpi.domain.events import (
    Event,
    IncidentAcknowledged,
    IncidentEvent,
    IncidentLogged,
    IncidentReopened,
    IncidentUnacknowledged,
    IssueEvent,
    IssueUpdated,
)
from jpi.domain.idempotency_keys import build_merged_key
from jpi.domain.link import Link
from jpi.domain.link_parts import FieldName
from jpi.domain.model import CATEGORY_BY_STATUS, STATUS_BY_CATEGORY, Category, Side, Status
from jpi.domain.policy import Policy

PAGERDUTY_ROUNDING_SECONDS = 0.999
MERGED_COMMENT = "This incident was merged on PagerDuty into {incident}."
STATUS_RANK: dict[str | None, int] = {None: -1, "triggered": 0, "acknowledged": 1, "resolved": 2}


def decide_status(event: Event, link: Link, policy: Policy) -> list[Action]:
    """Return the writes that carry the event's status over to the other side."""
    if isinstance(event, IssueUpdated):
        return _decide_incident_status(event, link, policy)
    if isinstance(event, IssueEvent) or event.snapshot is None:
        return []
    return _decide_issue_status(event, link, policy)


def _decide_incident_status(event: IssueUpdated, link: Link, policy: Policy) -> list[Action]:
    status = find_incident_status(event, link)
    if policy.field_policy("status").direction == "both":
        if event.reopens and _is_hidden_reopening(event, link):
            return _reopen_both(event.issue.category)
        if status == "resolved" and event.at.timestamp() < link.status.reopened_at:
            # The incident was reopened after that.
            return [TransitionIssue(CATEGORY_BY_STATUS[link.status.agreed or "triggered"], "done")]
    # Where it stays on Jira, the agreed status remains PagerDuty's: else its next read would look like a move.
    if status is None or not policy.field_policy("status").is_synced_to(Side.PAGERDUTY):
        return []
    return [SetIncidentStatus(status, is_reopening=link.status.agreed == "resolved")]


def _decide_issue_status(event: IncidentEvent, link: Link, policy: Policy) -> list[Action]:
    status = _find_issue_status(event, link)
    is_both = policy.field_policy("status").direction == "both"
    if is_both and isinstance(event, IncidentReopened) and _is_hidden_reopening(event, link):
        return _reopen_both(CATEGORY_BY_STATUS[event.incident.status or "triggered"])
    if status is None:
        return []
    if not policy.field_policy("status").is_synced_to(Side.JIRA):
        return [AcceptStatus(status)]
    agreed = (link.status.agreed if link.issue_key else None) or "triggered"
    transition = TransitionIssue(CATEGORY_BY_STATUS[status], CATEGORY_BY_STATUS[agreed])
    if status != "resolved" or not event.incident.merged_into:
        return [transition]
    comment = MERGED_COMMENT.format(incident=event.incident.merged_into)
    return [AddComment(build_merged_key(event.incident.id), comment), transition]


def _is_hidden_reopening(event: Event, link: Link) -> bool:
    """Return True if a person reopened a side after what resolved both, and our own write has hidden that since."""
    is_hidden = is_stale(event, link, "status") and not is_stale(event, link)
    return is_hidden and link.status.agreed == "resolved" and event.at.timestamp() > link.status.resolved_at > 0


def _reopen_both(category: Category | None) -> list[Action]:
    category = category or "new"
    return [SetIncidentStatus(STATUS_BY_CATEGORY[category], is_reopening=True), TransitionIssue(category, "done")]


def is_overruled(event: Event, link: Link, policy: Policy) -> bool:
    """Return True if the event says that work began or was put back, but the incident is resolved on both sides."""
    if policy.field_policy("status").direction != "both" or link.status.agreed != "resolved":
        return False
    says_so = (event.moved if isinstance(event, IssueUpdated)
               else isinstance(event, IncidentAcknowledged | IncidentUnacknowledged))
    return says_so and get_status(event) not in (None, "resolved")


def is_stale(event: Event, link: Link, field_name: str | None = None) -> bool:
    """Return True if a newer state of the event's side, or of this field there, is known already."""
    watermark = get_watermark(link, event.side, field_name)
    if event.read_at:
        watermark = max(watermark, link.watermarks[event.side].status_checked_at)
    return event.observed_at < watermark


def is_own_acknowledgement(event: Event, link: Link) -> bool:
    """Return True if the event may be of an acknowledgement by jpi, which shows our own user as the assignee."""
    written_until = link.watermarks[Side.PAGERDUTY].status_write_at + PAGERDUTY_ROUNDING_SECONDS
    return isinstance(event, IncidentAcknowledged) and event.at.timestamp() <= written_until


def get_watermark(link: Link, side: Side, field_name: str | None = None) -> float:
    """Return how new what is known of a side is, or of one field there, in epoch seconds."""
    watermark = link.watermarks[side]
    if field_name is None:
        return watermark.snapshot_at
    return max(watermark.snapshot_at, watermark.status_write_at if field_name == "status"
               else link.fields[FieldName(field_name)].on(side).last_write_at)


def find_incident_status(event: IssueUpdated, link: Link, is_known_move: bool = False) -> Status | None:
    """Return the status that the issue brings the incident into; None where the incident need not move.

    `is_known_move`: a person is known to have moved the issue there, as when the write was refused before.
    """
    status, agreed = get_status(event), link.status.agreed
    if is_stale(event, link, "status"):
        return None
    if agreed == "resolved":
        return status if status != "resolved" and (is_known_move or _has_left_done(event, link)) else None
    is_move = is_known_move or _has_entered_status(event, link)
    return status if is_move and STATUS_RANK[status] > STATUS_RANK[agreed] else None


def _find_issue_status(event: IncidentEvent, link: Link) -> Status | None:
    """Return the status that the incident brings the issue into; None where the issue need not move."""
    status = None if is_stale(event, link, "status") else get_status(event)
    agreed = link.status.agreed
    if not link.issue_key:
        # A new issue starts in "to do", whatever PagerDuty said while there was none.
        status, agreed = status or agreed, "triggered"
    is_reopening = isinstance(event, IncidentReopened | IncidentLogged) or _has_reopened_since(event, link)
    has_moved = status not in (None, agreed) and (agreed != "resolved" or is_reopening)
    # The order of two webhooks of one millisecond is unknown: the more advanced status counts as the later.
    is_behind = _is_same_instant(event, link) and STATUS_RANK[status] < STATUS_RANK[agreed] and not is_reopening
    return status if has_moved and not is_behind else None


def _has_reopened_since(event: IncidentEvent, link: Link) -> bool:
    """Return True if the incident was reopened after the watermark; the event of that may come later, or never."""
    reopened = event.incident.reopened
    return reopened is not None and reopened.timestamp() > get_watermark(link, Side.PAGERDUTY, "status")


def _is_same_instant(event: IncidentEvent, link: Link) -> bool:
    return event.at.timestamp() == get_watermark(link, Side.PAGERDUTY, "status")


def _has_entered_status(event: IssueUpdated, link: Link) -> bool:
    """Return True if a person moved the issue into its status: a workflow may begin anywhere but in done."""
    if link.status.on_jira is None:
        return event.moved or event.issue.category == "done"
    return get_status(event) != link.status.on_jira


def _has_left_done(event: IssueUpdated, link: Link) -> bool:
    """Return True if a person took the issue out of done: the event says so, or a read shows a known one elsewhere."""
    return event.reopens or (event.read_at is not None and link.status.on_jira == "resolved")


def is_done_contradicted(event: IssueUpdated, link: Link) -> bool:
    """Return True if a known done issue looks as if it never had been done; the next read shows which came first."""
    done = link.status.on_jira == link.status.agreed == "resolved"
    return done and get_status(event) != "resolved" and not _has_left_done(event, link)


def get_status(event: Event) -> Status | None:
    """Return the status that an event shows of its side; None where it shows none."""
    if isinstance(event, IssueEvent):
        return STATUS_BY_CATEGORY[event.issue.category] if event.issue.category else None
    return event.incident.status


def get_snapshot_valid_until(event: Event) -> float:
    """Return the latest instant that the snapshot includes, in epoch seconds.

    PagerDuty rounds its times to seconds, so a read covers the whole last second.
    """
    changed_at = event.at.timestamp()
    is_rounded = event.side is Side.PAGERDUTY and event.read_at
    return min(event.observed_at, changed_at + PAGERDUTY_ROUNDING_SECONDS) if is_rounded else changed_at
