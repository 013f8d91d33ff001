"""What each kind of change costs in API calls, both ways, in a warm process; and a poll of 200 open incidents."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from jpi.handlers import log_entries
from sandbox.aws.moto_server import Aws
from sandbox.bench.measurement import open_world
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.simulated_service import RecordedCall
from sandbox.world import World

Act = Callable[[World, Incident, Issue], object]
ROW_FORMAT = "{:<52} {:>6} {:>6}"
LINKED_INCIDENTS = 200


@dataclass(frozen=True)
class Change:
    """What a person does; `needs_poll`: only a poll notices it, as PagerDuty sends nothing for a title."""

    title: str
    act: Act
    needs_poll: bool = False


def _make_edit(**fields: object) -> Act:
    return lambda world, _, issue: world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})


def _assign_issue(world: World, _: Incident, issue: Issue) -> object:
    return _make_edit(assignee={"accountId": world.rita_id})(world, _, issue)


def _comment_on_issue(world: World, _: Incident, issue: Issue) -> object:
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "Traffic is back."}]}]}
    return world.jim.request("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": document})


def _reopen_issue(world: World, incident: Incident, issue: Issue) -> object:
    world.pagerduty.resolve_incident(incident, world.rita)
    world.run_until_idle()
    world.clock.advance(5)
    world.forget_calls()
    world.move_issue(issue, "new")
    return None


CHANGES = {
    change.title: change
    for change in (
        Change(
            "PagerDuty: acknowledged",
            lambda world, incident, _: world.pagerduty.acknowledge_incident(incident, world.rita),
        ),
        Change(
            "PagerDuty: resolved", lambda world, incident, _: world.pagerduty.resolve_incident(incident, world.rita)
        ),
        Change(
            "PagerDuty: priority", lambda world, incident, _: world.pagerduty.set_priority(incident, "P2", world.rita)
        ),
        Change(
            "PagerDuty: title (found by the poll)",
            lambda world, incident, _: world.pagerduty.set_title(incident, "Slow"),
            needs_poll=True,
        ),
        Change(
            "PagerDuty: assignee, and the manager's link",
            lambda world, incident, _: world.pagerduty.reassign_incident(incident, [world.rita], world.oscar),
        ),
        Change(
            "PagerDuty: note", lambda world, incident, _: world.pagerduty.add_note(incident, "Rolled back.", world.rita)
        ),
        Change("Jira: in progress", lambda world, _, issue: world.move_issue(issue, "indeterminate")),
        Change("Jira: done", lambda world, _, issue: world.move_issue(issue, "done")),
        Change("Jira: reopened", _reopen_issue),
        Change("Jira: priority", _make_edit(priority={"name": "High"})),
        Change("Jira: summary", _make_edit(summary="Slow")),
        Change("Jira: assignee, and the manager's link", _assign_issue),
        Change("Jira: comment", _comment_on_issue),
    )
}


def measure_change(world: World, title: str) -> tuple[int, int]:
    """Return the (reads, writes) that a change makes in a warm jpi; a poll's own reads do not count."""
    change = CHANGES[title]
    used = 0, 0
    for number in range(2):
        incident = world.pagerduty.trigger_incident(world.service, f"Down {number}", world.rita, "P1")
        world.run_until_idle()
        for _ in range(3):
            _poll_once(world)
        issue = world.find_issue(incident)
        if issue is None:
            raise AssertionError("no issue was made")
        world.forget_calls()
        change.act(world, incident, issue)
        before = len(world.list_jpi_calls())
        _poll_once(world) if change.needs_poll else world.run_until_idle()
        used = count_reads_and_writes([call for call in world.list_jpi_calls()[before:]
                                       if call.is_write or not change.needs_poll])
    return used


def measure_poll(world: World, links: int) -> tuple[int, int]:
    """Return the (reads, writes) of a poll over so many open linked incidents that did not change."""
    for number in range(links):
        world.pagerduty.trigger_incident(world.service, f"Down {number}", world.rita, "P1")
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
    """Return how many calls read, and how many write."""
    writes = sum(call.is_write for call in calls)
    return len(calls) - writes, writes


def print_changes() -> None:
    """Print a line for each kind of change, then one for the poll."""
    aws = Aws()
    print(ROW_FORMAT.format("a change, in a warm process", "reads", "writes"))
    for title in CHANGES:
        with open_world(aws, LOG_LEVEL="CRITICAL") as world:
            print(ROW_FORMAT.format(title, *measure_change(world, title)), flush=True)
    started = time.perf_counter()
    with open_world(aws, LOG_LEVEL="CRITICAL") as world:
        print(ROW_FORMAT.format(f"a poll over {LINKED_INCIDENTS} open linked incidents, nothing new",
                                *measure_poll(world, LINKED_INCIDENTS)))
    print(f"(made in {time.perf_counter() - started:.0f} s)")
    aws.stop()


def _poll_once(world: World) -> None:
    world.clock.advance(60)
    log_entries.handler({}, None)
    world.run_until_idle()
