"""Order: every permutation of a scenario's deliveries, each delivered once or twice, ends the same."""

import itertools

import pytest

from sandbox.world_snapshot import WorldSnapshot
from tests.fakes.world import FakeWorld

# What Rita does within a minute of the trigger; with the trigger, five deliveries.
ACKNOWLEDGED_TWICE = ("P1", ["acknowledged", "resolved", "triggered", "acknowledged"])
SCENARIOS = (("P3", ["P1", "acknowledged", "triggered", "resolved"]), ACKNOWLEDGED_TWICE,
             ("P1", ["resolved", "triggered", "resolved", "triggered"]))
# Permutations, and how often each delivery arrives; `make test` takes every so many.
ORDERS = list(itertools.product(itertools.permutations(range(5)), itertools.product((1, 2), repeat=5)))
SAMPLE = 607
SAMPLE_OF_FAKES = 13


def order_repeats_last(order):
    """Return the numbers of the deliveries as they arrive: all once in this order, then the repeated ones."""
    permutation, times = order
    return [*permutation, *(number for number in permutation if times[number] == 2)]


def order_repeats_first(order):
    """Return the same with each repetition right after its first arrival."""
    permutation, times = order
    return [number for number in permutation for _ in range(times[number])]


def make_history(priority, choices):
    """Make a world in which everything has happened and no webhook has arrived."""
    world = FakeWorld()
    world.pagerduty.trigger_incident(priority)
    for choice in choices:
        world.clock.advance(7)
        world.pagerduty.act_as_rita("Q0", choice)
    return world, list(world.in_flight)


@pytest.mark.parametrize("arrival", [order_repeats_last, order_repeats_first])
@pytest.mark.parametrize(("priority", "choices"), SCENARIOS,
                         ids=lambda part: "-".join(part) if isinstance(part, list) else part)
def test_every_order_of_five_deliveries_between_the_fakes(priority, choices, arrival, exhaustive, survived):
    sample, failures = ORDERS[:: 1 if exhaustive else SAMPLE_OF_FAKES], {}
    for order in sample:
        world, deliveries = make_history(priority, choices)
        for number in arrival(order):
            world.deliver_webhook(deliveries[number])
            world.drain()
        # Without a poll the deliveries must suffice, except for the timeline, which only the log has.
        [key] = world.jira.list_incident_issues("Q0")
        status = world.pagerduty.incidents["Q0"].current.status
        link = world.links.get("Q0")
        if link.status.agreed != status or world.pagerduty.writes:
            failures[order] = (status, world.jira.issues[key].category, link)
        world.run_until_idle()
        if world.find_failures():
            failures[order] = world.find_failures()
    survived(len(sample), failures)


class Arrivals:
    """A play that is restored before each arrival, so that equal beginnings of sequences are played once."""

    def __init__(self, run, incident, deliveries):
        self.run, self.incident_id, self.deliveries = run, incident.id, deliveries

    def explore_sequences(self, sequences):
        """Return which sequences of deliveries lead to another end, after all that has arrived by now."""
        before, failures = WorldSnapshot(self.run.world), {}
        for number in sorted({sequence[0] for sequence in sequences if sequence}):
            self._arrive(number)
            ends = self.explore_sequences({sequence[1:] for sequence in sequences if sequence[:1] == (number,)})
            failures |= {(number, *sequence): end for sequence, end in ends.items()}
            before.restore_world()
        if () in sequences and (end := self._read_end()) != self._make_expected_end():
            failures[()] = end
        return failures

    def _arrive(self, number):
        # The queue takes a repeated delivery for a new one only after five minutes.
        self.run.world.clock.advance(301)
        self.run.post_delivery(self.deliveries[number])
        self.run.run_until_idle()

    def _read_end(self):
        self.run.run_poll()
        self.run.run_poll()
        state = self.run.read_incident_state(self._incident)
        return state[0], len(state[3]), state[3][0][2], len(state[3][0][6]["Timeline"])

    def _make_expected_end(self):
        return "acknowledged", 1, "In Progress", len(self._incident.log)

    @property
    def _incident(self):
        return self.run.world.pagerduty.incidents[self.incident_id]


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_orders_on_the_simulated_services(arena, queued, first, exhaustive, survived):
    priority, choices = ACKNOWLEDGED_TWICE
    run = arena(queued).start_run()
    world = run.world
    # This poll reads what polls read once a day.
    run.run_poll()
    acts = {"acknowledged": world.pagerduty.acknowledge_incident, "resolved": world.pagerduty.resolve_incident,
            "triggered": world.pagerduty.reopen_incident}
    incident = run.trigger_incident("Down", priority)
    for choice in choices:
        world.clock.advance(7)
        acts[choice](incident, world.rita)
    outbox = world.pagerduty.outbox
    deliveries, outbox.pending = outbox.pending, []
    orders = {tuple(order_repeats_last(order)) for order in ORDERS[:: 1 if exhaustive else SAMPLE]}
    orders = {order for order in orders if order[0] == first}
    survived(len(orders), Arrivals(run, incident, deliveries).explore_sequences(orders))
