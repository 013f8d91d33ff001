"""The tool that checks the sync file: alone, against both services, and on one incident."""

import json

import pytest

from jpi.tools import check_sync
from tests.deliveries import make_v3_body
from tests.world_actions import list_writes, make_fault_on_call

GOOD = """
    [[rules]]
    when = {priorities = "P1", services = "Checkout"}
    create = {project = "INCIDENT", type = "Incident", fields = {Severity = "SEV-1"}}
    [[rules]]
    when = {title = "(?i)test"}
    skip = true
    [status]
    resolved = "Done"
    [priority]
    P1 = ["Highest", "High"]
    [sync]
    title = {direction = "to-jira", winner = "pagerduty"}
    [[open]]
    when = {projects = "INCIDENT", priorities = "Highest"}
    service = "Checkout"
"""
BAD = """
    [[rules]]
    when = {priorities = "P9", services = "Nobody's"}
    create = {project = "OPS"}
    [[rules]]
    when = {priorities = "P1"}
    create = {type = "Chore"}
    [[rules]]
    create = {priority = "Urgent", fields = {Team = "Ops"}}
    [status]
    resolved = "Closed"
    [status.fields]
    Reason = "Fixed"
    [priority]
    P1 = "Critical"
    "Sev 1" = "Highest"
    [[open]]
    when = {projects = ["INCIDENT", "SHOP"], types = "Chore", priorities = "Blocker"}
    service = "Checkout"
"""


@pytest.fixture
def checking(make_linked, monkeypatch, capsys):
    """Give `checking(text, *arguments)`: (exit code, stdout, stderr, the world)."""
    def check_file(text, *arguments):
        world, incident, _ = make_linked(text)
        monkeypatch.setattr(check_sync.settings, "load", lambda *_: world.jpi.settings)
        monkeypatch.setattr(check_sync.settings, "get_sync_file_name", lambda: world.environ["SYNC_FILE"])
        capsys.readouterr()
        code = check_sync.main([argument.replace("ID", incident.id) for argument in arguments])
        return (code, *capsys.readouterr(), world)

    return check_file


def test_it_says_what_the_file_means(checking):
    code, out, _, world = checking(GOOD)
    assert code == 0
    for line in ("1. priority P1, service Checkout: an issue in INCIDENT, as Incident, with Severity",
                 "2. title like (?i)test: no issue", "resolved: Done", "P1: Highest or High",
                 "title: to Jira only; if both sides change it, pagerduty wins", "status: both ways",
                 "Opens an incident on Checkout: an issue of project INCIDENT, priority Highest"):
        assert line in out
    assert world.list_jpi_calls() == [], "offline it asks nobody"


