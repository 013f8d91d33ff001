"""Faults that happen seldom and would be remembered: each of these went wrong once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from jpi.domain.model import Incident, LogEntry
from jpi.domain.text_limits import CUT
from jpi.errors import OutcomeUnknown, Permanent, Rejected, TooEarly, Unavailable
from jpi.handlers import log_entries
from jpi.http_client import Budget, Calls
from jpi.pagerduty import client, payloads
from jpi.pagerduty import webhooks as pagerduty_webhooks
from sandbox.jira.model import Transition, Workflow
from sandbox.web import Fault
from tests.acting import QUESTIONS, apply, on_call, whole
from tests.deliveries import raw, v2


def test_a_reopening_that_jira_cannot_follow_is_not_undone_by_the_poll(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow.of_hops([("To Do", "Done")])
    apply(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    for act in (world.pagerduty.resolve, world.pagerduty.reopen):
        world.clock.advance(60)
        act(incident, world.rita)
        world.settle()
    assert incident.status == "triggered"
    world.clock.advance(60)
    log_entries.handler({}, None)
    assert incident.status == "triggered"


def test_a_reopening_that_jira_cannot_follow_is_not_undone_by_an_edit(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow.of_hops([("To Do", "Done")])
    apply(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    for act in (world.pagerduty.resolve, world.pagerduty.reopen):
        world.clock.advance(60)
        act(incident, world.rita)
        world.settle()
    [issue] = world.issues()
    world.clock.advance(60)
    world.jim("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": {"labels": ["x"]}})
    world.settle()
    assert incident.status == "triggered"


def test_a_workflow_that_starts_in_progress_acknowledges_nothing(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow("In Progress", (Transition("7", "Done", "Done"),))
    apply(world, event)
    log_entries.handler({}, None)
    assert world.pagerduty.incidents[event.incident.id].status == "triggered"


def test_timeline_links_are_not_forgotten(p1):
    world, event = p1
    apply(world, event)
    world.jira.off_screen |= {("TIMELINE", "issuelinks")}
    world.jira_server.fault = on_call("POST", "/issueLink", 500)
    log_entries.handler({}, None)
    world.jira_server.fault = lambda call: None
    for _ in range(3):
        world.clock.advance(60)
        log_entries.handler({}, None)
    incident = world.pagerduty.incidents[event.incident.id]
    assert len(world.issues("TIMELINE")) == len(incident.log)
    assert len(world.linked(world.issues()[0], "Timeline")) == len(incident.log)


def test_a_lost_answer_where_links_are_not_on_the_screen_doubles_nothing(p1):
    world, event = p1
    world.jira.off_screen |= {("QUESTION", "issuelinks")}
    bulk = []

    def fault(call):
        if call.path.endswith("/issue/bulk"):
            bulk.append(call)
            return Fault(0, after=True) if len(bulk) == 2 else None
        return None

    world.jira_server.fault = fault
    with pytest.raises(OutcomeUnknown):
        apply(world, event)
    world.clock.advance(120)
    apply(world, event)
    assert len(world.issues("QUESTION")) == 3


def test_a_bulk_create_that_jira_is_still_at_is_not_repeated(p1):
    """The client's 10 s ran out, Jira finishes the work a little later."""
    world, event = p1
    late = []
    jira = world.jpi.engine._jira
    send = jira._call._send

    def times_out(method, path, params, body, timeout):
        if path == "/issue/bulk" and not late:
            late.append(lambda: send(method, path, params, body, (3, 10)))
            raise requests.ReadTimeout
        return send(method, path, params, body, timeout)

    jira._call._send = times_out
    with pytest.raises(OutcomeUnknown):
        apply(world, event)
    world.clock.advance(2)
    with pytest.raises(TooEarly):
        apply(world, event)
    late[0]()
    world.clock.advance(120)
    apply(world, event)
    assert len(world.issues("QUESTION")) == 3


def test_an_odd_answer_of_pagerdutys_is_not_the_senders_fault(p1, monkeypatch):
    world, event = p1
    def odd(found, details=None):
        raise Rejected("'title' must be a text.")

    monkeypatch.setattr(payloads, "incident", odd)
    with pytest.raises(Permanent):
        apply(world, event)


