"""Faults that happen seldom and would be remembered: each of these went wrong once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from jpi.domain.model import Incident, LogEntry, LogEntrySnapshot
from jpi.domain.templates import CUT_MARK
from jpi.errors import OutcomeUnknown, PermanentError, RejectedDelivery, ServiceUnavailable, TooEarly
from jpi.handlers import log_entries
from jpi.http_client import ApiClient, Budget
from jpi.pagerduty import payloads
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.pagerduty.log_entries import LogPages
from sandbox.jira.model import Transition, Workflow
from sandbox.simulated_service import HttpFault
from tests.deliveries import encode_body, make_v2_body
from tests.world_actions import (
    QUESTIONS,
    apply_event,
    count_created_parts,
    edit_issue,
    make_fault_on_call,
    run_poll,
)


def test_a_reopening_that_jira_cannot_follow_is_not_undone_by_the_poll(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "Done")])
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    for act in (world.pagerduty.resolve_incident, world.pagerduty.reopen_incident):
        world.clock.advance(60)
        act(incident, world.rita)
        world.run_until_idle()
    assert incident.status == "triggered"
    world.clock.advance(60)
    log_entries.handler({}, None)
    assert incident.status == "triggered"


def test_a_reopening_that_jira_cannot_follow_is_not_undone_by_an_edit(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "Done")])
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    for act in (world.pagerduty.resolve_incident, world.pagerduty.reopen_incident):
        world.clock.advance(60)
        act(incident, world.rita)
        world.run_until_idle()
    [issue] = world.list_issues()
    world.clock.advance(60)
    world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"labels": ["x"]}})
    world.run_until_idle()
    assert incident.status == "triggered"


def test_a_workflow_that_starts_in_progress_acknowledges_nothing(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow("In Progress", (Transition("7", "Done", "Done"),))
    apply_event(world, event)
    log_entries.handler({}, None)
    assert world.pagerduty.incidents[event.incident.id].status == "triggered"


def test_timeline_links_are_not_forgotten(p1):
    world, event = p1
    apply_event(world, event)
    world.jira.off_screen |= {("TIMELINE", "issuelinks")}
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issueLink", 500)
    log_entries.handler({}, None)
    world.jira_server.choose_fault = lambda call: None
    for _ in range(3):
        world.clock.advance(60)
        log_entries.handler({}, None)
    incident = world.pagerduty.incidents[event.incident.id]
    assert len(world.list_issues("TIMELINE")) == len(incident.log)
    assert len(world.list_linked_summaries(world.list_issues()[0], "Timeline")) == len(incident.log)


def test_a_lost_answer_where_links_are_not_on_the_screen_doubles_nothing(p1):
    world, event = p1
    world.jira.off_screen |= {("QUESTION", "issuelinks")}
    bulk = []

    def fault(call):
        if call.path.endswith("/issue/bulk"):
            bulk.append(call)
            return HttpFault(0, is_after_effect=True) if len(bulk) == 2 else None
        return None

    world.jira_server.choose_fault = fault
    with pytest.raises(OutcomeUnknown):
        apply_event(world, event)
    world.clock.advance(120)
    apply_event(world, event)
    assert len(world.list_issues("QUESTION")) == 3


def test_a_bulk_create_that_jira_is_still_at_is_not_repeated(p1):
    """The client's 10 s ran out, Jira finishes the work a little later."""
    world, event = p1
    late = []
    jira = world.jpi.sync_service._jira
    send = jira.api._send

    def times_out(method, path, params, body, timeout):
        if path == "/issue/bulk" and not late:
            late.append(lambda: send(method, path, params, body, (3, 10)))
            raise requests.ReadTimeout
        return send(method, path, params, body, timeout)

    jira.api._send = times_out
    with pytest.raises(OutcomeUnknown):
        apply_event(world, event)
    world.clock.advance(2)
    with pytest.raises(TooEarly):
        apply_event(world, event)
    late[0]()
    world.clock.advance(120)
    apply_event(world, event)
    assert len(world.list_issues("QUESTION")) == 3


def test_an_odd_answer_of_pagerdutys_is_not_the_senders_fault(p1, monkeypatch):
    world, event = p1
    def odd(found, details=None):
        raise RejectedDelivery("'title' must be a text.")

    monkeypatch.setattr(payloads, "parse_incident", odd)
    with pytest.raises(PermanentError):
        apply_event(world, event)


def test_an_odd_log_entry_does_not_stop_the_poll(world):
    with world.lose_webhooks():
        odd = world.pagerduty.trigger_incident(world.service, "Odd", world.rita, "P5")
        world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    odd.log[-1].channel["new_priority"] = "P4"
    log_entries.handler({}, None)
    assert [one.summary for one in world.list_issues()] == ["Down"]


