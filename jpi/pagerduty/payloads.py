"""Incidents, log entries, notes and people of PagerDuty, from webhooks and REST answers, as our own values."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

from jpi.domain.model import Incident, LogEntry, Note, Person, Status
from jpi.errors import Rejected
from jpi.json_fields import Json, identifier, may, moment, need, objects

log = logging.getLogger(__name__)

ANOTHER_INCIDENT = "another incident"
STATUSES = get_args(Status)


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


def incident(found: Json) -> Incident:
    """An incident as V3's `data`, V2's `incident` or the REST API shows it."""
    status = may(found, "status", str)
    assignees = objects(found, "assignees") or [need(one, "assignee", dict) for one in objects(found, "assignments")]
    given = _details(found.get("first_trigger_log_entry")) or _details({"channel": found.get("body")})
    return Incident(
        id=identifier(found),
        title=may(found, "title", str),
        status=status if status in STATUSES else None,  # type: ignore[arg-type]
        priority=name_of(may(found, "priority", dict)),
        url=may(found, "html_url", str),
        service=name_of(may(found, "service", dict)),
        service_id=may(may(found, "service", dict) or {}, "id", str),
        key=may(found, "incident_key", str),
        urgency=may(found, "urgency", str),
        number=may(found, "number", int) or may(found, "incident_number", int),
        assignees=tuple(filter(None, map(person, assignees))),
        merged_into=_merged_into(found.get("resolve_reason")),
        details=_text(given) or None,
        trigger=given,
        created=moment(found, "created_at") if found.get("created_at") else None,
        reopened=moment(found, "reopened_at") if found.get("reopened_at") else None,
    )


def log_entry(found: Json) -> LogEntry:
    """One log entry. The new priority is read from the channel only, never from the summary's text.

    What a channel holds is published nowhere and may change: what is not understood there says nothing.
    """
    priority = _object(_object(found.get("channel")).get("new_priority"))
    names = [said for said in (priority.get("name"), priority.get("summary")) if isinstance(said, str)]
    return LogEntry(
        id=identifier(found),
        type=need(found, "type", str),
        at=moment(found, "created_at"),
        summary=may(found, "summary", str) or "",
        priority=names[0] if names else None,
        agent=person(may(found, "agent", dict)),
        details=_text(_details(found)) or None if is_trigger(found) else None,
        trigger=_details(found) if is_trigger(found) else None,
        url=may(found, "html_url", str),
    )


def note(found: Json) -> Note:
    """A note as the REST API shows it."""
    author = person(may(found, "user", dict))
    return Note(identifier(found), may(found, "content", str) or "", moment(found, "created_at"),
                author.name if author else "")


def is_trigger(found: Json) -> bool:
    """Whether a log entry, whole or a reference, is one that opened the incident."""
    return str(found.get("type", "")).startswith("trigger_log_entry")


def person(found: Json | None) -> Person | None:
    """A reference to a user, service or integration; every key of it may be missing."""
    if not found or not may(found, "id", str):
        return None
    return Person(need(found, "id", str), name_of(found) or "")


def name_of(found: Json | None) -> str | None:
    """What PagerDuty calls it: whole objects have a name, references only a summary."""
    return (may(found, "name", str) or may(found, "summary", str)) if found else None


def latest(found: Json) -> datetime | None:
    """When an incident read over REST last changed, to the second; None of a mere reference to one."""
    times = [moment(found, name) for name in ("updated_at", "last_status_change_at", "created_at") if found.get(name)]
    return max(times, default=None)


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _merged_into(reason: Any) -> str | None:
    if isinstance(reason, str):
        return ANOTHER_INCIDENT if reason == "merged" else None
    if not isinstance(reason, dict) or reason.get("type") != "merge_resolve_reason":
        return None
    target = may(reason, "incident", dict) or {}
    said = (may(target, "summary", str), may(target, "html_url", str))
    return " ".join(filter(None, said)) or ANOTHER_INCIDENT


def _details(entry: Any) -> Any:
    """What opened the incident, as it was sent: a text, or any JSON."""
    channel = _object(_object(entry).get("channel"))
    return next((channel[name] for name in ("details", "body", "description") if channel.get(name)), None)


def _text(value: Any) -> str:
    """Details are free: text as it is, an object a line a key, anything else as JSON."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_line(inner)}" for name, inner in value.items())
    return _line(value)


def _line(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to show)"
