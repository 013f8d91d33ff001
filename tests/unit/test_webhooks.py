"""Both parsers: every documented body becomes the right event, and nothing but Rejected comes of anything else."""

import contextlib
import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.domain.events import IncidentTriggered, IssueCommented, IssueUpdated
from jpi.domain.model import Incident, Issue, Person
from jpi.errors import RejectedDelivery
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import payloads as pagerduty_payloads
from jpi.pagerduty import webhooks as pagerduty_webhooks
from tests.deliveries import (
    SHARED_FOLDER,
    V2_EVENT_CLASSES,
    V3_EVENT_CLASSES,
    encode_body,
    make_comment_body,
    make_issue_updated_body,
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
    assert pagerduty_webhooks.parse_delivery(encode_body(make_v3_body())) == [IncidentTriggered("01EVENT", at, INCIDENT,
                                                                                                RITA)]


def test_a_v2_delivery_becomes_the_same_event_with_the_triggers_details():
    [event] = pagerduty_webhooks.parse_delivery(encode_body(make_v2_body()))
    assert isinstance(event, IncidentTriggered)
    told = {"details": "Nobody can pay.", "trigger": "Nobody can pay.", "key": None}
    assert event.incident == Incident(**{**vars(INCIDENT), **told})
    assert (event.actor, event.at) == (RITA, datetime(2026, 11, 20, 3, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(("body", "wanted"), [
    *((make_v3_body(name), wanted) for name, wanted in V3_EVENT_CLASSES.items()),
    *((make_v2_body(name), wanted) for name, wanted in V2_EVENT_CLASSES.items()),
])
def test_every_type_has_its_event(body, wanted):
    assert [type(event).__name__ for event in pagerduty_webhooks.parse_delivery(encode_body(body))] == [wanted]


@pytest.mark.parametrize("body", [
    make_v3_body("service.updated"), make_v3_body("incident.invented_tomorrow"),
    {"event": {"event_type": "pagey.ping", "data": None}}, {"messages": []},
])
def test_types_we_have_no_use_for_are_no_events(body):
    assert pagerduty_webhooks.parse_delivery(encode_body(body)) == []


@pytest.mark.parametrize(("reason", "wanted"), [(None, None), ({"type": "other"},
                                                               None), ({"type": "merge_resolve_reason",
                                                                        "incident": make_reference("incident", "Q2",
                                                                                                   "Payments")
                                                                        | {"html_url": "https://x"}},
                                                                       "Payments https://x"), ({
    "type": "merge_resolve_reason"}, "another incident"), ("merged", "another incident"), ("unknown", None)])
def test_a_merge_is_told_from_a_resolution(reason, wanted):
    [event] = pagerduty_webhooks.parse_delivery(encode_body(make_v3_body("incident.resolved", status="resolved",
                                                                         resolve_reason=reason)))
    assert event.incident.merged_into == wanted


def test_what_a_delivery_leaves_out_is_none():
    body = make_v3_body(priority=None, assignees=[], service=None, agent=None)
    del body["event"]["data"]["urgency"], body["event"]["data"]["title"]
    [event] = pagerduty_webhooks.parse_delivery(encode_body(body))
    assert (event.actor, event.incident.priority, event.incident.title) == (None, None, None)
    assert event.incident.assignees == ()


def test_a_status_pagerduty_invents_later_says_nothing():
    assert pagerduty_webhooks.parse_delivery(encode_body(make_v3_body(status="simmering")))[0].incident.status is None


@pytest.mark.parametrize(("entry", "priority", "details"), [
    ({"channel": {"new_priority": {"id": "P1", "type": "priority", "name": "P1", "summary": "P1"}}}, "P1", None),
    ({"channel": {"new_priority": make_reference("priority", "P2", "P2")}}, "P2", None),
    ({"summary": 'Priority set to "P1" by Rita.', "channel": {"type": "website"}}, None, None),
    ({"type": "trigger_log_entry", "channel": {"details": {"host": "db1", "load": [1, 2]}}}, None,
     "host: db1\nload: [1, 2]"),
    ({"type": "trigger_log_entry", "channel": {"details": "", "body": "An e-mail."}}, None, "An e-mail."),
    ({"channel": {"details": "of a resolution"}}, None, None),
])
def test_a_log_entrys_channel_is_read_and_its_summary_is_not(entry, priority, details):
    found = pagerduty_payloads.parse_log_entry({"id": "R1", "type": "x", "created_at": "2026-11-20T03:00:00Z",
                                                "summary": "", **entry})
    assert (found.priority, found.details) == (priority, details)


def test_a_jira_delivery_becomes_an_event():
    body = encode_body(make_issue_updated_body())
    at = datetime.fromtimestamp(1795143601.25, UTC)
    person, issue = Person("712020:person", "Jim Jira"), Issue("INCIDENT-1", "10001", "done", "Checkout is down",
                                                               status="done")
    headers = {jira_webhooks.DELIVERY_ID_HEADER: "the-same-on-every-retry"}
    assert jira_webhooks.parse_delivery(body, headers) == [
        IssueUpdated("the-same-on-every-retry", at, issue, person, moved=True, left="1")]
    assert jira_webhooks.parse_delivery(body, {})[0].id == "INCIDENT-1-jira:issue_updated-1795143601.25"


def test_a_note_is_of_the_incident_that_it_names():
    [event] = pagerduty_webhooks.parse_delivery(encode_body(make_v3_note_body()))
    assert (event.incident, event.has_snapshot) == (Incident("Q0INCIDENT0001"), False)
    [note] = event.notes
    assert (note.id, note.text, note.author) == ("PNOTE01", "Rolled back.", "Rita Responder")
    [event] = pagerduty_webhooks.parse_delivery(encode_body(make_v2_body("incident.annotate")))
    assert (type(event).__name__, event.notes) == ("IncidentAnnotated", None)


@pytest.mark.parametrize(("changes", "internal"), [
    ({}, False), ({"jsdPublic": False}, True), ({"visibility": {"type": "role", "value": "Developers"}}, True),
])
def test_a_comment_says_who_what_and_for_whom(changes, internal):
    [event] = jira_webhooks.parse_delivery(encode_body(make_comment_body(**changes)), {})
    comment = event.comment
    # The markup stays: the comment is read again as a document before its text is used.
    assert (comment.id, comment.text, comment.author.name) == ("10500", "Traffic is *back*.", "Jim Jira")
    assert comment.internal == internal
    assert (event.issue, event.has_snapshot, event.deleted) == (Issue("INCIDENT-1", "10001"), False, False)
    [gone] = jira_webhooks.parse_delivery(encode_body(make_comment_body(event="comment_deleted")), {})
    assert gone.deleted


def test_a_moved_issue_is_known_by_both_its_keys():
    body = make_issue_updated_body("OPS-7")
    body["changelog"]["items"] = [{"field": "Key", "fieldId": "Key", "fromString": "INCIDENT-1", "toString": "OPS-7"}]
    assert jira_webhooks.parse_delivery(encode_body(body), {})[0].issue_keys == ("OPS-7", "INCIDENT-1")


@pytest.mark.parametrize("event", ["issuelink_created", "sprint_closed"])
def test_other_events_of_jira_are_none_of_ours(event):
    assert jira_webhooks.parse_delivery(encode_body(make_issue_updated_body(webhookEvent=event)), {}) == []


def test_a_value_that_looks_like_a_status_is_not_one():
    body = make_issue_updated_body()
    body["issue"]["fields"] = {"customfield_1": {"value": "Done", "statusCategory": {"key": "done"}}}
    assert jira_webhooks.parse_delivery(encode_body(body), {})[0].issue.category is None


BAD_PAGERDUTY = [b"", b"\xff", b"not json", b"[]", b"1", b"null", b"{}", b"[" * 100_000, b"1" * 5000,
                 *map(encode_body, [{"event": None}, {"event": 1}, {"event": {}}, {"event": {"event_type": 1}}, {
    "messages": {}}, {"messages": [1]}, {"messages": [{"event": "incident.trigger"}]}, make_v3_body(incident=""),
                                    make_v3_body(incident="../users"), make_v3_body(event_id=None),
                                    make_v3_body(at="yesterday"), make_v3_body(at=1),
                                    make_v3_body(at="0001-01-01T00:00:00+23:59"), make_v3_body(title=[]),
                                    make_v3_body(status=True), make_v3_body(priority="P1"),
                                    make_v3_body(priority={"summary": 1}), make_v3_body(assignees={}),
                                    make_v3_body(assignees=[1]), make_v3_body(number="7"), make_v3_body(number=True),
                                    make_v3_body(agent="Rita"), make_v2_body(incident="a b"),
                                    make_v2_body(assignments=[{}])])]
BAD_JIRA = [b"", b"[]", b"{", *map(encode_body, [{}, {"webhookEvent": 1}, make_issue_updated_body(timestamp=None),
                                                 make_issue_updated_body(timestamp="1"),
                                                 make_issue_updated_body(timestamp=10**30),
                                                 make_issue_updated_body(timestamp=True),
                                                 make_issue_updated_body(issue=None), make_issue_updated_body(issue=[]),
                                                 make_issue_updated_body(issue={"fields": {}}),
                                                 make_issue_updated_body(key="../x"),
                                                 make_issue_updated_body(issue={"key": "A-1", "fields": []}),
                                                 make_issue_updated_body(user="Jim"),
                                                 make_issue_updated_body(issue={"key": "A-1",
                                                                                "fields": {
    "status": {"statusCategory": "done"}}})])]


@pytest.mark.parametrize("body", BAD_PAGERDUTY, ids=lambda body: body[:40].decode("latin-1"))
def test_unreadable_pagerduty_deliveries_are_rejected_in_one_line(body):
    with pytest.raises(RejectedDelivery, match=r"\A[^\n]{1,100}\Z"):
        pagerduty_webhooks.parse_delivery(body)


@pytest.mark.parametrize("body", BAD_JIRA, ids=lambda body: body[:40].decode("latin-1"))
def test_unreadable_jira_deliveries_are_rejected_in_one_line(body):
    with pytest.raises(RejectedDelivery, match=r"\A[^\n]{1,100}\Z"):
        jira_webhooks.parse_delivery(body, {})


def vendor_bodies() -> list:
    """The vendors' bodies where they are here, ours after their shape elsewhere."""
    files = sorted([*SHARED_FOLDER.glob("payloads/pagerduty/v[23]*.json"),
                    *SHARED_FOLDER.glob("payloads/jira/*webhook*.json")])
    found = [json.loads(file.read_text()) for file in files]
    return found or [make_v3_body(), make_v2_body(), make_issue_updated_body()]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
                    max_leaves=20)


def paths(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths(one, (*path, key))


@st.composite
def mutations(draw):
    """A vendor's body with one value replaced by any JSON."""
    body = copy.deepcopy(draw(st.sampled_from(vendor_bodies())))
    path = draw(st.sampled_from([path for path in paths(body) if path]))
    there = body
    for key in path[:-1]:
        there = there[key]
    there[path[-1]] = draw(JSON)
    return body


@given(JSON | mutations() | st.fixed_dictionaries({"event": JSON}) | st.fixed_dictionaries({"messages": JSON})
       | st.fixed_dictionaries({"webhookEvent": st.just("jira:issue_updated"), "issue": JSON, "timestamp": JSON}))
def test_no_json_whatever_makes_a_parser_fail_otherwise(body):
    for parse in (pagerduty_webhooks.parse_delivery, lambda found: jira_webhooks.parse_delivery(found, {})):
        with contextlib.suppress(RejectedDelivery):
            parse(encode_body(body))


@given(st.binary())
def test_no_bytes_whatever_make_a_parser_fail_otherwise(body):
    with pytest.raises(RejectedDelivery):
        pagerduty_webhooks.parse_delivery(body)


# What each vendor file must become; those not named are not webhook bodies at all.
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
    found = {file.stem: [type(one).__name__ for one in pagerduty_webhooks.parse_delivery(file.read_bytes())]
             for file in folder.glob("v[23]_*.json") if file.stem in VENDOR_EVENTS}
    assert found == {name: [wanted] if wanted else [] for name, wanted in VENDOR_EVENTS.items()}
    # Every body in the folder is in the table: whatever else parses is no delivery.
    for file in folder.glob("v[23]_*.json"):
        if file.stem not in VENDOR_EVENTS:
            with pytest.raises(RejectedDelivery):
                pagerduty_webhooks.parse_delivery(file.read_bytes())
    documented = jira_webhooks.parse_delivery(
        (SHARED_FOLDER / "payloads/jira/docs-webhook-issue-updated.json").read_bytes(), {}
    )
    assert [(event.issue.key, event.issue.category) for event in documented] == [("JRA-20002", None)]
    [said] = jira_webhooks.parse_delivery(
        (SHARED_FOLDER / "payloads/jira/cloud2026-comment_created-trimmed.json").read_bytes(), {}
    )
    assert isinstance(said, IssueCommented)
    assert said.comment.text