def test_an_odd_log_entry_does_not_stop_the_poll(world):
    with world.losing_webhooks():
        odd = world.pagerduty.trigger(world.service, "Odd", world.rita, "P5")
        world.pagerduty.trigger(world.service, "Down", world.rita, "P1")
    odd.log[-1].channel["new_priority"] = "P4"
    log_entries.handler({}, None)
    assert [one.summary for one in world.issues()] == ["Down"]


def test_no_hold_is_left_after_a_look(p1):
    world, event = p1
    world.jira_server.fault = on_call("POST", "/issue/bulk", 0, after=True)
    with pytest.raises(OutcomeUnknown):
        apply(world, event)
    world.clock.advance(60)
    apply(world, event)
    assert dict(world.jpi.engine._links.get(event.incident.id).holds) == {}


def test_an_incident_triggered_twice_has_its_whole_timeline(world):
    with world.losing_webhooks():
        incident = world.pagerduty.trigger(world.service, "Down", world.rita, "P2")
        world.pagerduty.annotate(incident, "early", world.rita)
    log_entries.handler({}, None)
    world.clock.advance(3600)
    log_entries.handler({}, None)
    world.clock.advance(3600)
    with world.losing_webhooks():
        world.pagerduty._log(incident, "trigger", "Triggered again", world.rita.ref())
        world.pagerduty.set_priority(incident, "P1", world.rita)
    for _ in range(3):
        log_entries.handler({}, None)
        world.clock.advance(60)
    assert len(world.linked(world.issues()[0], "Timeline")) == len(incident.log)


def test_a_text_that_jira_measures_otherwise_is_sent_shorter(p1):
    """Java counts what Python calls one character as two."""
    world, event = p1
    world.jira.java_lengths = True
    apply(world, replace(event, incident=replace(event.incident, title="🔥" * 200, details="x" + "🔥" * 30_000)))
    [issue] = world.issues()
    assert issue.summary.startswith("🔥" * 100)
    assert issue.summary.endswith(CUT)
    assert CUT in issue.description_text
    assert str(event.incident.url) in issue.description_text
    assert whole(world) == [QUESTIONS, 2, 1]


def test_a_poll_that_read_before_our_write_within_the_same_second_reopens_nothing(p1, monkeypatch):
    world, event = p1
    apply(world, event)
    world.settle()
    world.clock.advance(60)
    log_entries.handler({}, None)
    [issue] = world.issues()
    incident = world.pagerduty.incidents[event.incident.id]
    with world.losing_webhooks():
        world.pagerduty.annotate(incident, "x", world.rita)
    poll = world.jpi.poll
    read = type(poll._pagerduty).log_entries
    now = world.clock().__ceil__() + 5 - world.clock() + 0.3
    world.clock.advance(now)

    def then_closed(self, since, until):
        found = read(self, since, until)
        world.clock.advance(0.2)
        world.pagerduty.outbox.losing = True
        world.move(issue, "done")
        world.jira.outbox.pump()
        return found

    monkeypatch.setattr(type(poll._pagerduty), "log_entries", then_closed)
    log_entries.handler({}, None)
    assert world.seen() == {"Down": ("resolved", "done")}


def test_a_poll_that_read_before_somebody_else_resolved_reopens_nothing(p1, monkeypatch):
    world, event = p1
    apply(world, event)
    world.settle()
    world.clock.advance(60)
    log_entries.handler({}, None)
    [issue] = world.issues()
    incident = world.pagerduty.incidents[event.incident.id]
    with world.losing_webhooks():
        world.pagerduty.annotate(incident, "x", world.rita)
    poll = world.jpi.poll
    read = type(poll._pagerduty).log_entries

    def then_closed(self, since, until):
        found = read(self, since, until)
        world.clock.advance(5)
        world.pagerduty.outbox.losing = True
        world.pagerduty.resolve(incident, world.rita)
        world.move(issue, "done")
        world.jira.outbox.pump()
        return found

    monkeypatch.setattr(type(poll._pagerduty), "log_entries", then_closed)
    log_entries.handler({}, None)
    assert world.seen() == {"Down": ("resolved", "done")}


