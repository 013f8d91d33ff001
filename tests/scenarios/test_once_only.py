"""Once and only once: what the engine does when calls are refused, answers are lost, or two are at it."""

import threading
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from jpi.domain.events import IncidentUnacknowledged, IssueUpdated
from jpi.domain.model import Issue
from jpi.errors import IdentityDoubt, OutcomeUnknown, Refused, RetryableError, ServiceUnavailable, TooEarly
from jpi.handlers import log_entries
from jpi.sync.leases import LEASE_SECONDS
from sandbox.jira.model import Transition, Workflow
from tests.world_actions import QUESTIONS, apply_event, count_created_parts, make_fault_on_call, poll_sparsely, run_poll

REFUSED = "What changed shortly before?"


@pytest.mark.parametrize("path", ["/issue", "/issue/bulk"])
@pytest.mark.parametrize(("status", "after"), [(0, False), (0, True), (500, False), (503, True)])
def test_a_lost_answer_is_looked_into_before_anything_is_made_again(p1, path, status, after):
    world, event = p1
    world.jira_server.choose_fault = make_fault_on_call("POST", path, status, after)
    with pytest.raises(OutcomeUnknown):
        apply_event(world, event)
    if path == "/issue":
        with pytest.raises(TooEarly) as caught:
            apply_event(world, event)
        assert 0 < caught.value.retry_after_seconds <= 30
    world.clock.advance(31)
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


@pytest.mark.parametrize(("path", "fault"), [
    ("/issue", {"status": 429}), ("/issue", {"status": 429, "Retry-After": "60"}), ("/issue/bulk", {"status": 429}),
])
def test_what_a_limit_refused_is_made_at_the_next_attempt_without_waiting(p1, path, fault):
    world, event = p1
    status, headers = fault.pop("status"), fault
    world.jira_server.choose_fault = make_fault_on_call("POST", path, status, times=3, **headers)
    if "Retry-After" in headers or path == "/issue":
        with pytest.raises(ServiceUnavailable):
            apply_event(world, event)
        world.jira_server.choose_fault = lambda call: None
    else:
        with pytest.raises(ServiceUnavailable):
            apply_event(world, event)
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


@pytest.mark.parametrize(("status", "headers"), [(429, {"Retry-After": "300"}), (403, {})])
def test_a_refusal_is_no_unknown_outcome_where_the_screen_lacks_links(p1, status, headers):
    world, event = p1
    world.jira.off_screen.add(("QUESTION", "issuelinks"))
    world.jpi.reconciler.warm_site_cache()
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue/bulk", status, times=3, **headers)
    with pytest.raises((ServiceUnavailable, Refused)) if status == 429 else nullcontext():
        apply_event(world, event)
    assert world.jpi.links.get(event.incident.id).leases == {}
    world.jira_server.choose_fault = lambda call: None
    world.clock.advance(300)
    run_poll(world)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_a_worker_that_died_holds_others_up_only_for_its_lease(p1, monkeypatch):
    world, event = p1

    class Death(BaseException):
        pass

    def dies(self, draft):
        raise Death

    monkeypatch.setattr("jpi.jira.client.JiraClient.create", dies)
    with pytest.raises(Death):
        apply_event(world, event)
    monkeypatch.undo()
    with pytest.raises(TooEarly):
        apply_event(world, event)
    world.clock.advance(LEASE_SECONDS + 31)
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_of_two_who_start_at_once_one_makes_the_issue(p1):
    world, event = p1
    other = world.start_jpi()
    waited = []

    def meanwhile(call):
        if call.path.endswith("/issue") and call.method == "POST" and not waited:
            waited.append(call)
            with pytest.raises(TooEarly):
                other.sync_service.apply(event)

    # The fault runs in the simulated Jira, in the midst of the first worker's create.
    world.jira_server.choose_fault = meanwhile
    world.jira_server.lock = _NoLock()
    apply_event(world, event)
    assert waited
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    # Whoever is on call was not known at once.
    assert str(other.sync_service.apply(event)) == "EditIssue"
    assert str(other.sync_service.apply(event)) == "nothing to do"
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


