"""PagerDuty's parser: every documented body becomes the right event, anything else is rejected."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.domain.events import IncidentTriggered
from jpi.domain.model import Incident, Person
from jpi.errors import RejectedDelivery, UselessDelivery
from jpi.pagerduty.webhooks import parse_delivery
from tests.deliveries import (
    MALFORMED_BODIES,
    SHARED_FOLDER,
    V2_EVENT_CLASSES,
    V3_EVENT_CLASSES,
    encode_body,
    make_reference,
    make_v2_body,
    make_v3_body,
    make_v3_note_body,
    needs_shared,
)

RITA, OSCAR = Person("PUSER01", "Rita Responder"), Person("PUSER02", "Oscar Oncall")
INCIDENT = Incident("Q0INCIDENT0001", "Checkout is down", "triggered", "P1",
                    "https://acme.pagerduty.com/incidents/Q0INCIDENT0001", "Checkout", "PSERV01", "key", "high", 7,
                    (OSCAR,), created=datetime(2026, 11, 20, 3, 0, 0, tzinfo=UTC))


def test_a_v3_delivery_becomes_an_event():
    at = datetime(2026, 11, 20, 3, 0, 0, 250000, UTC)
    assert parse_delivery(encode_body(make_v3_body())) == [IncidentTriggered("01EVENT", at, INCIDENT, RITA)]


def test_a_v2_delivery_becomes_the_same_event_with_the_triggers_details():
    [event] = parse_delivery(encode_body(make_v2_body()))
    assert isinstance(event, IncidentTriggered)
    assert event.incident == replace(INCIDENT, details="Nobody can pay.", trigger="Nobody can pay.", key=None)
    assert (event.actor, event.at) == (RITA, datetime(2026, 11, 20, 3, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(("body", "event_class"), [
    *((make_v3_body(name), event_class) for name, event_class in V3_EVENT_CLASSES.items()),
    *((make_v2_body(name), event_class) for name, event_class in V2_EVENT_CLASSES.items()),
])
def test_every_type_has_its_event(body, event_class):
    assert [type(event).__name__ for event in parse_delivery(encode_body(body))] == [event_class]


@pytest.mark.parametrize("body", [
    make_v3_body("service.updated"), make_v3_body("incident.invented_tomorrow"),
    {"event": {"event_type": "pagey.ping", "data": None}}, {"messages": []},
])
def test_types_that_jpi_ignores_are_no_events(body):
    assert parse_delivery(encode_body(body)) == []


@pytest.mark.parametrize(("reason", "merged_into"), [
    (None, None), ({"type": "other"}, None), ("merged", "another incident"), ("unknown", None),
    ({"type": "merge_resolve_reason"}, "another incident"),
    ({"type": "merge_resolve_reason",
      "incident": {**make_reference("incident", "Q2", "Payments"), "html_url": "https://x"}}, "Payments https://x"),
])
def test_a_merge_is_distinguished_from_a_resolution(reason, merged_into):
    body = make_v3_body("incident.resolved", status="resolved", resolve_reason=reason)
    [event] = parse_delivery(encode_body(body))
    assert event.incident.merged_into == merged_into


def test_what_a_delivery_leaves_out_is_none():
    body = make_v3_body(priority=None, assignees=[], service=None, agent=None)
    del body["event"]["data"]["urgency"], body["event"]["data"]["title"]
    [event] = parse_delivery(encode_body(body))
    assert (event.actor, event.incident.priority, event.incident.title) == (None, None, None)
    assert event.incident.assignees == ()


def test_a_status_pagerduty_invents_later_says_nothing():
    assert parse_delivery(encode_body(make_v3_body(status="simmering")))[0].incident.status is None


def test_a_note_is_of_the_incident_that_it_names():
    [event] = parse_delivery(encode_body(make_v3_note_body()))
    assert (event.incident, event.snapshot) == (Incident("Q0INCIDENT0001"), None)
    [note] = event.notes
    assert (note.id, note.text, note.author) == ("PNOTE01", "Rolled back.", "Rita Responder")
    [event] = parse_delivery(encode_body(make_v2_body("incident.annotate")))
    assert (type(event).__name__, event.notes) == ("IncidentAnnotated", None)


UNREADABLE_BODIES = [b"\xff", b"not json", b"[]", b"1", b"null", b"{}", b"[" * 100_000, b"1" * 5000,
                     *map(encode_body, [
    {"event": None}, {"event": 1}, {"event": {}}, {"event": {"event_type": 1}}, {"messages": {}}, {"messages": [1]},
    {"messages": [{"event": "incident.trigger"}]}, make_v3_body(incident=""), make_v3_body(incident="../users"),
    make_v3_body(event_id=None), make_v3_body(at="yesterday"), make_v3_body(at=1),
    make_v3_body(at="0001-01-01T00:00:00+23:59"), make_v2_body(incident="a b"),
])]
ODD_VALUES = [{"title": []}, {"status": True}, {"status": {"name": "triggered"}}, {"priority": "P1"},
              {"priority": {"summary": 1}}, {"assignees": {}}, {"assignees": [1]}, {"assignees": [None]},
              {"number": "7"}, {"number": True}, {"created_at": "today"}, {"service": "Checkout"}, {"urgency": 1}]


@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:40].decode("latin-1"))
def test_unreadable_deliveries_are_rejected_in_one_line(body):
    with pytest.raises(RejectedDelivery, match=r"\A[^\n]{1,100}\Z"):
        parse_delivery(body)


@pytest.mark.parametrize("changes", ODD_VALUES, ids=str)
def test_an_odd_optional_value_counts_as_unknown_with_a_warning(changes, caplog):
    [[name, _]] = changes.items()
    [event] = parse_delivery(encode_body(make_v3_body(**changes)))
    field = {"created_at": "created"}.get(name, name)
    unknown = {field: () if name == "assignees" else None, **({"service_id": None} if name == "service" else {})}
    assert event.incident == replace(INCIDENT, **unknown)
    assert caplog.records
    assert {record.getMessage() for record in caplog.records} == {
        "a value is not as documented and counts as unknown"}


def test_an_odd_agent_and_an_odd_assignment_are_nobody():
    assert parse_delivery(encode_body(make_v3_body(agent="Rita")))[0].actor is None
    [event] = parse_delivery(encode_body(make_v2_body(assignments=[{}, None, {"assignee": make_reference(
        "user", "PUSER02", "Oscar Oncall")}])))
    assert event.incident.assignees == (OSCAR,)


@pytest.mark.parametrize("bad", [None, 1, {}, {"event": "incident.trigger"},
                                 make_v2_body(incident="a b")["messages"][0]], ids=str)
def test_one_bad_message_does_not_refuse_the_good_ones(bad, caplog):
    [good], [ignored] = make_v2_body()["messages"], make_v2_body("incident.invented")["messages"]
    events = parse_delivery(encode_body({"messages": [bad, good, bad, good]}))
    assert [event.incident.id for event in events] == ["Q0INCIDENT0001"] * 2
    assert [record.getMessage() for record in caplog.records] == [
        "a message of a delivery cannot be read; the others go on"] * 2
    assert parse_delivery(encode_body({"messages": [bad, ignored]})) == []
    with pytest.raises(RejectedDelivery):
        parse_delivery(encode_body({"messages": [bad, bad]}))


def test_an_odd_log_entry_does_not_refuse_its_message():
    body = make_v2_body()
    body["messages"][0]["log_entries"] = [None, {}, {"id": "R1", "type": []}, *body["messages"][0]["log_entries"]]
    [event] = parse_delivery(encode_body(body))
    assert event.incident.details == "Nobody can pay."


@pytest.mark.parametrize(("body", "kind"), [
    (b"", "empty"),
    (encode_body({"messages": [{"id": "1", "created_on": "2026-11-20T03:00:01Z", "type": "incident.trigger",
                                "data": {"incident": {"id": "Q1"}}}]}), "PagerDuty V1")])
def test_what_is_of_no_use_says_what_it_is(body, kind):
    with pytest.raises(UselessDelivery) as useless:
        parse_delivery(body)
    assert (useless.value.kind, useless.value.status) == (kind, 200)


@given(MALFORMED_BODIES)
def test_no_json_makes_the_parser_fail_otherwise(body):
    with contextlib.suppress(RejectedDelivery):
        parse_delivery(encode_body(body))


@given(st.binary())
def test_no_bytes_make_the_parser_fail_otherwise(body):
    with pytest.raises(RejectedDelivery):
        parse_delivery(body)


# The event class of each vendor file; the files not named here are no webhook bodies.
VENDOR_EVENTS = {"v3_docs_event_incident_priority_updated": "IncidentPriorityUpdated",
                 "v3_docs_event_service_updated": None,
                 "v3_signature_vector_official_body.raw": "IncidentPriorityUpdated",
                 "v3_capture_2026_incident_priority_updated": "IncidentPriorityUpdated",
                 "v3_capture_2026_incident_reopened": "IncidentReopened",
                 "v3_capture_2026_incident_escalated": "IncidentReassigned",
                 "v3_capture_2026_incident_delegated": "IncidentReassigned",
                 "v3_capture_2026_incident_annotated": "IncidentAnnotated",
                 "v3_capture_2026_incident_responder_replied": None,
                 "v3_capture_2026_incident_conference_bridge_updated": None,
                 "v3_capture_2026_incident_status_update_published": None,
                 "v3_capture_2026_incident_workflow_completed": None, "v2_docs_incident_trigger": "IncidentTriggered",
                 "v2_docs_incident_acknowledge": "IncidentAcknowledged",
                 "v2_docs_incident_assign": "IncidentReassigned", "v2_docs_incident_resolve": "IncidentResolved"}


@needs_shared
def test_every_vendor_body_becomes_the_right_event():
    folder = SHARED_FOLDER / "payloads" / "pagerduty"
    classes = {file.stem: [type(event).__name__ for event in parse_delivery(file.read_bytes())]
               for file in folder.glob("v[23]_*.json") if file.stem in VENDOR_EVENTS}
    assert classes == {name: [event_class] if event_class else [] for name, event_class in VENDOR_EVENTS.items()}
    # The table has every webhook body in the folder: any other file is no delivery.
    for file in folder.glob("v[23]_*.json"):
        if file.stem not in VENDOR_EVENTS:
            with pytest.raises(RejectedDelivery):
                parse_delivery(file.read_bytes())
