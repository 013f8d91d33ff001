"""One refusal stops nothing else: what is refused is kept, named and tried again; the rest goes through."""

import json

import pytest

from jpi.status_page import queries
from jpi.tools import explain
from sandbox.simulated_service import HttpFault
from tests.world_actions import edit_issue, poll_sparsely, run_poll

UNKNOWN_REQUESTER = {"error": {"message": "Requester User Not Found", "code": 1008}}
INVALID_INPUT = {"error": {"message": "Invalid Input Provided", "code": 2001, "errors": ["Content is not valid."]}}
NOT_ALLOWED = {"errorMessages": ["You are not permitted to perform this operation."], "errors": {}}
MISSING_SCOPE = {"code": 401, "message": "Unauthorized; scope does not match"}
RESTRICTED = {"error": {"message": "Access Denied", "code": 2010}}
NOT_VALID_COMMENT = {"errorMessages": [], "errors": {"comment": "INVALID_INPUT"}}


@pytest.fixture(params=[False, True], ids=["at once", "queued"])
def synced(request, make_linked):
    """Make a P1 with its issue, all in step, both ways of handing over: (world, incident, issue)."""
    return make_linked(queued=request.param)


@pytest.fixture
def refuse():
    """Return `refuse(server, method, part, status, answer, text)`: refuse these calls until `mend(server)`."""
    def refuse_calls(server, method, part, status, answer, text=""):
        def choose_fault(call):
            is_refused = call.method == method and part in call.path and text in call.raw_body.decode()
            return HttpFault(status, body=json.dumps(answer)) if is_refused else None

        server.choose_fault = choose_fault

    return refuse_calls


def mend(server):
    server.choose_fault = lambda call: None


def poll_for_minutes(world, minutes):
    for _ in range(minutes):
        run_poll(world)


def list_steps(world, incident):
    return [(step.id.kind.value, step.id.subject, step.attempts)
            for step in world.jpi.links.get(incident.id).backlog.refused_steps]


def read_verdict(capsys, incident):
    capsys.readouterr()
    explain.main([incident.id])
    return capsys.readouterr().out