class _NoLock:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def test_an_issue_made_while_somebody_saved_the_link_is_not_lost(p1, monkeypatch):
    world, event = p1
    links = world.jpi.sync_service._links

    def meddle(call):
        if call.path.endswith("/issue") and call.method == "POST":
            links.save(links.get(event.incident.id))

    world.jira_server.choose_fault = meddle
    apply_event(world, event)
    assert links.get(event.incident.id).issue_key == "INCIDENT-1"
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_one_refused_question_does_not_cost_the_others(p1, caplog):
    world, event = p1
    world.jira.refused_summaries.add(REFUSED)
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS - 1, 2, 1]
    assert REFUSED not in world.list_linked_summaries(world.list_issues()[0], "Question")
    assert "an issue was refused" in caplog.text
    world.jira.refused_summaries.clear()
    run_poll(world)
    assert REFUSED in world.list_linked_summaries(world.list_issues()[0], "Question")
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_what_is_refused_for_ever_is_tried_ever_more_seldom(p1):
    world, event = p1
    world.jira.refused_summaries.add(REFUSED)
    apply_event(world, event)
    for _ in range(120):
        run_poll(world)
    world.forget_calls()
    for _ in range(120):
        run_poll(world)
    # Twice in two hours, each time once more with a shorter summary.
    assert len([call for call in world.jira_server.calls if call.path.endswith("/bulk")]) == 2 * 2
    world.jira.refused_summaries.clear()
    poll_sparsely(world, 66)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


@pytest.mark.parametrize("field", ["priority", "labels", "description", "severity"])
def test_a_field_that_the_screen_lacks_is_left_out_and_said(p1, caplog, field):
    world, event = p1
    found = {one.name: one.id for one in world.jira.fields.values()}.get("Severity") if field == "severity" else field
    world.jira.off_screen.add(("INCIDENT", found))
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    assert "left out" in caplog.text


def test_where_links_are_not_on_the_screens_each_is_made_by_itself(p1):
    world, event = p1
    world.jira.off_screen |= {("INCIDENT", "issuelinks"), ("QUESTION", "issuelinks"), ("TIMELINE", "issuelinks")}
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    log_entries.handler({}, None)
    world.clock.advance(60)
    log_entries.handler({}, None)
    assert len(world.list_linked_summaries(world.list_issues()[0],
                                           "Timeline")) == len(world.pagerduty.incidents[event.incident.id].log)


def test_a_stakeholder_that_does_not_exist_costs_only_its_link(make_world, caplog):
    world = make_world()
    world.environ["JIRA_ISSUE_STAKEHOLDERS"] += ",PERSON-999"
    world.jpi = world.start_jpi()
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    assert "a link was refused" in caplog.text


def test_link_types_the_other_way_round_are_turned(p1):
    world, event = p1
    for one in list(world.jira.link_types.values()):
        if one.outward.startswith("has "):
            world.jira.link_types[one.id] = type(one)(one.id, one.name, one.outward, one.inward)
    apply_event(world, event)
    [issue] = world.list_issues()
    read = world.jim.request("GET", f"/rest/api/3/issue/{issue.key}", fields="issuelinks")["fields"]["issuelinks"]
    said = {link["type"]["outward" if "outwardIssue" in link else "inward"] for link in read}
    assert said == {"has question", "has stakeholder", "has incident manager"}


def test_a_person_project_that_is_not_there_costs_only_the_manager(make_world, caplog):
    world = make_world(PERSON_PROJECT_KEY="NOBODY")
    world.jira_server.choose_fault = make_fault_on_call("POST", "/search/jql", 400)
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    assert count_created_parts(world) == [QUESTIONS, 2, 0]
    assert "no incident manager" in caplog.text


def test_a_refused_issue_is_tried_again_when_it_can_be_made(p1):
    world, event = p1
    world.jira.required_fields.add(("INCIDENT", "assignee"))
    with pytest.raises(Refused):
        apply_event(world, event)
    world.jira.required_fields.clear()
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_where_no_transition_leads_there_the_issue_says_so_once(p1, caplog):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "In Progress")])
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    world.pagerduty.outbox.pending += world.pagerduty.outbox.delivered
    world.run_until_idle()
    [issue] = world.list_issues()
    assert ["no transition" in comment.text for comment in issue.comments] == [True]
    assert "the issue cannot get there" in caplog.text


