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
_MOVE_EVENT_CLASSES = {("triggered", "acknowledged"): IncidentAcknowledged, ("acknowledged",
                                                                             "triggered"): IncidentUnacknowledged, (
    "resolved", "triggered"): IncidentReopened}


def find_move_event_class(before, after):
    """Return the class of the event that tells of an incident's move from one status to another."""
    return IncidentResolved if after == "resolved" else _MOVE_EVENT_CLASSES[before, after]


def make_incident_event(kind, seconds=0, actor=None, **fields):
    """Make an event of the incident so many seconds after START, at which it had these fields."""
    incident = Incident(INCIDENT_ID, **{"status": "triggered", **fields})
    return kind(f"E{seconds}", START + timedelta(seconds=seconds), incident, actor)


def make_issue_event(seconds=0, category="new", changed=(), **fields):
    """Make an event of the issue so many seconds after START, at which it had these fields."""
    issue = Issue(ISSUE_KEY, ISSUE_ID, category, **fields)
    return IssueUpdated(f"J{seconds}", START + timedelta(seconds=seconds), issue, changed=frozenset(changed))


def make_link(**fields):
    """Make the link of the incident, which is triggered, and its issue."""
    return Link(INCIDENT_ID, 3, IssueRef(ISSUE_KEY, ISSUE_ID), StatusState("triggered", "triggered"), **fields)


def take_event(under_way, number, keep=False):
    """Return any of the events under way, which then is no longer, unless it is to come again (`keep`)."""
    number %= len(under_way)
    return under_way[number] if keep else under_way.pop(number)
