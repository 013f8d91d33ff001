"""Title and priority, both ways: what both services show in the end, and what it took."""

import json

import pytest

from jpi.jira import webhooks as jira_webhooks
from jpi.jira.admin import CUSTOM_FIELD_TYPE_PREFIX
from tests.world_actions import apply_event, edit_issue, is_idle_after_polls, list_writes, run_poll


def shown(incident, issue):
    return incident.title, incident.priority.name, issue.summary, issue.priority


def crossed(caplog):
    """What the log says of changes that crossed."""
    return [(said.incident, said.issue, said.field, said.stays) for said in caplog.records
            if said.getMessage() == "two changes crossed"]


def test_a_title_edited_on_pagerduty_is_found_by_the_poll(linked):
    world, incident, issue = linked
    world.pagerduty.set_title(incident, "Checkout\nis slow")
    run_poll(world)
    assert shown(incident, issue) == ("Checkout\nis slow", "P1", "Checkout is slow", "Highest")
    assert list_writes(world) == [f"PUT /rest/api/3/issue/{issue.key}"]
    assert is_idle_after_polls(world)


def test_a_priority_lowered_on_pagerduty_is_lowered_on_jira(linked):
    world, incident, issue = linked
    world.pagerduty.set_priority(incident, "P3", world.rita)
    world.run_until_idle()
    assert shown(incident, issue) == ("Checkout is down", "P3", "Checkout is down", "Medium")
    assert list_writes(world) == [f"PUT /rest/api/3/issue/{issue.key}"]
    assert is_idle_after_polls(world)


def test_a_summary_and_a_priority_edited_on_jira_take_one_write(linked, caplog):
    world, incident, issue = linked
    edit_issue(world, issue, summary="Checkout is slow", priority={"name": "High"})
    world.run_until_idle()
    assert shown(incident, issue) == ("Checkout is slow", "P2", "Checkout is slow", "High")
    assert list_writes(world) == [f"PUT /incidents/{incident.id}"]
    assert is_idle_after_polls(world)
    assert crossed(caplog) == []


def test_what_jiras_webhook_did_not_tell_the_poll_finds(linked):
    world, incident, issue = linked
    with world.lose_webhooks():
        edit_issue(world, issue, summary="Checkout is slow")
    run_poll(world)
    assert incident.title == "Checkout is slow"
    assert is_idle_after_polls(world)


def test_priorities_that_mean_the_same_write_nothing(linked):
    world, incident, issue = linked
    edit_issue(world, issue, priority={"name": "Lowest"})
    world.run_until_idle()
    assert incident.priority.name == "P5"
    world.pagerduty.set_priority(incident, "P5", world.rita)
    world.forget_calls()
    world.run_until_idle()
    assert list_writes(world) == []


def test_an_account_without_priorities_keeps_the_rest_in_step(linked):
    world, incident, issue = linked
    world.pagerduty.priorities_enabled = False
    edit_issue(world, issue, summary="Checkout is slow", priority={"name": "High"})
    world.run_until_idle()
    assert shown(incident, issue) == ("Checkout is slow", "P1", "Checkout is slow", "High")
    edit_issue(world, issue, priority={"name": "Low"})
    world.run_until_idle()
    assert [call.path for call in world.pagerduty_server.calls].count("/priorities") == 1
    assert is_idle_after_polls(world)


def test_a_field_that_jira_refuses_does_not_keep_the_other_back(linked):
    world, incident, issue = linked
    world.jira.off_screen.add(("INCIDENT", "priority"))
    world.pagerduty.set_priority(incident, "P3", world.rita)
    world.pagerduty.set_title(incident, "Checkout is slow")
    run_poll(world)
    assert shown(incident, issue) == ("Checkout is slow", "P3", "Checkout is slow", "Highest")
    world.jira.off_screen.clear()
    run_poll(world)
    assert shown(incident, issue) == ("Checkout is slow", "P3", "Checkout is slow", "Medium")
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("winner", ["newer", "jira", "pagerduty"])
@pytest.mark.parametrize("newer", ["jira", "pagerduty"])
def test_of_two_crossing_edits_the_newer_or_the_declared_winners_wins(make_linked, caplog, winner, newer):
    world, incident, issue = make_linked(f'[sync]\npriority = {{winner = "{winner}"}}')
    acts = {"pagerduty": lambda: world.pagerduty.set_priority(incident, "P2", world.rita),
            "jira": lambda: edit_issue(world, issue, priority={"name": "Low"})}
    for side in sorted(acts, key=lambda one: one == newer):
        acts[side]()
        world.clock.advance(5)
    # PagerDuty's is applied first either way; Jira's delivery is late.
    world.pagerduty.outbox.deliver_due()
    world.run_until_idle()
    wins = newer if winner == "newer" else winner
    assert (incident.priority.name, issue.priority) == (("P4", "Low") if wins == "jira" else ("P2", "High"))
    assert is_idle_after_polls(world)
    assert crossed(caplog) == [(incident.id, issue.key, "priority", wins)]


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize(("winner", "newer", "wins"), [
    ("newer", "jira", "jira"), ("newer", "pagerduty", "pagerduty"), ("jira", "pagerduty", "jira"),
    ("pagerduty", "jira", "pagerduty")])
