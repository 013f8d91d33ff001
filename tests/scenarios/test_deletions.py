"""What is moved, deleted or hidden: each has its effect, said on the side that is left."""

from dataclasses import replace

import pytest

from jpi.domain.events import IssueCommented
from jpi.domain.link import IssueRef
from jpi.domain.model import Comment, Issue, IssueStates
from jpi.tools import replay
from tests.world_actions import is_idle_after_polls, list_writes, run_poll, run_second_look


def notes(incident):
    return [note.content for note in incident.notes]


def delete(world, issue):
    world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}")


@pytest.mark.parametrize("told", [True, False], ids=["by webhook", "by the poll"])
def test_a_deleted_issue_ends_the_link_and_the_incident_says_so(linked, told):
    world, incident, issue = linked
    if told:
        delete(world, issue)
        world.run_until_idle()
    else:
        with world.lose_webhooks():
            delete(world, issue)
        run_poll(world)
    assert (notes(incident), world.jpi.links.get(incident.id).ended) == ([], False), "one look is not enough"
    run_second_look(world)
    [note] = notes(incident)
    assert f"{issue.key} was deleted" in note
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.add_note(incident, "Still down.", world.rita)
    world.run_until_idle()
    assert is_idle_after_polls(world)
    assert world.list_issues() == [], "nothing is made again by itself"
    assert len(incident.notes) == 2


def test_a_hidden_project_ends_it_too_and_replay_takes_it_up_again(linked, monkeypatch):
    world, incident, issue = linked
    world.jira.hidden_keys.add("INCIDENT")
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    run_second_look(world)
    assert len(notes(incident)) == 1
    assert replay.main(["--incident", incident.id]) == 1
    assert issue.status == "To Do", "still hidden"
    world.jira.hidden_keys.clear()
    world.clock.advance(60)
    assert replay.main(["--incident", incident.id]) == 0
    assert issue.status == "In Progress"
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "Done"


def test_a_new_issue_is_made_on_purpose_after_one_was_deleted(linked, monkeypatch, capsys):
    world, incident, issue = linked
    assert replay.main(["--incident", incident.id, "--new-issue"]) == 1
    assert f"has an issue that is not gone: {issue.key}" in capsys.readouterr().err
    world.pagerduty.acknowledge_incident(incident, world.rita)
    delete(world, issue)
    world.run_until_idle()
    run_second_look(world)
    assert replay.main(["--incident", incident.id]) == 1
    assert f"Its issue {issue.key} does not exist" in capsys.readouterr().out
    assert replay.main(["--incident", incident.id, "--new-issue"]) == 0
    [new_issue] = world.list_issues()
    assert (new_issue.key != issue.key, new_issue.status, new_issue.summary) == (True, "In Progress", incident.title)
    world.move_issue(new_issue, "done")
    world.run_until_idle()
    assert incident.status == "resolved"
    assert is_idle_after_polls(world)


def test_one_missing_answer_ends_nothing(linked, monkeypatch):
    world, incident, _ = linked
    read, answers = world.jpi.reconciler._jira.get_issue_states, [IssueStates()]
    monkeypatch.setattr(world.jpi.reconciler._jira, "get_issue_states",
                        lambda ids: answers.pop() if answers else read(ids))
    run_poll(world)
    assert (notes(incident), answers) == ([], [])
    assert not world.jpi.links.get(incident.id).ended


def test_an_issue_moved_to_another_project_stays_linked(linked):
    world, incident, issue = linked
    world.jira.webhooks[next(iter(world.jira.webhooks))].jql = ""
    world.move_issue_to_project(issue, "PERSON")
    world.run_until_idle()
    assert issue.key.startswith("PERSON-")
    world.move_issue(issue, "done")
    world.run_until_idle()
    assert incident.status == "resolved"
    assert is_idle_after_polls(world)
    assert world.list_issues() == []


def test_a_move_that_no_webhook_told_of_is_found_by_the_poll(linked):
    world, incident, issue = linked
    world.move_issue_to_project(issue, "PERSON")
    run_poll(world)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    assert issue.status == "In Progress"
    with world.lose_webhooks():
        world.move_issue(issue, "done")
    run_poll(world)
    assert incident.status == "resolved"
    assert list_writes(world)


def test_one_moved_whose_id_is_not_known_does_not_keep_others_from_being_read(linked):
    world, incident, issue = linked
    link = world.jpi.links.get(incident.id)
    world.jpi.links.save(replace(link, issue=IssueRef(link.issue_key)))
    other = world.pagerduty.trigger_incident(world.service, "Search is down", world.rita, "P1")
    world.run_until_idle()
    with world.lose_webhooks():
        world.move_issue_to_project(issue, "QUESTION")
        world.move_issue(world.find_issue(other), "done")
    run_poll(world)
    assert other.status == "resolved"
    assert not world.jpi.links.get(incident.id).ended


def test_an_incident_that_is_gone_ends_the_link_and_the_issue_says_so(linked):
    world, incident, issue = linked
    world.pagerduty.hidden_incident_ids.add(incident.id)
    world.move_issue(issue, "indeterminate")
    world.run_until_idle()
    run_second_look(world)
    [comment] = issue.comments
    assert incident.id in comment.text
    assert is_idle_after_polls(world)
    assert len(issue.comments) == 1


def test_an_incident_that_is_gone_is_noticed_by_the_poll_too(linked):
    world, incident, issue = linked
    world.clock.advance(3600)
    run_poll(world)
    world.pagerduty.hidden_incident_ids.add(incident.id)
    run_second_look(world)
    assert [incident.id in comment.text for comment in issue.comments] == [True]
    assert is_idle_after_polls(world)


def test_an_event_of_what_ended_costs_nothing(linked):
    world, incident, issue = linked
    before = world.clock.now()
    delete(world, issue)
    run_second_look(world)
    world.forget_calls()
    world.pagerduty.set_priority(incident, "P2", world.rita)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.jpi.sync_service.apply(IssueCommented("late", before, Issue(issue.key, issue.id), incident_id=incident.id,
                                                comment=Comment("10001", "Late.", before)))
    world.run_until_idle()
    assert world.list_jpi_calls() == []