def test_no_hold_is_left_after_a_look(p1):
    world, event = p1
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue/bulk", 0, after=True)
    with pytest.raises(OutcomeUnknown):
        apply_event(world, event)
    world.clock.advance(60)
    apply_event(world, event)
    assert dict(world.jpi.sync_service._links.get(event.incident.id).leases) == {}


def test_an_incident_triggered_twice_has_its_whole_timeline(world):
    with world.lose_webhooks():
        incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P2")
        world.pagerduty.add_note(incident, "early", world.rita)
    log_entries.handler({}, None)
    world.clock.advance(3600)
    log_entries.handler({}, None)
    world.clock.advance(3600)
    with world.lose_webhooks():
        world.pagerduty._add_log_entry(incident, "trigger", "Triggered again", world.rita.to_reference())
        world.pagerduty.set_priority(incident, "P1", world.rita)
    for _ in range(3):
        log_entries.handler({}, None)
        world.clock.advance(60)
    assert len(world.list_linked_summaries(world.list_issues()[0], "Timeline")) == len(incident.log)


def test_a_text_that_jira_measures_otherwise_is_sent_shorter(p1):
    """Java counts what Python calls one character as two."""
    world, event = p1
    world.jira.measures_in_utf16 = True
    apply_event(world, replace(event, incident=replace(event.incident, title="🔥" * 200, details="x" + "🔥" * 30_000)))
    [issue] = world.list_issues()
    assert issue.summary.startswith("🔥" * 100)
    assert issue.summary.endswith(CUT_MARK)
    assert CUT_MARK in issue.description_text
    assert str(event.incident.url) in issue.description_text
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_a_poll_that_read_before_our_write_within_the_same_second_reopens_nothing(p1, monkeypatch):
    world, event = p1
    apply_event(world, event)
    world.run_until_idle()
    world.clock.advance(60)
    log_entries.handler({}, None)
    [issue] = world.list_issues()
    incident = world.pagerduty.incidents[event.incident.id]
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "x", world.rita)
    poll = world.jpi.poller
    read = type(poll._pagerduty).list_log_entries
    now = world.clock().__ceil__() + 5 - world.clock() + 0.3
    world.clock.advance(now)

    def then_closed(self, since, until):
        found = read(self, since, until)
        world.clock.advance(0.2)
        world.pagerduty.outbox.is_losing = True
        world.move_issue(issue, "done")
        world.jira.outbox.deliver_due()
        return found

    monkeypatch.setattr(type(poll._pagerduty), "list_log_entries", then_closed)
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def test_a_poll_that_read_before_somebody_else_resolved_reopens_nothing(p1, monkeypatch):
    world, event = p1
    apply_event(world, event)
    world.run_until_idle()
    world.clock.advance(60)
    log_entries.handler({}, None)
    [issue] = world.list_issues()
    incident = world.pagerduty.incidents[event.incident.id]
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "x", world.rita)
    poll = world.jpi.poller
    read = type(poll._pagerduty).list_log_entries

    def then_closed(self, since, until):
        found = read(self, since, until)
        world.clock.advance(5)
        world.pagerduty.outbox.is_losing = True
        world.pagerduty.resolve_incident(incident, world.rita)
        world.move_issue(issue, "done")
        world.jira.outbox.deliver_due()
        return found

    monkeypatch.setattr(type(poll._pagerduty), "list_log_entries", then_closed)
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def test_an_odd_channel_costs_no_v2_delivery():
    body = make_v2_body()
    body["messages"][0]["log_entries"][0]["channel"] = {"new_priority": "P1"}
    assert len(pagerduty_webhooks.parse_delivery(encode_body(body))) == 1


def test_a_name_that_cannot_be_resolved_had_no_effect():
    reason = NameResolutionError("nowhere", None, OSError("no such name"))
    error = requests.ConnectionError(MaxRetryError(None, "/x", reason))

    def send(*request):
        raise error

    with pytest.raises(ServiceUnavailable):
        ApiClient("Jira", send, Budget(lambda: 0.0), lambda seconds: None, "").request("POST", "/issue")


def test_halves_do_not_rely_on_whether_a_window_includes_its_ends(world, monkeypatch):
    there = world.jpi.poller._pagerduty
    since = world.clock.now().replace(microsecond=0)
    seam, asked = since + timedelta(seconds=100), []
    entry = LogEntry("R1", "notify_log_entry", seam, "")

    def pages(path, params):
        """An API that excludes both ends, and whose first window is too full."""
        asked.append(params)
        inside = datetime.fromisoformat(params["since"]) < seam < datetime.fromisoformat(params["until"])
        logged = {"R1": LogEntrySnapshot(Incident("Q1"), seam, entry)} if inside else {}
        return LogPages(logged, len(asked) == 1)

    monkeypatch.setattr(there._log_entries, "_read_log_pages", pages)
    found, whole = there.list_log_entries(since, since + timedelta(seconds=200))
    assert ([one.entry.id for one in found], whole) == (["R1"], True)
    assert len(asked) == 3


