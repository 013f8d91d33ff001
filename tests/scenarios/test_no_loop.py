"""No loop: what somebody else on the same issue throws back is carried a bounded number of times."""

import pytest

from sandbox.jira.model import Workflow
from tests.world_actions import is_idle_after_polls, list_writes, run_poll

LINE_WORKFLOW = [("To Do", "In Progress"), ("In Progress", "Done"), ("In Progress", "To Do"), ("Done", "To Do")]


@pytest.fixture(params=["at once", "by the queue"])
def linked(request, make_linked):
    """Make a P1 with its issue, both ways of handing over: (world, incident, issue)."""
    return make_linked(queued=request.param == "by the queue")


def count_transitions(world):
    return sum("/transitions" in write for write in list_writes(world))


def test_an_issue_that_is_put_back_after_each_step_is_left_with_one_comment(linked):
    world, incident, issue = linked
    world.jira.workflows["INCIDENT"] = Workflow.from_hops(LINE_WORKFLOW)
    world.jira.undone_statuses = {"In Progress"}
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert count_transitions(world) <= 3
    assert (incident.status, issue.status) == ("resolved", "To Do")
    assert ["moves it back to 'To Do'" in comment.text for comment in issue.comments] == [True]
    assert is_idle_after_polls(world)
    world.jira.undone_statuses = set()
    world.pagerduty.reopen_incident(incident, world.rita)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert (incident.status, issue.status) == ("resolved", "Done")
    assert len(issue.comments) == 1
    assert is_idle_after_polls(world)


def test_a_step_that_is_undone_at_once_is_not_taken_again(linked):
    world, incident, issue = linked
    world.jira.undone_statuses = {"In Progress"}
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    run_poll(world)
    assert count_transitions(world) == 1
    assert (incident.status, issue.status) == ("acknowledged", "To Do")
    assert is_idle_after_polls(world)
