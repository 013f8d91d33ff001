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
