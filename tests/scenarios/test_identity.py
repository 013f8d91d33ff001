"""Who are we: nothing ends, and nothing is created a second time, because a service does not know jpi's account."""

from datetime import UTC, datetime

import pytest

from jpi.handlers import log_entries
from jpi.status_page.health import assess_health
from jpi.status_page.queries import read_health_facts
from jpi.tools import replay
from sandbox.pagerduty.state import PagerDutyState
from sandbox.seed import PAGERDUTY_KEY
from sandbox.simulated_service import HttpFault
from sandbox.world import is_from_jpi
from tests.world_actions import is_idle_after_polls, poll_sparsely, run_poll, run_second_look

HTML_404 = HttpFault(404, headers={"Content-Type": "text/html"}, body="<html><title>Not found</title></html>")
EDGE_404 = HttpFault(404, body='{"status-code": 404, "message": "null for uri"}')
MAINTENANCE = HttpFault(503, headers={"Content-Type": "text/html"}, body="<html><title>Maintenance</title></html>")


@pytest.fixture(params=["in process", "queued"])
def linked_pair(request, make_world):
    """Make a P1 with its issue, all in step: (world, incident, issue)."""
    world = make_world(queued=request.param == "queued")
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    run_poll(world)
    return world, incident, world.find_issue(incident)


def kill_jira_token(world, anonymous):
    """Revoke the token: Jira takes its owner for an anonymous caller, or answers 401."""
    world.jira.users[world.bot_id].token = "a newer one"
    world.jira.takes_bad_tokens_as_anonymous = anonymous


def renew_jira_token(world):
    world.jira.users[world.bot_id].token = world.environ["JIRA_API_TOKEN"]


def fail_calls(server, fault):
    """Answer every call of jpi by this fault."""
    server.choose_fault = lambda call: fault if is_from_jpi(call) else None


def stop_faults(world):
    for server in world.servers:
        server.choose_fault = lambda call: None


def make_foreign_account(world):
    """Return an account of somebody else that takes the same key, with a P1 of its own."""
    account = PagerDutyState(world.clock, PAGERDUTY_KEY)
    ada = account.add_user("Ada", "ada@elsewhere.example")
    account.trigger_incident(account.add_service("Elsewhere", ada), "Not ours", ada, "P1")
    return account


def poll_quietly(world):
    """Poll as the schedule does: a poll that fails is logged."""
    world.clock.advance(60)
    try:
        log_entries.handler({}, None)
    except Exception as error:
        print("the poll failed:", error)
    world.run_until_idle()


def live_through_a_day(world, incident, issue):
    """Let both sides change for a day, with polls."""
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    world.run_until_idle()
    for hour in range(24):
        for _ in range(2):
            world.clock.advance(29 * 60)
            poll_quietly(world)
        if hour == 12:
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


@pytest.mark.parametrize("anonymous", [True, False], ids=["as a stranger", "401"])
def test_a_dead_token_of_jiras_for_a_day_costs_nothing(linked_pair, anonymous):
    world, incident, issue = linked_pair
    kill_jira_token(world, anonymous)
    live_through_a_day(world, incident, issue)
    renew_jira_token(world)
    assert_made_good(world, incident, issue)


@pytest.mark.parametrize("form", ["401", "foreign"])
def test_a_dead_or_foreign_key_of_pagerdutys_for_a_day_costs_nothing(linked_pair, form):
    world, incident, issue = linked_pair
    if form == "401":
        fail_calls(world.pagerduty_server, HttpFault(401, body='{"error": {"message": "No", "code": 2006}}'))
    else:
        world.pagerduty_server.state = make_foreign_account(world)
    live_through_a_day(world, incident, issue)
    stop_faults(world)
    world.pagerduty_server.state = world.pagerduty
    assert_made_good(world, incident, issue)


@pytest.mark.parametrize("fault", [HTML_404, EDGE_404, MAINTENANCE], ids=["HTML 404", "edge's 404", "maintenance"])
@pytest.mark.parametrize("service", ["jira", "pagerduty"])
def test_a_site_that_is_not_there_for_a_while_ends_nothing(linked_pair, service, fault):
    world, incident, _ = linked_pair
    fail_calls(world.jira_server if service == "jira" else world.pagerduty_server, fault)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    for _ in range(10):
        poll_quietly(world)
    assert not world.jpi.links.get(incident.id).ended
    stop_faults(world)
    poll_sparsely(world, 75, poll_quietly)
    assert world.read_statuses() == {"Checkout is down": ("acknowledged", "indeterminate")}
    assert not any("deleted" in note.content for note in incident.notes)


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


@pytest.mark.parametrize("service", ["jira", "pagerduty"])
def test_health_is_red_within_a_poll_and_green_within_another(linked_pair, service, caplog):
    world, _, _ = linked_pair
    token = f"{service.upper()}_API_TOKEN"
    if service == "jira":
        kill_jira_token(world, anonymous=True)
    else:
        fail_calls(world.pagerduty_server, HttpFault(401, body='{"error": {"message": "No", "code": 2006}}'))
    poll_quietly(world)
    assert any(token in reason for reason in list_red_reasons(world))
    [line, *_] = [record for record in caplog.records if getattr(record, "token_doubts", 0)]
    assert line.token == token
    renew_jira_token(world)
    stop_faults(world)
    poll_quietly(world)
    assert list_red_reasons(world) == []
