"""Odd deliveries and answers: what is readable goes on, neighbours are not spoilt, and what is of no use is said."""

import json

import pytest

from jpi.app import app
from tests.deliveries import (
    encode_body,
    make_comment_body,
    make_v2_body,
    make_v3_body,
    sign_as_jira,
    sign_as_pagerduty,
)
from tests.world_actions import is_idle_after_polls, run_poll

ODD_ITEMS = [None, 1, "odd", [], {}, {"id": None}, {"id": "../x"}, {"id": "ODD1", "type": []},
             {"id": "ODD2", "created_at": 5, "type": "annotate_log_entry", "incident": 7}]
DAY_SECONDS = 86_400


@pytest.fixture(params=[False, True], ids=["at once", "queued"])
def site(request, make_linked):
    """A P1 with its issue: (world, incident, issue)."""
    return make_linked(queued=request.param)


def send_to_pagerduty_webhook(world, body, secret=None):
    raw = body if isinstance(body, bytes) else encode_body(body)
    headers = sign_as_pagerduty(raw, secret or world.environ["PAGERDUTY_WEBHOOK_SECRET"])
    answer = app.test_client().post("/pagerduty-webhook", data=raw, headers=headers)
    world.run_until_idle()
    return answer.status_code


def send_to_jira_webhook(world, body, secret=None):
    raw = body if isinstance(body, bytes) else encode_body(body)
    headers = sign_as_jira(raw, secret or world.environ["JIRA_WEBHOOK_SECRET"])
    answer = app.test_client().post("/jira-webhook", data=raw, headers=headers)
    world.run_until_idle()
    return answer.status_code


def get_present_time(world):
    return world.clock.now().isoformat()


def list_useless(caplog):
    return [record.kind for record in caplog.records if record.getMessage() == "a delivery is of no use"]


@pytest.mark.parametrize("changes", [
    {"assignees": [None]}, {"assignees": "Oscar"}, {"priority": "P1"}, {"number": "9"}, {"title": ["x"]},
    {"service": "Checkout"}, {"agent": "Rita"}, {"created_at": 0}, {"resolve_reason": 7}, {"urgency": {}},
], ids=str)
def test_an_event_goes_on_with_what_is_readable(site, changes):
    world, incident, issue = site
    with world.lose_webhooks():
        world.pagerduty.acknowledge_incident(incident, world.rita)
    body = make_v3_body("incident.acknowledged", incident.id, status="acknowledged", at=get_present_time(world),
                        **{"title": "Checkout is down", **changes})
    assert send_to_pagerduty_webhook(world, body) in (200, 202)
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate")}
    assert (issue.assignee, issue.priority, issue.summary) == (world.oscar_id, "Highest", "Checkout is down")
    assert is_idle_after_polls(world)


def test_a_status_of_another_shape_is_found_by_the_poll(site):
    world, incident, _ = site
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(incident, world.rita)
    body = make_v3_body("incident.resolved", incident.id, status={"name": "resolved"}, at=get_present_time(world))
    assert send_to_pagerduty_webhook(world, body) in (200, 202)
    run_poll(world)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_one_bad_message_does_not_refuse_the_good_ones(site):
    world, first, _ = site
    second = world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    world.run_until_idle()
    with world.lose_webhooks():
        for incident in (first, second):
            world.pagerduty.resolve_incident(incident, world.rita)
    messages = [{**make_v2_body("incident.resolve", incident.id, status="resolved")["messages"][0],
                 "id": incident.id, "created_on": get_present_time(world)} for incident in (first, second)]
    bad = {"event": "incident.resolve", "id": "bad", "created_on": "never", "incident": None}
    assert send_to_pagerduty_webhook(world, {"messages": [bad, messages[0], None, messages[1]]}) in (200, 202)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done"), "Search is down": ("resolved", "done")}


def test_an_excluded_body_is_taken_said_once_a_day_and_made_good_by_the_poll(site, caplog):
    world, _, issue = site
    [hook] = world.jira.webhooks.values()
    hook.exclude_body = True
    for category in ("indeterminate", "done"):
        world.move_issue(issue, category)
        world.run_until_idle()
    assert list_useless(caplog) == ["excluded body"]
    assert world.jira.outbox.dropped == []
    run_poll(world)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}
    world.clock.advance(DAY_SECONDS + 1)
    for _ in range(2):
        assert send_to_jira_webhook(world, b"") == 200
    assert list_useless(caplog) == ["excluded body"] * 2