def test_where_a_screen_demands_a_field_the_issue_says_which(p1):
    world, event = p1
    world.jira.workflows["INCIDENT"] = Workflow.from_hops([("To Do", "Done")], required={"Done": ("assignee",)})
    apply_event(world, event)
    world.pagerduty.resolve_incident(world.pagerduty.incidents[event.incident.id], world.rita)
    world.run_until_idle()
    [issue] = world.list_issues()
    [comment] = issue.comments
    assert "assignee" in comment.text.lower()
    assert world.pagerduty.outbox.pending == [], "the sender need not come again"


def test_of_two_ways_the_one_that_is_open_is_taken(p1):
    world, event = p1
    ways = (Transition("7", "Close", "Done", required=("assignee",)), Transition("9", "Done", "Done"))
    world.jira.workflows["INCIDENT"] = Workflow("To Do", ways)
    apply_event(world, event)
    world.pagerduty.resolve_incident(world.pagerduty.incidents[event.incident.id], world.rita)
    world.run_until_idle()
    [issue] = world.list_issues()
    assert (issue.status, issue.comments) == ("Done", [])


@pytest.mark.parametrize("after", [False, True])
def test_a_comment_whose_answer_was_lost_is_not_made_twice(p1, after):
    world, event = p1
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    target = world.pagerduty.trigger_incident(world.service, "Other", world.rita, "P5")
    world.jira_server.choose_fault = make_fault_on_call("POST", "/comment", 0, after)
    world.pagerduty.merge_incidents(incident, target, world.rita)
    world.run_until_idle()
    world.clock.advance(31)
    world.run_until_idle()
    [issue] = world.list_issues()
    assert len(issue.comments) == 1
    assert world.get_category(issue) == "done"


def test_a_timeline_whose_answer_was_lost_is_not_made_twice(p1):
    world, event = p1
    apply_event(world, event)
    world.jira_server.choose_fault = make_fault_on_call("POST", "/issue/bulk", 0, after=True)
    assert log_entries.handler({}, None)["again"] == 1
    log_entries.handler({}, None)
    [issue] = world.list_issues()
    incident = world.pagerduty.incidents[event.incident.id]
    assert len(world.list_linked_summaries(issue, "Timeline")) == len(incident.log)


def test_an_acknowledgement_crossing_a_resolution_does_not_reopen(p1):
    world, event = p1
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(incident, world.rita)
    world.move_issue(world.list_issues()[0], "indeterminate")
    world.run_until_idle()
    assert incident.status == "resolved"
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def test_without_knowing_our_own_accounts_equality_still_keeps_echoes_out(p1, caplog):
    world, event = p1
    apply_event(world, event)
    world.jira_server.choose_fault = make_fault_on_call("GET", "/myself", 403, times=9)
    world.pagerduty_server.choose_fault = make_fault_on_call("GET", "/users", 403, times=9)
    incident = world.pagerduty.incidents[event.incident.id]
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    assert world.read_statuses() == {"Down": ("resolved", "done")}
    assert "our own account is not known" in caplog.text


def test_parallel_deliveries_of_one_event_make_one_issue(p1):
    world, event = p1
    outcomes = []

    def deliver():
        try:
            outcomes.append(world.start_jpi().sync_service.apply(event))
        except RetryableError:
            outcomes.append("again")

    workers = [threading.Thread(target=deliver) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(outcomes) == 5
    assert len(world.list_issues()) == 1
    # Whoever was put off comes again; by then nobody is at it any more.
    world.clock.advance(LEASE_SECONDS)
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]


def test_done_on_jira_for_what_is_resolved_already_is_success(p1):
    world, event = p1
    apply_event(world, event)
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(world.pagerduty.incidents[event.incident.id], world.rita)
    world.move_issue(world.list_issues()[0], "done")
    world.run_until_idle()
    assert world.jira.outbox.pending == world.jira.outbox.dropped == []
    assert world.read_statuses() == {"Down": ("resolved", "done")}


