"""The first incident: opened, seen on Jira, resolved, done, and taken away again, whatever happens in between."""

from dataclasses import replace

import pytest

from jpi import wiring
from jpi.handlers import log_entries
from jpi.tools import doctor
from sandbox.simulated_service import HttpFault
from sandbox.site_setup import make_issue
from tests.contracts import contract
from tests.deliveries import needs_shared

# PagerDuty's file demands it also of calls without a body.
GAPS = "header Content-Type"


def connect(world, monkeypatch, while_waiting=lambda: None):
    """Let the tool use the world, in which jpi works and time passes while the tool waits."""
    next_polls = [world.clock() + 30]

    def pass_time(seconds):
        world.clock.advance(seconds)
        while_waiting()
        world.run_until_idle()
        if world.clock() >= next_polls[-1]:
            next_polls.append(world.clock() + 60)
            log_entries.handler({}, None)
            world.run_until_idle()

    monkeypatch.setattr(wiring, "make_infrastructure", lambda: replace(world.make_outside(), sleep=pass_time))
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    world.forget_calls()


def run(capsys, service="Checkout"):
    code = doctor.main(["--first-incident", service])
    output = capsys.readouterr()
    return code, output.out + output.err


@pytest.fixture(params=[True, False], ids=["queued", "in process"])
def connected(request, make_world, monkeypatch):
    world = make_world(queued=request.param)
    connect(world, monkeypatch)
    return world


def get_only_incident(world):
    [incident] = world.pagerduty.incidents.values()
    return incident


@pytest.mark.parametrize("names_service", [lambda service: service.name, lambda service: service.id])
def test_it_is_opened_seen_resolved_and_taken_away(connected, capsys, names_service):
    code, output = run(capsys, names_service(connected.service))
    incident = get_only_incident(connected)
    assert (code, incident.status, incident.priority.name, incident.urgency) == (0, "resolved", "P1", "low"), output
    texts = [f"Opened the P1 incident {incident.id} on Checkout", "Waited 5 s for the issue: ", "/browse/INCIDENT-1",
             f"Resolved the incident {incident.id}.", "Waited 25 s for INCIDENT-1 to be done", "INCIDENT-1."]
    assert [text for text in texts if text not in output] == [], output
    connected.run_until_idle()
    left = {project: connected.list_issues(project) for project in ("INCIDENT", "QUESTION", "TIMELINE")}
    assert left == {"INCIDENT": [], "QUESTION": [], "TIMELINE": []}
    assert connected.list_issues("PERSON"), "people stay"


def test_issues_that_the_token_may_not_delete_are_named(connected, capsys):
    connected.jira_server.choose_fault = lambda call: HttpFault(403) if call.method == "DELETE" else None
    code, output = run(capsys)
    assert (code, get_only_incident(connected).status) == (0, "resolved")
    line = next(line for line in output.splitlines() if line.startswith("Delete on Jira yourself"))
    issues = [issue for project in ("QUESTION", "TIMELINE", "INCIDENT") for issue in connected.list_issues(project)]
    assert {issue.key for issue in issues} == set(line.rstrip(".").rpartition(": ")[2].split(", "))


