"""What goes on for long: dead tokens, stopped consumers, issues that are gone. Nothing is lost, nothing piles up."""

import json

import pytest

from jpi.errors import Retryable
from jpi.handlers import log_entries
from sandbox.aws.functions import Context
from sandbox.web import Fault


@pytest.fixture(params=[True, False], ids=["queue", "in process"])
def there(request, make_world):
    return make_world(queued=request.param)


def poll(world, times=1, gap=60):
    for _ in range(times):
        log_entries.handler({}, None)
        world.settle()
        world.clock.advance(gap)


def trigger(world, priority="P1"):
    incident = world.pagerduty.trigger(world.service, "Down", world.rita, priority)
    world.settle()
    return incident


def timeline(world):
    return len(world.linked(world.issues()[0], "Timeline"))


def refusing(path, status):
    return lambda call: Fault(status) if call.path.endswith(path) and call.method in ("POST", "PUT") else None


def after_a_refused_line(world, status):
    """An incident with a line of its timeline that was refused for ten minutes, until now."""
    incident = trigger(world)
    poll(world, 8)
    with world.losing_webhooks():
        world.pagerduty.annotate(incident, "A line.", world.rita)
    world.jira_server.fault = refusing("/issue/bulk", status)
    poll(world, 10)
    world.jira_server.fault = lambda call: None
    return incident


@pytest.mark.parametrize("status", [500, 401])
def test_a_line_that_was_refused_comes_though_others_come_before_it(there, status):
    incident = after_a_refused_line(there, status)
    with there.losing_webhooks():
        there.pagerduty.annotate(incident, "Another.", there.rita)
    poll(there, 70)
    assert timeline(there) == len(incident.log)


def test_a_state_that_is_read_does_not_make_up_for_a_line_that_was_refused(there):
    incident = after_a_refused_line(there, 401)
    there.pagerduty.acknowledge(incident, there.rita)
    there.settle()
    poll(there, 70)
    assert timeline(there) == len(incident.log)
    assert there.jpi.links.get(incident.id).failed == {}


def test_a_page_missing_from_one_incidents_log_is_asked_for_again(there):
    poll(there)
    incident = trigger(there, "P3")
    with there.losing_webhooks():
        for number in range(110):
            there.pagerduty.annotate(incident, f"Note {number}", there.rita)
    poll(there, 2, 3600)
    there.pagerduty.set_priority(incident, "P1", there.rita)
    there.settle()
    missing = []

    def page_missing(call):
        if call.path != f"/incidents/{incident.id}/log_entries" or call.query["offset"] != ["100"] or missing:
            return None
        missing.append(call)
        page = {"log_entries": [], "more": False, "limit": 100, "offset": 100, "total": len(incident.log)}
        return Fault(200, body=json.dumps(page))

    there.pagerduty_server.fault = page_missing
    poll(there, 3)
    assert len(missing) == 1
    assert timeline(there) == len(incident.log)


def test_an_issue_that_is_gone_is_looked_at_no_more(there):
    incident = trigger(there)
    poll(there, 8)
    there.admin("DELETE", f"/rest/api/3/issue/{there.issues()[0].key}")
    there.pagerduty.resolve(incident, there.rita)
    there.settle()
    poll(there, 8)
    assert there.jpi.links.open() == []
    there.forget_calls()
    poll(there)
    assert [call.path for call in there.calls()] == ["/log_entries", "/incidents", "/rest/api/3/search/jql"]
    there.pagerduty.reopen(incident, there.rita)
    there.settle()
    assert there.issues() == [], "nothing is created again by itself"


def test_a_queue_that_nobody_empties_fills_slowly(queued):
    for number in range(3):
        queued.pagerduty.trigger(queued.service, f"Outage {number}", queued.rita, "P1")
    queued.pagerduty.outbox.pump()
    stored = []
    for _ in range(30):
        log_entries.handler({}, None)
        stored.append(queued.events.waiting())
        queued.clock.advance(60)
    # The webhooks; what the polls read, every five minutes at most.
    assert stored[-1] <= 3 + 3 * 7


@pytest.mark.parametrize("status", [403, 503])
def test_what_pagerduty_refuses_is_tried_ever_more_seldom(there, status):
    incident = trigger(there)
    poll(there, 8)
    there.pagerduty_server.fault = refusing(f"/incidents/{incident.id}", status)
    with there.losing_webhooks():
        there.move(there.issues()[0], "done")
    there.forget_calls()
    poll(there, 60)
    assert 1 < sum(call.method == "PUT" for call in there.calls()) < 25
    assert not there.events or there.events.waiting() < 5
    there.pagerduty_server.fault = lambda call: None
    poll(there, 70)
    assert incident.status == "resolved"


def test_what_jira_refuses_is_tried_ever_more_seldom(there):
    there.jira.required.add(("INCIDENT", "assignee"))
    with there.losing_webhooks():
        trigger(there)
    there.forget_calls()
    poll(there, 60)
    assert 1 < sum(call.method == "POST" and call.path.endswith("/issue") for call in there.calls()) < 20


def test_a_window_that_there_is_no_time_for_is_read_in_smaller_ones(world):
    with world.losing_webhooks():
        incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
        for number in range(1200):
            world.clock.advance(17)
            world.pagerduty.set_urgency(incident, ("low", "high")[number % 2], world.rita)

    def slow(call):
        if call.path == "/log_entries":
            world.clock.advance(5)

    world.pagerduty_server.fault = slow
    ends = []
    for _ in range(12):
        try:
            log_entries.handler({}, Context(world.clock, 60.0))
            ends.append("read")
        except Retryable as error:
            ends.append(str(error))
        world.clock.advance(60)
    assert ends[0] == "there is no time left for another call"
    assert ends[-3:] == ["read"] * 3
    assert (world.clock.now() - world.jpi.poll._cursor.load().until).total_seconds() < 300
