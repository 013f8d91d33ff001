"""Incidents, log entries, notes and people of PagerDuty, from webhooks and REST answers, as our own values."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

from jpi.domain.model import Incident, IncidentSnapshot, LogEntry, LogEntrySnapshot, Note, Person, Status
from jpi.errors import RejectedDelivery
from jpi.json_fields import Json, get_id, get_objects, get_optional, get_required, get_time

log = logging.getLogger(__name__)

ANOTHER_INCIDENT = "another incident"
STATUSES = get_args(Status)


def parse_incident_snapshot(found: Mapping[str, Any]) -> IncidentSnapshot:
    """An incident as the API shows it; a mere reference to one says not when it changed."""
    return IncidentSnapshot(parse_incident(dict(found)), find_last_change_time(dict(found))
                            or datetime.fromtimestamp(0, UTC))


def parse_log_entry_snapshot(found: Mapping[str, Any]) -> LogEntrySnapshot:
    """A log entry as the API shows it; the incident in it is whole only where it was asked for."""
    entry = parse_log_entry(dict(found))
    there = parse_incident(found["incident"])
    at = find_last_change_time(found["incident"]) or entry.at
    told = entry if entry.details else there
    return LogEntrySnapshot(replace(there, details=told.details, trigger=told.trigger), at, entry)


def try_parse_incident_snapshot(found: Mapping[str, Any]) -> IncidentSnapshot | None:
    """The incident, or None where it cannot be read: one odd incident must not stop a poll."""
    try:
        return parse_incident_snapshot(found)
    except RejectedDelivery as odd:
        log.warning("an incident cannot be read", extra={"incident": found.get("id"), "reason": str(odd)})
        return None


def try_parse_log_entry_snapshot(found: Mapping[str, Any]) -> LogEntrySnapshot | None:
    """The entry, or None where it belongs to no incident or cannot be read: one odd entry must not stop a poll."""
    try:
        return parse_log_entry_snapshot(found) if found.get("incident") else None
    except RejectedDelivery as odd:
        log.warning("a log entry cannot be read", extra={"entry": found.get("id"), "reason": str(odd)})
        return None


def parse_incident(found: Json) -> Incident:
    """An incident as V3's `data`, V2's `incident` or the REST API shows it."""
    status = get_optional(found, "status", str)
    assignees = get_objects(found, "assignees") or [get_required(one, "assignee", dict)
                                                    for one in get_objects(found, "assignments")]
    given = _get_trigger_details(found.get("first_trigger_log_entry")) or _get_trigger_details({
        "channel": found.get("body")})
    return Incident(
        id=get_id(found),
        title=get_optional(found, "title", str),
        status=status if status in STATUSES else None,  # type: ignore[arg-type]
        priority=get_name(get_optional(found, "priority", dict)),
        url=get_optional(found, "html_url", str),
        service=get_name(get_optional(found, "service", dict)),
        service_id=get_optional(get_optional(found, "service", dict) or {}, "id", str),
        key=get_optional(found, "incident_key", str),
        urgency=get_optional(found, "urgency", str),
        number=get_optional(found, "number", int) or get_optional(found, "incident_number", int),
        assignees=tuple(filter(None, map(parse_person, assignees))),
        merged_into=_parse_merge_target(found.get("resolve_reason")),
        details=_details_to_text(given) or None,
        trigger=given,
        created=get_time(found, "created_at") if found.get("created_at") else None,
        reopened=get_time(found, "reopened_at") if found.get("reopened_at") else None,
    )


def parse_log_entry(found: Json) -> LogEntry:
    """One log entry. The new priority is read from the channel only, never from the summary's text.

    What a channel holds is published nowhere and may change: what is not understood there says nothing.
    """
    priority = _to_object(_to_object(found.get("channel")).get("new_priority"))
    names = [said for said in (priority.get("name"), priority.get("summary")) if isinstance(said, str)]
    return LogEntry(id=get_id(found), type=get_required(found, "type", str), at=get_time(found, "created_at"),
                    summary=get_optional(found, "summary", str) or "", priority=names[0] if names else None,
                    agent=parse_person(get_optional(found, "agent", dict)),
                    details=_details_to_text(_get_trigger_details(found)) or None if is_trigger(found) else None,
                    trigger=_get_trigger_details(found) if is_trigger(found) else None,
                    url=get_optional(found, "html_url", str))


def parse_note(found: Json) -> Note:
    """A note as the REST API shows it."""
    author = parse_person(get_optional(found, "user", dict))
    return Note(get_id(found), get_optional(found, "content", str) or "", get_time(found, "created_at"),
                author.name if author else "")


def is_trigger(found: Json) -> bool:
    """Whether a log entry, whole or a reference, is one that opened the incident."""
    return str(found.get("type", "")).startswith("trigger_log_entry")


def parse_person(found: Json | None) -> Person | None:
    """A reference to a user, service or integration; every key of it may be missing."""
    if not found or not get_optional(found, "id", str):
        return None
    return Person(get_required(found, "id", str), get_name(found) or "")


def get_name(found: Json | None) -> str | None:
    """What PagerDuty calls it: whole objects have a name, references only a summary."""
    return (get_optional(found, "name", str) or get_optional(found, "summary", str)) if found else None


def find_last_change_time(found: Json) -> datetime | None:
    """When an incident read over REST last changed, to the second; None of a mere reference to one."""
    times = [get_time(found, name) for name in ("updated_at", "last_status_change_at", "created_at") if found.get(name)]
    return max(times, default=None)


def _to_object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _parse_merge_target(reason: Any) -> str | None:
    if isinstance(reason, str):
        return ANOTHER_INCIDENT if reason == "merged" else None
    if not isinstance(reason, dict) or reason.get("type") != "merge_resolve_reason":
        return None
    target = get_optional(reason, "incident", dict) or {}
    said = (get_optional(target, "summary", str), get_optional(target, "html_url", str))
    return " ".join(filter(None, said)) or ANOTHER_INCIDENT


def _get_trigger_details(entry: Any) -> Any:
    """What opened the incident, as it was sent: a text, or any JSON."""
    channel = _to_object(_to_object(entry).get("channel"))
    return next((channel[name] for name in ("details", "body", "description") if channel.get(name)), None)


def _details_to_text(value: Any) -> str:
    """Details are free: text as it is, an object a line a key, anything else as JSON."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_value_to_text(inner)}" for name, inner in value.items())
    return _value_to_text(value)


def _value_to_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to show)"
