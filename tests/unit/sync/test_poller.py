"""The poll: windows, pages, overlap, and what a failure leaves for the next one."""

from datetime import datetime, timedelta
from operator import attrgetter

import pytest

from jpi.errors import ServiceUnavailable
from jpi.handlers import log_entries
from sandbox.simulated_service import HttpFault
from tests.fakes.function_context import FakeContext

MINUTE = 60.0


def list_window_queries(world):
    return [call.query for call in world.pagerduty_server.calls if call.path == "/log_entries"]


def load_position(world):
    return world.jpi.poller._cursor.load()


def poll_for_an_hour(world):
    """Two polls, an hour and another apart: what came before is out of the window of the next."""
    for _ in range(2):
        log_entries.handler({}, None)
        world.clock.advance(3600)


def trigger_unheard(world, title, priority="P1"):
    with world.lose_webhooks():
        return world.pagerduty.trigger_incident(world.service, title, world.rita, priority)


def test_the_first_poll_looks_back_and_the_next_ones_overlap(world):
    trigger_unheard(world, "Long ago")
    world.clock.advance(6 * 3600 + 5)
    trigger_unheard(world, "Just now")
    log_entries.handler({}, None)
    assert [issue.summary for issue in world.list_issues()] == ["Just now"]
    first = list_window_queries(world)[0]
    assert [world.clock.now() - datetime.fromisoformat(first[name][0]) for name in ("since", "until")] == [
        pytest.approx(timedelta(hours=ago), abs=timedelta(seconds=5)) for ago in (6, 0)]
    world.clock.advance(MINUTE)
    world.forget_calls()
    log_entries.handler({}, None)
    again = list_window_queries(world)[0]
    assert datetime.fromisoformat(again["since"][0]) == datetime.fromisoformat(first["until"][0]) - timedelta(minutes=5)


@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
def test_pages_are_pinned_and_their_order_does_not_matter(world, order):
    world.pagerduty.log_order = order
    incident = trigger_unheard(world, "Down")
    with world.lose_webhooks():
        for number in range(230):
            world.pagerduty.add_note(incident, f"Note {number}", world.rita)
    done = log_entries.handler({}, None)
    pages = list_window_queries(world)
    assert [page["offset"] for page in pages] == [["0"], ["100"], ["200"]]
    assert len({page["until"][0] for page in pages}) == 1
    assert done == {"entries": len(incident.log), "events": 1, "again": 0}
    assert len(world.list_linked_summaries(world.list_issues()[0], "Timeline")) == len(incident.log)


def test_a_window_too_full_to_be_paged_through_is_read_in_halves(world, monkeypatch):
    monkeypatch.setattr("jpi.pagerduty.log_entries.MAX_OFFSET", 100)
    incidents = []
    for number in range(12):
        incidents.append(trigger_unheard(world, f"Alert {number}", "P5"))
        for step in range(9):
            world.clock.advance(20)
            with world.lose_webhooks():
                world.pagerduty.add_note(incidents[-1], f"Note {step}", world.rita)
    done = log_entries.handler({}, None)
    assert done["entries"] == sum(len(one.log) for one in incidents) > 100
    assert done["events"] == 12


def test_a_second_too_full_to_be_split_is_read_as_far_as_it_goes(world, monkeypatch):
    monkeypatch.setattr("jpi.pagerduty.log_entries.MAX_OFFSET", 100)
    at = world.clock.now().replace(microsecond=0) + timedelta(seconds=1)
    monkeypatch.setattr(world.clock, "now", lambda: at)
    incident = trigger_unheard(world, "Down", "P5")
    with world.lose_webhooks():
        for number in range(150):
            world.pagerduty.add_note(incident, f"Note {number}", world.rita)
    entries, _ = world.jpi.poller._pagerduty.list_log_entries(at, at + timedelta(seconds=1))
    assert len(entries) == 100


