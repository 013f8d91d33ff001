"""What a service does not show once is not gone: copies are kept, and nothing is made a second time."""

import json

import pytest

from jpi.errors import IdentityDoubt
from sandbox.simulated_service import HttpFault
from sandbox.world import is_from_jpi
from tests.world_actions import is_idle_after_polls, make_fault_on_call, poll_quietly, poll_sparsely


def write_comment(world, issue, text, comment_id=""):
    """Write a comment as Jim, or change the one with this id; return its id."""
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    body = {"type": "doc", "version": 1, "content": [paragraph]}
    path = f"/rest/api/3/issue/{issue.key}/comment"
    if comment_id:
        return world.jim.request("PUT", f"{path}/{comment_id}", {"body": body})["id"]
    return world.jim.request("POST", path, {"body": body})["id"]


def blind_jpi(server, path, name):
    """Let a service show jpi nothing in a list, as a stranger is shown nothing, and not know its account."""
    lose_answer = make_fault_on_call("POST", path, after=True)

    def choose_fault(call):
        if call.path.endswith("/myself"):
            return HttpFault(401)
        return lose_answer(call) if is_from_jpi(call) else None

    def change_body(call, body):
        is_hidden = call.method == "GET" and is_from_jpi(call) and call.path.endswith((path, "/users"))
        return json.dumps({name: [], "users": [], "more": False}).encode() if is_hidden else body

    server.choose_fault, server.change_body = choose_fault, change_body


def show_all(server):
    server.choose_fault, server.change_body = lambda call: None, lambda call, body: body


def test_a_copy_that_a_stranger_is_not_shown_is_not_made_again(linked_pair):
    world, incident, issue = linked_pair
    blind_jpi(world.jira_server, "/comment", "comments")
    blind_jpi(world.pagerduty_server, "/notes", "notes")
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    write_comment(world, issue, "Traffic is back.")
    world.run_until_idle()
    for _ in range(6):
        poll_quietly(world)
    show_all(world.jira_server)
    show_all(world.pagerduty_server)
    poll_sparsely(world, 40, poll_quietly)
    assert (len(issue.comments), len(incident.notes)) == (2, 2)
    assert is_idle_after_polls(world)


def test_an_incident_that_a_stranger_is_not_shown_is_in_doubt(world):
    blind_jpi(world.pagerduty_server, "/incidents", "incidents")
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, key="INCIDENT-7")
    with pytest.raises(IdentityDoubt):
        world.jpi.pagerduty.new_incidents.list_by_key("INCIDENT-7")


def hide_copy_once(server, method, path):
    """Let a service say once, to jpi, that a copy does not exist."""
    body = json.dumps({"errorMessages": ["Can not find a comment."]} if server.name == "jira"
                      else {"error": {"message": "Not Found", "code": 2100}})
    left = [1]

    def choose_fault(call):
        if call.method != method or path not in call.path or not is_from_jpi(call) or not left[0]:
            return None
        left[0] -= 1
        return HttpFault(404, body=body)

    server.choose_fault = choose_fault
    return left


def make_copies(world, incident, issue):
    """Let a note and a comment be copied; return both."""
    note = world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    comment_id = write_comment(world, issue, "Traffic is back.")
    world.run_until_idle()
    world.clock.advance(5)
    return note, comment_id


def read_notes_again(world, incident):
    """Let PagerDuty's log have a new note, for which jpi reads all: PagerDuty tells nothing of edits."""
    world.pagerduty.add_note(incident, "Watching.", world.rita)
    world.run_until_idle()
    poll_quietly(world)


