"""Jira's parser: every documented body becomes the right event, anything else is rejected."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given

from jpi.domain.events import IssueCommented, IssueUpdated
from jpi.domain.model import Issue, Person
from jpi.errors import RejectedDelivery
from jpi.jira.webhooks import DELIVERY_ID_HEADER, parse_delivery
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
    person, issue = (
        Person("712020:person", "Jim Jira"),
        Issue("INCIDENT-1", "10001", "done", "Checkout is down", status="done"),
    )
    headers = {DELIVERY_ID_HEADER: "the-same-on-every-retry"}
    assert parse_delivery(body, headers) == [
        IssueUpdated("the-same-on-every-retry", at, issue, person, moved=True, left="1")]
    assert parse_delivery(body, {})[0].id == "INCIDENT-1-jira:issue_updated-1795143601.25"


@pytest.mark.parametrize(("changes", "internal"), [
    ({}, False), ({"jsdPublic": False}, True), ({"visibility": {"type": "role", "value": "Developers"}}, True),
])
def test_a_comment_says_who_what_and_for_whom(changes, internal):
    [event] = parse_delivery(encode_body(make_comment_body(**changes)), {})
    comment = event.comment
    # The markup stays: the comment is read again as a document before its text is used.
    assert (comment.id, comment.text, comment.author.name) == ("10500", "Traffic is *back*.", "Jim Jira")
    assert comment.internal == internal
    assert (event.issue, event.snapshot, event.deleted) == (Issue("INCIDENT-1", "10001"), None, False)
    [deletion] = parse_delivery(encode_body(make_comment_body(event="comment_deleted")), {})
    assert deletion.deleted


def test_a_moved_issue_is_known_by_both_its_keys():
    body = make_issue_updated_body("OPS-7")
    body["changelog"]["items"] = [{"field": "Key", "fieldId": "Key", "fromString": "INCIDENT-1", "toString": "OPS-7"}]
    assert parse_delivery(encode_body(body), {})[0].issue_keys == ("OPS-7", "INCIDENT-1")


@pytest.mark.parametrize("event", ["issuelink_created", "sprint_closed"])
def test_types_that_jpi_ignores_are_no_events(event):
    assert parse_delivery(encode_body(make_issue_updated_body(webhookEvent=event)), {}) == []


def test_a_value_that_looks_like_a_status_is_not_one():
    body = make_issue_updated_body()
    body["issue"]["fields"] = {"customfield_1": {"value": "Done", "statusCategory": {"key": "done"}}}
    assert parse_delivery(encode_body(body), {})[0].issue.category is None


UNREADABLE_BODIES = [b"", b"[]", b"{", *map(encode_body, [
    {}, {"webhookEvent": 1}, make_issue_updated_body(timestamp=None), make_issue_updated_body(timestamp="1"),
    make_issue_updated_body(timestamp=10**30), make_issue_updated_body(timestamp=True),
    make_issue_updated_body(issue=None), make_issue_updated_body(issue=[]),
    make_issue_updated_body(issue={"fields": {}}), make_issue_updated_body(key="../x"),
    make_issue_updated_body(issue={"key": "A-1", "fields": []}), make_issue_updated_body(user="Jim"),
    make_issue_updated_body(issue={"key": "A-1", "fields": {"status": {"statusCategory": "done"}}}),
])]


@pytest.mark.parametrize("body", UNREADABLE_BODIES, ids=lambda body: body[:40].decode("latin-1"))
def test_unreadable_deliveries_are_rejected_in_one_line(body):
    with pytest.raises(RejectedDelivery, match=r"\A[^\n]{1,100}\Z"):
        parse_delivery(body, {})


@given(MALFORMED_BODIES)
def test_no_json_makes_the_parser_fail_otherwise(body):
    with contextlib.suppress(RejectedDelivery):
        parse_delivery(encode_body(body), {})


@needs_shared
def test_vendor_bodies_become_the_right_events():
    folder = SHARED_FOLDER / "payloads" / "jira"
    [updated] = parse_delivery((folder / "docs-webhook-issue-updated.json").read_bytes(), {})
    assert (updated.issue.key, updated.issue.category) == ("JRA-20002", None)
    [commented] = parse_delivery((folder / "cloud2026-comment_created-trimmed.json").read_bytes(), {})
    assert isinstance(commented, IssueCommented)
    assert commented.comment.text