def test_an_odd_channel_costs_no_v2_delivery():
    body = v2()
    body["messages"][0]["log_entries"][0]["channel"] = {"new_priority": "P1"}
    assert len(pagerduty_webhooks.parse(raw(body))) == 1


def test_a_name_that_cannot_be_resolved_had_no_effect():
    reason = NameResolutionError("nowhere", None, OSError("no such name"))
    error = requests.ConnectionError(MaxRetryError(None, "/x", reason))

    def send(*request):
        raise error

    with pytest.raises(Unavailable):
        Calls("Jira", send, Budget(lambda: 0.0), lambda seconds: None)("POST", "/issue")


def test_halves_do_not_rely_on_whether_a_window_includes_its_ends(world, monkeypatch):
    there = world.jpi.poll._pagerduty
    since = world.clock.now().replace(microsecond=0)
    seam, asked = since + timedelta(seconds=100), []
    entry = LogEntry("R1", "notify_log_entry", seam, "")

    def pages(path, params):
        """An API that excludes both ends, and whose first window is too full."""
        asked.append(params)
        inside = datetime.fromisoformat(params["since"]) < seam < datetime.fromisoformat(params["until"])
        return client.Pages({"R1": client.Logged(Incident("Q1"), seam, entry)} if inside else {}, len(asked) == 1)

    monkeypatch.setattr(there, "_pages", pages)
    found, whole = there.log_entries(since, since + timedelta(seconds=200))
    assert ([one.entry.id for one in found], whole) == (["R1"], True)
    assert len(asked) == 3


def test_an_issue_that_was_deleted_fails_nobody_for_ever(p1):
    world, event = p1
    apply(world, event)
    log_entries.handler({}, None)
    world.admin("DELETE", "/rest/api/3/issue/INCIDENT-1")
    world.pagerduty.resolve(world.pagerduty.incidents[event.incident.id], world.rita)
    world.settle()
    assert world.pagerduty.outbox.waiting == []
    world.clock.advance(600)
    assert log_entries.handler({}, None)["again"] == 0
    assert world.issues() == []


def test_after_a_long_outage_the_poll_catches_up_in_steps(world):
    log_entries.handler({}, None)
    for number in range(3):
        world.clock.advance(5 * 3600)
        with world.losing_webhooks():
            world.pagerduty.trigger(world.service, f"Outage {number}", world.rita, "P1")
    steps = []
    for _ in range(3):
        log_entries.handler({}, None)
        steps.append(round((world.clock.now() - world.jpi.poll._cursor.load().until).total_seconds() / 3600))
    # Each step is six hours less the overlap; open incidents are seen at once.
    assert steps == [9, 3, 0]
    assert len(world.issues()) == 3


def test_a_second_line_of_the_timeline_finds_no_claim_left_of_the_first(p1):
    world, event = p1
    apply(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    for _ in range(3):
        log_entries.handler({}, None)
        assert world.jpi.links.get(incident.id).holds == {}
        world.pagerduty.annotate(incident, "Still looking.", world.rita)


def test_a_lost_move_into_progress_is_made_good_before_the_issue_was_ever_read(p1):
    world, event = p1
    apply(world, event)
    with world.losing_webhooks():
        world.move(world.issues()[0], "indeterminate")
    log_entries.handler({}, None)
    assert world.seen() == {"Down": ("acknowledged", "indeterminate")}


def test_a_look_for_one_line_of_the_timeline_finds_the_others_too(p1, monkeypatch):
    """A worker died over a newer event, and the older one comes again before it."""
    world, event = p1
    apply(world, event)
    old = poll_event(world, event.incident.id)
    world.pagerduty.annotate(world.pagerduty.incidents[event.incident.id], "Still looking.", world.rita)
    new = poll_event(world, event.incident.id)
    world.jira_server.fault = on_call("POST", "/issue/bulk", 0, after=True)
    with pytest.raises(OutcomeUnknown):
        apply(world, new)
    world.clock.advance(120)
    apply(world, old)
    apply(world, new)
    assert len(world.issues("TIMELINE")) == len(world.pagerduty.incidents[event.incident.id].log)


def poll_event(world, incident_id):
    return next(world.jpi.reconcile.everything(incident_id))
