"""The assignee, both ways: by e-mail or USER_MAP, never guessed and never cleared."""

import pytest

from sandbox.simulated_service import HttpFault
from tests.world_actions import edit_issue, is_idle_after_polls, list_writes, run_poll


def assign(world, issue, account):
    edit_issue(world, issue, assignee={"accountId": account} if account else None)


def users(incident):
    return [user.name for user in incident.assignees]


def test_a_new_issue_is_soon_assigned_to_whoever_is_on_call(linked):
    world, _, issue = linked
    assert issue.assignee == world.oscar_id
    again = world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    world.run_until_idle()
    assert world.find_issue(again).assignee == world.oscar_id, "known by now, so at once"


def test_reassigned_on_pagerduty_the_issue_and_its_manager_change(linked):
    world, incident, issue = linked
    assert world.list_linked_summaries(issue, "Incident Manager") == ["Oscar Oncall"]
    world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    world.run_until_idle()
    assert (issue.assignee, world.list_linked_summaries(issue,
                                                        "Incident Manager")) == (world.rita_id, ["Rita Responder"])
    assert is_idle_after_polls(world)


def test_reassigned_on_jira_the_incident_is_too(linked):
    world, incident, issue = linked
    assign(world, issue, world.rita_id)
    world.run_until_idle()
    assert users(incident) == ["Rita Responder"]
    assert [write for write in list_writes(world) if "issueLink" not in write] == [f"PUT /incidents/{incident.id}"]
    assert world.list_linked_summaries(issue, "Incident Manager") == ["Rita Responder"]
    assert is_idle_after_polls(world)


def test_what_webhooks_did_not_tell_the_poll_finds(linked):
    world, incident, issue = linked
    with world.lose_webhooks():
        assign(world, issue, world.rita_id)
    run_poll(world)
    assert users(incident) == ["Rita Responder"]
    with world.lose_webhooks():
        world.pagerduty.reassign_incident(incident, [world.oscar], world.rita)
    run_poll(world)
    assert issue.assignee == world.oscar_id
    assert is_idle_after_polls(world)


def test_nobody_is_cleared(linked):
    world, incident, issue = linked
    assign(world, issue, None)
    world.run_until_idle()
    assert users(incident) == ["Oscar Oncall"]
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.assignee is None
    assert is_idle_after_polls(world)


def test_who_is_not_found_is_said_once_and_nothing_changes(linked):
    world, incident, issue = linked
    ann = world.pagerduty.add_user("Ann Other", "ann@example.com")
    for user in (ann, world.oscar, ann):
        world.pagerduty.reassign_incident(incident, [user], world.rita)
        world.run_until_idle()
    assert issue.assignee == world.oscar_id
    [comment] = issue.comments
    assert "Ann Other" in comment.text
    assert "USER_MAP" in comment.text
    assert is_idle_after_polls(world)


def test_who_is_not_found_on_pagerduty_is_said_once_too(linked):
    world, incident, issue = linked
    assign(world, issue, world.admin_id)
    world.run_until_idle()
    assert users(incident) == ["Oscar Oncall"]
    assert ["Ada Admin" in comment.text for comment in issue.comments] == [True]
    assert is_idle_after_polls(world)


def test_a_hidden_e_mail_finds_nobody_and_a_map_does(make_linked):
    world, incident, issue = make_linked()
    world.jira.users[world.rita_id].hides_email = True
    assign(world, issue, world.rita_id)
    world.run_until_idle()
    assert users(incident) == ["Oscar Oncall"]


def test_a_map_says_who_is_who(make_world, make_linked):
    accounts = {}

    def mapped():
        return f"rita@example.com={accounts['rita']}"

    world, incident, issue = make_linked(USER_MAP="nobody@example.com=712020:none")
    accounts["rita"] = world.admin_id
    world.environ["USER_MAP"] = mapped()
    world.jpi = world.start_jpi()
    world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    world.run_until_idle()
    assert issue.assignee == world.admin_id
    assign(world, issue, world.oscar_id)
    world.run_until_idle()
    assign(world, issue, world.admin_id)
    world.run_until_idle()
    assert users(incident) == ["Rita Responder"]
    assert is_idle_after_polls(world)


def test_of_two_who_share_an_e_mail_neither_is_taken(linked):
    world, incident, issue = linked
    world.jira.add_user("rita@example.com", "another", "Rita Again")
    world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    world.run_until_idle()
    assert issue.assignee == world.oscar_id
    assert len(issue.comments) == 1


