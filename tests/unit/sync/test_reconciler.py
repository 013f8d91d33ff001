"""What no webhook told: the poll reads both sides' state, and makes good what differs."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jpi.domain.backlog import get_pause_seconds
from jpi.domain.events import IncidentLogged, IncidentTriggered
from jpi.domain.link import IssueRef, Link
from jpi.domain.model import Incident
from jpi.domain.retry_state import MAX_FAILURES, retry_is_due, with_failure, without_failure
from jpi.errors import PermanentError, ServiceUnavailable, TooEarly
from jpi.handlers import log_entries
from sandbox.simulated_service import HttpFault
from tests.world_actions import QUESTIONS, count_created_parts

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EMPTY_PAGE = json.dumps({"log_entries": [], "more": False, "limit": 100, "offset": 100, "total": None})


def run_polls(world, times=1):
    for _ in range(times):
        log_entries.handler({}, None)
        world.run_until_idle()


def no_entries(call):
    """PagerDuty lists no log entries, and says nothing of it."""
    return HttpFault(200, body=EMPTY_PAGE) if call.path == "/log_entries" else None


@pytest.mark.parametrize("queued", [False, True])
def test_a_p1_of_which_neither_a_webhook_nor_a_log_entry_told_gets_its_issue(make_world, queued):
    world = make_world(queued=queued)
    run_polls(world)
    world.clock.advance(60)
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.pagerduty_server.choose_fault = no_entries
    run_polls(world)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    run_polls(world)
    assert len(world.list_linked_summaries(world.list_issues()[0], "Timeline")) == len(incident.log)


def test_what_was_open_long_before_jpi_gets_no_issue(world):
    with world.lose_webhooks():
        world.pagerduty.trigger_incident(world.service, "Years ago", world.rita, "P1")
    world.clock.advance(7 * 3600)
    run_polls(world, 2)
    assert world.list_issues() == []


@pytest.mark.parametrize("queued", [False, True])
def test_what_happened_to_an_incident_in_a_gap_of_the_log_is_made_good(make_world, queued):
    world = make_world(queued=queued)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    for act, category in [
        (world.pagerduty.acknowledge_incident, "indeterminate"),
        (world.pagerduty.resolve_incident, "done"),
    ]:
        run_polls(world)
        world.clock.advance(3600)
        with world.lose_webhooks():
            act(incident, world.rita)
        world.pagerduty_server.choose_fault = no_entries
        run_polls(world)
        world.pagerduty_server.choose_fault = lambda call: None
        assert world.read_statuses() == {"Down": (incident.status, category)}


def test_a_poll_costs_one_call_for_the_incidents_and_two_for_the_issues(world):
    for number in range(3):
        world.pagerduty.trigger_incident(world.service, f"Outage {number}", world.rita, "P1")
    world.run_until_idle()
    run_polls(world, 2)
    world.clock.advance(3600)
    run_polls(world)
    world.forget_calls()
    run_polls(world)
    assert sorted(f"{call.method} {call.path}" for call in world.list_jpi_calls()) == [
        "GET /incidents", "GET /log_entries", "POST /rest/api/3/issue/bulkfetch", "POST /rest/api/3/search/jql"]


def test_incidents_that_cannot_be_read_do_not_stop_the_poll(world, caplog):
    run_polls(world)
    before = world.jpi.poller._cursor.load()
    world.clock.advance(60)
    world.pagerduty_server.choose_fault = lambda call: HttpFault(500) if call.path == "/incidents" else None
    run_polls(world)
    assert "the open incidents were not read" in caplog.text
    assert world.jpi.poller._cursor.load().read_until > before.read_until


def test_an_incident_that_cannot_be_read_by_itself_does_not_stop_the_poll(world, caplog):
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    run_polls(world)
    world.clock.advance(3600)
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(incident, world.rita)
    world.pagerduty_server.choose_fault = lambda call: no_entries(call) or (
        HttpFault(500) if call.path == f"/incidents/{incident.id}" else None)
    run_polls(world)
    assert "an incident was not read" in caplog.text
    world.pagerduty_server.choose_fault = lambda call: None
    run_polls(world)
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def test_an_incident_with_an_odd_title_gets_its_issue_like_others(world, caplog):
    run_polls(world)
    with world.lose_webhooks():
        odd = world.pagerduty.trigger_incident(world.service, "Odd", world.rita, "P1")
        world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    odd.title = ["a", "list"]
    world.pagerduty_server.choose_fault = no_entries
    run_polls(world)
    assert {issue.summary for issue in world.list_issues()} == {"(no title)", "Down"}
    assert "a value is not as documented and counts as unknown" in caplog.text


def test_pages_of_open_incidents_are_read_to_the_end(world):
    run_polls(world)
    with world.lose_webhooks():
        for number in range(120):
            world.pagerduty.trigger_incident(world.service, f"Alert {number}", world.rita,
                                             "P1" if number == 0 else "P4")
    world.pagerduty_server.choose_fault = no_entries
    run_polls(world)
    assert [issue.summary for issue in world.list_issues()] == ["Alert 0"]


def test_a_page_that_is_missing_keeps_the_cursor_where_it_was(world, caplog):
    run_polls(world)
    before = world.jpi.poller._cursor.load()
    world.clock.advance(600)
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
        for number in range(150):
            world.pagerduty.add_note(incident, f"Note {number}", world.rita)
    world.clock.advance(600)
    world.pagerduty_server.choose_fault = lambda call: HttpFault(200, body=EMPTY_PAGE.replace("null", "154")) if (
        call.path == "/log_entries" and call.query["offset"] == ["100"]) else None
    run_polls(world)
    assert "log entries are missing" in caplog.text
    assert (world.jpi.poller._cursor.load().read_until, len(world.list_issues())) == (before.read_until, 1)
    world.pagerduty_server.choose_fault = lambda call: None
    run_polls(world)
    assert len(world.list_linked_summaries(world.list_issues()[0], "Timeline")) == len(incident.log)
    assert world.jpi.poller._cursor.load().incomplete_reads == 0


def test_a_service_that_always_counts_wrong_stops_nothing(world):
    world.pagerduty_server.choose_fault = lambda call: HttpFault(200, body=EMPTY_PAGE.replace("null", "7")) if (
        call.path == "/log_entries") else None
    short = []
    for _ in range(4):
        run_polls(world)
        short.append(world.jpi.poller._cursor.load().incomplete_reads)
    assert short == [1, 2, 0, 1]


def add_failure(number, error, link):
    return with_failure(link, IncidentTriggered(f"E{number}", NOON, Incident("Q1")), error, 1000.0 + number)


def test_failures_are_remembered_within_bounds_and_forgotten_when_mended():
    link = Link("Q1", issue=IssueRef("INCIDENT-1"))
    for number in range(MAX_FAILURES + 5):
        link = add_failure(number, PermanentError("refused"), link)
    assert list(link.failures) == [f"E{number}" for number in range(5, MAX_FAILURES + 5)]
    link = add_failure(6, TooEarly("x" * 9999), link)
    assert (len(link.failures), list(link.failures)[-1], len(link.failures["E6"].reason)) == (MAX_FAILURES, "E6", 500)
    mended = without_failure(link, IncidentTriggered("E7", NOON, Incident("Q1")))
    assert "E7" not in mended.failures
    assert list(without_failure(link, IncidentLogged("log:1", NOON, Incident("Q1"), whole=True)).failures) == ["E6"]
    assert without_failure(link, IncidentLogged("log:1", NOON,
                                                Incident("Q1"))) == link, ("which does not bring everything")


def test_the_poll_comes_back_ever_more_seldom():
    link, waits = Link("Q1"), []
    for number in range(8):
        link = add_failure(number, ServiceUnavailable("503"), link)
        waits.append(next(wait for wait in range(0, 9999, 60) if retry_is_due(link, 1000.0 + number + wait)))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert waits == [get_pause_seconds(attempts) for attempts in range(1, 9)], "as refused steps are"
    assert retry_is_due(Link("Q1"), 0.0)
    assert not retry_is_due(replace(Link("Q1"), leases={"issue": 1100.0}), 1000.0), "somebody is at it"


def test_an_issue_whose_changes_cannot_be_read_does_not_keep_others_from_being_read(world, caplog):
    incidents = [world.pagerduty.trigger_incident(world.service, title, world.rita, "P1") for title in ("Odd", "Down")]
    world.run_until_idle()
    with world.lose_webhooks():
        world.move_issue(world.find_issue(incidents[0]), "indeterminate")
        world.move_issue(world.find_issue(incidents[1]), "done")
    world.jira_server.choose_fault = lambda call: HttpFault(403) if call.path.endswith("/changelog") else None
    run_polls(world)
    assert "an issue's changes were not read" in caplog.text
    assert incidents[1].status == "resolved"
