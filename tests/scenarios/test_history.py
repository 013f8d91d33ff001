"""What a link remembers of each event, and that remembering it never gets in an event's way."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.domain import actions
from jpi.domain.descriptions import describe_performed_action, remediation_for
from jpi.domain.events import IncidentAnnotated
from jpi.domain.link import Link, StatusState
from jpi.domain.link_parts import HistoryStep
from jpi.domain.model import Incident, Side
from jpi.errors import (
    AddressError,
    AwsOutage,
    LostRace,
    NoTransition,
    OutcomeUnknown,
    OutOfTime,
    PermanentError,
    Refused,
    ServiceUnavailable,
    TooEarly,
)
from jpi.store.links import Links
from jpi.sync.history import MAX_HISTORY_CHARACTERS, MAX_HISTORY_ENTRIES, ActionTrace, append_history, describe_error
from sandbox.jira.model import Workflow
from sandbox.simulated_service import HttpFault
from tests.world_actions import apply_event, edit_issue, make_fault_on_call, poll_sparsely, run_poll


def link_of(world, incident):
    return world.jpi.links.get(incident.id)


def told(world, incident):
    """The newest entry, but for those of echoes, and what it says."""
    newest = next(one for one in reversed(link_of(world, incident).history)
                  if one.steps or "Our own account" in one.no_action_reason or not link_of(world, incident).issue_key)
    return newest, " ".join([*filter(None, [newest.no_action_reason]), *(step.text for step in newest.steps)])


def test_what_was_done_is_remembered_step_by_step(linked):
    world, incident, issue = linked
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    entry, said = told(world, incident)
    assert (entry.event_type, entry.source, entry.side) == ("IncidentAcknowledged", "webhook", Side.PAGERDUTY)
    assert said == "Moved the issue to In Progress."
    assert entry.steps[0].is_done
    assert link_of(world, incident).summary.in_step_event == entry.event_id
    edit_issue(world, issue, summary="Checkout is on fire")
    world.run_until_idle()
    assert told(world, incident)[1] == "Set the incident's title 'Checkout is on fire'."
    first = link_of(world, incident).history[0]
    assert (first.event_type, first.steps[0].text) == ("IncidentTriggered", f"Made the issue {issue.key}.")


def test_what_called_for_nothing_is_remembered_with_why(linked):
    world, incident, issue = linked
    before = link_of(world, incident).summary.in_step_at
    world.clock.advance(5)
    world.jira_bot.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"summary": "By jpi's own account"}})
    world.run_until_idle()
    entry, said = told(world, incident)
    assert (entry.event_type, entry.steps) == ("IssueUpdated", ())
    assert "Our own account made this change" in said
    assert link_of(world, incident).summary.in_step_at == before


def test_what_was_left_half_done_has_made_nothing_equal(linked):
    world, incident, _ = linked
    before = link_of(world, incident).summary.in_step_at
    world.clock.advance(5)
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "Done")])
    world.pagerduty.acknowledge_incident(incident, world.rita)
    world.run_until_idle()
    [step] = next(one for one in link_of(world, incident).history if one.event_type == "IncidentAcknowledged").steps
    assert not step.is_done
    assert link_of(world, incident).summary.in_step_at == before


@pytest.mark.parametrize(("priority", "wanted"), [
    ("P3", "It has priority P3; only P1 gets an issue (SYNC_PRIORITIES)"), (None, "It has no priority; only P1")])
def test_why_there_is_no_issue_is_remembered(world, priority, wanted):
    incident = world.pagerduty.trigger_incident(world.service, "Small", world.rita, priority)
    world.run_until_idle()
    assert wanted in told(world, incident)[1]
    world.pagerduty.add_note(incident, "Looking.", world.rita)
    world.run_until_idle()
    assert told(world, incident)[1] == "The incident has no issue that it could be told to."


RULES = """
    [[rules]]
    when = {urgencies = "low"}
    skip = true
    [[rules]]
    when = {priorities = "P1"}
    create = {}
