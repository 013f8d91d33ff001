"""The whole of it over real sockets, with moto's DynamoDB and SQS: so that the world in one process cannot lie."""

import pytest

from jpi.domain.text_limits import document
from sandbox.story import play, steps
from tests.acting import edit, on_call, poll, whole


@pytest.fixture(params=[True, False], ids=["queue", "in process"])
def world(request, make_loopback_world):
    return make_loopback_world(queued=request.param)


def test_the_readmes_check_plays_to_its_end(world):
    for step in steps(world):
        play(world, step)
        assert world.rows() == step.wanted, step.title


def test_both_sides_show_what_people_change_on_either(world):
    incident = world.pagerduty.trigger(world.service, "Checkout is down", world.rita, "P1", "Nobody can pay.")
    world.settle()
    issue = world.issue_of(incident)
    edit(world, issue, summary="Checkout is slow", priority={"name": "High"}, assignee={"accountId": world.rita_id})
    world.jim("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": document("The index was rebuilt.")})
    world.pagerduty.annotate(incident, "A deployment was rolled back.", world.rita)
    world.settle()
    poll(world)
    assert (incident.title, incident.priority.name, incident.assignees) == ("Checkout is slow", "P2", [world.rita])
    assert sorted(note.content.startswith("[Jira] Jim Jira: The index was rebuilt.") for note in incident.notes) == [
        False, True]
    assert sum("A deployment was rolled back." in comment.text for comment in issue.comments) == 1
    assert len(world.linked(issue, "Timeline")) == len(incident.log)


def test_what_no_webhook_told_is_made_good_by_the_poll(world):
    with world.losing_webhooks():
        incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    poll(world)
    with world.losing_webhooks():
        world.move(world.issue_of(incident), "done")
    poll(world)
    assert (incident.status, whole(world)) == ("resolved", [3, 2, 1])


@pytest.mark.parametrize("status", [0, 503], ids=["dropped", "503"])
def test_an_answer_that_is_lost_makes_no_second_issue(world, status):
    world.jira_server.fault = on_call("POST", "/issue", status, after=True)
    incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    world.settle()
    for _ in range(3):
        world.clock.advance(600)
        poll(world)
    assert (len(world.issues()), whole(world)) == (1, [3, 2, 1])
    assert world.issue_of(incident)
