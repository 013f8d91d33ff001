"""Incidents and log entries as PagerDuty's API shows them, with what they show of the present."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from jpi.errors import Rejected
from jpi.sync.entities import Incident, LogEntry
from jpi.webhooks.pagerduty import incident, latest, log_entry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """An incident as it is now; `at` is when it last changed, to the second."""

    incident: Incident
    at: datetime


@dataclass(frozen=True)
class Logged(Shown):
    """One log entry with the incident it belongs to."""

    entry: LogEntry


def shown(found: Mapping[str, Any]) -> Shown:
    """An incident as the API shows it; a mere reference to one says not when it changed."""
    return Shown(incident(dict(found)), latest(dict(found)) or datetime.fromtimestamp(0, UTC))


def logged(found: Mapping[str, Any]) -> Logged:
    """A log entry as the API shows it; the incident in it is whole only where it was asked for."""
    entry = log_entry(dict(found))
    there = incident(found["incident"])
    at = latest(found["incident"]) or entry.at
    told = entry if entry.details else there
    return Logged(replace(there, details=told.details, trigger=told.trigger), at, entry)


def readable_incident(found: Mapping[str, Any]) -> Shown | None:
    """The incident, or None where it cannot be read: one odd incident must not stop a poll."""
    try:
        return shown(found)
    except Rejected as odd:
        log.warning("an incident cannot be read", extra={"incident": found.get("id"), "reason": str(odd)})
        return None


def readable_entry(found: Mapping[str, Any]) -> Logged | None:
    """The entry, or None where it belongs to no incident or cannot be read: one odd entry must not stop a poll."""
    try:
        return logged(found) if found.get("incident") else None
    except Rejected as odd:
        log.warning("a log entry cannot be read", extra={"entry": found.get("id"), "reason": str(odd)})
        return None