"""


def test_the_rule_that_keeps_it_from_an_issue_is_named(make_linked):
    world, _, _ = make_linked(RULES)
    other = world.pagerduty.trigger_incident(world.service, "Small", world.rita, "P2")
    world.run_until_idle()
    assert told(world, other)[1] == "No rule of the sync file matches it: it has priority P2, urgency high."


def test_a_failure_is_remembered_with_what_to_do(world):
    world.jira_server.choose_fault = lambda call: HttpFault(403) if call.path.endswith("/issue") else None
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    for _ in range(2):
        world.run_until_idle()
        run_poll(world)
    entry, said = told(world, incident)
    assert "was refused with 403" in entry.failure.reason
    assert (
        remediation_for(entry.failure)
        == "The account of JIRA_USER_EMAIL may not do that on Jira: grant it the permission."
    )
    assert said.startswith("Could not create an issue in INCIDENT: Incident 'Down', priority Highest")
    assert not entry.steps[0].is_done
    assert link_of(world, incident).summary.in_step_at is None
    world.jira_server.choose_fault = lambda call: None
    poll_sparsely(world, 70)
    made = [step.text for one in link_of(world, incident).history for step in one.steps]
    assert any(text.startswith("Made the issue INCIDENT-") for text in made)


def test_the_same_again_is_counted(p1):
    world, event = p1
    world.jira_server.choose_fault = lambda call: HttpFault(400)
    for _ in range(3):
        with pytest.raises(PermanentError):
            apply_event(world, event)
    [entry] = link_of(world, event.incident).history
    assert entry.count == 3
    assert entry.first_at <= entry.at
    world.jira_server.choose_fault = lambda call: None
    apply_event(world, event)
    [entry] = link_of(world, event.incident).history
    assert (entry.failure, entry.count) == (None, 4)
    apply_event(world, event)
    apply_event(world, event)
    [entry] = link_of(world, event.incident).history
    assert [step.text for step in entry.steps] == ["Made the issue INCIDENT-1.", "Set the issue's assignee."]
    assert entry.count == 6, "a double hides nothing"


def test_a_field_that_is_refused_is_told(linked):
    world, incident, issue = linked
    world.pagerduty_server.choose_fault = make_fault_on_call("PUT", incident.id, 400)
    edit_issue(world, issue, summary="Refused")
    world.run_until_idle()
    entry, said = told(world, incident)
    assert (said, entry.steps[0].is_done) == ("Left the incident's title as it was.", False)


@pytest.mark.parametrize("error", [AwsOutage("DynamoDB is down"), LostRace("somebody else was first")])
def test_the_history_of_an_event_that_changed_nothing_is_not_worth_a_failure(p1, monkeypatch, error):
    def fails(self, link):
        raise error

    world, event = p1
    for _ in range(2):
        apply_event(world, event)
    monkeypatch.setattr(Links, "save", fails)
    assert apply_event(world, event) == "nothing to do"


def test_a_poll_that_finds_all_as_it_was_leaves_no_trace(linked):
    world, incident, _ = linked
    run_poll(world)
    before = link_of(world, incident)
    for _ in range(3):
        run_poll(world)
    assert link_of(world, incident) == before


def trail_of(size):
    return ActionTrace([HistoryStep("x" * size, is_done=True, at=0.0)])


@given(st.lists(st.integers(0, 6_000), min_size=1, max_size=120))
def test_it_stays_within_its_row(sizes):
    link = Link("Q1")
    for number, size in enumerate(sizes):
        link = append_history(link, replace(EVENT, id=str(number)), "applied", trail_of(size), 5.0)
    assert len(link.history) <= MAX_HISTORY_ENTRIES
    assert len(json.dumps([*map(asdict, link.history)])) <= MAX_HISTORY_CHARACTERS + 2 * len(link.history)
    assert link.history[-1].event_id == str(len(sizes) - 1)


EVENT = IncidentAnnotated("1", datetime(2026, 11, 20, tzinfo=UTC), Incident("Q1"))


@pytest.mark.parametrize(("error", "wanted"), [
    (Refused("Jira", "GET", "/myself", 401), "create a new one, if it has expired, and set JIRA_API_TOKEN"),
    (Refused("Jira", "POST", "/issue", 401, ["Unauthorized; scope does not match"]), "the missing scope"),
    (Refused("PagerDuty", "PUT", "/incidents/Q1", 403), "PAGERDUTY_USER_EMAIL"),
    (Refused("Jira", "PUT", "/issue/A-1", 404), "does not exist"),
    (Refused("Jira", "POST", "/issue", 400, field_errors={"customfield_1": "is required"}), "customfield_1"),
    (Refused("Jira", "POST", "/issue", 400), "says why"),
    (NoTransition("no"), "workflow"), (OutOfTime("no"), "no time left"), (ServiceUnavailable("no"), "by itself"),
    (OutcomeUnknown("no"), "looks before"), (TooEarly("no"), "in a moment"), (AwsOutage("no"), "AWS"),
    (PermanentError("no"), "Fix"), (AddressError("no"), "https://"), (LostRace("no"), "by itself"),
])
def test_every_failure_says_what_to_do(error, wanted):
    assert wanted in remediation_for(describe_error(error))


def test_a_move_that_the_workflow_does_not_allow_is_not_told_as_done():
    text, whole = describe_performed_action(actions.TransitionIssue("done", "new"), None,
                                            Link("Q1", status=StatusState("triggered", "triggered")))
    assert (whole, "no way to Done" in text) == (False, True)
