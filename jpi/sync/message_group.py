"""Chooses the events that are applied in order with each other."""

from jpi.domain.events import IssueCreated, IssueEvent
from jpi.domain.policy import Policy
from jpi.sync.ports import Links


def find_message_group(links: Links, policy: Policy, event: IssueEvent) -> str | None:
    """Return the issue's incident, or the key of a new issue that opens one; None if the event concerns no incident."""
    if isinstance(event, IssueCreated):
        return event.issue.key if policy.find_opening_rule(event.issue) and not event.ours else None
    return next(filter(None, map(links.find_incident_id, event.issue_keys)), None)
