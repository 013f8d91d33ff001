"""The whole of it over real sockets, with moto's DynamoDB and SQS: so that the world in one process cannot lie."""

import pytest

from jpi.jira.adf import to_adf_document
from sandbox.demo_steps import make_steps, play_step
from tests.world_actions import count_created_parts, edit_issue, make_fault_on_call, run_poll


@pytest.fixture(params=[True, False], ids=["queue", "in process"])
def world(request, make_loopback_world):
    return make_loopback_world(queued=request.param)


def test_the_readmes_check_plays_to_its_end(world):
    for step in make_steps(world):
        play_step(world, step)
        assert world.make_summary_rows() == step.expected_rows, step.title


def test_both_sides_show_what_people_change_on_either(world):
    incident = world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1", "Nobody can pay.")
    world.run_until_idle()
    issue = world.find_issue(incident)
    edit_issue(world, issue, summary="Checkout is slow", priority={"name": "High"},
               assignee={"accountId": world.rita_id})
    world.jim.request("POST",
                      f"/rest/api/3/issue/{issue.key}/comment", {"body": to_adf_document("The index was rebuilt.")})
    world.pagerduty.add_note(incident, "A deployment was rolled back.", world.rita)
    world.run_until_idle()
    run_poll(world)
    assert (incident.title, incident.priority.name, incident.assignees) == ("Checkout is slow", "P2", [world.rita])
    assert sorted(note.content.startswith("[Jira] Jim Jira: The index was rebuilt.") for note in incident.notes) == [
        False, True]
    assert sum("A deployment was rolled back." in comment.text for comment in issue.comments) == 1
    assert len(world.list_linked_summaries(issue, "Timeline")) == len(incident.log)


def test_what_no_webhook_told_is_made_good_by_the_poll(world):
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    run_poll(world)
    with world.lose_webhooks():
        world.move_issue(world.find_issue(incident), "done")
    run_poll(world)
    assert (incident.status, count_created_parts(world)) == ("resolved", [3, 2, 1])


@pytest.mark.parametrize("status", [0, 503], ids=["dropped", "503"])
def test_an_answer_that_is_lost_makes_no_second_issue(world, status):
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue", status, after=True)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    for _ in range(3):
        world.clock.advance(600)
        run_poll(world)
    assert (len(world.list_issues()), count_created_parts(world)) == (1, [3, 2, 1])
    assert world.find_issue(incident)
