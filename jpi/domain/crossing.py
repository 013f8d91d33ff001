"""Changes of both sides that crossed, and whose stays: for the log, since one of two people is overruled. Pure."""

from collections.abc import Collection, Mapping

from jpi.domain.actions import Action, SetIncidentStatus, TransitionIssue
from jpi.domain.events import Event, IncidentAcknowledged, IncidentUnacknowledged, IssueUpdated
from jpi.domain.field_merge import (
    OTHER_SIDE,
    get_side,
    get_snapshot_fields,
    has_changed,
    has_precedence,
    hides_human_edit,
)
from jpi.domain.link import Link
from jpi.domain.model import STATUS_BY_CATEGORY
from jpi.domain.policy import Policy
from jpi.domain.status_rules import is_stale


def find_conflicts(event: Event, link: Link, policy: Policy, actions: Collection[Action]) -> Mapping[str, str]:
    """By field, the side whose change stays where the other side was changed too; `actions`: what was decided."""
    if not link.issue_key or not event.has_snapshot or is_stale(event, link):
        return {}
    here = get_side(event)
    names = [name for name, value in get_snapshot_fields(event).items() if policy.field_policy(name).direction == "both"
             and has_changed(name, value, event, link) and hides_human_edit(name, event, link)]
    fields = {name: here if has_precedence(name, event, link, policy.field_policy(name).winner) else OTHER_SIDE[here]
              for name in names}
    return fields | ({"status": OTHER_SIDE[here]} if _is_status_overruled(event, link, policy, actions) else {})


def _is_status_overruled(event: Event, link: Link, policy: Policy, actions: Collection[Action]) -> bool:
    """Whether it says that work was begun or put back where the other side is over, and stays that."""
    if isinstance(event, IssueUpdated):
        status = STATUS_BY_CATEGORY.get(event.issue.category) if event.moved and event.issue.category else None
    else:
        told = isinstance(event, IncidentAcknowledged | IncidentUnacknowledged)
        status = event.incident.status if told else None  # type: ignore[union-attr]
    open_here = status not in (None, "resolved") and link.agreed.get("status") == "resolved"
    carried = any(isinstance(one, TransitionIssue | SetIncidentStatus) for one in actions)
    return open_here and not carried and policy.field_policy("status").direction == "both"
