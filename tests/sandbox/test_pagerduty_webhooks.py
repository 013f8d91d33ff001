"""What the simulated PagerDuty tells, to whom: V3 and V2, subscriptions and extensions."""

import hashlib
import hmac
import json

import pytest

from tests.deliveries import SHARED_FOLDER, needs_shared
from tests.sandbox.pagerduty_client import ALL_EVENTS, make_extension_body, open_pagerduty


@pytest.fixture
def account():
    with open_pagerduty() as client:
        yield client


def test_every_effect_tells_its_event(account):
    account.add_subscription(ALL_EVENTS)
    state, incident = account.state, account.trigger_incident(priority="P1")
    state.acknowledge_incident(incident, account.rita)
    state.unacknowledge_incident(incident)
    state.reassign_incident(incident, [account.rita], account.oscar)
    state.set_priority(incident, "P2", account.rita)
    state.set_title(incident, "No webhook")
    state.set_urgency(incident, "low", account.rita)
    state.escalate_incident(incident, account.oscar, account.rita)
    state.delegate_incident(incident, account.other, account.rita)
    state.resolve_incident(incident, account.rita, note="Rebooted")
    state.reopen_incident(incident, account.rita)
    events = account.list_sent_events()
    assert [kind.removeprefix("incident.") for kind, _ in events] == [
        "triggered", "acknowledged", "unacknowledged", "reassigned", "priority_updated", "escalated", "delegated",
        "resolved", "annotated", "reopened"]
    assert [data["assignees"] == [] for kind, data in events if kind != "incident.annotated"][6:] == [
        False,
        True,
        False,
    ]
    assert events[8][1]["content"] == "Resolution Note: Rebooted"
    assert events[9][1]["reopened_at"]


@needs_shared
def test_a_v3_body_is_shaped_as_captured(account):
    account.add_subscription(ALL_EVENTS)
    incident = account.trigger_incident(priority="P3")
    account.state.add_note(incident, "Hm", account.rita)
    shared = SHARED_FOLDER / "payloads" / "pagerduty"
    for delivery, name in zip(account.state.outbox.pending, ("priority_updated", "annotated"), strict=True):
        captured = json.loads((shared / f"v3_capture_2026_incident_{name}.json").read_text())["event"]
        event = delivery.payload["event"]
        assert set(event) == set(captured)
        assert set(event["data"]) == set(captured["data"])
        assert (event["resource_type"], event["client"], event["agent"]["id"]) == ("incident", None, account.rita.id)
        assert event["occurred_at"].endswith("Z")
        assert len(event["occurred_at"]) == len("2026-04-01T02:15:02.274Z")
    data = account.list_sent_events()[0][1]
    assert "name" not in data["priority"]
    assert (data["priority"]["type"], data["number"]) == ("priority_reference", incident.number)


def test_a_merge_says_into_which(account):
    account.add_subscription(["incident.resolved"])
    source, target = account.trigger_incident(), account.trigger_incident()
    account.state.merge_incidents(source, target, account.rita)
    [(_, data)] = account.list_sent_events()
    assert data["resolve_reason"] == {"type": "merge_resolve_reason", "incident": target.to_reference()}


def test_deliveries_are_signed_and_carry_custom_headers(account):
    url = {"type": "http_delivery_method", "url": "http://127.0.0.1:9/",
           "custom_headers": [{"name": "X-Mine", "value": "clear"}]}
    subscription = account.add_subscription(ALL_EVENTS, delivery_method=url)
    account.trigger_incident()
    [delivery] = account.state.outbox.pending
    secret = subscription["delivery_method"]["secret"]
    digest = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    assert delivery.headers["X-PagerDuty-Signature"] == f"v1={digest}"
    assert (delivery.headers["X-Webhook-Subscription"], delivery.headers["X-Mine"]) == (subscription["id"], "clear")
    assert delivery.headers["User-Agent"] == "PagerDuty-Webhook/V3.0"
    assert delivery.headers["X-Webhook-Id"]


def test_who_is_told(account):
    account.service.team_id = "PTEAM00"
    service_filter = {"type": "service_reference", "id": account.service.id}
    hooks = {"everything": account.add_subscription(ALL_EVENTS),
             "only resolved": account.add_subscription(["incident.resolved"]),
             "the service": account.add_subscription(ALL_EVENTS, filter=service_filter),
             "inactive": account.add_subscription(ALL_EVENTS, active=False),
             "the team": account.add_subscription(ALL_EVENTS, filter={"type": "team_reference", "id": "PTEAM00"}),
             "another service": account.add_subscription(ALL_EVENTS, filter={**service_filter, "id": account.other.id})}
    account.trigger_incident()
    receivers = {delivery.subscription for delivery in account.state.outbox.pending}
    assert {name for name, hook in hooks.items() if hook["id"] in receivers} == {
        "everything",
        "the service",
        "the team",
    }


