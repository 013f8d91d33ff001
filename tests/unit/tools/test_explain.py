"""`python -m jpi.tools.explain`: why an incident has an issue, or none."""

import json

import pytest

from jpi.tools import explain
from sandbox.jira.model import Workflow
from sandbox.simulated_service import HttpFault


def told(capsys, *arguments):
    code = explain.main(arguments)
    return code, capsys.readouterr().out


def trigger(world, priority="P1"):
    incident = world.pagerduty.trigger(world.service, "Checkout is down", world.rita, priority)
    world.run_until_idle()
    return incident


def test_in_step(world, capsys):
    incident = trigger(world)
    capsys.readouterr()
    code, said = told(capsys, incident.id)
    assert code == 0
    assert said.startswith(f'{incident.id} "Checkout is down" P1\n  PagerDuty: triggered  ')
    assert "Jira: INCIDENT-1 to do  " in said
    assert "Both sides are in step" in said
    assert "+ Made the issue INCIDENT-1." in said
    assert told(capsys, "incident-1")[1] == said


def test_why_there_is_no_issue(world, capsys):
    incident = trigger(world, "P4")
    capsys.readouterr()
    _, said = told(capsys, incident.id)
    assert "Jira: no issue" in said
    assert "It has no issue: It has priority P4; only P1 gets an issue (SYNC_PRIORITIES)." in said
    world.pagerduty.add_note(incident, "Looking.", world.rita)
    world.run_until_idle()
    capsys.readouterr()
    assert "It has no issue: It has priority P4" in told(capsys, incident.id)[1], "whatever came since"


def test_what_differs_is_not_called_in_step(world, capsys):
    incident = trigger(world)
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "Done")])
    world.pagerduty.acknowledge(incident, world.rita)
    world.run_until_idle()
    capsys.readouterr()
    _, said = told(capsys, incident.id)
    assert "They differ: PagerDuty has it acknowledged, Jira to do: The issue was left where it is" in said
    assert "in step" not in said


def test_why_it_fails_and_what_to_do(world, capsys):
    world.jira_server.choose_fault = lambda call: HttpFault(401)
    incident = trigger(world)
    capsys.readouterr()
    _, said = told(capsys, incident.id)
    assert "It could not be kept in step: Jira" in said
    assert "What to do: Jira does not take the token: make a new one and put it into JIRA_API_TOKEN." in said


def test_when_it_is_over(world, capsys):
    incident = trigger(world)
    world.jira_admin("DELETE", "/rest/api/3/issue/INCIDENT-1")
    world.run_until_idle()
    capsys.readouterr()
    assert "kept in step no more" in told(capsys, incident.id)[1]


def test_for_machines(world, capsys):
    incident = trigger(world)
    capsys.readouterr()
    _, said = told(capsys, incident.id, "--json")
    assert json.loads(said)[-1]["result"] == "done"


@pytest.mark.parametrize("name", ["Q0NOBODY", "INCIDENT-99"])
def test_nobodys(world, capsys, name):
    code, said = told(capsys, name)
    assert (code, f"check_sync --try {name}" in said) == (1, True)


def test_what_it_cannot_read_is_said_without_a_traceback(world, capsys, monkeypatch):
    monkeypatch.setattr(explain.wiring, "get_app", lambda: (_ for _ in ()).throw(explain.JpiError("DynamoDB is down")))
    assert explain.main(["Q1"]) == 1
    assert capsys.readouterr().err == "DynamoDB is down\n"