def comment_as_jim(world, issue, text):
    body = {"type": "doc", "version": 1,
            "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}
    world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": body})


def list_comments(issue):
    return [comment.text.splitlines()[-1] for comment in issue.comments]


def count_timeline(world, issue):
    return len(world.list_linked_summaries(issue, "Timeline"))


def test_a_scope_that_the_token_lacks_costs_only_the_call_that_needs_it(synced, refuse, capsys):
    world, incident, issue = synced
    refuse(world.jira_server, "POST", "/comment", 401, MISSING_SCOPE)
    world.pagerduty.add_note(incident, "refused", world.rita)
    world.pagerduty.set_title(incident, "Checkout is slow")
    world.run_until_idle()
    run_poll(world)
    assert (issue.summary, list_comments(issue)) == ("Checkout is slow", [])
    assert count_timeline(world, issue) == len(incident.log)
    assert "scope" in read_verdict(capsys, incident)
    mend(world.jira_server)
    poll_for_minutes(world, 5)
    assert list_comments(issue) == ["refused"]


def test_a_refused_transition_is_named_and_tried_again_after_mending(synced, refuse, capsys):
    world, incident, issue = synced
    refuse(world.jira_server, "POST", "/transitions", 400, {"errorMessages": ["Approve it first."], "errors": {}})
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    poll_for_minutes(world, 3)
    assert (issue.status, len(issue.comments)) == ("To Do", 1)
    assert "Approve it first." in issue.comments[0].text
    assert [kind for kind, _, _ in list_steps(world, incident)] == ["status"]
    assert "Approve it first." in read_verdict(capsys, incident)
    mend(world.jira_server)
    poll_for_minutes(world, 6)
    assert (issue.status, incident.status, list_steps(world, incident)) == ("Done", "resolved", [])
    assert len(issue.comments) == 1


def test_a_refused_copy_is_tried_again_after_growing_pauses_only(synced, refuse):
    world, incident, _ = synced
    refuse(world.jira_server, "POST", "/comment", 400, NOT_VALID_COMMENT, text="the odd one")
    world.pagerduty.add_note(incident, "the odd one", world.rita)
    world.run_until_idle()
    for number in range(20):
        # Each event reads the notes again.
        world.pagerduty.add_note(incident, f"Note {number}", world.rita)
        world.run_until_idle()
        run_poll(world)
    refused = [call for call in world.list_jpi_calls() if call.method == "POST" and "the odd one" in str(call.body)]
    # At once, then after 1, 2, 4 and 8 minutes.
    assert 3 <= len(refused) <= 6


def test_a_refused_note_stops_neither_later_notes_nor_the_timeline(synced, refuse, capsys):
    world, incident, issue = synced
    refuse(world.jira_server, "POST", "/comment", 400, NOT_VALID_COMMENT, text="the odd one")
    for text in ("before", "the odd one", "after"):
        world.clock.advance(5)
        world.pagerduty.add_note(incident, text, world.rita)
    world.pagerduty.set_title(incident, "Checkout is slow")
    poll_for_minutes(world, 2)
    assert (list_comments(issue), issue.summary) == (["before", "after"], "Checkout is slow")
    assert count_timeline(world, issue) == len(incident.log)
    verdict = read_verdict(capsys, incident)
    assert "in step" not in verdict
    assert "INVALID_INPUT" in verdict
    mend(world.jira_server)
    poll_for_minutes(world, 10)
    assert list_comments(issue) == ["before", "after", "the odd one"]
    assert (list_steps(world, incident), len(incident.notes)) == ([], 3)
    assert "Both sides are in step" in read_verdict(capsys, incident)


def test_a_refused_comment_stops_neither_later_comments_nor_the_title(synced, refuse, capsys):
    world, incident, issue = synced
    refuse(world.pagerduty_server, "POST", "/notes", 400, INVALID_INPUT, text="the odd one")
    for text in ("before", "the odd one", "after"):
        world.clock.advance(5)
        comment_as_jim(world, issue, text)
    edit_issue(world, issue, summary="Checkout is slow")
    poll_for_minutes(world, 2)
    assert incident.title == "Checkout is slow"
    assert [note.content.splitlines()[0] for note in incident.notes] == ["[Jira] Jim Jira: before",
                                                                         "[Jira] Jim Jira: after"]
    assert "Content is not valid." in read_verdict(capsys, incident)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 10)
    assert [note.content.splitlines()[0] for note in incident.notes][2:] == ["[Jira] Jim Jira: the odd one"]
    assert (list_steps(world, incident), len(issue.comments)) == ([], 3)
    assert "Both sides are in step" in read_verdict(capsys, incident)


@pytest.mark.parametrize("service", ["Jira", "PagerDuty"])
def test_people_who_cannot_be_looked_up_cost_only_the_assignee(synced, refuse, service, capsys):
    world, incident, issue = synced
    before = issue.assignee
    if service == "Jira":
        refuse(world.jira_server, "GET", "/user/search", 403, NOT_ALLOWED)
    else:
        refuse(world.pagerduty_server, "GET", f"/users/{world.rita.id}", 403, RESTRICTED)
    world.pagerduty.set_title(incident, "Checkout is slow")
    world.pagerduty.reassign_incident(incident, [world.rita], world.rita)
    world.pagerduty.set_priority(incident, "P3", world.rita)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    poll_for_minutes(world, 2)
    assert (issue.summary, issue.priority, list_comments(issue)) == ("Checkout is slow", "Medium", ["Rolled back."])
    assert (issue.assignee, count_timeline(world, issue)) == (before, len(incident.log))
    verdict = read_verdict(capsys, incident)
    assert "assignee" in verdict
    assert "403" in verdict
    mend(world.jira_server)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 10)
    assert (issue.assignee, list_steps(world, incident)) == (world.rita_id, [])


