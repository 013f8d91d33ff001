"""Assignees are a set on PagerDuty and one person on Jira; first values are carried over like any other."""

import pytest

from jpi.tools import explain
from tests.world_actions import edit_issue, is_idle_after_polls, list_writes, run_poll

RULE_FOR_ALL = """
    [[rules]]
    create = {}
"""


@pytest.fixture(params=[False, True], ids=["in process", "queued"])
def make(request, make_linked):
    """Return `make_linked`, for either way of handing over."""
    return lambda sync_file="", **changes: make_linked(sync_file, queued=request.param, **changes)


@pytest.fixture
def linked(make):
    return make()


@pytest.fixture
def shared(linked):
    """Make a P1 that Oscar and Rita are assigned to, of whom Jira's assignee is Oscar."""
    world, incident, issue = linked
    world.pagerduty.reassign_incident(incident, [world.oscar, world.rita], world.rita)
    world.run_until_idle()
    run_poll(world)
    assert issue.assignee == world.oscar_id
    world.forget_calls()
    return linked


def users(incident):
    return {user.name for user in incident.assignees}


def managers(world, issue):
    return world.list_linked_summaries(issue, "Incident Manager")


def assign(world, issue, account):
    edit_issue(world, issue, assignee={"accountId": account})


def add_ann(world):
    """Add a third person on both sides, with an issue of the PERSON project."""
    world.make_person_issue("Ann Other")
    # Jira's search finds it a while later.
    world.clock.advance(60)
    account = world.jira.add_user("ann@example.com", "ann-token", "Ann Other")
    return world.pagerduty.add_user("Ann Other", "ann@example.com"), account


@pytest.mark.parametrize("is_told", [True, False])
def test_the_order_of_the_assignees_means_nothing(shared, is_told):
    world, incident, issue = shared
    world.pagerduty.outbox.is_losing = not is_told
    world.pagerduty.reassign_incident(incident, [world.rita, world.oscar], world.rita)
    world.pagerduty.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    assert (issue.assignee, managers(world, issue)) == (world.oscar_id, ["Oscar Oncall"])
    assert list_writes(world) == []


@pytest.mark.parametrize("is_told", [True, False])
def test_reassigning_on_jira_replaces_the_one_whom_its_assignee_stood_for(shared, is_told):
    world, incident, issue = shared
    _, ann_id = add_ann(world)
    world.jira.outbox.is_losing = not is_told
    assign(world, issue, ann_id)
    world.jira.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    assert users(incident) == {"Ann Other", "Rita Responder"}
    assert (issue.assignee, managers(world, issue)) == (ann_id, ["Ann Other"])
    assert is_idle_after_polls(world)


def test_reassigning_on_jira_keeps_a_responder_of_whom_nothing_told(shared):
    world, incident, issue = shared
    _, ann_id = add_ann(world)
    with world.lose_webhooks():
        world.pagerduty.reassign_incident(incident, [world.oscar, world.rita, world.jim_on_pagerduty], world.rita)
    world.clock.advance(5)
    assign(world, issue, ann_id)
    world.run_until_idle()
    run_poll(world)
    assert users(incident) == {"Ann Other", "Rita Responder", world.jim_on_pagerduty.name}
    assert is_idle_after_polls(world)


def test_reassigning_on_jira_to_another_responder_removes_only_the_one_of_before(shared):
    world, incident, issue = shared
    assign(world, issue, world.rita_id)
    world.run_until_idle()
    run_poll(world)
    assert users(incident) == {"Rita Responder"}
    assert (issue.assignee, managers(world, issue)) == (world.rita_id, ["Rita Responder"])
    assert is_idle_after_polls(world)


def test_who_comes_in_the_place_of_jiras_assignee_is_the_next(shared):
    world, incident, issue = shared
    ann, ann_id = add_ann(world)
    world.pagerduty.reassign_incident(incident, [world.rita, ann], world.rita)
    world.run_until_idle()
    run_poll(world)
    assert (issue.assignee, managers(world, issue)) == (ann_id, ["Ann Other"])
    world.pagerduty.reassign_incident(incident, [world.rita], world.rita)
    world.run_until_idle()
    run_poll(world)
    assert (issue.assignee, managers(world, issue)) == (world.rita_id, ["Rita Responder"])
    assert users(incident) == {"Rita Responder"}
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_p1_of_nobodys_that_is_assigned_gets_an_assignee_and_a_manager(make, is_told):
    world, _, _ = make()
    incident = world.pagerduty.trigger_incident(world.service, "Search is down", priority="P1", is_unassigned=True)
    world.run_until_idle()
    run_poll(world)
    issue = world.find_issue(incident)
    assert (issue.assignee, managers(world, issue)) == (None, [])
    world.pagerduty.outbox.is_losing = not is_told
    world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    world.pagerduty.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    assert (issue.assignee, managers(world, issue)) == (world.rita_id, ["Rita Responder"])
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_polled_before", [True, False])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_first_assignee_on_jira_is_carried_over(make, is_told, is_polled_before):
    world, _, _ = make()
    incident = world.pagerduty.trigger_incident(world.service, "Search is down", priority="P1", is_unassigned=True)
    world.run_until_idle()
    if is_polled_before:
        run_poll(world)
    issue = world.find_issue(incident)
    world.jira.outbox.is_losing = not is_told
    assign(world, issue, world.rita_id)
    world.jira.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    assert (users(incident), issue.assignee) == ({"Rita Responder"}, world.rita_id)
    assert managers(world, issue) == ["Rita Responder"]
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_first_priority_on_pagerduty_is_carried_over(make, is_told):
    world, _, _ = make(RULE_FOR_ALL)
    incident = world.pagerduty.trigger_incident(world.service, "Search is down", world.rita)
    world.run_until_idle()
    run_poll(world)
    issue = world.find_issue(incident)
    assert incident.priority is None
    world.pagerduty.outbox.is_losing = not is_told
    world.pagerduty.set_priority(incident, "P2", world.rita)
    world.pagerduty.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    assert (incident.priority.name, issue.priority) == ("P2", "High")
    assert is_idle_after_polls(world)