def test_subscriptions_over_rest(account):
    subscription = account.add_subscription(ALL_EVENTS)
    path = f"/webhook_subscriptions/{subscription['id']}"
    assert subscription["delivery_method"]["secret"]
    for shown_subscription in (account.expect_ok("GET", path)["webhook_subscription"],
                               account.expect_ok("GET", "/webhook_subscriptions",
                                                 filter_type="account")["webhook_subscriptions"][0]):
        assert (shown_subscription["id"], shown_subscription["delivery_method"]["secret"]) == (subscription["id"], None)
    account.expect_ok("PUT", path, {"webhook_subscription": {"events": ["incident.resolved"], "active": False}})
    assert account.expect_ok("GET", path)["webhook_subscription"]["active"] is False
    body = {"webhook_subscription": {"delivery_method": {"type": "http_delivery_method", "url": "http://x/"}}}
    assert account.expect_refusal("PUT", path, body) == (400, 2001)
    account.state.outbox.disabled_until[subscription["id"]] = account.clock() + 60
    assert account.expect_ok("GET", path)["webhook_subscription"]["delivery_method"]["temporarily_disabled"]
    assert account.request("POST", f"{path}/enable").status_code == 200
    assert not account.expect_ok("GET", path)["webhook_subscription"]["delivery_method"]["temporarily_disabled"]
    assert account.request("POST", f"{path}/ping").status_code == 202
    assert account.list_sent_events() == [("pagey.ping", {"message": "Hello from your friend Pagey!", "type": "ping"})]
    assert account.request("DELETE", path).status_code == 204
    assert account.expect_refusal("GET", path) == (404, 2100)


@pytest.mark.parametrize("fields", [
    {"type": "x"}, {"events": []}, {"events": ["a", "a"]}, {"events": [1]}, {"filter": {"type": "service_reference"}},
    {"filter": {"type": "user_reference"}}, {"filter": None}, {"delivery_method": {"type": "email"}},
    {"delivery_method": {"type": "http_delivery_method", "url": "example.com"}},
    {"delivery_method": {"type": "http_delivery_method", "url": "http://x/", "custom_headers": [
        {"name": "X", "value": "1"}, {"name": "x", "value": "2"}]}},
])
def test_malformed_subscriptions_are_refused(account, fields):
    body = {"type": "webhook_subscription", "events": ["incident.resolved"], "filter": {"type": "account_reference"},
            "delivery_method": {"type": "http_delivery_method", "url": "http://x/"}, **fields}
    assert account.expect_refusal("POST", "/webhook_subscriptions", {"webhook_subscription": body}) == (400, 2001)


def test_v2_deliveries_of_an_extension(account):
    created = account.expect_ok("POST", "/extensions", make_extension_body(account))["extension"]
    assert [one["id"] for one in account.expect_ok("GET", "/extensions")["extensions"]] == [created["id"]]
    incident = account.trigger_incident(priority="P1", details="Nobody can pay.")
    account.state.set_priority(incident, "P2", account.rita)
    account.state.trigger_incident(account.other, "Another service's", None)
    account.state.resolve_incident(incident, account.rita)
    account.state.reopen_incident(incident, account.rita)
    sent = account.state.outbox.pending
    messages = [message for delivery in sent for message in delivery.payload["messages"]]
    assert [message["event"] for message in messages] == ["incident.trigger", "incident.resolve"]
    assert messages[0]["incident"]["priority"]["name"] == "P1"
    assert messages[0]["log_entries"][0]["channel"]["details"] == "Nobody can pay."
    assert (sent[0].headers["X-Webhook-Token"], sent[0].headers["User-Agent"]) == ("secret", "PagerDuty-Webhook/V2.0")
    assert "X-PagerDuty-Signature" not in sent[0].headers


@pytest.mark.parametrize("fields", [{"name": ""}, {"extension_objects": []}, {"endpoint_url": "x"},
                                    {"extension_schema": {"id": "PF9KMXH"}}])
def test_malformed_extensions_are_refused(account, fields):
    assert account.expect_refusal("POST", "/extensions", make_extension_body(account, **fields)) == (400, 2001)