def test_issues_of_people_are_left(connected, capsys, monkeypatch):
    def link_issue():
        if not connected.list_issues() or any(issue.summary == "Why?" for issue in connected.list_issues("QUESTION")):
            return
        [issue] = connected.list_issues()
        key = make_issue(connected.jira_admin, "QUESTION", "Why?")
        connected.jira_admin.request("POST", "/rest/api/3/issueLink", {
            "type": {"name": "Question"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": issue.key}})

    connect(connected, monkeypatch, link_issue)
    assert run(capsys)[0] == 0
    assert [issue.summary for issue in connected.list_issues("QUESTION")] == ["Why?"]


def test_an_issue_that_does_not_come_is_a_failure(connected, capsys):
    connected.jira_server.choose_fault = lambda call: HttpFault(403) if call.path.endswith("/issue") else None
    code, output = run(capsys)
    incident = get_only_incident(connected)
    assert (code, incident.status) == (1, "resolved")
    assert "Waited 180 s for the issue, in vain." in output
    assert f"jpi explain {incident.id}`" in output


def test_an_issue_that_does_not_get_done_is_a_failure_and_stays(connected, capsys):
    connected.jira_server.choose_fault = lambda call: HttpFault(403) if (
        call.method, call.path.rpartition("/")[2]) == ("POST", "transitions") else None
    code, output = run(capsys)
    assert (code, get_only_incident(connected).status, len(connected.list_issues())) == (1, "resolved", 1)
    assert "Waited 180 s for INCIDENT-1 to be done, in vain." in output


def test_a_service_that_is_down_for_a_moment_is_waited_for(connected, capsys):
    faults = [HttpFault(503)] * 4
    connected.jira_server.choose_fault = lambda call: (
        faults.pop() if faults and call.path.endswith("bulkfetch") else None)
    assert run(capsys)[0] == 0
    assert faults == []


def test_ctrl_c_leaves_no_open_incident(make_world, monkeypatch, capsys):
    def press_ctrl_c():
        raise KeyboardInterrupt

    world = make_world()
    connect(world, monkeypatch, press_ctrl_c)
    assert run(capsys)[0] == 130
    assert get_only_incident(world).status == "resolved"


def test_an_incident_that_cannot_be_resolved_is_named(connected, capsys):
    connected.pagerduty_server.choose_fault = lambda call: HttpFault(403) if call.method == "PUT" else None
    code, output = run(capsys)
    assert (code, f"The incident {get_only_incident(connected).id} may still be open" in output) == (1, True)


@pytest.mark.parametrize(("spoil", "text"), [
    (lambda world: None, "PagerDuty has no service 'Checkin'."),
    (lambda world: world.pagerduty.priorities.clear(), "has no priority P1"),
])
def test_nothing_is_opened_where_it_would_lead_to_nothing(connected, capsys, spoil, text):
    spoil(connected)
    code, output = run(capsys, "Checkout" if "priority" in text else "Checkin")
    assert (code, text in output, connected.pagerduty.incidents) == (1, True, {})


def test_nothing_is_opened_where_jpi_is_not_deployed(make_loopback_world, monkeypatch, capsys):
    world = make_loopback_world(queued=True)
    connect(world, monkeypatch)
    monkeypatch.setenv("CONFIG_TABLE", "none")
    code, output = run(capsys)
    assert (code, output, world.pagerduty.incidents) == (
        1, "There is no table none: run `sls deploy`, or choose the stage with --env.\n", {})


@pytest.mark.parametrize(("condition", "urgency"), [
    ('urgencies = "high"', "high"), ('services = "Checkout"', "low"), ('services = "Payments"', None)])
def test_the_rules_decide_how_urgent_it_is(make_world, monkeypatch, tmp_path, capsys, condition, urgency):
    (tmp_path / "sync.toml").write_text(f"[[rules]]\nwhen = {{{condition}}}\ncreate = {{project = 'INCIDENT'}}\n")
    world = make_world(SYNC_FILE=str(tmp_path / "sync.toml"))
    connect(world, monkeypatch)
    code, output = run(capsys)
    assert (code, [incident.urgency for incident in world.pagerduty.incidents.values()]) == (
        (0, [urgency]) if urgency else (1, []))
    assert urgency or "No rule of your sync file makes an issue of a P1 incident on Checkout: nothing was" in output


def test_options_that_do_not_go_together_are_refused(capsys):
    assert doctor.main(["--json", "--first-incident", "Checkout"]) == 2
    assert "--json and --first-incident cannot be combined." in capsys.readouterr().err


@needs_shared
def test_its_calls_are_as_documented(connected, capsys):
    assert run(capsys)[0] == 0
    # The other calls are the app's, which tests/scenarios/test_contracts.py looks at.
    calls = [(server.name, call) for server in connected.servers for call in server.calls
             if call.method == "DELETE" or call.path.startswith("/services/")]
    problems = [(call.method, call.path, problem) for name, call in calls for problem in contract(name).problems(call)
                if not problem.startswith(GAPS)]
    assert ({call.method for _, call in calls}, problems) == ({"GET", "DELETE"}, [])