def test_one_404_on_an_edit_of_a_copy_does_not_end_it(linked_pair):
    world, incident, issue = linked_pair
    note, comment_id = make_copies(world, incident, issue)
    lefts = [hide_copy_once(world.jira_server, "PUT", "/comment/"),
             hide_copy_once(world.pagerduty_server, "PUT", "/notes/")]
    note.content = "Rolled forward."
    write_comment(world, issue, "Traffic is slow.", comment_id)
    read_notes_again(world, incident)
    assert lefts == [[0], [0]]
    assert "the copy was not found" in world.jpi.links.get(incident.id).backlog.refused_steps[0].reason
    poll_sparsely(world, 10, poll_quietly)
    assert [comment.text.rpartition("\n")[2] for comment in issue.comments if "on PagerDuty" in comment.text] == [
        "Rolled forward.", "Watching."]
    assert [text.content.partition("\n")[0] for text in incident.notes if "[Jira]" in text.content] == [
        "[Jira] Jim Jira: Traffic is slow."]
    assert world.jpi.links.get(incident.id).backlog.refused_steps == ()
    # Later edits arrive, too.
    write_comment(world, issue, "Traffic is fast.", comment_id)
    world.run_until_idle()
    assert "[Jira] Jim Jira: Traffic is fast." in [text.content.partition("\n")[0] for text in incident.notes]
    assert is_idle_after_polls(world)


def test_one_404_on_a_deletion_of_a_copy_does_not_leave_it(linked_pair):
    world, incident, issue = linked_pair
    note, comment_id = make_copies(world, incident, issue)
    lefts = [hide_copy_once(world.jira_server, "DELETE", "/comment/"),
             hide_copy_once(world.pagerduty_server, "DELETE", "/notes/")]
    incident.notes.remove(note)
    world.jim.request("DELETE", f"/rest/api/3/issue/{issue.key}/comment/{comment_id}")
    read_notes_again(world, incident)
    assert lefts == [[0], [0]]
    poll_sparsely(world, 10, poll_quietly)
    assert [comment.text.rpartition("\n")[2] for comment in issue.comments] == ["Watching."]
    assert [text.content for text in incident.notes] == ["Watching."]
    assert world.jpi.links.get(incident.id).backlog.refused_steps == ()
    assert is_idle_after_polls(world)


def test_a_copy_that_stays_gone_is_let_go_after_a_second_look(linked_pair):
    world, incident, issue = linked_pair
    note, comment_id = make_copies(world, incident, issue)
    issue.comments[:] = [comment for comment in issue.comments if comment.id == comment_id]
    incident.notes[:] = [note]
    note.content = "Rolled forward."
    write_comment(world, issue, "Traffic is slow.", comment_id)
    read_notes_again(world, incident)
    mirrors = world.jpi.links.get(incident.id).mirrors.values()
    assert (all(mirror.copy_id for mirror in mirrors), any(mirror.missing_since for mirror in mirrors)) == (True, True)
    poll_sparsely(world, 10, poll_quietly)
    link = world.jpi.links.get(incident.id)
    assert sum(mirror.copy_id is None for mirror in link.mirrors.values()) == 2
    assert (link.ended, link.backlog.refused_steps, len(issue.comments), len(incident.notes)) == (False, (), 2, 2)
    assert is_idle_after_polls(world)


def test_a_user_who_lost_a_team_is_no_proof_that_its_incidents_are_gone(linked_pair, caplog):
    world, incident, issue = linked_pair
    world.pagerduty.add_service("Search of another team", world.rita)
    world.pagerduty.hidden_incident_ids.add(incident.id)
    world.pagerduty.hidden_service_ids.add(world.service.id)
    # Then its log says nothing of it, and it is read by itself.
    world.clock.advance(3600)
    poll_sparsely(world, 60, poll_quietly)
    assert not world.jpi.links.get(incident.id).ended
    assert f"it does not show the service {world.service.name}" in str([vars(record) for record in caplog.records])
    world.pagerduty.hidden_incident_ids.clear()
    world.pagerduty.hidden_service_ids.clear()
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    poll_sparsely(world, 75, poll_quietly)
    assert world.read_statuses() == {"Checkout is down": ("resolved", "done")}
    assert (issue.comments, incident.notes) == ([], [])
    assert is_idle_after_polls(world)
