"""`make bench`: what events cost, how fast webhooks are answered, how storms are worked off, whether size matters."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from botocore.client import BaseClient

from jpi import wiring
from jpi.handlers import log_entries
from jpi.status_page import probes
from sandbox.aws.moto_server import Aws
from sandbox.bench.artefact import print_artefact
from sandbox.bench.change_costs import print_changes
from sandbox.bench.growth import print_growth
from sandbox.bench.load import print_storms, print_webhooks
from sandbox.bench.status_page import print_status_page
from sandbox.bench.test_runs import print_tests
from sandbox.clock import RunningClock
from sandbox.hosts import LoopbackHost
from sandbox.world import World

LATENCY_SECONDS = 0.150
READ_OPERATIONS = ("GetItem", "BatchGetItem", "Query")
WRITE_OPERATIONS = ("PutItem", "BatchWriteItem", "UpdateItem")
ROW_FORMAT = "{:<50} {:>5} {:>8} {:>6} {:>7}"


@dataclass
class Cost:
    """What one thing cost."""

    calls: int = 0
    seconds: float = 0.0
    reads: int = 0
    writes: int = 0


@contextmanager
def count_requests(cost: Cost, say: Callable[[str], object] = str) -> Iterator[None]:
    """Count the requests to DynamoDB that are made in it, and `say` each one's name."""
    made = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(self: BaseClient, operation: str, arguments: dict[str, object]) -> object:
        cost.reads += operation in READ_OPERATIONS
        cost.writes += operation in WRITE_OPERATIONS
        say(operation)
        return made(self, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", counting):
        yield


def measure(world: World, act: Callable[[], object]) -> Cost:
    """What `act` makes jpi do."""
    world.forget_calls()
    cost, started = Cost(), time.perf_counter()
    with count_requests(cost):
        act()
        cost.seconds = time.perf_counter() - started
    cost.calls = len(world.list_jpi_calls())
    return cost


def create_p1(world: World) -> Cost:
    """A P1 with three questions, two stakeholders and a manager, by webhook."""
    world.pagerduty.trigger(world.service, "Checkout is down", world.rita, "P1", "Nobody can pay.")
    return measure(world, world.pagerduty.outbox.deliver_due)


def finish_on_jira(world: World) -> Cost:
    """A person moves an incident's issue to done, by webhook."""
    world.move_issue(next(issue for issue in world.list_issues() if issue.status != "Done"), "done")
    return measure(world, world.jira.outbox.deliver_due)


def resolve_on_pagerduty(world: World) -> Cost:
    """A person resolves an incident that has an issue, by webhook."""
    incident = next(one for one in world.pagerduty.incidents.values() if one.status != "resolved")
    world.pagerduty.resolve(incident, world.rita)
    return measure(world, world.pagerduty.outbox.deliver_due)


def poll_14_entries(world: World) -> Cost:
    """A poll that reads 14 new entries, one of which raises an incident to P1; no webhook came."""
    with world.lose_webhooks():
        quiet = [world.pagerduty.trigger(world.service, f"Alert {number}", world.rita, "P3") for number in range(3)]
        world.pagerduty.set_priority(quiet[0], "P1", world.rita)
        world.pagerduty.add_note(quiet[2], "Still looking.", world.rita)
    # Once a day, and once an hour, by whichever poll comes first.
    wiring.get_app().reconciler.warm_site_cache()
    probes.run_probes_if_due(wiring.get_app())
    return measure(world, lambda: log_entries.handler({}, None))


# What is measured, and whether open incidents with issues have to be there before.
SCENES: dict[str, tuple[Callable[[World], Cost], bool]] = {
    "P1 (3 questions, 2 stakeholders, 1 manager)": (create_p1, False),
    "done on Jira": (finish_on_jira, True),
    "resolved on PagerDuty": (resolve_on_pagerduty, True),
    "poll of 14 entries, one raises an incident": (poll_14_entries, False),
}


def measure_scene(world: World, scene: str, warm: bool) -> Cost:
    """The cost of a scene in a process that has just started, or in one that has done the same before."""
    act, needs_incidents = SCENES[scene]
    for _ in range(2 if needs_incidents else 0):
        create_p1(world)
        world.run_until_idle()
    install_jpi(world)
    if warm:
        act(world)
        for _ in range(2):
            world.run_until_idle()
            log_entries.handler({}, None)
        world.run_until_idle()
    return act(world)


def install_jpi(world: World) -> None:
    """A fresh jpi, in use from now on."""
    there = world.start_jpi()
    wiring.use_app(lambda: there)


def print_events() -> None:
    """A line for each scene, in a fresh process and in a warm one."""
    aws = Aws()
    print(f"API calls, seconds at {LATENCY_SECONDS * 1000:.0f} ms a simulated call, requests to DynamoDB\n")
    print(ROW_FORMAT.format("", "calls", "seconds", "reads", "writes"))
    for scene in SCENES:
        for warm in (False, True):
            world = World(LoopbackHost(aws), RunningClock(), time.sleep, LOG_LEVEL="ERROR")
            install_jpi(world)
            world.jira_server.latency_seconds = world.pagerduty_server.latency_seconds = LATENCY_SECONDS
            cost = measure_scene(world, scene, warm)
            name = f"{scene}, {'warm' if warm else 'fresh'}"
            print(ROW_FORMAT.format(name, cost.calls, f"{cost.seconds:.2f}", cost.reads, cost.writes), flush=True)
            world.stop()
    aws.stop()


SECTIONS: dict[str, Callable[[], None]] = {"events": print_events, "changes": print_changes, "webhooks": print_webhooks,
                                           "storms": print_storms, "growth": print_growth, "artefact": print_artefact,
                                           "status": print_status_page, "tests": print_tests}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; all unless named")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    for name in chosen.sections or SECTIONS:
        print(f"== {name}", flush=True)
        SECTIONS[name]()


if __name__ == "__main__":
    main()
