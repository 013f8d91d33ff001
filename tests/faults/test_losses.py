"""What never arrives: webhooks of one side or of both, whole polls, pages. After the next good poll nothing shows."""

import json
from contextlib import contextmanager

import pytest

from sandbox.scenario import comment_as_jim, find_differences, play_scenario
from sandbox.simulated_service import HttpFault

EMPTY_PAGE = {"log_entries": [], "more": False, "limit": 100, "offset": 100}


@contextmanager
def lose_webhooks(world, *sides):
    outboxes = [getattr(world, side).outbox for side in sides]
    for outbox in outboxes:
        outbox.is_losing = True
    yield
    for outbox in outboxes:
        outbox.is_losing = False


@pytest.fixture(params=[True, False], ids=["queue", "in process"])
def fresh_run(arena, request):
    """(a run to play, the end state without losses)."""
    fault_arena = arena(request.param)
    return fault_arena.start_run(), fault_arena.expected


@pytest.mark.parametrize("sides", [("pagerduty",), ("jira",), ("pagerduty", "jira")], ids="+".join)
def test_all_webhooks_of_a_side_lost(fresh_run, sides, survived):
    run, expected = fresh_run
    with lose_webhooks(run.world, *sides):
        # Nobody moves an issue that is not there yet.
        run.poll_at_every_step()
        state = play_scenario(run)
    survived(1, find_differences(state, expected))


def test_the_poll_failing_ten_times_in_a_row_with_events_meanwhile(fresh_run, survived):
    run, expected = fresh_run
    world, rita = run.world, run.world.rita
    down = run.trigger_incident("Checkout is down", "P1")
    run.run_until_idle()
    run.run_poll()
    world.pagerduty_server.choose_fault = lambda call: HttpFault(503) if call.path == "/log_entries" else None
    slow = run.trigger_incident("Search is slow", "P3")
    steps = [
        lambda: world.pagerduty.acknowledge_incident(down, rita),
        lambda: world.pagerduty.set_priority(slow, "P1", rita),
        lambda: (world.pagerduty.add_note(down, "A deployment was rolled back.", rita), comment_as_jim(world, slow)),
        lambda: world.pagerduty.resolve_incident(down, rita),
        lambda: world.move_issue(world.find_issue(slow), "done"),
    ]
    for number in range(10):
        run.run_poll()
        if number % 2:
            # The webhooks of every second event are lost as well, but for the one that Jim needs.
            with lose_webhooks(world, *(() if number == 3 else ("pagerduty", "jira"))):
                steps[number // 2]()
            run.run_until_idle()
    world.pagerduty_server.choose_fault = lambda call: None
    run.run_poll()
    run.run_poll()
    survived(1, find_differences(run.read_state(), expected))


@pytest.mark.parametrize("total", [True, False], ids=["with a total", "without"])
def test_a_page_missing_from_pagerdutys_answer(fresh_run, survived, total):
    """Once every webhook is lost, and the second page of the log comes empty; once even without a total."""
    run, _ = fresh_run
    world = run.world
    with lose_webhooks(world, "pagerduty"):
        noisy = run.trigger_incident("Noisy", "P5")
        for number in range(110):
            world.pagerduty.add_note(noisy, f"Note {number}", world.rita)
        for number in range(3):
            run.trigger_incident(f"Outage {number}", "P1")
    missing = [0]

    def page_missing(call):
        if call.path != "/log_entries" or call.query["offset"] != ["100"]:
            return None
        missing[0] += 1
        return HttpFault(200, body=json.dumps({**EMPTY_PAGE, "total": 130 if total else None}))

    world.pagerduty_server.choose_fault = page_missing
    run.run_poll()
    world.pagerduty_server.choose_fault = lambda call: None
    run.run_poll()
    assert missing == [1]
    failures = {}
    for incident in run.incidents[1:]:
        issue = world.find_issue(incident)
        if not issue or len(world.list_linked_summaries(issue, "Timeline")) != len(incident.log):
            failures[incident.title] = issue and world.list_linked_summaries(issue, "Timeline")
    survived(3, failures)


def test_a_subscription_switched_off_for_a_day(fresh_run, survived):
    """PagerDuty does that after three refusals, and forgets what happens meanwhile."""
    run, expected = fresh_run
    world = run.world
    outbox = world.pagerduty.outbox
    [subscription] = world.pagerduty.webhooks.subscriptions
    outbox.disabled_until[subscription] = world.clock() + 24 * 3600
    with lose_webhooks(world, "jira"):
        run.poll_at_every_step()
        state = play_scenario(run)
    assert outbox.disabled_until[subscription] > world.clock()
    outbox.disabled_until.clear()
    survived(1, find_differences(state, expected))
