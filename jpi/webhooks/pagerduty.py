"""PagerDuty's webhooks (V3, and V2, which it still sends), incidents and log entries as our own values."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from jpi.errors import Rejected
from jpi.sync.entities import Incident, LogEntry, Note, Person, Status
from jpi.sync.events import (
    Event,
    IncidentAcknowledged,
    IncidentAnnotated,
    IncidentEvent,
    IncidentPriorityUpdated,
    IncidentReassigned,
    IncidentReopened,
    IncidentResolved,
    IncidentTriggered,
    IncidentUnacknowledged,
)
from jpi.webhooks.reading import Json, body, identifier, may, moment, need, objects

ANOTHER_INCIDENT = "another incident"
STATUSES = get_args(Status)

# Types that are not here are ignored on purpose: PagerDuty adds some over time.
V3: Mapping[str, type[IncidentEvent]] = {
    "incident.triggered": IncidentTriggered,
    "incident.acknowledged": IncidentAcknowledged,
    "incident.unacknowledged": IncidentUnacknowledged,
    "incident.resolved": IncidentResolved,
    "incident.reopened": IncidentReopened,
    "incident.priority_updated": IncidentPriorityUpdated,
    "incident.reassigned": IncidentReassigned,
    "incident.escalated": IncidentReassigned,
    "incident.delegated": IncidentReassigned,
    "incident.annotated": IncidentAnnotated,
}
V2: Mapping[str, type[IncidentEvent]] = {
    "incident.trigger": IncidentTriggered,
    "incident.acknowledge": IncidentAcknowledged,
    "incident.unacknowledge": IncidentUnacknowledged,
    "incident.resolve": IncidentResolved,
    "incident.assign": IncidentReassigned,
    "incident.escalate": IncidentReassigned,
    "incident.delegate": IncidentReassigned,
    "incident.annotate": IncidentAnnotated,
}


def ping_of(raw: bytes) -> str | None:
    """The id of the test that `--ping` has PagerDuty send; None where a delivery is another one."""
    event = body(raw).get("event")
    return str(event.get("id")) if isinstance(event, dict) and event.get("event_type") == "pagey.ping" else None


def parse(raw: bytes) -> list[Event]:
    """The events of a delivery, V3 or V2; none where it is of a type we have no use for. Rejected if unreadable."""
    found = body(raw)
    if "event" in found:
        return _v3(need(found, "event", dict))
    if "messages" in found:
        return [event for message in objects(found, "messages") for event in _v2(message)]
    raise Rejected("The body holds neither 'event' nor 'messages'.")


def _v3(event: Json) -> list[Event]:
    known = V3.get(need(event, "event_type", str))
    if known is None:
        return []
    data, agent = need(event, "data", dict), may(event, "agent", dict)
    if known is IncidentAnnotated:
        return [_annotated(event, data, person(agent))]
    return [known(need(event, "id", str), moment(event, "occurred_at"), incident(data), person(agent))]


def _annotated(event: Json, data: Json, actor: Person | None) -> Event:
    """The note's own id is in `data`, its author only in the event, and of its incident there is a reference."""
    at = moment(event, "occurred_at")
    said = Note(identifier(data), may(data, "content", str) or "", at, actor.name if actor else "",
                trimmed=bool(data.get("trimmed")))
    return IncidentAnnotated(need(event, "id", str), at, Incident(identifier(need(data, "incident", dict))), actor,
                             notes=(said,))


def note(found: Json) -> Note:
    """A note as the REST API shows it."""
    author = person(may(found, "user", dict))
    return Note(identifier(found), may(found, "content", str) or "", moment(found, "created_at"),
                author.name if author else "")


def _v2(message: Json) -> list[Event]:
    known = V2.get(need(message, "event", str))
    if known is None:
        return []
    entries = [log_entry(entry) for entry in objects(message, "log_entries")]
    details, trigger = next(((one.details, one.trigger) for one in entries if one.details), (None, None))
    agent = next((entry.agent for entry in entries if entry.agent), None)
    there = incident(need(message, "incident", dict))
    there = replace(there, details=details or there.details, trigger=trigger or there.trigger)
    return [known(need(message, "id", str), moment(message, "created_on"), there, agent)]


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


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


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
