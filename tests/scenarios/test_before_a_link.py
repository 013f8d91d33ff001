"""Opening an incident for an issue is claimed, kept, retried, explained and replayed, under the issue's key."""

import json

import pytest

from jpi.tools import explain, replay
from sandbox.simulated_service import HttpFault
from tests.world_actions import is_idle_after_polls, poll_sparsely, run_poll

RULE = """
    [[open]]
    when = {projects = "INCIDENT", types = "Incident", priorities = ["High"]}
    service = "Checkout"
"""


@pytest.fixture(params=["in process", "queued"])
def opening(request, make_world, tmp_path):
    """Give a world with a rule that opens incidents, with webhooks applied at once, or by way of the queue."""
    file = tmp_path / "sync.toml"
    file.write_text(RULE)
    return make_world(queued=request.param == "queued", SYNC_FILE=str(file), STATUS_PAGE_PASSWORD="a-long-password")


def create_issue(world, priority="High"):
    """Create an issue as Jim; return its key."""
    fields = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Customers call us",
              "priority": {"name": priority}}
    return world.jim.request("POST", "/rest/api/3/issue", {"fields": fields})["key"]


REFUSAL = '{"error": {"message": "Not Found", "code": 2100}}'


def refuse_openings(world, status):
    """Refuse each POST /incidents, as PagerDuty does while the service is disabled or jpi's account lacks a right."""
    world.pagerduty_server.choose_fault = lambda call: HttpFault(status, body=REFUSAL) if (
        call.method == "POST" and call.path.endswith("/incidents")) else None


def stop_faults(world):
    world.pagerduty_server.choose_fault = lambda call: None


def run_polls(world, minutes):
    """Let so many minutes go by, with a poll in each."""
    for _ in range(minutes):
        run_poll(world)


def count_openings(world):
    """Return how often jpi asked PagerDuty to open an incident."""
    return sum(call.method == "POST" and call.path.endswith("/incidents") for call in world.pagerduty_server.calls)


def explain_name(name, capsys):
    """Return what `jpi explain` prints."""
    capsys.readouterr()
    explain.main([name])
    return capsys.readouterr().out


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_incident_that_was_refused_for_a_while_is_opened_after_mending(opening, status):
    refuse_openings(opening, status)
    key = create_issue(opening)
    opening.run_until_idle()
    run_polls(opening, 130)
    assert not opening.pagerduty.incidents
    assert count_openings(opening) < 20, "the pauses grow"
    stop_faults(opening)
    poll_sparsely(opening, 66)
    [incident] = opening.pagerduty.incidents.values()
    assert incident.key == key
    issue = opening.find_issue(incident)
    assert issue is opening.jira.issues[key]
    assert len(issue.comments) == 1
    opening.move_issue(issue, "done")
    opening.run_until_idle()
    assert incident.status == "resolved"
    assert is_idle_after_polls(opening)
    assert opening.jpi.links.list_by_state(["failing", "none", "ended", "open"], "", 9) == []


@pytest.mark.parametrize("is_webhook_lost", [False, True])
def test_an_outage_of_hours_opens_one_incident(opening, is_webhook_lost):
    refuse_openings(opening, 500)
    if is_webhook_lost:
        with opening.lose_webhooks():
            create_issue(opening)
    else:
        create_issue(opening)
    run_polls(opening, 60)
    stop_faults(opening)
    poll_sparsely(opening, 66)
    assert len(opening.pagerduty.incidents) == 1


def test_a_service_that_comes_back_under_another_id_is_found(opening):
    opening.pagerduty.services.remove(opening.service)
    create_issue(opening)
    run_polls(opening, 10)
    assert not opening.pagerduty.incidents
    service = opening.pagerduty.add_service("Checkout", opening.oscar)
    run_polls(opening, 30)
    assert [incident.service for incident in opening.pagerduty.incidents.values()] == [service]


def test_an_issue_that_no_rule_wants_any_more_is_let_go(opening):
    refuse_openings(opening, 400)
    key = create_issue(opening)
    run_polls(opening, 2)
    opening.jira.issues[key].priority = opening.jira.issues[create_issue(opening, "Low")].priority
    stop_faults(opening)
    poll_sparsely(opening, 70)
    assert not opening.pagerduty.incidents
    assert opening.jpi.links.list_open() == []


def test_explain_and_the_status_page_say_what_is_refused(opening, capsys):
    refuse_openings(opening, 403)
    key = create_issue(opening)
    run_polls(opening, 2)
    explanation = explain_name(key, capsys)
    assert "Customers call us" in explanation
    assert "Sync failed: PagerDuty POST /incidents was refused with 403" in explanation
    assert "PAGERDUTY_USER_EMAIL" in explanation
    [item] = opening.jpi.links.list_by_state(["failing"], "", 9)
    assert (item.card.title, item.card.issue) == ("Customers call us", key)
    stop_faults(opening)
    run_polls(opening, 10)
    [incident] = opening.pagerduty.incidents.values()
    explanation = explain_name(key, capsys)
    assert incident.id in explanation
    assert f"Opened the incident {incident.id}" in explanation
    assert "was refused with 403" in explanation, "the history goes on"
    assert "Sync failed" not in explanation