def test_a_requester_whom_pagerduty_does_not_know_is_not_the_titles_fault(synced, refuse, capsys):
    world, incident, issue = synced
    refuse(world.pagerduty_server, "PUT", "/incidents/", 400, UNKNOWN_REQUESTER)
    edit_issue(world, issue, summary="Checkout is slow", priority={"name": "High"})
    world.run_until_idle()
    assert len([call for call in world.pagerduty_server.calls if call.method == "PUT"]) == 1
    assert (incident.title, incident.priority.name) == ("Checkout is down", "P1")
    assert "PAGERDUTY_USER_EMAIL" in read_verdict(capsys, incident)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 3)
    assert (incident.title, incident.priority.name, issue.summary) == ("Checkout is slow", "P2", "Checkout is slow")
    assert list_steps(world, incident) == []


def test_a_long_title_is_cut_by_jiras_count_when_it_changes_too(synced):
    world, incident, issue = synced
    world.jira.measures_in_utf16 = True
    world.pagerduty.set_title(incident, "🔥" * 140)
    poll_for_minutes(world, 1)
    assert issue.summary.startswith("🔥" * 100)
    assert list_steps(world, incident) == []


@pytest.mark.parametrize("fault", ["off the edit screen", "not in the scheme", "without the field's name"])
def test_a_field_that_jira_refuses_is_named_and_set_once_it_is_mended(synced, refuse, fault, capsys):
    world, incident, issue = synced
    reason = {"off the edit screen": "Field 'priority' cannot be set. It is not on the appropriate screen, or unknown.",
              "not in the scheme": "The priority selected is invalid.",
              "without the field's name": "The priority selected is invalid."}[fault]
    answer = ({"errorMessages": [reason], "errors": {}} if fault == "without the field's name"
              else {"errorMessages": [], "errors": {"priority": reason}})
    refuse(world.jira_server, "PUT", f"/issue/{issue.key}", 400, answer, text='"priority"')
    world.pagerduty.set_title(incident, "Checkout is slow")
    world.pagerduty.set_priority(incident, "P3", world.rita)
    poll_for_minutes(world, 2)
    assert (issue.summary, issue.priority) == ("Checkout is slow", "Highest")
    verdict = read_verdict(capsys, incident)
    assert "in step" not in verdict
    assert reason in verdict
    assert "priority" in verdict
    mend(world.jira_server)
    poll_for_minutes(world, 5)
    assert (issue.priority, list_steps(world, incident)) == ("Medium", [])
    assert "Both sides are in step" in read_verdict(capsys, incident)


def test_a_refused_field_that_changed_on_the_other_side_is_not_overwritten(synced, refuse):
    world, incident, issue = synced
    refuse(world.jira_server, "PUT", f"/issue/{issue.key}", 400,
           {"errorMessages": [], "errors": {"summary": "Not now."}}, text="Checkout is slow")
    world.pagerduty.set_title(incident, "Checkout is slow")
    poll_for_minutes(world, 2)
    mend(world.jira_server)
    edit_issue(world, issue, summary="Checkout is fixed")
    world.run_until_idle()
    poll_for_minutes(world, 10)
    assert (incident.title, issue.summary) == ("Checkout is fixed", "Checkout is fixed")
    assert list_steps(world, incident) == []


def test_notes_that_may_not_be_read_cost_only_the_notes(synced, refuse, capsys):
    world, incident, issue = synced
    refuse(world.pagerduty_server, "GET", "/notes", 403, RESTRICTED)
    world.pagerduty.outbox.is_losing = True
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.outbox.is_losing = False
    poll_for_minutes(world, 2)
    assert (world.get_category(issue), issue.comments) == ("indeterminate", [])
    assert count_timeline(world, issue) == len(incident.log)
    assert "Access Denied" in read_verdict(capsys, incident)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 5)
    assert (list_comments(issue), list_steps(world, incident)) == (["Rolled back."], [])


def test_a_status_that_is_refused_stops_neither_title_nor_notes(synced, refuse):
    world, incident, issue = synced
    refuse(world.jira_server, "POST", "/transitions", 403, NOT_ALLOWED)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.pagerduty.set_title(incident, "Checkout is slow")
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    poll_for_minutes(world, 2)
    assert (world.get_category(issue), issue.summary, list_comments(issue)) == ("new", "Checkout is slow",
                                                                               ["Rolled back."])
    mend(world.jira_server)
    poll_for_minutes(world, 5)
    assert (world.get_category(issue), list_steps(world, incident)) == ("indeterminate", [])


