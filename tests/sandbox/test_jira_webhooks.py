"""The webhooks of the simulated Jira."""

import hashlib
import hmac

import pytest
from flask import Flask, request

from sandbox.jira.outbox import JIRA_RULES
from sandbox.simulated_service import Server
from tests.sandbox.jira_client import make_document, open_jira

HOOKS = "/rest/webhooks/1.0/webhook"
ALL = ("jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
       "comment_deleted", "issuelink_created", "issuelink_deleted")


@pytest.fixture
def site():
    with open_jira() as client:
        yield client


@pytest.fixture
def receiver():
    """Answers what is left in `answers`, then 200; keeps what came."""
    app, app.answers, app.got = Flask("receiver"), [], []

    @app.post("/hook")
    def hook():
        app.got.append((dict(request.headers), request.get_data()))
        return "", app.answers.pop(0) if app.answers else 200

    server = Server(app)
    app.url = f"{server.url}/hook"
    yield app
    server.stop()


def test_registration(site):
    created = site.add_webhook("jira:issue_created", secret="s3cret",
                               filters={"issue-related-events-section": "project=INC"})
    assert (created["isSigned"], created["enabled"], "secret" in created) == (True, True, False)
    path = created["self"].removeprefix(site.url)
    assert site.expect_ok("GET", HOOKS) == [created]
    changed = site.expect_ok("PUT", path, {"events": ["comment_created"], "enabled": False})
    assert (changed["events"], changed["enabled"], changed["isSigned"], changed["name"]) == (
        ["comment_created"], False, True, "jpi")
    site.expect_ok("DELETE", path)
    assert (site.expect_ok("GET", HOOKS), site.request("GET", path).status_code) == ([], 404)


@pytest.mark.parametrize("change", [{"name": ""}, {"url": "nonsense"}, {"events": ["nonsense"]}, {
    "events": "comment_created"}, {"nonsense": 1}, {"filters": {"issue-related-events-section": "nonsense = 1"}}, {
    "filters": {"nonsense": ""}}, {"secret": 1}])
def test_refused_registrations(site, change):
    body = {"name": "jpi", "url": "https://example.com", "events": ["comment_created"], **change}
    site.expect_refusal(400, "POST", HOOKS, body)
    site.expect_refusal(400, "POST", HOOKS, {"name": "jpi"})


def test_an_issue_created(site):
    site.add_webhook(*ALL)
    site.add_issue(description=make_document("One", "Two"), labels=["a"], assignee={"accountId": site.me})
    [event] = site.read_events()
    assert list(event)[:2] == ["timestamp", "webhookEvent"]
    assert (event["webhookEvent"], event["issue_event_type_name"]) == ("jira:issue_created", "issue_created")
    assert abs(event["timestamp"] - site.clock() * 1000) < 60_000
    assert (event["user"]["accountId"], "emailAddress" in str(event)) == (site.me, False)
    issue, fields = event["issue"], event["issue"]["fields"]
    assert issue["self"] == f"{site.url}/rest/api/2/{issue['id']}"
    assert fields["description"] == "One\n\nTwo"
    assert fields["status"]["statusCategory"] == {"self": f"{site.url}/rest/api/2/statuscategory/2", "id": 2,
                                                  "key": "new", "colorName": "blue-gray", "name": "New"}
    items = {item["fieldId"]: item for item in event["changelog"]["items"]}
    assert (items["status"]["field"], items["status"]["toString"]) == ("Status", "To Do")
    assert items["priority"]["to"] == "3"


def test_what_changed_is_told_by_field(site):
    severity = site.add_severity_field()
    rita = site.jira.add_user("rita@example.com", "rita", "Rita")
    site.add_issue(labels=["a"])
    site.add_webhook(*ALL)
    site.expect_ok("PUT", "/issue/INC-1", {"fields": {
        "summary": "Up", "priority": {"id": "1"}, "labels": ["a", "b"], severity: {"value": "SEV-1"}}})
    site.auth = ("rita@example.com", "rita")
    site.expect_ok("PUT", "/issue/INC-1/assignee", {"accountId": rita})
    site.move("INC-1", "Done")
    site.move("INC-1", "Done")
    edited, assigned, done, again = site.read_events()
    assert [one["issue_event_type_name"] for one in (edited, assigned, done, again)] == [
        "issue_updated", "issue_assigned", "issue_generic", "issue_generic"]
    assert [one["user"]["displayName"] for one in (edited, assigned, done)] == ["Ada Admin", "Rita", "Rita"]
    option = site.jira.fields[severity].options[1].id
    assert {item["fieldId"]: [item[key] for key in ("field", "from", "fromString", "to", "toString")]
            for event in (edited, assigned, done) for item in event["changelog"]["items"]} == {
        "summary": ["summary", None, "Down", None, "Up"],
        "priority": ["priority", "3", "Medium", "1", "Highest"],
        "labels": ["labels", None, "a", None, "a b"],
        severity: ["Severity", None, None, option, "SEV-1"],
        "assignee": ["assignee", None, None, rita, "Rita"],
        "resolution": ["resolution", None, None, "10000", "Done"],
        "status": ["status", "10000", "To Do", "10001", "Done"],
    }
    assert assigned["changelog"]["items"][0]["tmpToAccountId"] == rita
    assert "changelog" not in again
    before = len(site.read_events())
    site.expect_ok("PUT", "/issue/INC-1", {"fields": {"summary": "Up"}})
    assert len(site.read_events()) == before