def test_what_fails_does_not_stop_the_others_and_is_tried_again(world):
    bad, good = trigger_unheard(world, "Unlucky"), trigger_unheard(world, "Lucky")
    world.jira_server.choose_fault = lambda call: HttpFault(500) if "Unlucky" in str(call.body) else None
    assert log_entries.handler({}, None)["again"] == 1
    assert [issue.summary for issue in world.list_issues()] == ["Lucky"]
    assert load_position(world).retry_incident_ids == (bad.id,)
    poll_for_an_hour(world)
    assert load_position(world).retry_incident_ids == (bad.id,)
    world.jira_server.choose_fault = lambda call: None
    world.forget_calls()
    # Long after the overlap: only the note with the cursor brings it back.
    assert log_entries.handler({}, None)["again"] == 0
    assert world.read_statuses() == {"Unlucky": ("triggered", "new"), "Lucky": ("triggered", "new")}
    issue = world.find_issue(bad)
    assert len(world.list_linked_summaries(issue, "Timeline")) == len(bad.log) == len(good.log)


def test_an_incident_that_cannot_be_read_again_stays_noted_down(world):
    incident = trigger_unheard(world, "Down")
    world.jira_server.choose_fault = lambda call: HttpFault(500)
    poll_for_an_hour(world)
    world.jira_server.choose_fault = lambda call: None
    world.pagerduty_server.choose_fault = lambda call: HttpFault(500) if call.path.startswith("/incidents") else None
    assert log_entries.handler({}, None)["again"] == 1
    assert load_position(world).retry_incident_ids == (incident.id,)
    assert world.list_issues() == []
    world.pagerduty_server.choose_fault = lambda call: None
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("triggered", "new")}


def test_a_poll_that_cannot_read_leaves_the_cursor(world):
    log_entries.handler({}, None)
    before = load_position(world)
    trigger_unheard(world, "Down")
    world.pagerduty_server.choose_fault = lambda call: HttpFault(502)
    with pytest.raises(ServiceUnavailable):
        log_entries.handler({}, None)
    assert load_position(world) == before
    world.pagerduty_server.choose_fault = lambda call: None
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("triggered", "new")}


def test_a_lost_webhook_of_jiras_is_made_good(world):
    incident = trigger_unheard(world, "Down")
    log_entries.handler({}, None)
    with world.lose_webhooks():
        world.move_issue(world.find_issue(incident), "done")
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def test_jira_being_unreadable_does_not_stop_the_cursor(world):
    trigger_unheard(world, "Down")
    log_entries.handler({}, None)
    before = load_position(world)
    world.clock.advance(MINUTE)
    world.jira_server.choose_fault = lambda call: HttpFault(500) if "bulkfetch" in call.path else None
    log_entries.handler({}, None)
    assert load_position(world).read_until > before.read_until


def test_what_our_own_account_did_by_hand_is_carried_over_by_the_poll(world):
    incident = trigger_unheard(world, "Down")
    log_entries.handler({}, None)
    world.pagerduty.resolve_incident(incident, world.pagerduty_bot)
    world.run_until_idle()
    assert world.read_statuses() == {"Down": ("resolved", "new")}, "taken for an echo"
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("resolved", "done")}


def test_references_instead_of_whole_incidents_are_completed(world, monkeypatch):
    monkeypatch.setattr("jpi.pagerduty.log_entries.LOG_INCLUDES", ["channels"])
    trigger_unheard(world, "Down")
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Down": ("triggered", "new")}


def test_a_priority_raised_and_lowered_between_two_polls_still_gets_its_issue(world):
    incident = trigger_unheard(world, "Down", "P2")
    with world.lose_webhooks():
        world.pagerduty.set_priority(incident, "P1", world.rita)
        world.pagerduty.set_priority(incident, "P3", world.rita)
    log_entries.handler({}, None)
    assert [(issue.summary, issue.priority) for issue in world.list_issues()] == [("Down", "Medium")]


def test_no_call_is_started_that_the_function_has_no_time_for(world):
    with pytest.raises(ServiceUnavailable, match="no time left"):
        log_entries.handler({}, FakeContext(5500))
    assert world.list_jpi_calls() == []


def test_the_log_of_an_incident_raised_later_is_whole(world):
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P2")
    world.run_until_idle()
    poll_for_an_hour(world)
    world.pagerduty.set_priority(incident, "P1", world.rita)
    world.run_until_idle()
    poll_for_an_hour(world)
    assert len(world.list_linked_summaries(world.find_issue(incident), "Timeline")) == len(incident.log)
    # Read whole once, and not at every poll from then on.
    assert [call.path for call in world.list_jpi_calls()].count(f"/incidents/{incident.id}/log_entries") == 1