def make_post_function_body(world, issue, from_status):
    """Make what a workflow's post function sends, of the issue as Jira's own webhook last showed it."""
    payload = next(delivery.payload for delivery in reversed(world.jira.outbox.pending)
                   if delivery.payload["webhookEvent"] == "jira:issue_updated")
    world.jira.outbox.pending.clear()
    transition = {"workflowId": 10400, "workflowName": "Incidents", "transitionId": 5, "transitionName": "Move",
                  "from_status": from_status, "to_status": issue.status}
    return {"transition": transition, "comment": "", **{name: payload[name] for name in ("user", "issue", "timestamp")}}


def test_a_post_functions_body_is_read_as_an_update(site):
    world, _, issue = site
    for category, status in (("indeterminate", "acknowledged"), ("done", "resolved"), ("new", "triggered")):
        before = issue.status
        world.move_issue(issue, category)
        body = make_post_function_body(world, issue, before)
        assert send_to_jira_webhook(world, body) in (200, 202)
        assert world.read_statuses() == {"Checkout is down": (status, category)}
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("sender", "body", "kind", "advice"), [
    ("jira", {"transition": {"from_status": "To Do"}, "timestamp": 1, "user": {}}, "post function without issue",
     "take this address out of the post function"),
    ("jira", {name: value for name, value in make_comment_body().items() if name != "issue"}, "comment without issue",
     "Data Center"),
    ("jira", b"", "excluded body", "Exclude body"),
    ("pagerduty", {"messages": [{"id": "1", "created_on": "2026-11-20T03:00:01Z", "type": "incident.trigger",
                                 "data": {"incident": {"id": "Q1", "status": "triggered"}}}]}, "PagerDuty V1",
     "subscription of version 3"),
    ("pagerduty", b"", "empty", "passes it on"),
])
def test_what_is_authentic_but_of_no_use_is_taken_and_said_once_a_day(site, caplog, sender, body, kind, advice):
    world, incident, _ = site
    send = send_to_jira_webhook if sender == "jira" else send_to_pagerduty_webhook
    assert [send(world, body) for _ in range(5)] == [200] * 5
    world.jpi = world.start_jpi()
    assert send(world, body) == 200
    [line] = [record for record in caplog.records if record.getMessage() == "a delivery is of no use"]
    assert line.kind == kind
    assert advice in line.reason
    # What is not authentic stays refused, and so does what is no JSON.
    assert send(world, body, secret="a stranger's") == 401
    assert send(world, b"{") == 400
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def add_odd_items(call, body):
    """Put odd items among those of each list that an answer holds."""
    try:
        data = json.loads(body)
    except ValueError:
        return body
    for name in ("incidents", "log_entries", "notes"):
        if isinstance(data, dict) and isinstance(data.get(name), list):
            data[name] = [*ODD_ITEMS, *data[name], *ODD_ITEMS]
            if data.get("total") is not None:
                data["total"] += 2 * len(ODD_ITEMS)
    return encode_body(data)


def test_odd_items_in_pagerdutys_lists_do_not_spoil_their_neighbours(site):
    world, incident, issue = site
    world.pagerduty_server.change_body = add_odd_items
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "Rolled back.", world.rita)
        world.pagerduty.acknowledge_incident(incident, world.rita)
        world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    for _ in range(2):
        run_poll(world)
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate"),
                                     "Search is down": ("triggered", "new")}
    [comment] = issue.comments
    assert "Rolled back." in comment.text
    assert is_idle_after_polls(world)


def add_odd_issues(call, body):
    """Put odd issues and comments among those that Jira answers, each list as long as it says."""
    if not call.path.endswith(("/search/jql", "/issue/bulkfetch")):
        return body
    data = json.loads(body)
    if isinstance(data.get("issues"), list):
        for issue in data["issues"]:
            if comments := issue.get("fields", {}).get("comment"):
                comments["comments"] = [*ODD_ITEMS, *comments["comments"], *ODD_ITEMS]
                comments["total"] = len(comments["comments"])
        odd = [*ODD_ITEMS, {"id": "1", "key": "../x", "fields": {}}, {"id": "2", "key": "X-1", "fields": []}]
        data["issues"] = [*odd, *data["issues"], *odd]
    return encode_body(data)


def test_odd_issues_and_comments_in_jiras_lists_do_not_spoil_their_neighbours(site):
    world, incident, issue = site
    world.jira_server.change_body = add_odd_issues
    body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "Traffic is back."}]}]}
    with world.lose_webhooks():
        world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": body})
        world.move_issue(issue, "indeterminate")
    run_poll(world)
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate")}
    [note] = incident.notes
    assert "Traffic is back." in note.content
    assert is_idle_after_polls(world)
    # The issue of a link that is odd itself is not gone.
    world.jira_server.change_body = lambda call, body: (
        body.replace(b'"updated"', b'"odd"') if call.path.endswith("bulkfetch") else body)
    for _ in range(3):
        run_poll(world)
        world.clock.advance(600)
    world.jira_server.change_body = lambda call, body: body
    with world.lose_webhooks():
        world.move_issue(issue, "done")
    run_poll(world)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}