def test_comments_links_and_deletion(site):
    site.add_issue()
    site.add_issue()
    site.add_webhook(*ALL)
    number = site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document("Said")})["id"]
    site.expect_ok("PUT", f"/issue/INC-1/comment/{number}", {"body": make_document("Changed")})
    site.expect_ok("POST", "/issueLink", {"type": {"name": "Blocks"}, "inwardIssue": {"key": "INC-1"},
                                          "outwardIssue": {"key": "INC-2"}})
    site.expect_ok("DELETE", "/issue/INC-1")
    created, changed, linked, deleted, *rest = site.read_events()
    assert [one["webhookEvent"] for one in rest] == ["comment_deleted", "issuelink_deleted"]
    assert set(created) == {"timestamp", "webhookEvent", "comment", "issue", "eventType"}
    assert (created["comment"]["body"], changed["comment"]["body"]) == ("Said", "Changed")
    assert created["comment"]["author"]["accountId"] == site.me
    assert set(created["issue"]["fields"]) == {"summary", "issuetype", "project", "assignee", "priority", "status"}
    assert (linked["issueLink"]["sourceIssueId"], linked["issueLink"]["issueLinkType"]["name"]) == (
        int(site.jira.issues["INC-1"].id), "Blocks")
    assert set(deleted) == {"timestamp", "webhookEvent", "user", "issue"}
    assert [one.headers["X-Atlassian-Webhook-Flow"] for one in site.jira.outbox.pending] == [
        "Primary"] * 4 + ["Secondary"] * 2


def test_comments_and_links_may_raise_an_update_too(site):
    site.add_webhook("jira:issue_updated")
    site.jira.extra_update_events = {"comment", "link"}
    site.add_issue()
    site.add_issue({"update": {"issuelinks": [{"add": {"type": {"name": "Blocks"},
                                                       "outwardIssue": {"key": "INC-1"}}}]}})
    assert site.read_events() == []
    site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document("Said")})
    site.expect_ok("POST", "/issueLink", {"type": {"name": "Blocks"}, "inwardIssue": {"key": "INC-1"},
                                          "outwardIssue": {"key": "INC-2"}})
    event, *linked = site.read_events()
    assert "changelog" not in event
    assert [one["changelog"]["items"][0]["field"] for one in linked] == ["Link", "Link"]


@pytest.mark.parametrize(("more", "expected"), [
    ({"filters": {"issue-related-events-section": "project = INC"}}, ["jira:issue_created", "comment_created"]),
    ({"filters": {"issue-related-events-section": "project = OTHER AND issuetype in (Incident)"}}, [
        "jira:issue_created"]),
    ({"events": ["comment_created"]}, ["comment_created"]),
    ({"enabled": False}, []),
])
def test_filters(site, more, expected):
    site.add_webhook(**{"events": ["jira:issue_created", "comment_created"], **more})
    site.add_issue(project={"key": "OTHER"})
    site.add_issue()
    site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document("Said")})
    assert [one["webhookEvent"] for one in site.read_events()] == expected


def test_signatures_cover_the_bytes_sent(site, receiver):
    site.add_webhook("jira:issue_created", url=receiver.url, secret="It's a Secret")
    site.add_issue(summary="Zoë 🔥")
    assert site.jira.outbox.deliver_due() == 1
    [(headers, body)] = receiver.got
    digest = hmac.new(b"It's a Secret", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature"] == f"sha256={digest}"
    assert headers["User-Agent"] == "Atlassian Webhook HTTP Client"
    assert "Zoë 🔥".encode() in body


@pytest.mark.parametrize(("answers", "tries", "kept"), [
    ([200], 1, "delivered"), ([204], 1, "delivered"), ([400], 1, "dropped"), ([401], 1, "dropped"),
    ([404], 1, "dropped"), ([408, 409, 425, 429, 500], 6, "delivered"), ([503] * 6, 6, "dropped"),
])
def test_retries(site, receiver, answers, tries, kept):
    site.add_webhook("jira:issue_created", url=receiver.url)
    site.add_issue()
    receiver.answers += answers
    for _ in range(8):
        site.jira.outbox.deliver_due()
        site.jira.outbox.deliver_due()
        site.clock.advance(601)
    heads = [headers for headers, _ in receiver.got]
    assert len(heads) == tries
    assert len({head["X-Atlassian-Webhook-Identifier"] for head in heads}) == 1
    assert [head.get("X-Atlassian-Webhook-Retry") for head in heads] == [
        str(number) if number else None for number in range(tries)]
    assert [len(site.jira.outbox.delivered), len(site.jira.outbox.dropped)] == [kept == "delivered", kept == "dropped"]


def test_deliveries_do_not_wait_for_each_other(site, receiver):
    site.add_webhook("jira:issue_created", url=receiver.url)
    site.add_issue()
    site.add_issue()
    receiver.answers += [500]
    assert site.jira.outbox.deliver_due() == 2
    assert (len(site.jira.outbox.pending), len(site.jira.outbox.delivered)) == (1, 1)
    assert (JIRA_RULES.timeout_seconds, len(JIRA_RULES.retry_delays_seconds)) == (20.0, 5)


def test_a_body_may_be_left_out(site):
    site.add_webhook("jira:issue_created", excludeBody=True)
    site.add_issue()
    assert site.jira.outbox.pending[0].body == b""
