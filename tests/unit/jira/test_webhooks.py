"""Jira's parser: every documented body becomes the right event, anything else is rejected."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given

from jpi.domain.events import IssueCommented, IssueUpdated
from jpi.domain.model import Issue, Person
from jpi.errors import RejectedDelivery, UselessDelivery
from jpi.jira.webhooks import parse_delivery
from tests.deliveries import (
    MALFORMED_BODIES,
    SHARED_FOLDER,
    encode_body,
    make_comment_body,
    make_issue_updated_body,
    needs_shared,
)


def test_a_jira_delivery_becomes_an_event():
    body = encode_body(make_issue_updated_body())
    at = datetime.fromtimestamp(1795143601.25, UTC)
    person, issue = Person("712020:person", "Jim Jira"), Issue("INCIDENT-1", "10001", "done", "Checkout is down",
                                                               status="done")
    [event] = parse_delivery(body)
    assert event == IssueUpdated(event.id, at, issue, person, moved=True, left="1")


def test_a_deliverys_id_is_made_of_what_is_signed():
    body = encode_body(make_issue_updated_body())
    [event], [again], [other] = map(parse_delivery, (body, body, encode_body(make_issue_updated_body(user=None))))
    assert event.id == again.id != other.id
    assert event.id.startswith("INCIDENT-1-jira:issue_updated-")


@pytest.mark.parametrize(("changes", "internal"), [
    ({}, False), ({"jsdPublic": False}, True), ({"visibility": {"type": "role", "value": "Developers"}}, True),
])
def test_a_comment_says_who_what_and_for_whom(changes, internal):
    [event] = parse_delivery(encode_body(make_comment_body(**changes)))
    comment = event.comment
    # The markup stays: the comment is read again as a document before its text is used.
    assert (comment.id, comment.text, comment.author.name) == ("10500", "Traffic is *back*.", "Jim Jira")
    assert comment.internal == internal
    assert (event.issue, event.snapshot, event.deleted) == (Issue("INCIDENT-1", "10001"), None, False)
    [deletion] = parse_delivery(encode_body(make_comment_body(event="comment_deleted")))
    assert deletion.deleted


def test_a_moved_issue_is_known_by_both_its_keys():
    body = make_issue_updated_body("OPS-7")
    body["changelog"]["items"] = [{"field": "Key", "fieldId": "Key", "fieldtype": "jira",
                                   "fromString": "INCIDENT-1", "toString": "OPS-7"}]
    assert parse_delivery(encode_body(body))[0].issue_keys == ("OPS-7", "INCIDENT-1")


@pytest.mark.parametrize("event", ["issuelink_created", "sprint_closed"])
def test_types_that_jpi_ignores_are_no_events(event):
    assert parse_delivery(encode_body(make_issue_updated_body(webhookEvent=event))) == []


def test_a_value_that_looks_like_a_status_is_not_one():
    body = make_issue_updated_body()
    body["issue"]["fields"] = {"customfield_1": {"value": "Done", "statusCategory": {"key": "done"}}}
    assert parse_delivery(encode_body(body))[0].issue.category is None


UNREADABLE_BODIES = [b"[]", b"{", *map(encode_body, [
    {}, {"webhookEvent": 1}, make_issue_updated_body(timestamp=None), make_issue_updated_body(timestamp="1"),
    make_issue_updated_body(timestamp=10**30), make_issue_updated_body(timestamp=True),
    make_issue_updated_body(issue=None), make_issue_updated_body(issue=[]),
    make_issue_updated_body(issue={"fields": {}}), make_issue_updated_body(key="../x"),
    {"transition": 1, "issue": {"key": "A-1"}, "timestamp": 1}, {"transition": {}, "issue": {}, "timestamp": 1},
])]


@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:40].decode("latin-1"))
def test_unreadable_deliveries_are_rejected_in_one_line(body):
    with pytest.raises(RejectedDelivery, match=r"\A[^\n]{1,100}\Z"):
        parse_delivery(body)


@pytest.mark.parametrize("changes", [
    {"user": "Jim"}, {"changelog": []}, {"changelog": {"items": [None, {"fieldId": []}, 1]}},
    {"issue": {"key": "A-1", "fields": []}},
    {"issue": {"key": "A-1", "fields": {"status": {"statusCategory": "done"}}}},
    {"issue": {"key": "A-1", "id": 10001, "fields": {"summary": 1, "priority": "High", "assignee": "Jim"}}}], ids=str)
@pytest.mark.parametrize("name", ["jira:issue_updated", "jira:issue_created", "jira:issue_deleted"])
def test_an_odd_optional_value_counts_as_unknown_with_a_warning(name, changes, caplog):
    [event] = parse_delivery(encode_body(make_issue_updated_body(webhookEvent=name, **changes)))
    assert event.issue.key in ("A-1", "INCIDENT-1")
    is_unread = "changelog" in changes and name != "jira:issue_updated"
    assert is_unread or "a value is not as documented and counts as unknown" in caplog.text


def test_a_custom_field_called_key_moves_no_issue():
    body = make_issue_updated_body("OPS-7")
    item = {"field": "Key", "fieldtype": "custom", "fromString": "INCIDENT-1", "toString": "OPS-7"}
    body["changelog"]["items"] = [item, {**item, "fieldId": "customfield_10050"}]
    assert parse_delivery(encode_body(body))[0].issue_keys == ("OPS-7",)


def make_post_function_body(**changes):
    body = make_issue_updated_body(webhookEvent=None, changelog=None, transition={
        "workflowId": 1, "workflowName": "Incidents", "transitionId": 31, "transitionName": "Finish",
        "from_status": "To Do", "to_status": "Done"}, comment="")
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def test_a_post_functions_body_is_read_as_an_update():
    [event] = parse_delivery(encode_body(make_post_function_body()))
    assert (type(event), event.issue.key, event.issue.category) == (IssueUpdated, "INCIDENT-1", "done")
    assert (event.moved, event.left, event.actor.name) == (True, "To Do", "Jim Jira")


@pytest.mark.parametrize(("body", "kind"), [
    (b"", "excluded body"), (encode_body(make_post_function_body(issue=None)), "post function without issue"),
    (encode_body({name: value for name, value in make_comment_body().items() if name != "issue"}),
     "comment without issue")])
def test_what_is_of_no_use_says_what_it_is(body, kind):
    with pytest.raises(UselessDelivery) as useless:
        parse_delivery(body)
    assert (useless.value.kind, useless.value.status) == (kind, 200)


@given(MALFORMED_BODIES)
def test_no_json_makes_the_parser_fail_otherwise(body):
    with contextlib.suppress(RejectedDelivery):
        parse_delivery(encode_body(body))


@needs_shared
def test_vendor_bodies_become_the_right_events():
    folder = SHARED_FOLDER / "payloads" / "jira"
    [updated] = parse_delivery((folder / "docs-webhook-issue-updated.json").read_bytes())
    assert (updated.issue.key, updated.issue.category) == ("JRA-20002", None)
    [commented] = parse_delivery((folder / "cloud2026-comment_created-trimmed.json").read_bytes())
    assert isinstance(commented, IssueCommented)
    assert commented.comment.text