def test_of_two_edits_that_only_the_poll_finds_too(make_linked, winner, newer, wins, queued):
    how = f'{{winner = "{winner}"}}'
    world, incident, issue = make_linked(f"[sync]\npriority = {how}\ntitle = {how}", queued=queued)
    acts = {"pagerduty": lambda: (world.pagerduty.set_priority(incident, "P2", world.rita),
                                  world.pagerduty.set_title(incident, "Theirs")),
            "jira": lambda: edit_issue(world, issue, priority={"name": "Low"}, summary="Ours")}
    with world.lose_webhooks():
        for side in sorted(acts, key=lambda one: one == newer):
            acts[side]()
            world.clock.advance(5)
    run_poll(world)
    wanted = {"jira": ("Ours", "P4", "Ours", "Low"), "pagerduty": ("Theirs", "P2", "Theirs", "High")}
    assert shown(incident, issue) == wanted[wins]
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("winner", "wins"), [("newer", "Ours"), ("jira", "Ours"), ("pagerduty", "Theirs")])
def test_a_title_of_pagerdutys_that_nobody_told_of_wins_where_it_is_said_to(make_linked, winner, wins):
    world, incident, issue = make_linked(f'[sync]\ntitle = {{winner = "{winner}"}}')
    edit_issue(world, issue, summary="Both")
    world.run_until_idle()
    assert incident.title == "Both"
    world.pagerduty.set_title(incident, "Theirs")
    world.clock.advance(5)
    edit_issue(world, issue, summary="Ours", priority={"name": "Low"})
    world.run_until_idle()
    run_poll(world)
    assert shown(incident, issue) == (wins, "P4", wins, "Low")
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("direction", "wanted"), [("off", ("P2", "Low")), ("to-jira", ("P2", "High"))])
def test_the_sync_file_says_which_way(make_linked, direction, wanted):
    world, incident, issue = make_linked(f'[sync]\npriority = "{direction}"')
    edit_issue(world, issue, priority={"name": "Low"})
    world.run_until_idle()
    world.clock.advance(5)
    world.pagerduty.set_priority(incident, "P2", world.rita)
    world.run_until_idle()
    assert (incident.priority.name, issue.priority) == wanted
    assert is_idle_after_polls(world)


def test_a_field_that_is_only_called_like_ours_changes_nothing(linked):
    world, _, issue = linked
    body = {"timestamp": int(world.clock() * 1000), "webhookEvent": "jira:issue_updated",
            "user": {"accountId": world.jim_id},
            "issue": {"id": issue.id, "key": issue.key, "fields": {"customfield_10016": 1}},
            "changelog": {"items": [
                {"field": "Story Points", "fieldId": "customfield_10016", "from": None, "to": "1", "toString": "1"},
                {"field": "Status", "fieldId": "customfield_10020", "fromString": "To Do", "toString": "Done"},
                {"field": "priority", "fieldId": "customfield_10021", "fromString": "x", "toString": "Low"},
                {"field": "status", "fieldtype": "custom", "from": "10000", "fromString": "Done", "toString": "x"}]}}
    [event] = jira_webhooks.parse_delivery(json.dumps(body).encode())
    assert (event.moved, event.changed) == (False, frozenset())
    assert apply_event(world, event) == "nothing to do"
    assert world.list_jpi_calls() == []


def test_other_fields_with_values_like_ours_change_nothing(linked):
    world, incident, issue = linked
    before = shown(incident, issue)
    for name, kind, value in (("Status", "select", {"value": "Done"}), ("Priority", "select", {"value": "Lowest"}),
                              ("Story Points", "float", 1), ("summary", "textfield", "Slow")):
        made = world.jira_admin.request(
            "POST", "/rest/api/3/field", {"name": name, "type": f"{CUSTOM_FIELD_TYPE_PREFIX}{kind}"}
        )["id"]
        if kind == "select":
            context = world.jira_admin.request("GET", f"/rest/api/3/field/{made}/context")["values"][0]["id"]
            world.jira_admin.request("POST", f"/rest/api/3/field/{made}/context/{context}/option", {"options": [value]})
        world.jira_admin.request("POST", f"/rest/api/3/screens/addToDefault/{made}")
        edit_issue(world, issue, **{made: value})
    world.run_until_idle()
    run_poll(world)
    assert (*shown(incident, issue), incident.status, list_writes(world)) == (*before, "triggered", [])


def test_without_an_own_account_to_know_echoes_by_equality_alone_keeps_them_out(make_world):
    world = make_world(PAGERDUTY_USER_EMAIL="rita@example.com", JIRA_USER_EMAIL="jim@example.com",
                       JIRA_API_TOKEN="jim-token-at-jira")
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1")
    world.run_until_idle()
    issue = world.find_issue(incident)
    world.pagerduty.set_title(incident, "Checkout is slow")
    edit_issue(world, issue, priority={"name": "High"})
    run_poll(world)
    run_poll(world)
    assert shown(incident, issue) == ("Checkout is slow", "P2", "Checkout is slow", "High")