@pytest.mark.parametrize("service", ["JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN"])
def test_a_wrong_token_is_refused_in_words_that_do_not_hold_it(p1, service, caplog):
    world, event = p1
    world.jira.takes_bad_tokens_as_anonymous = False
    world.environ[service] = "a-wrong-token-1234"
    world.jpi = world.start_jpi()
    if service == "JIRA_API_TOKEN":
        with pytest.raises(IdentityDoubt, match="401"):
            apply_event(world, event)
    else:
        # What the webhook says makes an issue, too.
        apply_event(world, event)
        assert "the incident cannot be read" in caplog.text
        assert count_created_parts(world) == [QUESTIONS, 2, 1]
    assert "refused with 401" in str([vars(record) for record in caplog.records])
    assert "1234" not in str([vars(record) for record in caplog.records])


def test_a_dropped_connection_of_pagerdutys_is_tried_again_for_reads_only(p1):
    world, event = p1
    world.pagerduty_server.choose_fault = make_fault_on_call("GET", event.incident.id)
    apply_event(world, event)
    assert count_created_parts(world) == [QUESTIONS, 2, 1]
    world.pagerduty_server.choose_fault = make_fault_on_call("PUT", event.incident.id, after=True)
    world.forget_calls()
    world.move_issue(world.list_issues()[0], "done")
    world.run_until_idle()
    assert [call.method for call in world.pagerduty_server.calls].count("PUT") == 1
    assert [len(delivery.answer_statuses)
            for delivery in world.jira.outbox.pending] == [1], ("the sender will come again")


def test_what_happened_on_a_side_before_our_own_write_there_is_older(p1):
    world, event = p1
    apply_event(world, event)
    world.clock.advance(60)
    before = world.clock.now() - timedelta(seconds=30)
    # The echo of our write has not come back yet.
    world.pagerduty.outbox.is_losing = True
    world.move_issue(world.list_issues()[0], "indeterminate")
    world.run_until_idle()
    late = IncidentUnacknowledged("E1", before, replace(event.incident, status="triggered"), event.actor)
    # It tells of the first assignee, who has stayed, but no longer of the status.
    assert apply_event(world, late) == "EditIssue"
    assert world.read_statuses() == {"Down": ("acknowledged", "indeterminate")}
    assert world.list_issues()[0].assignee == world.oscar_id


def test_an_old_done_does_not_resolve_what_was_reopened_since(p1):
    world, event = p1
    apply_event(world, event)
    incident = world.pagerduty.incidents[event.incident.id]
    world.jira.outbox.is_losing = True
    for act in (world.pagerduty.resolve_incident, world.pagerduty.reopen_incident):
        world.clock.advance(60)
        act(incident, world.rita)
        world.run_until_idle()
    late = IssueUpdated("J1", world.clock.now() - timedelta(seconds=30), Issue("INCIDENT-1", world.list_issues()[0].id,
                                                                                "done"))
    assert apply_event(world, late) == "nothing to do"
    assert world.read_statuses() == {"Down": ("triggered", "new")}


def test_of_two_fields_of_one_name_the_one_on_the_screen_is_meant(p1):
    world, event = p1
    [mine] = [one for one in world.jira.fields.values() if one.name == "Severity"]
    world.jira.fields = {"customfield_10001": replace(mine, id="customfield_10001"), **world.jira.fields}
    world.jpi.reconciler.warm_site_cache()
    apply_event(world, event)
    [issue] = world.list_issues()
    assert issue.fields == {mine.id: "SEV-0"}


def test_a_site_that_is_set_up_after_jpi_is_not_poor_for_a_day(p1):
    world, event = p1
    links, fields = dict(world.jira.link_types), dict(world.jira.fields)
    for there in (world.jira.link_types, world.jira.fields):
        for name in [one for one, kind in there.items() if kind.name in ("Timeline", "Severity")]:
            del there[name]
    world.jpi.jira.create_screens.load("INCIDENT", "Later")
    world.jpi.jira.load_site_schema()
    world.jira.link_types, world.jira.fields = links, fields
    world.jpi = world.start_jpi()
    apply_event(world, event)
    [issue] = world.list_issues()
    assert issue.get_custom_value("Severity") == "SEV-0"
    assert world.jpi.jira.create_screens.find_missing_fields("INCIDENT", "Later", {"labels"}) == set()
