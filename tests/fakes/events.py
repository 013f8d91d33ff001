"""Events of one incident and its issue, and how they travel."""

from datetime import timedelta

from jpi.domain.events import (
    IncidentAcknowledged,
    IncidentReopened,
    IncidentResolved,
    IncidentUnacknowledged,
    IssueUpdated,
)
from jpi.domain.link import IssueRef, Link, StatusState
from jpi.domain.model import Incident, Issue
from sandbox.clock import START

INCIDENT_ID, ISSUE_KEY, ISSUE_ID = "Q1", "INCIDENT-1", "10001"
_MOVE_EVENT_CLASSES = {
    ("triggered", "acknowledged"): IncidentAcknowledged,
    ("acknowledged", "triggered"): IncidentUnacknowledged,
    ("resolved", "triggered"): IncidentReopened,
}


def find_move_event_class(before, after):
    """Return the class of the event that reports an incident's move from one status to another."""
    return IncidentResolved if after == "resolved" else _MOVE_EVENT_CLASSES[before, after]


def make_incident_event(kind, seconds=0, actor=None, **fields):
    """Make an event of the incident with these fields, so many seconds after START."""
    incident = Incident(INCIDENT_ID, **{"status": "triggered", **fields})
    return kind(f"E{seconds}", START + timedelta(seconds=seconds), incident, actor)


def make_issue_event(seconds=0, category="new", changed=(), **fields):
    """Make an event of the issue with these fields, so many seconds after START."""
    issue = Issue(ISSUE_KEY, ISSUE_ID, category, **fields)
    return IssueUpdated(f"J{seconds}", START + timedelta(seconds=seconds), issue, changed=frozenset(changed))


def make_link(**fields):
    """Make the link of the triggered incident and its issue."""
    return Link(INCIDENT_ID, 3, IssueRef(ISSUE_KEY, ISSUE_ID), StatusState("triggered", "triggered"), **fields)


def take_event(in_flight, number, keep=False):
    """Take one of the events in flight out of the list, or (`keep`) leave a copy that arrives again."""
    number %= len(in_flight)
    return in_flight[number] if keep else in_flight.pop(number)
