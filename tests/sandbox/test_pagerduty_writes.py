"""The simulated PagerDuty written to: what it takes and what it refuses."""

import pytest

from tests.sandbox.pagerduty_client import OFF, list_entry_types, make_creation_body, open_pagerduty


@pytest.fixture
def account():
    with open_pagerduty() as client:
        yield client


def test_creation_over_the_api(account):
    fields = {"priority": {"id": account.state.priorities["P1"].id, "type": "priority_reference"}, "urgency": "low",
              "body": {"type": "incident_body", "details": "Nobody can pay."}, "incident_key": "INC-1",
              "assignments": [{"assignee": account.rita.to_reference()}]}
    created_incident = account.expect_ok("POST", "/incidents", make_creation_body(account, **fields))["incident"]
    incident = account.state.incidents[created_incident["id"]]
    assert (incident.title, incident.priority.name, incident.urgency, incident.details, incident.assignees) == (
        "Down", "P1", "low", "Nobody can pay.", [account.rita])
    assert list_entry_types(incident) == ["trigger", "priority_change", "assign", "notify"]
    assert [entry.summary for entry in incident.log[:3]] == [
        "Triggered through the API", 'Priority set to "P1" by Rita.', "Assigned to Rita."]
    assert account.expect_refusal("POST", "/incidents", make_creation_body(account, incident_key="INC-1")) == (
        400,
        2001,
    )
    account.state.resolve_incident(incident, account.rita)
    account.expect_ok("POST", "/incidents", make_creation_body(account, incident_key="INC-1"))


@pytest.mark.parametrize(
    "fields",
    [
        {"type": None},
        {"title": ""},
        {"title": 7},
        {"title": OFF},
        {"service": "PX"},
        {"service": {"id": "PNONE00"}},
        {"urgency": "middling"},
        {"body": "text"},
        {"body": {"details": "x"}},
        {"incident_key": 7},
        {"assignments": "me"},
        {"assignments": [{"assignee": {"id": "PNONE00"}}]},
        {"escalation_policy": {"id": "PNONE00"}},
        {"priority": 7},
        {"assignments": [{"assignee": {"id": "PX"}}], "escalation_policy": {"id": "PX"}},
    ],
)
def test_a_malformed_creation_is_refused_and_nothing_happens(account, fields):
    body = make_creation_body(account)
    body["incident"] = {name: value for name, value in {**body["incident"], **fields}.items() if value is not OFF}
    assert account.expect_refusal("POST", "/incidents", body) == (400, 2001)
    assert account.state.incidents == {}


@pytest.mark.parametrize(("sender", "code"), [(None, 2016), ("nobody@x.com", 1008)])
def test_every_write_names_who_it_is_by(account, sender, code):
    incident = account.trigger_incident()
    note = account.state.add_note(incident, "Hm", account.rita)
    one = {"type": "incident_reference", "id": incident.id, "status": "resolved"}
    for method, path, body in [
        ("POST", "/incidents", make_creation_body(account)), ("PUT", f"/incidents/{incident.id}", {"incident": one}),
        ("PUT", "/incidents", {"incidents": [one]}), ("POST", f"/incidents/{incident.id}/notes", {"note": {}}),
        ("PUT", f"/incidents/{incident.id}/notes/{note.id}", {"note": {}}),
        ("DELETE", f"/incidents/{incident.id}/notes/{note.id}", None),
        ("PUT", f"/incidents/{incident.id}/merge", {"source_incidents": []}),
    ]:
        assert account.expect_refusal(method, path, body, sender=sender) == (400, code)
    assert (incident.status, len(incident.notes)) == ("triggered", 1)


def test_setting_everything_by_put(account):
    incident = account.trigger_incident()
    account.update_incident(incident, title="Still down", priority="P2", urgency="low")
    assert (incident.title, incident.priority.name, incident.urgency) == ("Still down", "P2", "low")
    account.update_incident(incident, priority={"id": account.state.priorities["P1"].id, "type": "priority_reference"})
    account.update_incident(incident, assignments=[{"assignee": account.rita.to_reference()}])
    assert (incident.priority.name, incident.assignees) == ("P1", [account.rita])
    answer = account.update_incident(incident, escalation_policy=account.service.to_policy_reference())["incident"]
    assert answer["escalation_policy"]["id"] == account.service.policy_id
    assert list_entry_types(incident)[3:] == ["priority_change", "urgency_change", "priority_change", "assign",
                                              "delegate"]