@pytest.mark.parametrize("option", ["--incident", "--issue"])
def test_replaying_an_issue_opens_its_incident_at_once(opening, option, capsys):
    refuse_openings(opening, 403)
    key = create_issue(opening)
    run_polls(opening, 30)
    stop_faults(opening)
    assert replay.main([option, key, "--dry-run"]) == 0
    assert "would do: open an incident on Checkout" in capsys.readouterr().out
    assert not opening.pagerduty.incidents
    assert replay.main([option, key]) == 0
    opening.run_until_idle()
    [incident] = opening.pagerduty.incidents.values()
    assert opening.find_issue(incident).key == key
    assert replay.main([option, key]) == 0
    assert len(opening.pagerduty.incidents) == 1
    history = json.loads(explain_json(key, capsys))
    assert history[-1]["type"] == "IssueCreated"


def explain_json(name, capsys):
    """Return the JSON that `jpi explain` prints."""
    capsys.readouterr()
    explain.main([name, "--json"])
    return capsys.readouterr().out


def edit_into_rule(world, key):
    world.jim.request("PUT", f"/rest/api/3/issue/{key}", {"fields": {"priority": {"name": "High"}}})


@pytest.mark.parametrize("is_webhook_lost", [False, True])
def test_an_issue_that_is_edited_into_a_rule_opens_its_incident_once(opening, is_webhook_lost, capsys):
    key = create_issue(opening, "Low")
    opening.clock.advance(86_400)
    run_polls(opening, 2)
    opening.jira.outbox.is_losing = is_webhook_lost
    edit_into_rule(opening, key)
    opening.jira.outbox.is_losing = False
    opening.run_until_idle()
    run_polls(opening, 3)
    [incident] = opening.pagerduty.incidents.values()
    issue = opening.find_issue(incident)
    assert (incident.key, issue) == (key, opening.jira.issues[key])
    assert len(issue.comments) == 1
    for priority in ("Low", "High"):
        opening.jim.request("PUT", f"/rest/api/3/issue/{key}", {"fields": {"priority": {"name": priority}}})
        opening.run_until_idle()
        run_polls(opening, 1)
    assert len(opening.pagerduty.incidents) == 1
    assert "Opened the incident" in explain_name(key, capsys)
    opening.move_issue(issue, "done")
    opening.run_until_idle()
    assert incident.status == "resolved"
    assert is_idle_after_polls(opening)


@pytest.mark.parametrize("is_webhook_lost", [False, True])
def test_the_opening_of_an_edited_issue_is_retried_like_a_new_ones(opening, is_webhook_lost):
    refuse_openings(opening, 403)
    key = create_issue(opening, "Low")
    opening.clock.advance(86_400)
    opening.jira.outbox.is_losing = is_webhook_lost
    edit_into_rule(opening, key)
    opening.jira.outbox.is_losing = False
    run_polls(opening, 20)
    assert not opening.pagerduty.incidents
    assert opening.jpi.links.get(key).failures
    stop_faults(opening)
    run_polls(opening, 40)
    assert [incident.key for incident in opening.pagerduty.incidents.values()] == [key]


def test_edits_that_bring_no_issue_into_a_rule_open_nothing(opening):
    """Have an issue match since before the poll looked; edit another one that is done."""
    with opening.lose_webhooks():
        old, done = create_issue(opening), create_issue(opening, "Low")
    opening.clock.advance(10 * 86_400)
    run_polls(opening, 2)
    opening.move_issue(opening.jira.issues[done], "done")
    edit_into_rule(opening, done)
    opening.jim.request("PUT", f"/rest/api/3/issue/{old}", {"fields": {"summary": "Customers still call us"}})
    opening.run_until_idle()
    run_polls(opening, 2)
    assert not opening.pagerduty.incidents


def test_the_opening_of_an_issue_that_was_deleted_meanwhile_ends(opening, capsys):
    refuse_openings(opening, 403)
    key = create_issue(opening)
    run_polls(opening, 5)
    opening.jira_admin.request("DELETE", f"/rest/api/3/issue/{key}")
    opening.run_until_idle()
    assert opening.jpi.links.list_open() != []
    stop_faults(opening)
    run_polls(opening, 40)
    assert opening.jpi.links.list_open() == []
    assert opening.jpi.links.get(key).ended
    assert opening.jpi.links.list_by_state(["failing"], "", 9) == []
    assert not opening.pagerduty.incidents
    assert is_idle_after_polls(opening)


def test_an_issue_that_jira_cannot_read_now_keeps_its_opening(opening):
    refuse_openings(opening, 403)
    key = create_issue(opening)
    opening.run_until_idle()
    opening.jira.unreadable_ids = {opening.jira.issues[key].id}
    run_polls(opening, 40)
    stop_faults(opening)
    opening.jira.unreadable_ids = set()
    run_polls(opening, 40)
    assert [incident.key for incident in opening.pagerduty.incidents.values()] == [key]


@pytest.mark.parametrize("refused_call", [("POST", "/comment"), ("PUT", "")])
def test_a_refused_comment_or_label_does_not_keep_an_incident_from_its_issue(opening, refused_call, capsys):
    method, ending = refused_call
    opening.jira_server.choose_fault = lambda call: HttpFault(403) if call.method == method and call.path.endswith(
        ending) else None
    key = create_issue(opening)
    opening.run_until_idle()
    run_polls(opening, 5)
    [incident] = opening.pagerduty.incidents.values()
    issue = opening.jira.issues[key]
    opening.move_issue(issue, "indeterminate")
    opening.run_until_idle()
    assert incident.status == "acknowledged"
    explanation = explain_name(key, capsys)
    assert ("Could not do this: comment by jpi on Jira" in explanation) == (method == "POST")
    opening.jira_server.choose_fault = lambda call: None
    run_polls(opening, 40)
    assert len(issue.comments) == 1
    assert "Both sides are in step" in explain_name(key, capsys)
    assert is_idle_after_polls(opening)
