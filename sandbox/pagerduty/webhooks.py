"""PagerDuty's webhooks: subscriptions (V3, signed), generic V2 extensions (unsigned), bodies, delivery rules."""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.pagerduty.model import Incident, Json, LogEntry, Note, format_time, make_id
from sandbox.webhook_outbox import DeliveryRules, Outbox


def is_retried(status: int) -> bool:
    """True if PagerDuty sends again after this answer; 0 stands for no answer."""
    return status in (0, 429) or status >= 500


# PagerDuty retries for 48 hours (https://developer.pagerduty.com/docs/webhooks-overview). It does not document the
# delays; these double from 30 s to an hour.
RETRY_DELAYS_SECONDS = (*(30.0 * 2**number for number in range(7)), *[3600.0] * 47)
PAGERDUTY_RULES = DeliveryRules(timeout_seconds=5.0, is_retried=is_retried, retry_delays_seconds=RETRY_DELAYS_SECONDS,
                                drops_until_disabled=3, disabled_seconds=24 * 3600.0)
REDACTED = "-- redacted --"
V2_EVENT_NAMES: Mapping[str, str] = {
    "incident.triggered": "incident.trigger", "incident.acknowledged": "incident.acknowledge",
    "incident.unacknowledged": "incident.unacknowledge", "incident.resolved": "incident.resolve",
    "incident.reassigned": "incident.assign", "incident.escalated": "incident.escalate",
    "incident.delegated": "incident.delegate", "incident.annotated": "incident.annotate",
}


@dataclass
class Subscription:
    """A V3 webhook subscription, or (`version` 2) a generic V2 webhook extension."""

    url: str
    events: list[str]
    filter: Json
    headers: list[Json] = field(default_factory=list)
    description: str = ""
    active: bool = True
    version: int = 3
    services: list[Json] = field(default_factory=list)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    id: str = field(default_factory=lambda: make_id("P", 7))

    def is_subscribed_to(self, event_type: str, incident: Incident | None) -> bool:
        """True if this event goes to the subscription."""
        is_account_wide = self.filter["type"] == "account_reference"
        ids = {self.filter.get("id"), *(service["id"] for service in self.services)}
        is_in_scope = is_account_wide or (
            incident is not None and not ids.isdisjoint({incident.service.id, incident.service.team_id} - {None})
        )
        return self.active and is_in_scope and event_type in self.events

    def to_json(self, with_secret: bool, disabled: bool) -> Json:
        """Return the subscription as the API shows it; with the secret only right after it was created."""
        headers = [{"name": header["name"], "value": header["value"] if with_secret else REDACTED}
                   for header in self.headers]
        return {"id": self.id, "type": "webhook_subscription", "active": self.active, "description": self.description,
                "delivery_method": {"id": self.id, "type": "http_delivery_method", "url": self.url,
                                    "secret": self.secret if with_secret else None, "custom_headers": headers,
                                    "temporarily_disabled": disabled}, "events": self.events, "filter": self.filter}


def make_v3_body(event_type: str, at: datetime, agent: Json | None, data: Json) -> bytes:
    """Make a V3 body: an envelope with exactly one event."""
    return json.dumps({"event": {"id": make_id("0", 26), "event_type": event_type,
                                 "resource_type": event_type.partition(".")[0],
                                 "occurred_at": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z",
                                 "agent": agent, "client": None, "data": data}}).encode()


def make_v3_incident(incident: Incident) -> Json:
    """Make the `data` of an incident's event: references, `number`, and no assignee once it is resolved."""
    view = incident.to_json()
    kept = ("id", "type", "self", "html_url", "status", "incident_key", "created_at", "title", "service",
            "escalation_policy", "teams", "urgency", "conference_bridge", "resolve_reason", "incident_type", "priority")
    assignees = [] if incident.status == "resolved" else [user.to_reference() for user in incident.assignees]
    return {**{name: view[name] for name in kept}, "number": incident.number, "assignees": assignees,
            "reopened_at": format_time(incident.reopened) if incident.reopened else None}


def make_v3_note(incident: Incident, note: Note) -> Json:
    """Make the `data` of `incident.annotated`."""
    reference = {**incident.to_reference(), "summary": incident.title}
    return {"incident": reference, "id": note.id, "content": note.content, "trimmed": False, "type": "incident_note"}


def make_v2_body(event: str, at: datetime, incident: Incident, entry: LogEntry) -> bytes:
    """Make a V2 body: one message with the full incident, the priority's name, and the log entry with its channel."""
    incident_json = {**incident.to_json({"priorities"}), "service": incident.service.to_json(),
                     "resolve_reason": "merged" if incident.merged_into else None, "description": incident.title}
    message = {"event": event, "log_entries": [incident.entry_to_json(entry)], "webhook": {"type": "webhook"},
               "incident": incident_json, "id": str(uuid.uuid4()), "created_on": format_time(at)}
    return json.dumps({"messages": [message]}).encode()


class WebhookRegistry:
    """All subscriptions of an account."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.subscriptions: dict[str, Subscription] = {}

    def add(self, subscription: Subscription) -> Subscription:
        """Add a subscription."""
        self.subscriptions[subscription.id] = subscription
        return subscription

    def send_incident_event(self, event_type: str, incident: Incident, agent: Json | None, at: datetime,
                            entry: LogEntry, note: Note | None = None) -> None:
        """Send this event of an incident to every subscription that wants it."""
        data = make_v3_note(incident, note) if note else make_v3_incident(incident)
        body = make_v3_body(event_type, at, agent, data)
        for subscription in self.subscriptions.values():
            if subscription.is_subscribed_to(event_type, incident) and subscription.version == 3:
                self._add_delivery(subscription, body, incident.id)
            elif subscription.is_subscribed_to(event_type, incident) and event_type in V2_EVENT_NAMES:
                self._add_delivery(subscription, make_v2_body(V2_EVENT_NAMES[event_type], at, incident, entry),
                                   incident.id)

    def send_ping(self, subscription: Subscription, at: datetime) -> None:
        """Send the test event."""
        data = {"message": "Hello from your friend Pagey!", "type": "ping"}
        self._add_delivery(subscription, make_v3_body("pagey.ping", at, {"id": "PXRUEF2", "type": "user_reference"},
                                                      data), "ping")

    def _add_delivery(self, subscription: Subscription, body: bytes, resource: str) -> None:
        headers: dict[str, Any] = {"Content-Type": "application/json", "Accept": "application/json",
                                   "X-Webhook-Id": str(uuid.uuid4()),
                                   "User-Agent": f"PagerDuty-Webhook/V{subscription.version}.0",
                                   **{header["name"]: header["value"] for header in subscription.headers}}
        if subscription.version == 3:
            digest = hmac.new(subscription.secret.encode(), body, hashlib.sha256).hexdigest()
            headers |= {"X-PagerDuty-Signature": f"v1={digest}", "X-Webhook-Subscription": subscription.id}
        self.outbox.add_delivery(subscription.url, headers, body, f"{subscription.id} {resource}", subscription.id)
