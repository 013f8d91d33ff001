"""No loop: what somebody else on the same issue throws back is carried a bounded number of times."""

import pytest

from jpi.domain.link_summary import to_card
from jpi.status_page import queries
from jpi.tools import replay
from sandbox.jira.model import Workflow
from tests.world_actions import edit_issue, is_idle_after_polls, list_writes, run_poll

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


def comment(world, issue, text):
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    body = {"type": "doc", "version": 1, "content": [paragraph]}
    world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": body})


def count_copies(world):
    return sum(write.endswith(("/comment", "/notes")) for write in list_writes(world))


def read_link(world, incident):
    return world.jpi.links.get(incident.id)


def find_pauses(caplog):
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    return [record for record in records if record.message == "a link is paused"]


@pytest.fixture
def looping(linked):
    """Make a link whose notes and comments somebody else answers without end: (world, incident, issue)."""
    world, incident, issue = linked
    world.copying_integration.is_on = world.copying_integration.rewrites = True
    world.pagerduty.add_note(incident, "Traffic is back.", world.rita)
    world.run_until_idle()
    return world, incident, issue


@pytest.mark.parametrize("names_authors", [False, True])
def test_copies_of_what_jpi_copied_are_not_carried_again(linked, caplog, names_authors):
    world, incident, issue = linked
    world.copying_integration.names_authors = names_authors
    world.copying_integration.is_on = True
    world.pagerduty.add_note(incident, "Rolled back.\nWatching.", world.rita)
    world.run_until_idle()
    assert (len(incident.notes), len(issue.comments), count_copies(world)) == (2, 2, 1)
    comment(world, issue, "Traffic is back: see the graph.")
    world.run_until_idle()
    assert (len(incident.notes), len(issue.comments), count_copies(world)) == (4, 4, 2)
    assert is_idle_after_polls(world)
    assert not find_pauses(caplog)


def test_the_same_words_an_hour_later_are_carried_over(linked):
    world, incident, issue = linked
    world.pagerduty.add_note(incident, "Done.", world.rita)
    world.run_until_idle()
    world.clock.advance(3600)
    comment(world, issue, "Done.")
    world.run_until_idle()
    assert (len(incident.notes), len(issue.comments)) == (2, 2)


def test_copies_of_copies_end_at_the_limit_and_the_link_is_paused(looping, caplog):
    world, incident, issue = looping
    assert count_copies(world) == 30
    [record] = find_pauses(caplog)
    assert (record.incident, record.paused_links) == (incident.id, 1)
    assert "30 notes and comments (29 on PagerDuty, 1 on Jira), and Chat bridge on Jira answers" in record.reason
    link = read_link(world, incident)
    assert to_card(link).trouble == record.reason
    assert record.reason in [entry.no_action_reason for entry in link.history]
    edit_issue(world, issue, summary="Renamed")
    world.run_until_idle()
    assert (incident.title, issue.summary, count_copies(world)) == ("Checkout is down", "Renamed", 30)
    assert is_idle_after_polls(world)


def test_a_pause_does_not_hold_the_resolution_back(looping):
    world, incident, issue = looping
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert (incident.status, issue.status) == ("resolved", "Done")
    assert is_idle_after_polls(world)


def test_after_an_hour_what_waited_is_carried_over(looping):
    world, incident, issue = looping
    world.copying_integration.is_on = False
    comment(world, issue, "Watching.")
    edit_issue(world, issue, summary="Renamed")
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    world.clock.advance(3600)
    assert (incident.title, count_copies(world)) == ("Checkout is down", 30)
    run_poll(world)
    assert incident.title == "Renamed"
    assert any("PagerDuty" in comment.text and "Rolled back." in comment.text for comment in issue.comments)
    assert any("Jim Jira: Watching." in note.content for note in incident.notes)
    assert read_link(world, incident).write_log.pause is None
    assert is_idle_after_polls(world)


@pytest.mark.parametrize("way", ["page", "replay"])
def test_a_person_resumes_it_at_once(looping, way):
    world, incident, issue = looping
    world.copying_integration.is_on = False
    edit_issue(world, issue, summary="Renamed")
    world.run_until_idle()
    if way == "page":
        world.jpi.budget.start(60.0)
        queries.resync_incident(world.jpi, incident.id, "by hand")
    else:
        assert replay.main(["--incident", incident.id]) == 0
    world.run_until_idle()
    assert (incident.title, issue.summary) == ("Renamed", "Renamed")
    assert read_link(world, incident).write_log.pause is None
    assert is_idle_after_polls(world)


def test_a_field_that_changes_without_end_is_written_twenty_times(linked, caplog):
    world, incident, issue = linked
    world.clock.advance(700)
    for number in range(40):
        edit_issue(world, issue, summary=f"Renamed {number}")
        world.run_until_idle()
        world.clock.advance(1)
    assert incident.title == "Renamed 19"
    assert len(list_writes(world)) == 20
    assert len(find_pauses(caplog)) == 1
    world.clock.advance(3600)
    run_poll(world)
    assert incident.title == issue.summary == "Renamed 39"
    assert is_idle_after_polls(world)


def test_a_status_that_both_sides_set_without_end_is_left(linked, caplog):
    world, incident, issue = linked
    world.jira.undone_statuses = {"Done"}
    for _ in range(30):
        if incident.status != "resolved":
            world.pagerduty.resolve_incident(incident, world.rita)
        world.run_until_idle()
        world.clock.advance(5)
    assert 10 <= len(list_writes(world)) <= 20
    [record] = find_pauses(caplog)
    assert "fields and status" in record.reason
    assert is_idle_after_polls(world)
    world.jira.undone_statuses = set()
    world.clock.advance(3600)
    run_poll(world)
    assert (incident.status, world.get_category(issue)) in [("resolved", "done"), ("triggered", "new")]
    assert is_idle_after_polls(world)


def test_a_backlog_of_older_notes_is_no_loop(linked, caplog):
    world, incident, issue = linked
    with world.lose_webhooks():
        for number in range(40):
            world.pagerduty.add_note(incident, f"Note {number}", world.rita)
    world.clock.advance(700)
    run_poll(world)
    assert len(issue.comments) == 40
    assert not find_pauses(caplog)