def test_odd_values_of_one_incident_do_not_spoil_the_others(site):
    world, incident, _ = site

    def change_body(call, body):
        data = json.loads(body) if body else None
        for listed in (data or {}).get("incidents", []):
            if listed["id"] == incident.id:
                listed |= {"priority": "P1", "assignments": [None, {}, 3], "incident_number": "9", "service": "x"}
        return encode_body(data) if data else body

    world.pagerduty_server.change_body = change_body
    with world.lose_webhooks():
        world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
        world.pagerduty.acknowledge_incident(incident, world.rita)
    for _ in range(2):
        run_poll(world)
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate"),
                                     "Search is down": ("triggered", "new")}


def comment_as_jim(world, issue, text):
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    body = {"type": "doc", "version": 1, "content": [paragraph]}
    world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": body})


def spoil(server, path, name, text):
    """Give each object of this list, in answers to such a path, that has this text somewhere, times that are none."""
    def spoil_item(item):
        return {**item, "created": 5, "updated": 5, "created_at": 5} if text in json.dumps(item) else item

    def spoil_lists(data):
        if isinstance(data, dict):
            return {key: [*map(spoil_item, value)] if key == name and isinstance(value, list) else spoil_lists(value)
                    for key, value in data.items()}
        return [*map(spoil_lists, data)] if isinstance(data, list) else data

    server.change_body = lambda call, body: encode_body(spoil_lists(json.loads(body))) if path in call.path else body


def mend(server):
    server.change_body = lambda call, body: body


def run_polls(world, minutes):
    for _ in range(minutes):
        run_poll(world)


def list_copies(messages):
    return sorted(line for message in messages for line in message.splitlines() if "first" in line or "second" in line)


def test_a_comment_that_cannot_be_read_does_not_move_the_watermark(site):
    world, incident, issue = site
    spoil(world.jira_server, "bulkfetch", "comments", "first")
    with world.lose_webhooks():
        comment_as_jim(world, issue, "the first")
        world.clock.advance(5)
        comment_as_jim(world, issue, "the second")
    run_polls(world, 15)
    assert list_copies(note.content for note in incident.notes) == ["[Jira] Jim Jira: the second"]
    mend(world.jira_server)
    # SQS takes the same read once in five minutes.
    run_polls(world, 7)
    assert list_copies(note.content for note in incident.notes) == ["[Jira] Jim Jira: the first",
                                                                    "[Jira] Jim Jira: the second"]
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_queued", [False, True])
def test_a_comment_that_cannot_be_read_again_costs_only_its_copy(make_linked, is_queued):
    """Jim lends jpi his account, so that each of his comments is read again: jpi may have written it."""
    world, incident, issue = make_linked(queued=is_queued, JIRA_USER_EMAIL="jim@example.com",
                                         JIRA_API_TOKEN="jim-token-at-jira")
    spoil(world.jira_server, "/comment/list", "values", "first")
    with world.lose_webhooks():
        comment_as_jim(world, issue, "the first")
        comment_as_jim(world, issue, "the second")
        world.move_issue(issue, "done")
    run_polls(world, 2)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}
    assert list_copies(note.content for note in incident.notes) == ["[Jira] Jim Jira: the second"]
    mend(world.jira_server)
    run_polls(world, 8)
    assert len(list_copies(note.content for note in incident.notes)) == 2


def test_a_note_that_cannot_be_read_is_named_and_read_later_and_its_copy_stays(site):
    world, incident, issue = site
    world.pagerduty.add_note(incident, "the first", world.rita)
    world.run_until_idle()
    run_poll(world)
    spoil(world.pagerduty_server, "/notes", "notes", "the")
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "the second", world.rita)
        world.pagerduty.add_note(incident, "a second of Rita's", world.rita)
    run_polls(world, 15)
    assert list_copies(comment.text for comment in issue.comments) == ["a second of Rita's", "the first"]
    [step] = world.jpi.links.get(incident.id).backlog.refused_steps
    assert (step.service, step.id.kind) == ("PagerDuty", "notes")
    mend(world.pagerduty_server)
    run_polls(world, 20)
    assert list_copies(comment.text for comment in issue.comments) == ["a second of Rita's", "the first", "the second"]
    assert not world.jpi.links.get(incident.id).backlog.refused_steps
    assert is_idle_after_polls(world)