def test_the_priority_that_jira_gives_an_issue_by_itself_is_nobodys_change(make):
    world, _, _ = make(RULE_FOR_ALL)
    incident = world.pagerduty.trigger_incident(world.service, "Search is down", world.rita)
    world.run_until_idle()
    run_poll(world)
    edit_issue(world, world.find_issue(incident), summary="Search is slow")
    world.run_until_idle()
    run_poll(world)
    assert (incident.title, incident.priority) == ("Search is slow", None)
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_late", [True, False])
@pytest.mark.parametrize(("winner", "newer", "wins"), [
    ("newer", "jira", "jira"), ("newer", "pagerduty", "pagerduty"), ("jira", "pagerduty", "jira"),
    ("pagerduty", "jira", "pagerduty")])
def test_what_jiras_webhook_tells_wins_over_pagerdutys_unheard_change_by_the_rule_only(make, winner, newer, wins,
                                                                                        is_late):
    rule = f'{{winner = "{winner}"}}'
    world, incident, issue = make(f"[sync]\npriority = {rule}\ntitle = {rule}\nassignee = {rule}")
    _, ann_id = add_ann(world)
    acts = {"pagerduty": lambda: (world.pagerduty.set_priority(incident, "P2", world.rita),
                                  world.pagerduty.set_title(incident, "Theirs"),
                                  world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)),
            "jira": lambda: edit_issue(world, issue, priority={"name": "Low"}, summary="Ours",
                                       assignee={"accountId": ann_id})}
    for side in sorted(acts, key=lambda side: side == newer):
        acts[side]()
        world.clock.advance(5)
    lost = list(world.pagerduty.outbox.pending)
    world.pagerduty.outbox.pending.clear()
    world.run_until_idle()
    world.pagerduty.outbox.pending += lost if is_late else []
    world.run_until_idle()
    run_poll(world)
    ends = {"jira": ("Ours", "P4", {"Ann Other"}, "Ours", "Low", ann_id, ["Ann Other"]),
            "pagerduty": ("Theirs", "P2", {"Rita Responder"}, "Theirs", "High", world.rita_id, ["Rita Responder"])}
    assert (incident.title, incident.priority.name, users(incident), issue.summary, issue.priority, issue.assignee,
            managers(world, issue)) == ends[wins]
    assert is_idle_after_polls(world)


def test_a_jira_change_costs_one_read_and_one_write_whoever_wins(make):
    world, incident, issue = make()
    edit_issue(world, issue, summary="Ours")
    world.clock.advance(5)
    world.pagerduty.set_title(incident, "Theirs")
    world.run_until_idle()
    calls = [f"{call.method} {call.path}" for call in world.list_jpi_calls() if not call.path.endswith("/myself")]
    assert calls == [f"GET /incidents/{incident.id}", f"PUT /rest/api/3/issue/{issue.key}"]
    assert (incident.title, issue.summary) == ("Theirs", "Theirs")


def read_verdict(capsys, incident):
    capsys.readouterr()
    explain.main([incident.id])
    return capsys.readouterr().out


@pytest.mark.parametrize("is_told", [True, False])
def test_in_step_is_said_only_if_the_assignee_is(linked, is_told, capsys):
    world, incident, issue = linked
    assert "Both sides are in step" in read_verdict(capsys, incident)
    before = world.jpi.links.get(incident.id).summary.in_step_at
    stranger = world.pagerduty.add_user("Sam Stranger", "sam@example.com")
    # PagerDuty's times are whole seconds.
    world.clock.advance(5)
    world.pagerduty.outbox.is_losing = not is_told
    world.pagerduty.reassign_incident(incident, [stranger], world.rita)
    world.pagerduty.outbox.is_losing = False
    world.run_until_idle()
    run_poll(world)
    world.pagerduty.set_title(incident, "Down again")
    run_poll(world)
    assert (issue.summary, issue.assignee) == ("Down again", world.oscar_id)
    assert "The two sides differ in: assignee" in read_verdict(capsys, incident)
    assert world.jpi.links.get(incident.id).summary.in_step_at == before
    world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    world.run_until_idle()
    run_poll(world)
    assert issue.assignee == world.rita_id
    assert "Both sides are in step" in read_verdict(capsys, incident)


def test_in_step_is_said_where_jiras_assignee_is_one_of_several(shared, capsys):
    _, incident, _ = shared
    assert "Both sides are in step" in read_verdict(capsys, incident)
