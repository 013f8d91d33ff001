"""Figures in the log: CloudWatch reads them out of the lines, so each must stand where its line says it does."""

import json
import logging

import pytest

from sandbox.simulated_service import HttpFault
from tests.world_actions import apply_event, make_fault_on_call, run_poll


@pytest.fixture
def lines(caplog):
    """`lines()`: what was logged since, as CloudWatch has it; each figure that a line announces is in it."""
    def read():
        shape = logging.getLogger("jpi").handlers[0].formatter
        found = [json.loads(shape.format(record)) for record in caplog.records if record.name == "jpi"]
        caplog.clear()
        for line in found:
            for told in line.get("_aws", {}).get("CloudWatchMetrics", []):
                assert all(isinstance(line[one["Name"]], int) for one in told["Metrics"])
                assert all(line[name] for dimensions in told["Dimensions"] for name in dimensions)
        return found

    return read


def figures(found, **wanted):
    return [line for line in found if "_aws" in line and all(line.get(name) == value for name, value in wanted.items())]


def test_an_event_is_counted_with_how_long_it_took_to_arrive(p1, lines):
    world, event = p1
    world.clock.advance(7)
    lines()
    for _ in range(3):
        apply_event(world, event)
    first, _, last = figures(lines(), events=1)
    assert (first["result"], first["source"], first["stage"]) == ("applied", "webhook", world.environ["STAGE"])
    assert 7_000 <= first["lag_ms"] < 20_000
    assert (last["result"], "lag_ms" in last) == ("nothing to do", False)


def test_calls_are_counted_by_service_with_what_went_wrong(world, lines):
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.jira_server.choose_fault = make_fault_on_call("POST", "/search/jql", 429, times=1, **{"Retry-After": "1"})
    world.run_until_idle()
    [jira] = figures(lines(), api="jira")
    assert (jira["calls"], jira["limited"], jira["retries"], jira["errors"]) == (len(world.jira_server.calls), 1, 1, 0)
    world.pagerduty_server.choose_fault = lambda call: HttpFault(500) if call.path == "/incidents" else None
    run_poll(world)
    [pagerduty] = figures(lines(), api="pagerduty")
    assert (pagerduty["errors"], pagerduty["retries"]) == (3, 2)


def test_where_nothing_was_called_nothing_is_said(world, lines):
    world.jpi.report_metrics()
    lines()
    world.jpi.report_metrics()
    assert figures(lines()) == []


def test_failures_are_counted_as_such(p1, lines):
    world, event = p1
    world.jira_server.choose_fault = lambda call: HttpFault(400)
    with pytest.raises(Exception, match="400"):
        apply_event(world, event)
    [failed] = figures(lines(), events=1)
    assert failed["result"] == "failed"


def test_what_waits_for_the_poll_by_design_is_no_lag(world, lines):
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
        run_poll(world)
    [made] = [line for line in figures(lines(), source="poll") if "CreateIncidentIssue" in line["outcome"]]
    assert made["lag_ms"] >= 60_000, "its webhook was lost"
    world.pagerduty.add_note(incident, "Looking.", world.rita)
    world.run_until_idle()
    run_poll(world)
    [told] = [line for line in figures(lines(), source="poll") if "AddTimeline" in line["outcome"]]
    assert (told["result"], "lag_ms" in told) == ("applied", False)
