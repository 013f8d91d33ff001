"""Parses the deliveries of PagerDuty's webhooks (V3, and V2, which it still sends) into events."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
from jpi.errors import InvalidSignature, RejectedDelivery, UselessDelivery
from jpi.json_fields import Json, get_body, get_id, get_objects, get_optional, get_required, get_time, parse_json_object
from jpi.pagerduty.payloads import parse_incident, parse_person, try_parse_log_entry

log = logging.getLogger(__name__)

# Other types are ignored on purpose: PagerDuty adds some over time.
V3_EVENT_TYPES: Mapping[str, type[IncidentEvent]] = {
    "incident.triggered": IncidentTriggered, "incident.acknowledged": IncidentAcknowledged,
    "incident.unacknowledged": IncidentUnacknowledged, "incident.resolved": IncidentResolved,
    "incident.reopened": IncidentReopened, "incident.priority_updated": IncidentPriorityUpdated,
    "incident.reassigned": IncidentReassigned, "incident.escalated": IncidentReassigned,
    "incident.delegated": IncidentReassigned, "incident.annotated": IncidentAnnotated}
V2_EVENT_TYPES: Mapping[str, type[IncidentEvent]] = {
    "incident.trigger": IncidentTriggered, "incident.acknowledge": IncidentAcknowledged,
    "incident.unacknowledge": IncidentUnacknowledged, "incident.resolve": IncidentResolved,
    "incident.assign": IncidentReassigned, "incident.escalate": IncidentReassigned,
    "incident.delegate": IncidentReassigned, "incident.annotate": IncidentAnnotated}


def find_ping_id(raw: bytes) -> str | None:
    """Return the id of the test event that `--ping` makes PagerDuty send; None for any other delivery."""
    event = _parse_body(raw).get("event")
    if not isinstance(event, dict) or event.get("event_type") != "pagey.ping":
        return None
    return str(get_optional(event, "id", str))


def parse_delivery(raw: bytes, is_signed: bool = True) -> list[Event]:
    """Return the events of a V3 or V2 delivery, none for types that jpi ignores.

    Raise RejectedDelivery if it is unreadable, InvalidSignature if it is V3 and not signed, UselessDelivery if it is
    of no use.
    """
    data = _parse_body(raw)
    if "event" in data:
        if not is_signed:
            raise InvalidSignature("A V3 delivery is signed; a token is for V2 only.")
        return _parse_v3_event(get_required(data, "event", dict))
    if "messages" in data:
        return _parse_v2_messages(get_required(data, "messages", list))
    raise RejectedDelivery("The body holds neither 'event' nor 'messages'.")


def _parse_body(raw: bytes) -> Json:
    if not raw:
        raise UselessDelivery("empty", "PagerDuty's delivery has no body: check whatever passes it on to jpi.")
    return parse_json_object(raw)


def _parse_v2_messages(messages: list[Any]) -> list[Event]:
    """Return the events of the readable messages, each of which is on its own; reject where none is readable."""
    events: list[Event] = []
    errors: list[RejectedDelivery] = []
    for message in messages:
        try:
            events += _parse_v2_message(message)
        except UselessDelivery as error:
            errors.append(error)
        except RejectedDelivery as error:
            errors.append(error)
            log.warning("a message of a delivery cannot be read; the others go on", extra={"reason": str(error)})
    if errors and len(errors) == len(messages):
        raise errors[0]
    return events


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
    note = Note(get_id(data), get_body(data, "content"), at, actor.name if actor else "",
                trimmed=bool(data.get("trimmed")))
    return IncidentAnnotated(get_required(event, "id", str), at, Incident(get_id(get_required(data, "incident", dict))),
                             actor, notes=(note,))


def _parse_v2_message(message: Any) -> list[Event]:
    if not isinstance(message, dict):
        raise RejectedDelivery("A message is not an object.")
    if "event" not in message and str(get_optional(message, "type", str)).startswith("incident."):
        raise UselessDelivery("PagerDuty V1", "This is a webhook of PagerDuty's version 1: replace the extension by a "
                              "subscription of version 3 (jpi webhooks).")
    event_type = V2_EVENT_TYPES.get(get_required(message, "event", str))
    if event_type is None:
        return []
    entries = [entry for entry in map(try_parse_log_entry, get_objects(message, "log_entries")) if entry]
    details, trigger = next(((entry.details, entry.trigger) for entry in entries if entry.details), (None, None))
    agent = next((entry.agent for entry in entries if entry.agent), None)
    incident = parse_incident(get_required(message, "incident", dict))
    incident = replace(incident, details=details or incident.details, trigger=trigger or incident.trigger)
    return [event_type(get_required(message, "id", str), get_time(message, "created_on"), incident, agent)]
