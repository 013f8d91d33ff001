"""Deliveries of PagerDuty's webhooks (V3, and V2, which it still sends), as events."""

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
from jpi.errors import Rejected
from jpi.json_fields import Json, body, identifier, may, moment, need, objects
from jpi.pagerduty.payloads import incident, log_entry, person

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
