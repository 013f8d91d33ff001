"""What each kind of change costs in API calls, both ways, in a warm process; and a poll over 200 open incidents."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from jpi import wiring
from jpi.handlers import log_entries
from sandbox.aws.moto_server import Aws
from sandbox.clock import RunningClock
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.places import Loopback
from sandbox.web import Call
from sandbox.world import World

Act = Callable[[World, Incident, Issue], object]
WRITES = ("POST", "PUT", "DELETE")
READING = ("search", "bulkfetch", "comment/list")
ROW = "{:<52} {:>6} {:>6}"
LINKED = 200


def _edit(**fields: object) -> Act:
    return lambda world, _, issue: world.jim("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})


def _assign(world: World, _: Incident, issue: Issue) -> object:
    return _edit(assignee={"accountId": world.rita_id})(world, _, issue)


def _comment(world: World, _: Incident, issue: Issue) -> object:
    said = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "Traffic is back."}]}]}
    return world.jim("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": said})


def _reopen(world: World, incident: Incident, issue: Issue) -> object:
    world.pagerduty.resolve(incident, world.rita)
    world.settle()
    world.clock.advance(5)
    world.forget_calls()
    world.move(issue, "new")
    return None


# What a person does, and whether only a poll can tell of it: PagerDuty sends nothing for a title.
CHANGES: Mapping[str, tuple[Act, bool]] = {
    "PagerDuty: acknowledged": (lambda world, one, _: world.pagerduty.acknowledge(one, world.rita), False),
    "PagerDuty: resolved": (lambda world, one, _: world.pagerduty.resolve(one, world.rita), False),
    "PagerDuty: priority": (lambda world, one, _: world.pagerduty.set_priority(one, "P2", world.rita), False),
    "PagerDuty: title (found by the poll)": (lambda world, one, _: world.pagerduty.retitle(one, "Slow"), True),
    "PagerDuty: assignee, and the manager's link": (
        lambda world, one, _: world.pagerduty.reassign(one, [world.rita], world.oscar), False),
    "PagerDuty: note": (lambda world, one, _: world.pagerduty.annotate(one, "Rolled back.", world.rita), False),
    "Jira: in progress": (lambda world, _, issue: world.move(issue, "indeterminate"), False),
    "Jira: done": (lambda world, _, issue: world.move(issue, "done"), False),
    "Jira: reopened": (_reopen, False),
    "Jira: priority": (_edit(priority={"name": "High"}), False),
    "Jira: summary": (_edit(summary="Slow"), False),
    "Jira: assignee": (_assign, False),
    "Jira: comment": (_comment, False),
}


def cost(world: World, change: str) -> tuple[int, int]:
    """(reads, writes) that a change makes of jpi, once it has done the same before; a poll's own reads not counted."""
    act, polled = CHANGES[change]
    used = 0, 0
    for number in range(2):
        incident = world.pagerduty.trigger(world.service, f"Down {number}", world.rita, "P1")
        world.settle()
        for _ in range(3):
            _poll(world)
        issue = world.issue_of(incident)
        if issue is None:
            raise AssertionError("no issue was made")
        world.forget_calls()
        act(world, incident, issue)
        before = len(world.calls())
        _poll(world) if polled else world.settle()
        used = counted([call for call in world.calls()[before:] if not (polled and _is_read(call))])
    return used


def poll_over(world: World, links: int) -> tuple[int, int]:
    """(reads, writes) of a poll over so many open linked incidents of which none has changed."""
    for number in range(links):
        world.pagerduty.trigger(world.service, f"Down {number}", world.rita, "P1")
        if number % 20 == 0:
            world.settle()
    world.settle()
    for _ in range(3):
        _poll(world)
    world.clock.advance(3600)
    for _ in range(2):
        _poll(world)
    world.forget_calls()
    log_entries.handler({}, None)
    return counted(world.calls())


def counted(calls: list[Call]) -> tuple[int, int]:
    """How many of them read, and how many write."""
    reads = sum(_is_read(call) for call in calls)
    return reads, len(calls) - reads


def changes() -> None:
    """A line for each kind of change, then the poll."""
    aws = Aws()
    print(ROW.format("a change, in a warm process", "reads", "writes"))
    for change in CHANGES:
        print(ROW.format(change, *_with_world(aws, partial(cost, change=change))), flush=True)
    started = time.perf_counter()
    found = _with_world(aws, lambda world: poll_over(world, LINKED))
    print(ROW.format(f"a poll over {LINKED} open linked incidents, nothing new", *found))
    print(f"(made in {time.perf_counter() - started:.0f} s)")
    aws.stop()


def _with_world(aws: Aws, play: Callable[[World], tuple[int, int]]) -> tuple[int, int]:
    world = World(Loopback(aws), RunningClock(), LOG_LEVEL="CRITICAL")
    there = world.start_jpi()
    wiring.jpi = lambda: there  # type: ignore[assignment]
    try:
        return play(world)
    finally:
        world.stop()


def _poll(world: World) -> None:
    world.clock.advance(60)
    log_entries.handler({}, None)
    world.settle()


def _is_read(call: Call) -> bool:
    return call.method not in WRITES or any(part in call.path for part in READING)