@pytest.mark.parametrize("is_queued", [False, True])
@pytest.mark.parametrize("is_told", [True, False])
def test_acknowledging_through_us_removes_nobody(make_linked, is_queued, is_told):
    world, incident, issue = make_linked(queued=is_queued)
    world.pagerduty.reassign_incident(incident, [world.oscar, world.rita], world.rita)
    world.run_until_idle()
    world.jira.outbox.is_losing = not is_told
    world.move_issue(issue, "indeterminate")
    world.run_until_idle()
    run_poll(world)
    assert (incident.status, set(users(incident))) == ("acknowledged", {"Oscar Oncall", "Rita Responder"})
    assert issue.assignee == world.oscar_id
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_queued", [False, True])
def test_reopening_through_us_as_acknowledged_removes_nobody(make_linked, is_queued):
    world, incident, issue = make_linked(queued=is_queued)
    world.move_issue(issue, "done")
    world.run_until_idle()
    run_poll(world)
    world.move_issue(issue, "indeterminate")
    world.run_until_idle()
    run_poll(world)
    assert (incident.status, users(incident), issue.assignee) == ("acknowledged", ["Oscar Oncall"], world.oscar_id)
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("is_queued", [False, True])
@pytest.mark.parametrize("is_unassigned", [True, False])
def test_acknowledging_makes_nobody_of_ours_the_assignee_on_jira(make_linked, is_queued, is_unassigned):
    """Let PagerDuty refuse assignees beside a status, or let there be none."""
    world, incident, issue = make_linked(queued=is_queued)
    if is_unassigned:
        incident = world.pagerduty.trigger_incident(world.service, "Search is down", priority="P1", is_unassigned=True)
        world.run_until_idle()
        issue = world.find_issue(incident)
    before = issue.assignee
    world.pagerduty_server.choose_fault = lambda call: HttpFault(400) if b"assignments" in call.raw_body else None
    world.move_issue(issue, "indeterminate")
    world.run_until_idle()
    run_poll(world)
    assert (incident.status, users(incident), issue.assignee) == ("acknowledged", ["jpi bot"], before)
    assert is_idle_after_polls(world)


def test_an_acknowledgement_that_an_assignment_took_back_is_made_by_itself(linked):
    world, _, issue = linked

    def take_back(call, body):
        return body.replace(b'"acknowledged"', b'"triggered"') if b"assignments" in call.raw_body else body

    world.pagerduty_server.change_body = take_back
    world.move_issue(issue, "indeterminate")
    world.run_until_idle()
    assert [call.body["incident"] for call in world.pagerduty_server.calls if call.is_write][-1] == {
        "type": "incident_reference", "status": "acknowledged"}
    assert is_idle_after_polls(world)


@pytest.mark.parametrize(("direction", "there", "here"), [
    ("off", "Oscar Oncall", None), ("to-jira", "Oscar Oncall", "oscar"), ("to-pagerduty", "Rita Responder", "rita")])
def test_the_sync_file_says_which_way(make_linked, direction, there, here):
    world, incident, issue = make_linked(f'[sync]\nassignee = "{direction}"')
    if direction != "to-jira":
        assert issue.assignee is None
    if direction == "to-pagerduty":
        assign(world, issue, world.rita_id)
    world.run_until_idle()
    run_poll(world)
    assert (users(incident), issue.assignee) == ([there], getattr(world, f"{here}_id", None))


@pytest.mark.parametrize("first", ["jira", "pagerduty"])
def test_the_manager_is_whoever_pagerdutys_winning_change_names(linked, first):
    world, incident, issue = linked
    assign(world, issue, world.jim_id)
    world.clock.advance(5)
    world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    getattr(world, first).outbox.deliver_due()
    world.run_until_idle()
    assert (users(incident), issue.assignee) == (["Rita Responder"], world.rita_id)
    assert world.list_linked_summaries(issue, "Incident Manager") == ["Rita Responder"]
    assert is_idle_after_polls(world)


def test_who_is_who_is_asked_once_a_day(linked):
    world, incident, _ = linked
    for user in (world.rita, world.oscar, world.rita):
        world.pagerduty.reassign_incident(incident, [user], world.rita)
        world.run_until_idle()
        world.jpi = world.start_jpi()
    asked = [call.path for call in world.list_jpi_calls()]
    assert asked.count("/rest/api/3/user/search") == 1, "Oscar was known from the creation"