def test_an_action_that_was_refused_does_not_count_as_applied(synced, refuse):
    world, incident, _ = synced
    refuse(world.jira_server, "POST", "/transitions", 403, NOT_ALLOWED)
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    newest = world.jpi.links.get(incident.id).history[-1]
    assert (newest.event_type, newest.outcome) == ("IncidentAcknowledged", "refused; it is in the backlog")


def test_a_status_that_pagerduty_refuses_is_set_later(synced, refuse):
    world, incident, issue = synced
    refuse(world.pagerduty_server, "PUT", "/incidents/", 400, UNKNOWN_REQUESTER)
    world.move_issue(issue, "done")
    comment_as_jim(world, issue, "Fixed.")
    poll_for_minutes(world, 2)
    assert (incident.status, len(incident.notes)) == ("triggered", 1)
    mend(world.pagerduty_server)
    poll_for_minutes(world, 5)
    assert (incident.status, list_steps(world, incident)) == ("resolved", [])


def test_a_refused_step_is_tried_ever_more_seldom_and_for_ever(synced, refuse):
    world, incident, issue = synced
    refuse(world.jira_server, "POST", "/comment", 400, NOT_VALID_COMMENT)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    world.run_until_idle()
    started_at, tries = world.clock(), []
    for _ in range(4 * 60):
        before = len([call for call in world.jira_server.calls if call.path.endswith("/comment")])
        run_poll(world)
        if len([call for call in world.jira_server.calls if call.path.endswith("/comment")]) > before:
            tries.append(round((world.clock() - started_at) / 60))
    pauses = [later - earlier for earlier, later in zip([0, *tries], tries, strict=False)]
    assert pauses[:6] == sorted(pauses[:6])
    assert pauses[:3] == [1, 2, 4] or pauses[:3] == [1, 3, 5] or pauses[:3] == [2, 3, 5]
    assert all(58 <= pause <= 62 for pause in pauses[7:])
    assert len(tries) >= 8
    mend(world.jira_server)
    poll_sparsely(world, 66)
    assert (list_comments(issue), list_steps(world, incident)) == (["Rolled back."], [])


def test_a_refused_line_of_the_timeline_stops_no_other_and_is_never_given_up(synced):
    world, incident, issue = synced
    world.pagerduty.acknowledge_incident(incident, world.rita)
    refused = incident.log[-1].summary
    world.jira.refused_summaries.add(refused)
    poll_for_minutes(world, 30)
    world.pagerduty.resolve_incident(incident, world.rita)
    poll_for_minutes(world, 2)
    assert count_timeline(world, issue) == len(incident.log) - 1
    world.jira.refused_summaries.clear()
    poll_sparsely(world, 66)
    assert (count_timeline(world, issue), list_steps(world, incident)) == (len(incident.log), [])


def test_whoever_syncs_by_hand_need_not_wait_for_the_pause(synced, refuse):
    world, incident, issue = synced
    refuse(world.jira_server, "POST", "/comment", 400, NOT_VALID_COMMENT)
    world.pagerduty.add_note(incident, "Rolled back.", world.rita)
    poll_for_minutes(world, 8)
    mend(world.jira_server)
    queries.resync_incident(world.jpi, incident.id, "by-hand")
    world.run_until_idle()
    assert (list_comments(issue), list_steps(world, incident)) == (["Rolled back."], [])


@pytest.mark.parametrize("queued", [False, True], ids=["at once", "queued"])
def test_a_manager_who_could_not_be_looked_up_is_linked_though_the_incident_is_resolved(make_world, refuse, queued):
    world = make_world(queued=queued)
    run_poll(world)
    refuse(world.jira_server, "POST", "/search/jql", 404, NOT_ALLOWED, "PERSON")
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    mend(world.jira_server)
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    poll_for_minutes(world, 5)
    assert world.list_linked_summaries(world.find_issue(incident), "Incident Manager") == ["Oscar Oncall"]
    assert list_steps(world, incident) == []
