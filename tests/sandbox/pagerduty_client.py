"""A simulated PagerDuty account with two people and two services, reached over HTTP."""

import json
from contextlib import contextmanager

from sandbox.clock import Clock
from sandbox.pagerduty.server import PagerDutyServer
from sandbox.pagerduty.state import PagerDutyState
from sandbox.wsgi_transport import make_wsgi_session

KEY = "account-key"
OFF = object()
ALL_EVENTS = [f"incident.{name}" for name in ("triggered", "acknowledged", "unacknowledged", "resolved", "reopened",
                                              "escalated", "delegated", "reassigned", "priority_updated", "annotated")]


class PagerDutyClient:
    """An account with two people and a service, reached over HTTP."""

    def __init__(self):
        self.clock = Clock()
        self.state = PagerDutyState(self.clock, key=KEY)
        self.rita, self.oscar = self.state.add_user("Rita", "rita@x.com"), self.state.add_user("Oscar", "oscar@x.com")
        self.service = self.state.add_service("Checkout", self.oscar)
        self.other = self.state.add_service("Search", self.rita)
        self.server, self.url = PagerDutyServer(self.state), "http://pagerduty.localhost"
        self.session = make_wsgi_session({self.url: self.server}, self.clock)

    def request(self, method, path, body=None, sender="rita@x.com", key=KEY, **params):
        headers = {"Authorization": f"Token token={key}", "Accept": "application/vnd.pagerduty+json;version=2",
                   "Content-Type": "application/json", **({"From": sender} if sender else {})}
        data = None if body is None else json.dumps(body)
        return self.session.request(method, self.url + path, data=data, params=params, headers=headers, timeout=5)

    def expect_ok(self, method, path, body=None, **more):
        answer = self.request(method, path, body, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def expect_refusal(self, method, path, body=None, **more):
        answer = self.request(method, path, body, **more)
        error = answer.json()["error"]
        assert error["message"]
        return answer.status_code, error["code"]

    def update_incident(self, incident, **fields):
        return self.expect_ok(
            "PUT", f"/incidents/{incident.id}", {"incident": {"type": "incident_reference", **fields}}
        )

    def trigger_incident(self, title="Down", by=OFF, priority=None, details=None, **more):
        return self.state.trigger_incident(self.service, title, self.rita if by is OFF else by, priority, details,
                                           **more)

    def add_subscription(self, events, url="http://127.0.0.1:9/", **fields):
        body = {"type": "webhook_subscription", "events": events, "filter": {"type": "account_reference"},
                "delivery_method": {"type": "http_delivery_method", "url": url}, **fields}
        return self.expect_ok("POST", "/webhook_subscriptions", {"webhook_subscription": body})["webhook_subscription"]

    def list_sent_events(self):
        """Return the (type, data) of the V3 events that wait for delivery."""
        events = [delivery.payload["event"] for delivery in self.state.outbox.pending]
        return [(event["event_type"], event["data"]) for event in events]


@contextmanager
def open_pagerduty():
    yield PagerDutyClient()


def make_creation_body(account, **fields):
    return {"incident": {"type": "incident", "title": "Down", "service": account.service.to_reference(), **fields}}


def list_entry_types(incident):
    return [entry.type.removesuffix("_log_entry") for entry in incident.log]


def make_extension_body(account, **fields):
    return {"extension": {"type": "extension", "name": "V2", "endpoint_url": "http://127.0.0.1:9/",
                          "extension_schema": {"id": "PJFWPEP", "type": "extension_schema_reference"},
                          "extension_objects": [{"id": account.service.id, "type": "service_reference"}],
                          "config": {"headers": [{"name": "X-Webhook-Token", "value": "secret"}]}, **fields}}
