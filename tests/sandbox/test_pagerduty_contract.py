"""The simulated PagerDuty's answers, held against the vendor's OpenAPI file."""

import pytest

from tests.contracts import contract
from tests.deliveries import needs_shared
from tests.sandbox.pagerduty_client import ALL_EVENTS, make_creation_body, make_extension_body, open_pagerduty

pytestmark = needs_shared
# Facts 3.2: the one is missing from the OpenAPI file, the other has another name there than in real payloads.
UNDOCUMENTED = ("priority_change_log_entry", "acknowledge_log_entry")


@pytest.fixture
def account():
    with open_pagerduty() as client:
        yield client


def without_nulls(value):
    """PagerDuty's own examples have nulls where its OpenAPI file allows none (`resolved_at`, `priority`)."""
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {name: without_nulls(value) for name, value in value.items() if value is not None}
    return value


def answer_problems(call):
    call.answer = without_nulls(call.answer)
    return [one for one in contract("pagerduty").problems(call) if not one.startswith("request")]


def test_answers_are_as_the_contract_has_them(account):
    incident = account.trigger_incident(details="x")
    other = account.expect_ok(
        "POST", "/incidents", make_creation_body(account, body={"type": "incident_body", "details": "x"})
    )
    account.update_incident(incident, status="acknowledged", title="Still down")
    account.update_incident(incident, status="resolved")
    note = account.expect_ok("POST", f"/incidents/{incident.id}/notes", {"note": {"content": "Hm"}})["note"]
    account.expect_ok("PUT", f"/incidents/{incident.id}/notes/{note['id']}", {"note": {"content": "Hm."}})
    body = {"source_incidents": [{"id": incident.id, "type": "incident_reference"}]}
    account.expect_ok("PUT", f"/incidents/{other['incident']['id']}/merge", body)
    hook = account.add_subscription(ALL_EVENTS)["id"]
    account.expect_ok("PUT",
                      f"/webhook_subscriptions/{hook}", {"webhook_subscription": {"events": ["incident.resolved"]}})
    account.expect_ok("POST", "/extensions", make_extension_body(account))
    for path in ("/abilities", "/priorities", "/users", f"/users/{account.rita.id}", "/services", "/incidents",
                 f"/services/{account.service.id}", f"/incidents/{incident.id}", f"/incidents/{incident.id}/notes",
                 "/webhook_subscriptions", f"/webhook_subscriptions/{hook}", "/extensions"):
        account.expect_ok("GET", path)
    assert {str(call): found for call in account.server.calls if (found := answer_problems(call))} == {}


def test_log_entries_are_as_the_contract_has_them_but_for_what_it_lacks(account):
    account.state.resolve_incident(account.trigger_incident(priority="P1"), account.rita, note="Rebooted")
    account.expect_ok("GET", "/log_entries")
    [call] = account.server.calls
    # Its kinds of channel overlap, so that no channel is exactly one of them.
    call.answer["log_entries"] = [{**one, "channel": None} for one in call.answer["log_entries"]
                                  if one["type"] not in UNDOCUMENTED]
    assert answer_problems(call) == []
