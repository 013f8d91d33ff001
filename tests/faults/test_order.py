"""Order: every permutation of a scenario's deliveries, each delivered once or twice, ends the same."""

import itertools

import pytest

from sandbox.world_snapshot import WorldSnapshot
from tests.fakes.world import FakeWorld

# What Rita does within a minute of the trigger; with it, five deliveries.
SCENARIOS = {"raised, acknowledged, let go, resolved": ("P3", ["P1", "acknowledged", "triggered", "resolved"]),
             "acknowledged, resolved, reopened, acknowledged": ("P1", ["acknowledged", "resolved", "triggered",
                                                                       "acknowledged"]),
             "resolved, reopened, resolved, reopened": ("P1", ["resolved", "triggered", "resolved", "triggered"])}
# A permutation and how often each delivery comes; `make test` takes every so many of them.
ORDERS = list(itertools.product(itertools.permutations(range(5)), itertools.product((1, 2), repeat=5)))
SAMPLE = 607
SAMPLE_OF_FAKES = 13


def order_repeats_last(order):
    """The numbers of the deliveries as they arrive: once all in this order, then those that come again."""
    permutation, times = order
    return [*permutation, *(number for number in permutation if times[number] == 2)]


def order_repeats_first(order):
    """The same with each repetition right after its first arrival."""
    permutation, times = order
    return [number for number in permutation for _ in range(times[number])]


def make_history(priority, choices):
    """A world in which all that has happened, and nothing of it has arrived."""
    world = FakeWorld()
    world.pagerduty.trigger_incident(priority)
    for choice in choices:
        world.clock.advance(7)
        world.pagerduty.act_as_rita("Q0", choice)
    return world, list(world.in_flight)


@pytest.mark.parametrize("arrival", [order_repeats_last, order_repeats_first])
@pytest.mark.parametrize(("priority", "choices"), SCENARIOS.values(), ids=SCENARIOS)
def test_every_order_of_five_deliveries_between_the_fakes(priority, choices, arrival, exhaustive, survived):
    chosen, failures = ORDERS[:: 1 if exhaustive else SAMPLE_OF_FAKES], {}
    for order in chosen:
        world, deliveries = make_history(priority, choices)
        for number in arrival(order):
            world.deliver(deliveries[number])
            world.drain()
        # Without a poll: what arrived must suffice, but for the timeline, which only the log has.
        [key] = world.jira.list_incident_issues("Q0")
        status = world.pagerduty.incidents["Q0"].current.status
        link = world.links.get("Q0")
        if link.status.agreed != status or world.pagerduty.writes:
            failures[order] = (status, world.jira.issues[key].category, link)
        world.run_until_idle()
        if world.find_failures():
            failures[order] = world.find_failures()
    survived(len(chosen), failures)


class Arrivals:
    """A play that is brought back to each arrival: what sequences begin with alike is played once."""

    def __init__(self, run, incident, deliveries):
        self.run, self.incident_id, self.deliveries = run, incident.id, deliveries

    def explore(self, sequences):
        """Which of the sequences of deliveries lead to another end; all begin with what has arrived by now."""
        before, failures = WorldSnapshot(self.run.world), {}
        for number in sorted({sequence[0] for sequence in sequences if sequence}):
            self._arrive(number)
            ends = self.explore({sequence[1:] for sequence in sequences if sequence[:1] == (number,)})
            failures |= {(number, *sequence): end for sequence, end in ends.items()}
            before.restore_world()
        if () in sequences and (end := self._read_end()) != self._make_expected_end():
            failures[()] = end
        return failures

    def _arrive(self, number):
        # A delivery that comes again is taken by the queue for a new one only after five minutes.
        self.run.world.clock.advance(301)
        self.run.post_delivery(self.deliveries[number])
        self.run.run_until_idle()

    def _read_end(self):
        self.run.poll()
        self.run.poll()
        shown = self.run.read_incident_state(self._incident)
        return shown[0], len(shown[3]), shown[3][0][2], len(shown[3][0][6]["Timeline"])

    def _make_expected_end(self):
        return "acknowledged", 1, "In Progress", len(self._incident.log)

    @property
    def _incident(self):
        return self.run.world.pagerduty.incidents[self.incident_id]


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_orders_on_the_simulated_services(arena, queued, first, exhaustive, survived):
    priority, choices = SCENARIOS["acknowledged, resolved, reopened, acknowledged"]
    run = arena(queued).start_run()
    world = run.world
    # What a poll asks for once a day is known before anything happens.
    run.poll()
    acts = {"acknowledged": world.pagerduty.acknowledge_incident, "resolved": world.pagerduty.resolve_incident,
            "triggered": world.pagerduty.reopen_incident}
    incident = run.trigger("Down", priority)
    for choice in choices:
        world.clock.advance(7)
        acts[choice](incident, world.rita)
    outbox = world.pagerduty.outbox
    deliveries, outbox.pending = outbox.pending, []
    chosen = {tuple(order_repeats_last(order)) for order in ORDERS[:: 1 if exhaustive else SAMPLE]}
    chosen = {order for order in chosen if order[0] == first}
    survived(len(chosen), Arrivals(run, incident, deliveries).explore(chosen))