def test_an_issue_that_was_deleted_fails_nobody_for_ever(p1):
    world, event = p1
    apply_event(world, event)
    log_entries.handler({}, None)
    world.jira_admin.request("DELETE", "/rest/api/3/issue/INCIDENT-1")
    world.pagerduty.resolve_incident(world.pagerduty.incidents[event.incident.id], world.rita)
    world.run_until_idle()
    world.clock.advance(600)
    log_entries.handler({}, None)
    world.run_until_idle()
    assert world.pagerduty.outbox.pending == []
    world.clock.advance(600)
    assert log_entries.handler({}, None)["again"] == 0
    assert world.list_issues() == []
    assert world.jpi.links.get(event.incident.id).ended


def test_after_a_long_outage_the_poll_catches_up_in_steps(world):
    log_entries.handler({}, None)
    for number in range(3):
        world.clock.advance(5 * 3600)
        with world.lose_webhooks():
            world.pagerduty.trigger_incident(world.service, f"Outage {number}", world.rita, "P1")
    steps = []
    for _ in range(3):
        log_entries.handler({}, None)
        steps.append(round((world.clock.now() - world.jpi.poller._cursor.load().read_until).total_seconds() / 3600))
    # Each step is six hours less the overlap; open incidents are seen at once.
    assert steps == [9, 3, 0]
    assert len(world.list_issues()) == 3


def test_a_second_line_of_the_timeline_finds_no_claim_left_of_the_first(p1):
    world, event = p1
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    for _ in range(3):
        log_entries.handler({}, None)
        assert world.jpi.links.get(incident.id).leases == {}
        world.pagerduty.add_note(incident, "Still looking.", world.rita)


def test_a_lost_move_into_progress_is_made_good_before_the_issue_was_ever_read(p1):
    world, event = p1
    apply_event(world, event)
    with world.lose_webhooks():
        world.move_issue(world.list_issues()[0], "indeterminate")
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("acknowledged", "indeterminate")}


def test_a_look_for_one_line_of_the_timeline_finds_the_others_too(p1, monkeypatch):
    """A worker died over a newer event, and the older one comes again before it."""
    world, event = p1
    apply_event(world, event)
    old = poll_event(world, event.incident.id)
    world.pagerduty.add_note(world.pagerduty.incidents[event.incident.id], "Still looking.", world.rita)
    new = poll_event(world, event.incident.id)
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue/bulk", 0, after=True)
    with pytest.raises(OutcomeUnknown):
        apply_event(world, new)
    world.clock.advance(120)
    apply_event(world, old)
    apply_event(world, new)
    assert len(world.list_issues("TIMELINE")) == len(world.pagerduty.incidents[event.incident.id].log)


def poll_event(world, incident_id):
    return next(world.jpi.reconciler.read_incident_events(incident_id))


@pytest.mark.parametrize("is_queued", [False, True])
def test_what_an_event_did_before_an_outage_is_not_done_again(make_linked, is_queued):
    world, incident, issue = make_linked(queued=is_queued)
    world.pagerduty_server.choose_fault = lambda call: HttpFault(503) if b"Down again" in call.raw_body else None
    with world.lose_webhooks():
        world.move_issue(issue, "indeterminate")
        edit_issue(world, issue, summary="Down again")
    for _ in range(8):
        run_poll(world)
    assert (incident.status, incident.title) == ("acknowledged", "Checkout is down")
    world.pagerduty_server.choose_fault = lambda call: None
    for _ in range(40):
        run_poll(world)
    assert (incident.status, incident.title) == ("acknowledged", "Down again")
    reads = [call for call in world.pagerduty_server.calls if call.path == f"/incidents/{incident.id}"]
    assert sum("status" in call.body["incident"] for call in reads if call.is_write) == 1
    texts = [step.text for entry in world.jpi.links.get(incident.id).history for step in entry.steps if step.is_done]
    assert texts.count("Set the incident: acknowledged.") == 1
    assert "Set the incident's title 'Down again'." in texts


@pytest.mark.parametrize("is_queued", [False, True])
def test_what_was_done_on_jira_before_an_outage_is_not_done_again(make_linked, is_queued):
    world, incident, issue = make_linked(queued=is_queued)
    world.jira_server.choose_fault = lambda call: HttpFault(503) if "issueLink" in call.path else None
    with world.lose_webhooks():
        world.pagerduty.set_title(incident, "Down again")
        world.pagerduty.reassign_incident(incident, [world.rita], world.oscar)
    for _ in range(8):
        run_poll(world)
    assert issue.summary == "Down again"
    world.jira_server.choose_fault = lambda call: None
    for _ in range(40):
        run_poll(world)
    assert world.list_linked_summaries(issue, "Incident Manager") == ["Rita Responder"]
    writes = [call for call in world.list_jpi_calls() if (call.method, call.path[-10:]) == ("PUT", issue.key[-10:])]
    assert len(writes) == 1
