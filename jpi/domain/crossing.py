"""Changes of both sides that crossed, and whose stays: for the log, since one of two people is overruled. Pure."""

from collections.abc import Collection, Mapping

from jpi.domain.actions import Action, SetIncidentStatus, TransitionIssue
from jpi.domain.decide import stale
from jpi.domain.events import Event, IncidentAcknowledged, IncidentUnacknowledged, IssueUpdated
from jpi.domain.field_merge import OTHER, moved, overwritten, shown, side_of, wins
from jpi.domain.link import Link
from jpi.domain.model import STATUS_OF
from jpi.domain.policy import Policy


def crossings(event: Event, link: Link, policy: Policy, actions: Collection[Action]) -> Mapping[str, str]:
    """By field, the side whose change stays where the other side was changed too; `actions`: what was decided."""
    if not link.issue_key or not event.shows_state or stale(event, link):
        return {}
    here = side_of(event)
    names = [name for name, value in shown(event).items() if policy.how(name).direction == "both"
             and moved(name, value, event, link) and overwritten(name, event, link)]
    fields = {name: here if wins(name, event, link, policy.how(name).winner) else OTHER[here] for name in names}
    return fields | ({"status": OTHER[here]} if _status_loses(event, link, policy, actions) else {})


def _status_loses(event: Event, link: Link, policy: Policy, actions: Collection[Action]) -> bool:
    """Whether it says that work was begun or put back where the other side is over, and stays that."""
    if isinstance(event, IssueUpdated):
        status = STATUS_OF.get(event.issue.category) if event.moved and event.issue.category else None
    else:
        told = isinstance(event, IncidentAcknowledged | IncidentUnacknowledged)
        status = event.incident.status if told else None  # type: ignore[union-attr]
    open_here = status not in (None, "resolved") and link.agreed.get("status") == "resolved"
    carried = any(isinstance(one, TransitionIssue | SetIncidentStatus) for one in actions)
    return open_here and not carried and policy.how("status").direction == "both"
