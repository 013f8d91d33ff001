"""Who are we: nothing ends, and nothing is created a second time, because a service does not know jpi's account."""

from datetime import UTC, datetime

import pytest

from jpi.status_page.health import assess_health
from jpi.status_page.queries import read_health_facts
from jpi.tools import replay
from sandbox.conditions import CONDITIONS, EDGE_ANSWERS, clear_conditions, set_condition
from sandbox.simulated_service import HttpFault
from sandbox.world import is_from_jpi
from tests.world_actions import (
    edit_issue,
    is_idle_after_polls,
    poll_quietly,
    poll_sparsely,
    run_poll,
    run_second_look,
)

EVERY_CONDITION = [(service, name) for service, names in CONDITIONS.items() for name in names]


def live_without_service(world, incident, issue, hours):
    """Let both sides change for so many hours, with polls."""
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    world.run_until_idle()
    for hour in range(hours):
        for _ in range(2):
            world.clock.advance(29 * 60)
            poll_quietly(world)
        if hour == hours // 2:
            world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": {
                "type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
                    {"type": "text", "text": "I see."}]}]}})
            world.run_until_idle()


def assert_made_good(world, incident, issue):
    """Assert that everything that happened is on both sides, once."""
    poll_sparsely(world, 75, poll_quietly)
    links = world.jpi.links.get_all(world.pagerduty.incidents)
    assert [link.ended for link in links.values()] == [False, False]
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate"),
                                     "Search is down": ("triggered", "new")}
    assert len(world.list_issues()) == 2
    assert [comment.text.rpartition("\n")[2] for comment in issue.comments if "Rolled" in comment.text] == [
        "Rolled back."]
    assert [note.content for note in incident.notes if "I see." in note.content] != []
    assert not any("deleted" in note.content for note in incident.notes)
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("service", "condition"), EVERY_CONDITION)
def test_a_time_without_a_service_that_knows_us_costs_nothing(linked_pair, service, condition):
    world, incident, issue = linked_pair
    set_condition(world, service, condition)
    # A token is renewed within a day, a site is back sooner.
    live_without_service(world, incident, issue, hours=4 if condition in EDGE_ANSWERS else 24)
    assert not world.jpi.links.get(incident.id).ended
    clear_conditions(world)
    assert_made_good(world, incident, issue)


@pytest.mark.parametrize("service", ["jira", "pagerduty"])
def test_one_404_between_two_good_answers_ends_nothing(linked_pair, service):
    world, incident, issue = linked_pair
    hidden = world.jira.hidden_keys if service == "jira" else world.pagerduty.hidden_incident_ids
    if service == "jira":
        world.pagerduty.acknowledge_incident(incident, world.rita)
    else:
        # Then its log says nothing of it, and it is read by itself.
        world.clock.advance(3600)
        poll_quietly(world)
    hidden.add(issue.key if service == "jira" else incident.id)
    poll_quietly(world)
    assert world.jpi.links.get(incident.id).missing_since, "the first look is remembered"
    hidden.clear()
    for _ in range(8):
        poll_quietly(world)
    link = world.jpi.links.get(incident.id)
    assert (link.ended, link.missing_since) == (False, {})
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}
    assert incident.notes == []


@pytest.mark.parametrize("service", ["jira", "pagerduty"])
def test_one_404_of_a_person_is_no_proof_that_nobody_is_there(linked_pair, service):
    world, incident, issue = linked_pair
    server = world.jira_server if service == "jira" else world.pagerduty_server
    path = "/user" if service == "jira" else f"/users/{world.rita.id}"
    body = '{"errorMessages": ["No such user"]}' if service == "jira" else '{"error": {"message": "Not Found"}}'
    left = [1]

    def choose_fault(call):
        if not left[0] or not call.path.endswith(path) or not is_from_jpi(call):
            return None
        left[0] -= 1
        return HttpFault(404, body=body)

    server.choose_fault = choose_fault
    if service == "pagerduty":
        world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    else:
        edit_issue(world, issue, assignee={"accountId": world.rita_id})
    world.run_until_idle()
    assert left == [0]
    for _ in range(6):
        poll_quietly(world)
    assert (issue.assignee, [user.id for user in incident.assignees]) == (world.rita_id, [world.rita.id])
    assert (issue.comments, incident.notes) == ([], [])


def test_what_is_seen_again_resumes_by_itself(linked_pair):
    world, incident, issue = linked_pair
    world.jira.hidden_keys.add(issue.key)
    run_second_look(world)
    assert world.jpi.links.get(incident.id).ended
    world.jira.hidden_keys.clear()
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "To Do", "only its own side can show it again"
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "Checkout is slow"}})
    world.run_until_idle()
    for _ in range(3):
        run_poll(world)
    assert not world.jpi.links.get(incident.id).ended
    assert (issue.status, incident.title) == ("In Progress", "Checkout is slow")


@pytest.mark.parametrize("service", ["jira", "pagerduty"])
def test_what_the_poll_sees_again_resumes_too(linked_pair, service):
    world, incident, issue = linked_pair
    hidden = world.jira.hidden_keys if service == "jira" else world.pagerduty.hidden_incident_ids
    hidden.add(issue.key if service == "jira" else incident.id)
    if service == "pagerduty":
        world.clock.advance(3600)
    for _ in range(6):
        poll_quietly(world)
    assert world.jpi.links.get(incident.id).ended
    hidden.clear()
    with world.lose_webhooks():
        world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "Checkout is slow"}})
    for _ in range(3):
        poll_quietly(world)
    assert not world.jpi.links.get(incident.id).ended
    assert incident.title == "Checkout is slow"


def test_replay_resumes_all_that_ended_since_a_time(linked_pair, capsys):
    world, incident, issue = linked_pair
    since = datetime.fromtimestamp(world.clock(), UTC).isoformat()
    world.jira.hidden_keys.add("INCIDENT")
    run_second_look(world)
    assert replay.main(["--ended-since", since]) == 0
    assert world.jpi.links.get(incident.id).ended, "still hidden"
    world.jira.hidden_keys.clear()
    assert replay.main(["--ended-since", since, "--dry-run"]) == 0
    later = datetime.fromtimestamp(world.clock() + 1, UTC).isoformat()
    assert replay.main(["--ended-since", later]) == 0
    assert world.jpi.links.get(incident.id).ended
    world.pagerduty.acknowledge_incident(incident, world.rita)
    assert replay.main(["--ended-since", since]) == 0
    assert "1 link had ended since then" in capsys.readouterr().out
    assert not world.jpi.links.get(incident.id).ended
    assert issue.status == "In Progress"


def list_red_reasons(world):
    """Return why the health is red."""
    return [reason.text for reason in assess_health(read_health_facts(world.jpi)[0])[1] if reason.level == "red"]


@pytest.mark.parametrize(("service", "condition"), [
    ("jira", "stranger"), ("jira", "dead token"), ("pagerduty", "dead token"), ("pagerduty", "foreign account")])
def test_health_is_red_within_a_poll_and_green_within_another(linked_pair, service, condition, caplog):
    world, _, _ = linked_pair
    token = f"{service.upper()}_API_TOKEN"
    set_condition(world, service, condition)
    poll_quietly(world)
    assert any(token in reason for reason in list_red_reasons(world))
    [line, *_] = [record for record in caplog.records if getattr(record, "token_doubts", 0)]
    assert line.token == token
    clear_conditions(world)
    poll_quietly(world)
    assert list_red_reasons(world) == []
