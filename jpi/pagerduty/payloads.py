"""Parses PagerDuty's incidents, log entries, notes and people from webhooks and REST answers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

from jpi.domain.model import Incident, IncidentSnapshot, LogEntry, LogEntrySnapshot, Note, Person, Status
from jpi.json_fields import (
    Json,
    bound_json,
    get_body,
    get_id,
    get_objects,
    get_optional,
    get_optional_time,
    get_required,
    get_time,
    try_parse,
)

ANOTHER_INCIDENT = "another incident"
STATUSES = get_args(Status)
MAX_ASSIGNEES = 100


def parse_incident_snapshot(data: Mapping[str, Any]) -> IncidentSnapshot:
    """Return an incident from the REST API; a mere reference counts as changed at the epoch."""
    changed_at = find_last_change_time(dict(data)) or datetime.fromtimestamp(0, UTC)
    return IncidentSnapshot(parse_incident(dict(data)), changed_at)


def parse_log_entry_snapshot(data: Mapping[str, Any]) -> LogEntrySnapshot:
    """Return a log entry from the REST API; its incident is a reference unless the call included incidents."""
    entry = parse_log_entry(dict(data))
    incident_data = get_required(dict(data), "incident", dict)
    incident = parse_incident(incident_data)
    changed_at = find_last_change_time(incident_data) or entry.at
    source = entry if entry.details else incident
    return LogEntrySnapshot(replace(incident, details=source.details, trigger=source.trigger), changed_at, entry)


def try_parse_incident_snapshot(data: Any) -> IncidentSnapshot | None:
    """Return the incident, None if it is unreadable: one odd incident must not stop a poll."""
    return try_parse(parse_incident_snapshot, data, "an incident cannot be read")


def try_parse_log_entry_snapshot(data: Any) -> LogEntrySnapshot | None:
    """Return the log entry, None if it has no incident or is unreadable: one odd entry must not stop a poll."""
    if isinstance(data, dict) and not data.get("incident"):
        return None
    return try_parse(parse_log_entry_snapshot, data, "a log entry cannot be read")


def try_parse_log_entry(data: Any) -> LogEntry | None:
    """Return the log entry of a delivery, None if it is unreadable: the event goes on without it."""
    return try_parse(parse_log_entry, data, "a log entry cannot be read")


def try_parse_note(data: Any) -> Note | None:
    """Return the note, None if it is unreadable: one odd note must not stop the others."""
    return try_parse(parse_note, data, "a note cannot be read")


def parse_incident(data: Json) -> Incident:
    """Return an incident from V3's `data`, V2's `incident` or the REST API."""
    status = get_optional(data, "status", str)
    assignees = get_objects(data, "assignees") or [get_optional(assignment, "assignee", dict) or {}
                                                   for assignment in get_objects(data, "assignments")]
    trigger = _get_trigger_details(data.get("first_trigger_log_entry")) or _get_trigger_details({
        "channel": data.get("body")})
    return Incident(
        id=get_id(data),
        title=get_optional(data, "title", str),
        status=status if status in STATUSES else None,  # type: ignore[arg-type]
        priority=get_name(get_optional(data, "priority", dict)),
        url=get_optional(data, "html_url", str),
        service=get_name(get_optional(data, "service", dict)),
        service_id=get_optional(get_optional(data, "service", dict) or {}, "id", str),
        key=get_optional(data, "incident_key", str),
        urgency=get_optional(data, "urgency", str),
        number=get_optional(data, "number", int) or get_optional(data, "incident_number", int),
        assignees=tuple(filter(None, map(parse_person, assignees[:MAX_ASSIGNEES]))),
        merged_into=_parse_merge_target(data.get("resolve_reason")),
        details=_details_to_text(trigger) or None,
        trigger=trigger,
        created=get_optional_time(data, "created_at"),
        reopened=get_optional_time(data, "reopened_at"),
    )


def parse_log_entry(data: Json) -> LogEntry:
    """Return a log entry. Read the new priority from the channel only, never from the text of the summary.

    PagerDuty does not document channels and may change them: ignore what is not understood there.
    """
    priority = _to_object(_to_object(data.get("channel")).get("new_priority"))
    names = [name for name in (priority.get("name"), priority.get("summary")) if isinstance(name, str)]
    return LogEntry(id=get_id(data), type=get_required(data, "type", str), at=get_time(data, "created_at"),
                    summary=get_optional(data, "summary", str) or "", priority=names[0] if names else None,
                    agent=parse_person(get_optional(data, "agent", dict)),
                    details=_details_to_text(_get_trigger_details(data)) or None if is_trigger(data) else None,
                    trigger=_get_trigger_details(data) if is_trigger(data) else None,
                    url=get_optional(data, "html_url", str))


def parse_note(data: Json) -> Note:
    """Return a note from the REST API."""
    author = parse_person(get_optional(data, "user", dict))
    # An odd text must not replace the one that was carried over.
    is_odd = not isinstance(data.get("content"), str)
    return Note(get_id(data), get_body(data, "content"), get_time(data, "created_at"), author.name if author else "",
                trimmed=is_odd)


def is_trigger(data: Json) -> bool:
    """True if a log entry, or a reference to one, opened the incident."""
    return str(data.get("type", "")).startswith("trigger_log_entry")


def parse_person(data: Json | None) -> Person | None:
    """Return a user, service or integration from a reference, whose every key may be missing."""
    if not data or not get_optional(data, "id", str):
        return None
    return Person(get_required(data, "id", str), get_name(data) or "")


def get_name(data: Json | None) -> str | None:
    """Return the name of an object, or the summary of a reference."""
    return (get_optional(data, "name", str) or get_optional(data, "summary", str)) if data else None


def find_last_change_time(data: Json) -> datetime | None:
    """Return the time of an incident's last change from the REST API, in whole seconds; None for a reference."""
    times = [get_optional_time(data, name) for name in ("updated_at", "last_status_change_at", "created_at")]
    return max(filter(None, times), default=None)


def _to_object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _parse_merge_target(reason: Any) -> str | None:
    if isinstance(reason, str):
        return ANOTHER_INCIDENT if reason == "merged" else None
    if not isinstance(reason, dict) or reason.get("type") != "merge_resolve_reason":
        return None
    target = get_optional(reason, "incident", dict) or {}
    texts = (get_optional(target, "summary", str), get_optional(target, "html_url", str))
    return " ".join(filter(None, texts)) or ANOTHER_INCIDENT


def _get_trigger_details(entry: Any) -> Any:
    """Return the details of the trigger as they were sent, a text or any JSON, within the bounds."""
    channel = _to_object(_to_object(entry).get("channel"))
    return bound_json(next((channel[name] for name in ("details", "body", "description") if channel.get(name)), None))


def _details_to_text(value: Any) -> str:
    """Convert a trigger's details to text: an object a line a key, anything else but text as JSON."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_value_to_text(inner)}" for name, inner in value.items())
    return _value_to_text(value)


def _value_to_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
