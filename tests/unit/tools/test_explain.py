"""`python -m jpi.tools.explain`: why an incident has an issue, or none."""

import json

from jpi.errors import JpiError
from jpi.tools import explain
from sandbox.jira.model import Workflow
from sandbox.simulated_service import HttpFault
from tests.world_actions import run_second_look


def run_explain(capsys, *arguments):
    code = explain.main(arguments)
    return code, capsys.readouterr().out


def trigger_incident(world, priority="P1"):
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, priority)
    world.run_until_idle()
    return incident


def test_in_step(world, capsys):
    incident = trigger_incident(world)
    capsys.readouterr()
    code, out = run_explain(capsys, incident.id)
    assert code == 0
    assert out.startswith(f'{incident.id} "Checkout is down" P1\n  PagerDuty: triggered  ')
    assert "Jira: INCIDENT-1 to do  " in out
    assert "Both sides are in step" in out
    assert "+ Made the issue INCIDENT-1." in out
    assert run_explain(capsys, "incident-1")[1] == out


def test_why_there_is_no_issue(world, capsys):
    incident = trigger_incident(world, "P4")
    capsys.readouterr()
    _, out = run_explain(capsys, incident.id)
    assert "Jira: no issue" in out
    assert "No issue: It has priority P4; only P1 gets an issue (SYNC_PRIORITIES)." in out
    world.pagerduty.add_note(incident, "Looking.", world.rita)
    world.run_until_idle()
    capsys.readouterr()
    assert "No issue: It has priority P4" in run_explain(capsys, incident.id)[1], "whatever came since"


def test_what_differs_is_not_called_in_step(world, capsys):
    incident = trigger_incident(world)
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "Done")])
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    capsys.readouterr()
    _, out = run_explain(capsys, incident.id)
    assert "The two sides differ: PagerDuty acknowledged, Jira to do: The issue was left where it is" in out
    assert "in step" not in out


def test_why_it_fails_and_what_to_do(world, capsys):
    world.jira_server.choose_fault = lambda call: HttpFault(401)
    incident = trigger_incident(world)
    capsys.readouterr()
    _, out = run_explain(capsys, incident.id)
    assert "Sync failed: Jira" in out
    assert "Check JIRA_API_TOKEN" in out
    assert "What to do: Create a new token" in out


def test_an_issue_that_no_incident_has_is_not_asked_of_pagerduty(world, capsys):
    code, out = run_explain(capsys, "INCIDENT-99")
    assert (code, "no incident is linked to this issue" in out, "--try" in out) == (1, True, False)


def test_when_it_is_over(world, capsys):
    incident = trigger_incident(world)
    world.jira_admin.request("DELETE", "/rest/api/3/issue/INCIDENT-1")
    run_second_look(world)
    capsys.readouterr()
    assert "Sync ended" in run_explain(capsys, incident.id)[1]


def test_for_machines(world, capsys):
    incident = trigger_incident(world)
    capsys.readouterr()
    _, out = run_explain(capsys, incident.id, "--json")
    assert json.loads(out)[-1]["result"] == "done"


def test_an_unknown_name_is_reported(world, capsys):
    code, out = run_explain(capsys, "Q0NOBODY")
    assert (code, "check-sync --try Q0NOBODY" in out) == (1, True)


def test_an_unreadable_link_is_reported_without_a_traceback(world, capsys):
    explain.wiring.use_app(lambda: (_ for _ in ()).throw(JpiError("DynamoDB is down")))
    assert explain.main(["Q1"]) == 1
    assert capsys.readouterr().err == "DynamoDB is down\n"
