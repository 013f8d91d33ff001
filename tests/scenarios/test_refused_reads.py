"""A read that is refused costs only what needs it: issues and incidents are created all the same."""

import json

import pytest

from jpi.tools import explain
from sandbox.simulated_service import HttpFault
from tests.world_actions import edit_issue, poll_sparsely, run_poll

NOT_ALLOWED = {"errorMessages": ["You are not permitted to perform this operation."], "errors": {}}
RESTRICTED = {"error": {"message": "Access Denied", "code": 2010}}
LINKING_IS_OFF = {"errorMessages": ["Issue linking is currently disabled."], "errors": {}}
RULE = """
    [[open]]
    when = {projects = "INCIDENT", types = "Incident", priorities = ["High"]}
    service = "Checkout"
"""


def refuse_read(server, ending, status, answer):
    """Refuse each GET whose path ends so."""
    server.choose_fault = lambda call: HttpFault(status, body=json.dumps(answer)) if (
        call.method == "GET" and call.path.endswith(ending)) else None


def mend(server):
    server.choose_fault = lambda call: None


def poll_for_minutes(world, minutes):
    for _ in range(minutes):
        run_poll(world)


def list_steps(world, incident):
    return [step.id.kind.value for step in world.jpi.links.get(incident.id).backlog.refused_steps]


def read_verdict(capsys, incident):
    capsys.readouterr()
    explain.main([incident.id])
    return capsys.readouterr().out


def count_links(world, issue):
    return [len(world.list_linked_summaries(issue, kind))
            for kind in ("Question", "Stakeholder", "Incident Manager", "Timeline")]


@pytest.fixture(params=[False, True], ids=["at once", "queued"])
def world(request, make_world):
    """Make a world, both ways of handing over."""
    return make_world(queued=request.param)


def trigger_p1(world):
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    return incident


def test_fields_that_may_not_be_read_cost_only_their_values(world):
    refuse_read(world.jira_server, "/field", 403, NOT_ALLOWED)
    incident = trigger_p1(world)
    poll_for_minutes(world, 2)
    issue = world.find_issue(incident)
    assert (issue.summary, issue.priority, issue.get_custom_value("Severity")) == ("Checkout is down", "Highest", None)
    assert count_links(world, issue) == [3, 2, 1, len(incident.log)]
    assert list_steps(world, incident) == []
    mend(world.jira_server)
    assert world.find_issue(trigger_p1(world)).get_custom_value("Severity") == "SEV-0"


@pytest.mark.parametrize(("status", "answer"), [(403, NOT_ALLOWED), (404, LINKING_IS_OFF)])
def test_link_types_that_may_not_be_read_cost_only_the_links(world, status, answer, capsys):
    refuse_read(world.jira_server, "/issueLinkType", status, answer)
    incident = trigger_p1(world)
    poll_for_minutes(world, 2)
    issue = world.find_issue(incident)
    assert (issue.summary, issue.priority, issue.get_custom_value("Severity")) == (
        "Checkout is down", "Highest", "SEV-0")
    assert count_links(world, issue) == [0, 0, 0, 0]
    assert answer["errorMessages"][0] in read_verdict(capsys, incident)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "Done"
    mend(world.jira_server)
    poll_for_minutes(world, 10)
    assert count_links(world, issue) == [3, 2, 1, len(incident.log)]
    assert list_steps(world, incident) == []
    assert "Both sides are in step" in read_verdict(capsys, incident)
    # The questions and the timeline were created once.
    assert len(world.list_issues("QUESTION")) == 3
    assert len(world.list_issues("TIMELINE")) == len(incident.log)


@pytest.mark.parametrize("is_webhook_lost", [False, True])
def test_a_log_that_may_not_be_read_costs_only_the_earlier_lines_of_the_timeline(world, is_webhook_lost, capsys):
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P3")
    world.run_until_idle()
    world.clock.advance(3_600)
    run_poll(world)
    earlier_count = len(incident.log)
    refuse_read(world.pagerduty_server, "/incidents/" + incident.id + "/log_entries", 403, RESTRICTED)
    world.pagerduty.outbox.is_losing = is_webhook_lost
    world.pagerduty.set_priority(incident, "P1", world.rita)
    world.pagerduty.outbox.is_losing = False
    poll_for_minutes(world, 2)
    issue = world.find_issue(incident)
    assert (issue.summary, issue.priority) == ("Checkout is down", "Highest")
    assert count_links(world, issue) == [3, 2, 1, 1]
    assert list_steps(world, incident) == ["log"]
    assert "Access Denied" in read_verdict(capsys, incident)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.pagerduty.resolve_incident(incident, world.rita)
    poll_for_minutes(world, 30)
    assert (issue.status, len(issue.comments), list_steps(world, incident)) == ("Done", 1, ["log"])
    assert count_links(world, issue)[-1] == len(incident.log) - earlier_count
    reads = [call for call in world.pagerduty_server.calls if call.path.endswith(f"{incident.id}/log_entries")]
    assert len(reads) < 10, "the pauses grow"
    mend(world.pagerduty_server)
    poll_sparsely(world, 66)
    assert count_links(world, issue) == [3, 2, 1, len(incident.log)]
    assert list_steps(world, incident) == []
    assert "Both sides are in step" in read_verdict(capsys, incident)


def test_priorities_that_may_not_be_listed_cost_only_the_priority(world, capsys):
    incident = trigger_p1(world)
    poll_for_minutes(world, 1)
    issue = world.find_issue(incident)
    refuse_read(world.pagerduty_server, "/priorities", 403, RESTRICTED)
    edit_issue(world, issue, summary="Checkout is slow", priority={"name": "High"})
    world.run_until_idle()
    poll_for_minutes(world, 2)
    assert (incident.title, incident.priority.name) == ("Checkout is slow", "P1")
    assert (issue.summary, issue.priority, list_steps(world, incident)) == ("Checkout is slow", "High", ["field"])
    assert "Access Denied" in read_verdict(capsys, incident)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 5)
    assert (incident.priority.name, issue.priority, list_steps(world, incident)) == ("P2", "High", [])


@pytest.mark.parametrize("queued", [False, True], ids=["at once", "queued"])
def test_an_incident_is_opened_though_priorities_may_not_be_listed(make_world, tmp_path, queued, capsys):
    file = tmp_path / "sync.toml"
    file.write_text(RULE)
    world = make_world(queued=queued, SYNC_FILE=str(file))
    refuse_read(world.pagerduty_server, "/priorities", 403, RESTRICTED)
    fields = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Customers call us",
              "priority": {"name": "High"}}
    key = world.jim.request("POST", "/rest/api/3/issue", {"fields": fields})["key"]
    world.run_until_idle()
    poll_for_minutes(world, 2)
    [incident] = world.pagerduty.incidents.values()
    issue = world.find_issue(incident)
    assert (incident.key, incident.priority, issue.key, issue.priority) == (key, None, key, "High")
    assert "Access Denied" in read_verdict(capsys, incident)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 5)
    assert (incident.priority.name, issue.priority, list_steps(world, incident)) == ("P2", "High", [])
    assert len(world.pagerduty.incidents) == 1
