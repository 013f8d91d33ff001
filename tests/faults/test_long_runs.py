"""Long failures: dead tokens, stopped consumers, deleted issues. Nothing gets lost, nothing piles up."""

import json

import pytest

from jpi.errors import RetryableError
from jpi.handlers import log_entries
from sandbox.aws.event_source import LambdaContext
from sandbox.simulated_service import HttpFault
from tests.world_actions import poll_sparsely


@pytest.fixture(params=[True, False], ids=["queue", "in process"])
def any_world(request, make_world):
    return make_world(queued=request.param)


def run_polls(world, times=1, gap=60):
    for _ in range(times):
        log_entries.handler({}, None)
        world.run_until_idle()
        world.clock.advance(gap)


def trigger_incident(world, priority="P1"):
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, priority)
    world.run_until_idle()
    return incident


def count_timeline(world):
    return len(world.list_linked_summaries(world.list_issues()[0], "Timeline"))


def make_refusal(path, status):
    return lambda call: HttpFault(status) if call.path.endswith(path) and call.method in ("POST", "PUT") else None


def make_refused_line(world, status):
    """Make an incident with a timeline entry that was refused for ten minutes, until now."""
    incident = trigger_incident(world)
    run_polls(world, 8)
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "A line.", world.rita)
    world.jira_server.choose_fault = make_refusal("/issue/bulk", status)
    run_polls(world, 10)
    world.jira_server.choose_fault = lambda call: None
    return incident


@pytest.mark.parametrize("status", [500, 401])
def test_a_line_that_was_refused_comes_though_others_come_before_it(any_world, status):
    incident = make_refused_line(any_world, status)
    with any_world.lose_webhooks():
        any_world.pagerduty.add_note(incident, "Another.", any_world.rita)
    poll_sparsely(any_world, 70)
    assert count_timeline(any_world) == len(incident.log)


def test_a_state_that_is_read_does_not_make_up_for_a_line_that_was_refused(any_world):
    incident = make_refused_line(any_world, 401)
    any_world.pagerduty.acknowledge_incident(incident, any_world.rita)
    any_world.run_until_idle()
    poll_sparsely(any_world, 70)
    assert count_timeline(any_world) == len(incident.log)
    assert any_world.jpi.links.get(incident.id).failures == {}


def test_a_page_missing_from_one_incidents_log_is_asked_for_again(any_world):
    run_polls(any_world)
    incident = trigger_incident(any_world, "P3")
    with any_world.lose_webhooks():
        for number in range(110):
            any_world.pagerduty.add_note(incident, f"Note {number}", any_world.rita)
    run_polls(any_world, 2, 3600)
    any_world.pagerduty.set_priority(incident, "P1", any_world.rita)
    any_world.run_until_idle()
    missing = []

    def page_missing(call):
        if call.path != f"/incidents/{incident.id}/log_entries" or call.query["offset"] != ["100"] or missing:
            return None
        missing.append(call)
        page = {"log_entries": [], "more": False, "limit": 100, "offset": 100, "total": len(incident.log)}
        return HttpFault(200, body=json.dumps(page))

    any_world.pagerduty_server.choose_fault = page_missing
    run_polls(any_world, 3)
    assert len(missing) == 1
    assert count_timeline(any_world) == len(incident.log)


def test_an_issue_that_is_gone_is_looked_at_no_more(any_world):
    incident = trigger_incident(any_world)
    run_polls(any_world, 8)
    any_world.jira_admin.request("DELETE", f"/rest/api/3/issue/{any_world.list_issues()[0].key}")
    any_world.pagerduty.resolve_incident(incident, any_world.rita)
    any_world.run_until_idle()
    run_polls(any_world, 8)
    assert any_world.jpi.links.list_open() == []
    any_world.forget_calls()
    run_polls(any_world)
    assert [call.path for call in any_world.list_jpi_calls()] == [
        "/log_entries",
        "/incidents",
        "/users",
        "/rest/api/3/search/jql",
        "/rest/api/3/myself",
    ]
    any_world.pagerduty.reopen_incident(incident, any_world.rita)
    any_world.run_until_idle()
    assert any_world.list_issues() == [], "nothing is created again by itself"


def test_a_queue_that_nobody_empties_fills_slowly(queued):
    for number in range(3):
        queued.pagerduty.trigger_incident(queued.service, f"Outage {number}", queued.rita, "P1")
    queued.pagerduty.outbox.deliver_due()
    stored = []
    for _ in range(30):
        log_entries.handler({}, None)
        stored.append(queued.event_source.count_waiting())
        queued.clock.advance(60)
    # The webhooks; what the polls read, every five minutes at most.
    assert stored[-1] <= 3 + 3 * 7


@pytest.mark.parametrize("status", [403, 503])
def test_what_pagerduty_refuses_is_tried_ever_more_seldom(any_world, status):
    incident = trigger_incident(any_world)
    run_polls(any_world, 8)
    any_world.pagerduty_server.choose_fault = make_refusal(f"/incidents/{incident.id}", status)
    with any_world.lose_webhooks():
        any_world.move_issue(any_world.list_issues()[0], "done")
    any_world.forget_calls()
    run_polls(any_world, 60)
    assert 1 < sum(call.method == "PUT" for call in any_world.list_jpi_calls()) < 25
    assert not any_world.event_source or any_world.event_source.count_waiting() < 5
    any_world.pagerduty_server.choose_fault = lambda call: None
    poll_sparsely(any_world, 70)
    assert incident.status == "resolved"


def test_what_jira_refuses_is_tried_ever_more_seldom(any_world):
    any_world.jira.required_fields.add(("INCIDENT", "assignee"))
    with any_world.lose_webhooks():
        trigger_incident(any_world)
    any_world.forget_calls()
    run_polls(any_world, 60)
    assert 1 < sum(call.method == "POST" and call.path.endswith("/issue") for call in any_world.list_jpi_calls()) < 20


def test_a_window_that_there_is_no_time_for_is_read_in_smaller_ones(world):
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
        for number in range(1200):
            world.clock.advance(17)
            world.pagerduty.set_urgency(incident, ("low", "high")[number % 2], world.rita)

    def slow_down(call):
        if call.path == "/log_entries":
            world.clock.advance(5)

    world.pagerduty_server.choose_fault = slow_down
    ends = []
    for _ in range(12):
        try:
            log_entries.handler({}, LambdaContext(world.clock, 60.0))
            ends.append("read")
        except RetryableError as error:
            ends.append(str(error))
        world.clock.advance(60)
    assert ends[0] == "there is no time left for another call"
    assert ends[-3:] == ["read"] * 3
    assert (world.clock.now() - world.jpi.poller._cursor.load().read_until).total_seconds() < 300
