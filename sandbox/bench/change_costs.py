"""What each kind of change costs in API calls, both ways, in a warm process; and a poll over 200 open incidents."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from jpi import wiring
from jpi.handlers import log_entries
from sandbox.aws.moto_server import Aws
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.simulated_service import RecordedCall
from sandbox.world import World

Change = Callable[[World, Incident, Issue], object]
WRITE_METHODS = ("POST", "PUT", "DELETE")
READING_PATHS = ("search", "bulkfetch", "comment/list")
ROW_FORMAT = "{:<52} {:>6} {:>6}"
LINKED_INCIDENTS = 200


def _make_edit(**fields: object) -> Change:
    return lambda world, _, issue: world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})


def _assign_issue(world: World, _: Incident, issue: Issue) -> object:
    return _make_edit(assignee={"accountId": world.rita_id})(world, _, issue)


def _comment_on_issue(world: World, _: Incident, issue: Issue) -> object:
    said = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "Traffic is back."}]}]}
    return world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": said})


def _reopen_issue(world: World, incident: Incident, issue: Issue) -> object:
    world.pagerduty.resolve(incident, world.rita)
    world.run_until_idle()
    world.clock.advance(5)
    world.forget_calls()
    world.move_issue(issue, "new")
    return None


# What a person does, and whether only a poll can tell of it: PagerDuty sends nothing for a title.
CHANGES: Mapping[str, tuple[Change, bool]] = {
    "PagerDuty: acknowledged": (lambda world, one, _: world.pagerduty.acknowledge(one, world.rita), False),
    "PagerDuty: resolved": (lambda world, one, _: world.pagerduty.resolve(one, world.rita), False),
    "PagerDuty: priority": (lambda world, one, _: world.pagerduty.set_priority(one, "P2", world.rita), False),
    "PagerDuty: title (found by the poll)": (lambda world, one, _: world.pagerduty.set_title(one, "Slow"), True),
    "PagerDuty: assignee, and the manager's link": (
        lambda world, one, _: world.pagerduty.reassign(one, [world.rita], world.oscar), False),
    "PagerDuty: note": (lambda world, one, _: world.pagerduty.add_note(one, "Rolled back.", world.rita), False),
    "Jira: in progress": (lambda world, _, issue: world.move_issue(issue, "indeterminate"), False),
    "Jira: done": (lambda world, _, issue: world.move_issue(issue, "done"), False),
    "Jira: reopened": (_reopen_issue, False),
    "Jira: priority": (_make_edit(priority={"name": "High"}), False),
    "Jira: summary": (_make_edit(summary="Slow"), False),
    "Jira: assignee": (_assign_issue, False),
    "Jira: comment": (_comment_on_issue, False),
}


def measure_change(world: World, change: str) -> tuple[int, int]:
    """(reads, writes) that a change makes of jpi, once it has done the same before; a poll's own reads not counted."""
    act, polled = CHANGES[change]
    used = 0, 0
    for number in range(2):
        incident = world.pagerduty.trigger(world.service, f"Down {number}", world.rita, "P1")
        world.run_until_idle()
        for _ in range(3):
            _poll_once(world)
        issue = world.find_issue(incident)
        if issue is None:
            raise AssertionError("no issue was made")
        world.forget_calls()
        act(world, incident, issue)
        before = len(world.list_jpi_calls())
        _poll_once(world) if polled else world.run_until_idle()
        used = count_reads_and_writes([call for call in world.list_jpi_calls()[before:]
                                       if not (polled and _is_read(call))])
    return used


def measure_poll(world: World, links: int) -> tuple[int, int]:
    """(reads, writes) of a poll over so many open linked incidents of which none has changed."""
    for number in range(links):
        world.pagerduty.trigger(world.service, f"Down {number}", world.rita, "P1")
        if number % 20 == 0:
            world.run_until_idle()
    world.run_until_idle()
    for _ in range(3):
        _poll_once(world)
    world.clock.advance(3600)
    for _ in range(2):
        _poll_once(world)
    world.forget_calls()
    log_entries.handler({}, None)
    return count_reads_and_writes(world.list_jpi_calls())


def count_reads_and_writes(calls: list[RecordedCall]) -> tuple[int, int]:
    """How many of them read, and how many write."""
    reads = sum(_is_read(call) for call in calls)
    return reads, len(calls) - reads


def print_changes() -> None:
    """A line for each kind of change, then the poll."""
    aws = Aws()
    print(ROW_FORMAT.format("a change, in a warm process", "reads", "writes"))
    for change in CHANGES:
        print(ROW_FORMAT.format(change, *_measure_in_world(aws, partial(measure_change, change=change))), flush=True)
    started = time.perf_counter()
    found = _measure_in_world(aws, lambda world: measure_poll(world, LINKED_INCIDENTS))
    print(ROW_FORMAT.format(f"a poll over {LINKED_INCIDENTS} open linked incidents, nothing new", *found))
    print(f"(made in {time.perf_counter() - started:.0f} s)")
    aws.stop()


def _measure_in_world(aws: Aws, play: Callable[[World], tuple[int, int]]) -> tuple[int, int]:
    world = World(LoopbackHost(aws), RunningClock(), LOG_LEVEL="CRITICAL")
    there = world.start_jpi()
    wiring.use_app(lambda: there)
    try:
        return play(world)
    finally:
        world.stop()


def _poll_once(world: World) -> None:
    world.clock.advance(60)
    log_entries.handler({}, None)
    world.run_until_idle()


def _is_read(call: RecordedCall) -> bool:
    return call.method not in WRITE_METHODS or any(part in call.path for part in READING_PATHS)
