"""A simulated PagerDuty account with two people and two services, reached over HTTP."""

import json
from contextlib import contextmanager

from sandbox.clock import Clock
from sandbox.pagerduty.server import PagerDutyServer
from sandbox.pagerduty.state import PagerDutyState
from sandbox.wsgi_transport import make_wsgi_session

KEY = "account-key"
OFF = object()
ALL = [f"incident.{one}" for one in ("triggered", "acknowledged", "unacknowledged", "resolved", "reopened", "escalated",
                                     "delegated", "reassigned", "priority_updated", "annotated")]


class Account:
    """An account with two people and a service, reached over HTTP."""

    def __init__(self):
        self.clock = Clock()
        self.there = PagerDutyState(self.clock, key=KEY)
        self.rita, self.oscar = self.there.add_user("Rita", "rita@x.com"), self.there.add_user("Oscar", "oscar@x.com")
        self.service = self.there.add_service("Checkout", self.oscar)
        self.other = self.there.add_service("Search", self.rita)
        self.server, self.url = PagerDutyServer(self.there), "http://pagerduty.localhost"
        self.session = make_wsgi_session({self.url: self.server}, self.clock)

    def call(self, method, path, body=None, sender="rita@x.com", key=KEY, **params):
        headers = {"Authorization": f"Token token={key}", "Accept": "application/vnd.pagerduty+json;version=2",
                   "Content-Type": "application/json", **({"From": sender} if sender else {})}
        data = None if body is None else json.dumps(body)
        return self.session.request(method, self.url + path, data=data, params=params, headers=headers, timeout=5)

    def ok(self, method, path, body=None, **more):
        answer = self.call(method, path, body, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def refused(self, method, path, body=None, **more):
        answer = self.call(method, path, body, **more)
        error = answer.json()["error"]
        assert error["message"]
        return answer.status_code, error["code"]

    def put(self, incident, **fields):
        return self.ok("PUT", f"/incidents/{incident.id}", {"incident": {"type": "incident_reference", **fields}})

    def trigger_incident(self, title="Down", by=OFF, priority=None, details=None, **more):
        return self.there.trigger_incident(self.service, title, self.rita if by is OFF else by, priority, details,
                                           **more)

    def subscribe(self, events, url="http://127.0.0.1:9/", **fields):
        body = {"type": "webhook_subscription", "events": events, "filter": {"type": "account_reference"},
                "delivery_method": {"type": "http_delivery_method", "url": url}, **fields}
        return self.ok("POST", "/webhook_subscriptions", {"webhook_subscription": body})["webhook_subscription"]

    def told(self):
        """(type, data) of the events on their way, V3."""
        found = [delivery.payload["event"] for delivery in self.there.outbox.pending]
        return [(event["event_type"], event["data"]) for event in found]


@contextmanager
def running():
    yield Account()


def creation(account, **fields):
    return {"incident": {"type": "incident", "title": "Down", "service": account.service.to_reference(), **fields}}


def kinds(incident):
    return [entry.type.removesuffix("_log_entry") for entry in incident.log]


def extension(account, **fields):
    return {"extension": {"type": "extension", "name": "V2", "endpoint_url": "http://127.0.0.1:9/",
                          "extension_schema": {"id": "PJFWPEP", "type": "extension_schema_reference"},
                          "extension_objects": [{"id": account.service.id, "type": "service_reference"}],
                          "config": {"headers": [{"name": "X-Webhook-Token", "value": "secret"}]}, **fields}}
