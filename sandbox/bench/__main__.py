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
from sandbox.bench.artefact import artefact
from sandbox.bench.changes import changes
from sandbox.bench.growth import growth
from sandbox.bench.load import storms, webhooks
from sandbox.bench.status import status
from sandbox.bench.tests import tests
from sandbox.clock import RunningClock
from sandbox.places import Loopback
from sandbox.world import World

LATENCY = 0.150
READS = ("GetItem", "BatchGetItem", "Query")
WRITES = ("PutItem", "BatchWriteItem", "UpdateItem")
ROW = "{:<50} {:>5} {:>8} {:>6} {:>7}"


@dataclass
class Cost:
    """What one thing cost."""

    calls: int = 0
    seconds: float = 0.0
    reads: int = 0
    writes: int = 0


@contextmanager
def counted(cost: Cost, say: Callable[[str], object] = str) -> Iterator[None]:
    """Count the requests to DynamoDB that are made in it, and `say` each one's name."""
    made = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(self: BaseClient, operation: str, arguments: dict[str, object]) -> object:
        cost.reads += operation in READS
        cost.writes += operation in WRITES
        say(operation)
        return made(self, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", counting):
        yield


def measure(world: World, act: Callable[[], object]) -> Cost:
    """What `act` makes jpi do."""
    world.forget_calls()
    cost, started = Cost(), time.perf_counter()
    with counted(cost):
        act()
        cost.seconds = time.perf_counter() - started
    cost.calls = len(world.calls())
    return cost


def p1(world: World) -> Cost:
    """A P1 with three questions, two stakeholders and a manager, by webhook."""
    world.pagerduty.trigger(world.service, "Checkout is down", world.rita, "P1", "Nobody can pay.")
    return measure(world, world.pagerduty.outbox.pump)


def done_on_jira(world: World) -> Cost:
    """A person moves an incident's issue to done, by webhook."""
    world.move(next(issue for issue in world.issues() if issue.status != "Done"), "done")
    return measure(world, world.jira.outbox.pump)


def resolved_on_pagerduty(world: World) -> Cost:
    """A person resolves an incident that has an issue, by webhook."""
    incident = next(one for one in world.pagerduty.incidents.values() if one.status != "resolved")
    world.pagerduty.resolve(incident, world.rita)
    return measure(world, world.pagerduty.outbox.pump)


def poll_of_14(world: World) -> Cost:
    """A poll that reads 14 new entries, one of which raises an incident to P1; no webhook came."""
    with world.losing_webhooks():
        quiet = [world.pagerduty.trigger(world.service, f"Alert {number}", world.rita, "P3") for number in range(3)]
        world.pagerduty.set_priority(quiet[0], "P1", world.rita)
        world.pagerduty.annotate(quiet[2], "Still looking.", world.rita)
    # Once a day, and once an hour, by whichever poll comes first.
    wiring.jpi().reconcile.learn()
    probes.look(wiring.jpi())
    return measure(world, lambda: log_entries.handler({}, None))


# What is measured, and whether open incidents with issues have to be there before.
SCENES: dict[str, tuple[Callable[[World], Cost], bool]] = {
    "P1 (3 questions, 2 stakeholders, 1 manager)": (p1, False),
    "done on Jira": (done_on_jira, True),
    "resolved on PagerDuty": (resolved_on_pagerduty, True),
    "poll of 14 entries, one raises an incident": (poll_of_14, False),
}


def run(world: World, scene: str, warm: bool) -> Cost:
    """The cost of a scene in a process that has just started, or in one that has done the same before."""
    act, needs_incidents = SCENES[scene]
    for _ in range(2 if needs_incidents else 0):
        p1(world)
        world.settle()
    use(world)
    if warm:
        act(world)
        for _ in range(2):
            world.settle()
            log_entries.handler({}, None)
        world.settle()
    return act(world)


def use(world: World) -> None:
    """A fresh jpi, in use from now on."""
    there = world.start_jpi()
    wiring.jpi = lambda: there  # type: ignore[assignment]


def events() -> None:
    """A line for each scene, in a fresh process and in a warm one."""
    aws = Aws()
    print(f"API calls, seconds at {LATENCY * 1000:.0f} ms a simulated call, requests to DynamoDB\n")
    print(ROW.format("", "calls", "seconds", "reads", "writes"))
    for scene in SCENES:
        for warm in (False, True):
            world = World(Loopback(aws), RunningClock(), time.sleep, LOG_LEVEL="ERROR")
            use(world)
            world.jira_server.latency = world.pagerduty_server.latency = LATENCY
            cost = run(world, scene, warm)
            name = f"{scene}, {'warm' if warm else 'fresh'}"
            print(ROW.format(name, cost.calls, f"{cost.seconds:.2f}", cost.reads, cost.writes), flush=True)
            world.stop()
    aws.stop()


SECTIONS: dict[str, Callable[[], None]] = {
    "events": events, "changes": changes, "webhooks": webhooks, "storms": storms, "growth": growth,
    "artefact": artefact, "status": status, "tests": tests,
}


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
