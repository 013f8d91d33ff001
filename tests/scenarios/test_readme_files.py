"""The README's three worked sync files, each as it stands there: checked live, and played."""

import re
from pathlib import Path

import pytest

from jpi.diagnostics.sync_file_checks import find_missing
from sandbox.jira.model import Priority, Transition, Workflow
from sandbox.site_setup import CUSTOM_FIELD_TYPE_PREFIX, PROJECT_TEMPLATE
from tests.world_actions import is_idle_after_polls, run_poll

README = Path(__file__).resolve().parents[2] / "README.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
OPS_STATUSES = [("Reported", "new"), ("Investigating", "indeterminate"), ("Mitigating", "indeterminate"),
                ("Closed", "done"), ("Won't Do", "done")]


@pytest.fixture
def playing(make_world, tmp_path):
    """`playing(number, project, ...)`: the world with that example as its sync file, and these projects."""
    def make(number, *projects, **changes):
        file = tmp_path / "sync.toml"
        file.write_text(EXAMPLES[number])
        world = make_world(SYNC_FILE=str(file), **changes)
        for key in projects:
            world.jira_admin.request("POST", "/rest/api/3/project", {
                "key": key, "name": key, "projectTypeKey": "business", "projectTemplateKey": PROJECT_TEMPLATE,
                "leadAccountId": world.admin_id, "assigneeType": "UNASSIGNED"})
        for hook in world.jira.webhooks.values():
            hook.jql = f"project in ({', '.join(['INCIDENT', *projects])})"
        return world

    return make


def add_text_field(world, name):
    made = world.jira_admin.request(
        "POST",
        "/rest/api/3/field",
        {
            "name": name,
            "type": f"{CUSTOM_FIELD_TYPE_PREFIX}textfield",
            "searcherKey": f"{CUSTOM_FIELD_TYPE_PREFIX}textsearcher",
        },
    )
    world.jira_admin.request("POST", f"/rest/api/3/screens/addToDefault/{made['id']}")


def issues_of(world, incident):
    return [one for one in world.jira.issues.values() if f"pagerduty-{incident.id}" in one.labels]


def all_is_there(world):
    world.jpi.budget.start(60.0)
    return list(find_missing(world.jpi))


def test_there_are_three():
    assert len(EXAMPLES) == 3


def test_several_teams_each_with_a_project_of_its_own(playing):
    world = playing(0, "PAY", "OPS")
    add_text_field(world, "Affected service")
    payments, staging, search = (world.pagerduty.add_service(name, world.oscar)
                                 for name in ("Payments", "Staging", "Search"))
    assert all_is_there(world) == []
    made = {}
    for service, priority in [(world.service, "P2"), (payments, "P1"), (payments, "P3"), (staging, "P1"),
                              (search, "P1"), (search, "P2")]:
        incident = world.pagerduty.trigger_incident(service, "Down", world.rita, priority)
        world.run_until_idle()
        made[service.name, priority] = [(one.project, one.type, "payments" in one.labels,
                                         one.get_custom_value("Affected service"), one.get_custom_value("Severity"))
                                        for one in issues_of(world, incident)]
    run_poll(world)
    assert made == {
        ("Checkout", "P2"): [("PAY", "Bug", True, "Checkout", "SEV-0")],
        ("Payments", "P1"): [("PAY", "Bug", True, "Payments", "SEV-0")], ("Payments", "P3"): [],
        ("Staging", "P1"): [], ("Search", "P1"): [("OPS", "Incident", False, None, "SEV-0")], ("Search", "P2"): []}
    assert is_idle_after_polls(world)


def test_by_urgency_for_an_account_without_priorities(playing):
    world = playing(1)
    add_text_field(world, "Runbook")
    world.pagerduty.priorities_enabled = False
    assert all_is_there(world) == []
    details = {"runbook": "https://wiki.example/checkout"}
    low, other = (world.pagerduty.trigger_incident(world.service, title, None, None, details, urgency=urgency)
                  for title, urgency in (("Shop DOWN", "low"), ("Disk is full", "high")))
    down = world.pagerduty.trigger_incident(world.service, "Shop DOWN", None, None, details)
    world.run_until_idle()
    run_poll(world)
    assert (issues_of(world, low), issues_of(world, other)) == ([], [])
    [issue] = issues_of(world, down)
    assert (issue.priority, issue.get_custom_value("Severity"), issue.get_custom_value("Runbook")) == (
        "Highest", "SEV-1", "https://wiki.example/checkout")
    world.pagerduty.set_urgency(low, "high", world.rita)
    world.pagerduty.set_title(down, "Shop is down, all of it")
    world.jim.request(
        "PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "Shop", "priority": {"name": "Low"}}}
    )
    world.run_until_idle()
    run_poll(world)
    run_poll(world)
    assert len(issues_of(world, low)) == 1, "raised later, of which no webhook tells"
    assert (down.title, issue.summary, issue.priority) == ("Shop is down, all of it", "Shop is down, all of it", "Low")
    assert is_idle_after_polls(world)


def test_a_workflow_with_names_of_its_own_whose_issues_open_incidents(playing):
    world = playing(2, "OPS")
    for name, category in OPS_STATUSES:
        world.jira.add_status(name, category)
    named = ("Blocker", "Critical", "Major")
    world.jira.priorities |= {name: Priority(str(at), name) for at, name in enumerate(named, 7)}
    asking = {"Closed": ("resolution",)}
    ways = [Transition(str(at), name, name, required=asking.get(name, ())) for at, (name, _) in enumerate(OPS_STATUSES)]
    world.jira.workflows |= dict.fromkeys(("OPS", "INCIDENT"), Workflow("Reported", tuple(ways)))
    assert all_is_there(world) == []
    made = world.jim.request("POST", "/rest/api/3/issue", {"fields": {
        "project": {"key": "OPS"}, "issuetype": {"name": "Incident"}, "summary": "Shop is down",
        "priority": {"name": "Blocker"}}})
    issue = world.jira.issues[made["key"]]
    world.run_until_idle()
    [incident] = world.pagerduty.incidents.values()
    assert (incident.title, incident.service.name, incident.priority.name) == ("Shop is down", "Checkout", "P1")
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "Investigating"
    go(world, issue, "Mitigating")
    assert incident.status == "acknowledged"
    world.pagerduty.set_priority(incident, "P2", world.rita)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert (issue.status, issue.resolution, issue.priority) == ("Closed", "Done", "Major")
    go(world, issue, "Reported")
    assert incident.status == "triggered"
    go(world, issue, "Won't Do")
    run_poll(world)
    assert (incident.status, issue.status) == ("resolved", "Won't Do")
    assert is_idle_after_polls(world)


def go(world, issue, name):
    """Jim moves the issue into this status, and that is told."""
    world.clock.advance(5)
    path = f"/rest/api/3/issue/{issue.key}/transitions"
    [way] = [one["id"] for one in world.jim.request("GET", path)["transitions"] if one["to"]["name"] == name]
    world.jim.request("POST", path, {"transition": {"id": way}})
    world.run_until_idle()
