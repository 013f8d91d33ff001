"""PagerDuty's parser: every documented body becomes the right event, anything else is rejected."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.domain.events import IncidentTriggered
from jpi.domain.model import Incident, Person
from jpi.errors import RejectedDelivery
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


UNREADABLE_BODIES = [b"", b"\xff", b"not json", b"[]", b"1", b"null", b"{}", b"[" * 100_000, b"1" * 5000,
                     *map(encode_body, [
    {"event": None}, {"event": 1}, {"event": {}}, {"event": {"event_type": 1}}, {"messages": {}}, {"messages": [1]},
    {"messages": [{"event": "incident.trigger"}]}, make_v3_body(incident=""), make_v3_body(incident="../users"),
    make_v3_body(event_id=None), make_v3_body(at="yesterday"), make_v3_body(at=1),
    make_v3_body(at="0001-01-01T00:00:00+23:59"), make_v3_body(title=[]), make_v3_body(status=True),
    make_v3_body(priority="P1"), make_v3_body(priority={"summary": 1}), make_v3_body(assignees={}),
    make_v3_body(assignees=[1]), make_v3_body(number="7"), make_v3_body(number=True), make_v3_body(agent="Rita"),
    make_v2_body(incident="a b"), make_v2_body(assignments=[{}]),
])]


@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:40].decode("latin-1"))
def test_unreadable_deliveries_are_rejected_in_one_line(body):
    with pytest.raises(RejectedDelivery, match=r"\A[^\n]{1,100}\Z"):
        parse_delivery(body)


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