def test_a_mistake_of_ours_fails_the_poll_and_does_not_stop_the_others(world, monkeypatch, caplog):
    bad = trigger_unheard(world, "Unlucky")
    trigger_unheard(world, "Lucky")
    apply = world.jpi.event_sink._apply

    def fail_for_one(event):
        if event.incident.id == bad.id:
            raise KeyError("a mistake")
        return apply(event)

    with monkeypatch.context() as patch:
        patch.setattr(world.jpi.event_sink, "_apply", fail_for_one)
        with pytest.raises(KeyError, match="a mistake"):
            log_entries.handler({}, None)
    assert [issue.summary for issue in world.list_issues()] == ["Lucky"]
    assert load_position(world).retry_incident_ids == (bad.id,)
    [failure] = [record for record in caplog.records if record.message == "an event failed"]
    assert failure.exc_info[0] is KeyError, "with its traceback"
    log_entries.handler({}, None)
    assert sorted(issue.summary for issue in world.list_issues()) == ["Lucky", "Unlucky"]


@pytest.mark.parametrize(("target", "method", "message"), [
    ("pagerduty", "list_open_incidents", "the open incidents were not read"),
    ("pagerduty", "list_incident_log_entries", "an incident's log was not read"),
    ("jira", "find_recently_changed", "the open issues were not read"),
    ("jira", "get_issue_states", "the open issues were not read"),
    ("jira.create_screens", "load", "the site was not read")])
def test_a_type_error_of_ours_fails_the_poll_loudly_and_keeps_the_cursor(
    world, monkeypatch, caplog, target, method, message
):
    closed, moved = trigger_unheard(world, "Closed"), trigger_unheard(world, "Moved")
    log_entries.handler({}, None)
    trigger_unheard(world, "Failed")
    world.jira_server.choose_fault = lambda call: HttpFault(500) if "Failed" in str(call.body) else None
    poll_for_an_hour(world)
    world.jira_server.choose_fault = lambda call: None
    with world.lose_webhooks():
        world.pagerduty.resolve_incident(closed, world.rita)
        world.move_issue(world.find_issue(moved), "indeterminate")
        trigger_unheard(world, "New")
    before = load_position(world)

    def raise_mistake(*arguments):
        raise TypeError("a mistake")

    with monkeypatch.context() as patch:
        patch.setattr(type(attrgetter(target)(world.jpi)), method, raise_mistake)
        with pytest.raises(TypeError, match="a mistake"):
            log_entries.handler({}, None)
    assert "New" in [issue.summary for issue in world.list_issues()], "the poll went on"
    [error] = [record for record in caplog.records if record.message == message and record.levelname == "ERROR"]
    assert error.exc_info[0] is TypeError, "with its traceback"
    [counted] = [record for record in caplog.records if hasattr(record, "mistakes")]
    assert counted.mistakes >= 1
    after = load_position(world)
    assert after.read_until > before.read_until
    assert after.last_polled_at == before.last_polled_at or method == "load", "it did not succeed"
    log_entries.handler({}, None)
    assert world.read_statuses() == {"Failed": ("triggered", "new"), "Closed": ("resolved", "done"),
                                     "Moved": ("acknowledged", "indeterminate"), "New": ("triggered", "new")}


def test_an_incident_that_is_gone_is_not_read_for_ever(world):
    incident = trigger_unheard(world, "Down")
    world.jira_server.choose_fault = lambda call: HttpFault(500)
    poll_for_an_hour(world)
    del world.pagerduty.incidents[incident.id]
    log_entries.handler({}, None)
    assert load_position(world).retry_incident_ids == ()


def test_what_failed_is_read_whole_even_where_something_new_happened_since(world):
    incident = trigger_unheard(world, "Down")
    poll_for_an_hour(world)
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "The first note.", world.rita)
    world.jira_server.choose_fault = lambda call: HttpFault(500)
    poll_for_an_hour(world)
    world.jira_server.choose_fault = lambda call: None
    with world.lose_webhooks():
        world.pagerduty.add_note(incident, "The second note.", world.rita)
    log_entries.handler({}, None)
    assert len(world.list_linked_summaries(world.find_issue(incident), "Timeline")) == len(incident.log)