def test_status_goes_every_way(account):
    incident = account.trigger_incident()
    account.update_incident(incident, status="acknowledged")
    account.update_incident(incident, status="acknowledged")
    answer = account.expect_ok("GET", f"/incidents/{incident.id}")["incident"]
    assert incident.assignees == [account.rita], "an acknowledgement over the API takes it"
    assert answer["acknowledgements"][0]["acknowledger"]["id"] == account.rita.id
    answer = account.update_incident(incident, status="resolved", resolution="Rebooted")["incident"]
    assert (answer["assignments"], answer["resolved_at"] is None) == ([], False)
    assert (incident.log[-1].channel["note"], incident.notes) == ("Rebooted", [])
    body = {"incident": {"type": "incident_reference", "status": "resolved"}}
    assert account.expect_refusal("PUT", f"/incidents/{incident.id}", body) == (400, 1001)
    account.update_incident(incident, status="triggered")
    assert (incident.status, incident.assignees, incident.reopened is None) == ("triggered", [account.oscar], False)
    account.update_incident(incident, status="resolved")
    account.update_incident(incident, status="acknowledged")
    assert (incident.status, incident.assignees) == ("acknowledged", [account.rita])


@pytest.mark.parametrize(("fields", "code"), [
    ({"status": "open"}, 1003), ({"priority": "P9"}, 1020), ({"title": " "}, 2001), ({"urgency": 1}, 2001),
    ({"type": "thing"}, 2001), ({"resolution": 1}, 2001), ({"assignments": [{"assignee": None}]}, 2001),
])
def test_a_malformed_change_is_refused_whole_one_by_one_and_in_bulk(account, fields, code):
    incident, other = account.trigger_incident(), account.trigger_incident()
    bad = {"type": "incident_reference", "id": incident.id, **fields}
    good = {"type": "incident_reference", "id": other.id, "status": "resolved"}
    assert account.expect_refusal("PUT", f"/incidents/{incident.id}", {"incident": bad}) == (400, code)
    assert account.expect_refusal("PUT", "/incidents", {"incidents": [good, bad]}) == (400, code)
    assert other.status == "triggered"


def test_bulk(account):
    pair = [account.trigger_incident(), account.trigger_incident()]
    bodies = [{"type": "incident_reference", "id": one.id, "status": "acknowledged"} for one in pair]
    answers = account.expect_ok("PUT", "/incidents", {"incidents": bodies})["incidents"]
    assert [one["status"] for one in answers] == ["acknowledged", "acknowledged"]
    assert account.expect_refusal("PUT", "/incidents", {"incidents": bodies * 126})[0] == 413
    for bad in ({"incidents": {}}, {"incidents": [7]}, {}, [], {"incidents": [{"type": "incident", "id": "QNONE"}]}):
        assert account.expect_refusal("PUT", "/incidents", bad) == (400, 2001)


def test_merging(account):
    source, target = account.trigger_incident("Source"), account.trigger_incident("Target")
    body = {"source_incidents": [{"id": source.id, "type": "incident_reference"}]}
    account.expect_ok("PUT", f"/incidents/{target.id}/merge", body)
    reason = account.expect_ok("GET", f"/incidents/{source.id}")["incident"]["resolve_reason"]
    assert (source.status, reason["incident"]["id"]) == ("resolved", target.id)
    assert account.expect_refusal("PUT", f"/incidents/{target.id}/merge", body) == (400, 1019)
    assert account.expect_refusal("PUT", f"/incidents/{source.id}/merge", body) == (400, 2001)


def test_notes(account):
    incident = account.trigger_incident()
    path = f"/incidents/{incident.id}/notes"
    created = account.expect_ok("POST", path, {"note": {"content": "Looking"}})["note"]
    account.expect_ok("PUT", f"{path}/{created['id']}", {"note": {"content": "Looked"}})
    assert [(one["content"], one["user"]["id"]) for one in account.expect_ok("GET", path)["notes"]] == [
        ("Looked", account.rita.id)]
    for content in ("", " ", 7, None):
        assert account.expect_refusal("POST", path, {"note": {"content": content}}) == (400, 2001)
    account.expect_ok("DELETE", f"{path}/{created['id']}")
    assert account.expect_refusal("DELETE", f"{path}/{created['id']}") == (404, 2100)
    incident.notes = [account.state.add_note(incident, "x", account.rita)] * 2000
    assert account.expect_refusal("POST", path, {"note": {"content": "One more"}}) == (400, 2001)
