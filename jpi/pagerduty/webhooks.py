"""Parses the deliveries of PagerDuty's webhooks (V3, and V2, which it still sends) into events."""

from collections.abc import Mapping
from dataclasses import replace

from jpi.domain.events import (
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
from jpi.domain.model import Incident, Note, Person
from jpi.errors import RejectedDelivery
from jpi.json_fields import Json, get_id, get_objects, get_optional, get_required, get_time, parse_json_object
from jpi.pagerduty.payloads import parse_incident, parse_log_entry, parse_person

# Other types are ignored on purpose: PagerDuty adds some over time.
V3_EVENT_TYPES: Mapping[str, type[IncidentEvent]] = {"incident.triggered": IncidentTriggered,
                                                     "incident.acknowledged": IncidentAcknowledged,
                                                     "incident.unacknowledged": IncidentUnacknowledged,
                                                     "incident.resolved": IncidentResolved,
                                                     "incident.reopened": IncidentReopened,
                                                     "incident.priority_updated": IncidentPriorityUpdated,
                                                     "incident.reassigned": IncidentReassigned,
                                                     "incident.escalated": IncidentReassigned,
                                                     "incident.delegated": IncidentReassigned,
                                                     "incident.annotated": IncidentAnnotated}
V2_EVENT_TYPES: Mapping[str, type[IncidentEvent]] = {"incident.trigger": IncidentTriggered,
                                                     "incident.acknowledge": IncidentAcknowledged,
                                                     "incident.unacknowledge": IncidentUnacknowledged,
                                                     "incident.resolve": IncidentResolved,
                                                     "incident.assign": IncidentReassigned,
                                                     "incident.escalate": IncidentReassigned,
                                                     "incident.delegate": IncidentReassigned,
                                                     "incident.annotate": IncidentAnnotated}


def find_ping_id(raw: bytes) -> str | None:
    """Return the id of the test event that `--ping` makes PagerDuty send; None for any other delivery."""
    event = parse_json_object(raw).get("event")
    return str(event.get("id")) if isinstance(event, dict) and event.get("event_type") == "pagey.ping" else None


def parse_delivery(raw: bytes) -> list[Event]:
    """Return the events of a V3 or V2 delivery, none for types that jpi ignores; raise RejectedDelivery if unreadable.
    """
    data = parse_json_object(raw)
    if "event" in data:
        return _parse_v3_event(get_required(data, "event", dict))
    if "messages" in data:
        return [event for message in get_objects(data, "messages") for event in _parse_v2_message(message)]
    raise RejectedDelivery("The body holds neither 'event' nor 'messages'.")


def _parse_v3_event(event: Json) -> list[Event]:
    event_type = V3_EVENT_TYPES.get(get_required(event, "event_type", str))
    if event_type is None:
        return []
    data, agent = get_required(event, "data", dict), get_optional(event, "agent", dict)
    if event_type is IncidentAnnotated:
        return [_parse_annotation(event, data, parse_person(agent))]
    return [event_type(get_required(event, "id", str), get_time(event, "occurred_at"), parse_incident(data),
                       parse_person(agent))]


def _parse_annotation(event: Json, data: Json, actor: Person | None) -> Event:
    """Return the event of a note: `data` holds its id and a reference to the incident, `event` its author."""
    at = get_time(event, "occurred_at")
    note = Note(get_id(data), get_optional(data, "content", str) or "", at, actor.name if actor else "",
                trimmed=bool(data.get("trimmed")))
    return IncidentAnnotated(get_required(event, "id", str), at, Incident(get_id(get_required(data, "incident", dict))),
                             actor, notes=(note,))


def _parse_v2_message(message: Json) -> list[Event]:
    event_type = V2_EVENT_TYPES.get(get_required(message, "event", str))
    if event_type is None:
        return []
    entries = [parse_log_entry(entry) for entry in get_objects(message, "log_entries")]
    details, trigger = next(((entry.details, entry.trigger) for entry in entries if entry.details), (None, None))
    agent = next((entry.agent for entry in entries if entry.agent), None)
    incident = parse_incident(get_required(message, "incident", dict))
    incident = replace(incident, details=details or incident.details, trigger=trigger or incident.trigger)
    return [event_type(get_required(message, "id", str), get_time(message, "created_on"), incident, agent)]
