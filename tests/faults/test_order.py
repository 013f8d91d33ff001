"""Order: every permutation of a scenario's deliveries, each delivered once or twice, ends the same."""

import itertools

import pytest

from tests.fakes.world import FakeWorld
from tests.faults.scenario import Run

# What Rita does within a minute of the trigger; with it, five deliveries.
SCENARIOS = {
    "raised, acknowledged, let go, resolved": ("P3", ["P1", "acknowledged", "triggered", "resolved"]),
    "acknowledged, resolved, reopened, acknowledged": ("P1", ["acknowledged", "resolved", "triggered", "acknowledged"]),
    "resolved, reopened, resolved, reopened": ("P1", ["resolved", "triggered", "resolved", "triggered"]),
}
# A permutation and how often each delivery comes; `make test` takes every so many of them.
ORDERS = list(itertools.product(itertools.permutations(range(5)), itertools.product((1, 2), repeat=5)))
SAMPLE = 607
SAMPLE_OF_FAKES = 13


def sequence(order):
    """The numbers of the deliveries as they arrive: once all in this order, then those that come again."""
    permutation, times = order
    return [*permutation, *(number for number in permutation if times[number] == 2)]


def shuffled(order):
    """The same with each repetition right after its first arrival."""
    permutation, times = order
    return [number for number in permutation for _ in range(times[number])]


def history(priority, choices):
    """A world in which all that has happened, and nothing of it has arrived."""
    world = FakeWorld()
    world.pagerduty.trigger(priority)
    for choice in choices:
        world.clock.advance(7)
        world.pagerduty.act_as_rita("Q0", choice)
    return world, list(world.under_way)


@pytest.mark.parametrize("arrival", [sequence, shuffled])
@pytest.mark.parametrize(("priority", "choices"), SCENARIOS.values(), ids=SCENARIOS)
def test_every_order_of_five_deliveries_between_the_fakes(priority, choices, arrival, exhaustive, survived):
    chosen, failures = ORDERS[:: 1 if exhaustive else SAMPLE_OF_FAKES], {}
    for order in chosen:
        world, deliveries = history(priority, choices)
        for number in arrival(order):
            world.deliver(deliveries[number])
            world.drain()
        # Without a poll: what arrived must suffice, but for the timeline, which only the log has.
        [key] = world.jira.incident_issues("Q0")
        status = world.pagerduty.incidents["Q0"].present.status
        if world.links.rows["Q0"].agreed["status"] != status or world.pagerduty.writes:
            failures[order] = (status, world.jira.issues[key].category, world.links.rows["Q0"])
        world.settle()
        if world.find_failures():
            failures[order] = world.find_failures()
    survived(len(chosen), failures)


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_some_orders_on_the_simulated_services(arena, queued, exhaustive, survived):
    world, failures = arena(queued).world, {}
    priority, choices = SCENARIOS["acknowledged, resolved, reopened, acknowledged"]
    acts = {"acknowledged": world.pagerduty.acknowledge, "resolved": world.pagerduty.resolve,
            "triggered": world.pagerduty.reopen}
    chosen = ORDERS[:: 1 if exhaustive else SAMPLE]
    for order in chosen:
        run = Run(world)
        incident = run.trigger("Down", priority)
        for choice in choices:
            world.clock.advance(7)
            acts[choice](incident, world.rita)
        outbox = world.pagerduty.outbox
        deliveries, outbox.waiting = outbox.waiting, []
        for number in sequence(order):
            # A delivery that comes again is taken by the queue for a new one only after five minutes.
            world.clock.advance(301)
            run.post(deliveries[number])
            run.settle()
        run.poll()
        run.poll()
        shown = run._shown(incident)
        if (shown[0], len(shown[3]), shown[3][0][2], len(shown[3][0][6]["Timeline"])) != (
                "acknowledged", 1, "In Progress", len(incident.log)):
            failures[order] = shown
    survived(len(chosen), failures)