def test_it_says_what_is_wrong(tmp_path, capsys):
    file = tmp_path / "sync.toml"
    file.write_text("[sync]\ntitel = 'off'")
    assert check_sync.main([str(file)]) == 1
    assert "line 2: sync has no 'titel'; did you mean 'title'?" in capsys.readouterr().err
    assert check_sync.main([str(tmp_path / "none.toml")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_without_a_file_it_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert check_sync.main([]) == 0
    assert "There is no sync file" in capsys.readouterr().out


def test_live_finds_that_all_is_there(checking):
    code, out, err, world = checking(GOOD, "--live")
    assert (code, err) == (0, "")
    assert "Everything that the sync file names exists." in out
    assert list_writes(world) == []


def test_live_names_everything_that_is_not(make_world, checking):
    code, _, err, world = checking(BAD, "--live")
    assert code == 1
    for text in ("Jira has no project OPS", "INCIDENT has no issue type 'Chore'", "has no field 'Team'",
                 "Jira has no status 'Closed'", "Jira has no priority 'Critical'", "PagerDuty has no priority 'P9'",
                 "Jira has no priority 'Urgent'", "Jira has no priority 'Blocker'", "Jira has no field 'Reason'",
                 "Jira has no project SHOP", "no issue of type 'Chore' can open an incident",
                 "PagerDuty has no priority 'Sev 1'", "PagerDuty has no service 'Nobody's'",
                 "has none of the statuses that stand for resolved"):
        assert text in err
    assert list_writes(world) == []


def test_live_names_a_field_that_is_demanded(checking, capsys):
    world = checking(GOOD)[3]
    severity = next(field.id for field in world.jira.fields.values() if field.name == "Severity")
    world.jira.required_fields.add(("INCIDENT", severity))
    assert check_sync.main(["--live"]) == 0, "jpi fills it in, whether or not a rule does"
    world.jira.required_fields.add(("INCIDENT", "assignee"))
    assert check_sync.main(["--live"]) == 1
    assert "requires 'Assignee' (assignee), and nothing fills it in" in capsys.readouterr().err


def test_live_says_of_a_wrong_token_that_it_is_wrong(checking, capsys):
    world = checking(GOOD)[3]
    world.jira_server.choose_fault = make_fault_on_call("GET", "/createmeta/INCIDENT/issuetypes", 401)
    assert check_sync.main(["--live"]) == 1
    assert "refused with 401" in capsys.readouterr().err


def test_trying_an_incident_says_its_rule_and_does_nothing(checking):
    code, out, _, world = checking(GOOD, "--try", "ID")
    assert code == 0
    assert "Rule 1 matches. priority P1, service Checkout: an issue in INCIDENT, as Incident, with Severity" in out
    assert "Its issue is INCIDENT-1." in out
    assert "IssueUpdated: would do: nothing to do" in out
    assert list_writes(world) == []


def test_trying_an_incident_that_has_changed_says_what_would_be_written(checking, capsys):
    code, _, _, world = checking(GOOD, "--try", "ID")
    [incident] = world.pagerduty.incidents.values()
    with world.lose_webhooks():
        world.pagerduty.set_priority(incident, "P3", world.rita)
        world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
        world.pagerduty.add_note(incident, "Rolled back.", world.rita)
        world.pagerduty.resolve_incident(incident, world.rita)
    capsys.readouterr()
    assert check_sync.main(["--try", incident.id]) == code == 0
    out = capsys.readouterr().out
    for part in ("move the issue to Done", "copy a note by Rita Responder into a comment", "add to the timeline"):
        assert part in out
    assert list_writes(world) == []


def test_trying_a_recorded_delivery(checking, tmp_path):
    file = tmp_path / "webhook.json"
    file.write_text(json.dumps(make_v3_body(title="A new one")))
    code, out, _, world = checking(GOOD, "--try", str(file))
    assert code == 0
    assert "Rule 1 matches." in out
    assert "It has no issue." in out
    assert ("IncidentTriggered: would do: create an issue in INCIDENT: Incident 'A new one', priority Highest, "
            "labels pagerduty pagerduty-Q0INCIDENT0001, with Severity = SEV-1") in out
    file.write_text(json.dumps(make_v3_body(title="A test", priority=None)))
    assert "Rule 2 matches. title like (?i)test: no issue" in checking(GOOD, "--try", str(file))[1]
    file.write_text(json.dumps(make_v3_body(title="Another", priority=None)))
    assert "No rule matches: no issue." in checking(GOOD, "--try", str(file))[1]
    assert len(world.list_issues()) == 1


def test_a_field_that_nothing_fills_ends_the_attempt_by_name(make_linked, monkeypatch):
    world, _, _ = make_linked()
    world.jira.required_fields.add(("INCIDENT", "assignee"))
    monkeypatch.setattr(world.jira.fields["assignee"], "name", "Owner")
    down = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1", assignees=[world.pagerduty_bot])
    world.run_until_idle()
    reasons = [failure.reason for failure in world.jpi.links.get(down.id).failures.values()]
    assert any("Owner is required" in reason for reason in reasons)
