"""`make bench`: what events cost, how fast webhooks are answered, how jpi handles storms and growth."""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jpi import wiring
from jpi.diagnostics import probes
from jpi.handlers import log_entries
from sandbox.aws.moto_server import Aws
from sandbox.bench.artefact import print_artefact
from sandbox.bench.attack import print_attack
from sandbox.bench.change_costs import print_changes
from sandbox.bench.growth import print_growth
from sandbox.bench.load import print_storms, print_webhooks
from sandbox.bench.measurement import install_jpi, open_world, record_aws_requests
from sandbox.bench.status_page import print_status_page
from sandbox.bench.test_runs import print_tests
from sandbox.world import World

LATENCY_SECONDS = 0.150
ROW_FORMAT = "{:<50} {:>5} {:>8} {:>6} {:>7}"


@dataclass(frozen=True)
class Cost:
    """The cost of one event: API calls, seconds, and DynamoDB's reads and writes."""

    calls: int
    seconds: float
    reads: int
    writes: int


@dataclass(frozen=True)
class Scene:
    """An event to measure; `needs_incidents`: open incidents with issues must exist before."""

    title: str
    act: Callable[[World], Cost]
    needs_incidents: bool


def measure_cost(world: World, act: Callable[[], object]) -> Cost:
    """Return the cost of what `act` makes jpi do."""
    world.forget_calls()
    started = time.perf_counter()
    with record_aws_requests() as requests:
        act()
    seconds = time.perf_counter() - started
    return Cost(len(world.list_jpi_calls()), seconds, requests.reads, requests.writes)


def create_p1(world: World) -> Cost:
    """Deliver the webhook of a P1 with three questions, two stakeholders and a manager."""
    world.pagerduty.trigger_incident(world.service, "Checkout is down", world.rita, "P1", "Nobody can pay.")
    return measure_cost(world, world.pagerduty.outbox.deliver_due)


def finish_on_jira(world: World) -> Cost:
    """Deliver the webhook after a person moved an incident's issue to done."""
    world.move_issue(next(issue for issue in world.list_issues() if issue.status != "Done"), "done")
    return measure_cost(world, world.jira.outbox.deliver_due)


def resolve_on_pagerduty(world: World) -> Cost:
    """Deliver the webhook after a person resolved an incident that has an issue."""
    incident = next(incident for incident in world.pagerduty.incidents.values() if incident.status != "resolved")
    world.pagerduty.resolve_incident(incident, world.rita)
    return measure_cost(world, world.pagerduty.outbox.deliver_due)


def poll_14_entries(world: World) -> Cost:
    """Run a poll that reads 14 new entries, one of which raises an incident to P1; no webhook arrived."""
    with world.lose_webhooks():
        quiet = [world.pagerduty.trigger_incident(world.service, f"Alert {number}", world.rita, "P3")
                 for number in range(3)]
        world.pagerduty.set_priority(quiet[0], "P1", world.rita)
        world.pagerduty.add_note(quiet[2], "Still looking.", world.rita)
    # Some poll does these once a day and once an hour; they are not measured here.
    wiring.get_app().reconciler.warm_site_cache()
    probes.run_probes_if_due(wiring.get_app())
    return measure_cost(world, lambda: log_entries.handler({}, None))


SCENES = {scene.title: scene for scene in (Scene("P1 (3 questions, 2 stakeholders, 1 manager)", create_p1, False),
                                           Scene("done on Jira", finish_on_jira, True),
                                           Scene("resolved on PagerDuty", resolve_on_pagerduty, True),
                                           Scene("poll of 14 entries, one raises an incident", poll_14_entries, False))}


def measure_scene(world: World, title: str, warm: bool) -> Cost:
    """Return the cost of a scene in a fresh process, or in one that has done the same before."""
    scene = SCENES[title]
    for _ in range(2 if scene.needs_incidents else 0):
        create_p1(world)
        world.run_until_idle()
    install_jpi(world)
    if warm:
        scene.act(world)
        for _ in range(2):
            world.run_until_idle()
            log_entries.handler({}, None)
        world.run_until_idle()
    return scene.act(world)


def print_events() -> None:
    """Print a line for each scene, in a fresh process and in a warm one."""
    aws = Aws()
    print(f"API calls, seconds at {LATENCY_SECONDS * 1000:.0f} ms per simulated call, requests to DynamoDB\n")
    print(ROW_FORMAT.format("", "calls", "seconds", "reads", "writes"))
    for scene in SCENES:
        for warm in (False, True):
            with open_world(aws, sleep=time.sleep) as world:
                world.jira_server.latency_seconds = world.pagerduty_server.latency_seconds = LATENCY_SECONDS
                cost = measure_scene(world, scene, warm)
            name = f"{scene}, {'warm' if warm else 'fresh'}"
            print(ROW_FORMAT.format(name, cost.calls, f"{cost.seconds:.2f}", cost.reads, cost.writes), flush=True)
    aws.stop()


SECTIONS: dict[str, Callable[[], None]] = {"events": print_events, "changes": print_changes, "webhooks": print_webhooks,
                                           "storms": print_storms, "growth": print_growth, "artefact": print_artefact,
                                           "status": print_status_page, "attack": print_attack, "tests": print_tests}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the named sections."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; default: all")
    options = parser.parse_args(arguments)
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    for name in options.sections or SECTIONS:
        print(f"== {name}", flush=True)
        SECTIONS[name]()


if __name__ == "__main__":
    main()
