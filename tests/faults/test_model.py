"""Properties: whatever people do and whatever gets lost, doubled, reordered or dies, both sides agree in the end."""


import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.fakes.events import take_event
from tests.fakes.faults import CallFault
from tests.fakes.world import FakeWorld

NUMBER = st.integers(0, 20)


class Histories(RuleBasedStateMachine):
    """Random edits on both sides, random fates of what tells of them, random deaths."""

    @initialize(priority=st.sampled_from(["P1", "P3"]))
    def create_world(self, priority):
        self.world = FakeWorld()
        self.world.pagerduty.trigger_incident(priority)

    @rule(priority=st.sampled_from(["P1", "P3"]))
    def monitor_triggers(self, priority):
        if len(self.world.pagerduty.incidents) < 3:
            self.world.pagerduty.trigger_incident(priority)

    @rule(which=NUMBER, choice=st.sampled_from(["triggered", "acknowledged", "resolved", "P1"]))
    def person_on_pagerduty(self, which, choice):
        names = list(self.world.pagerduty.incidents)
        self.world.pagerduty.act_as_rita(names[which % len(names)], choice)

    @rule(which=NUMBER, category=st.sampled_from(["new", "indeterminate", "done"]))
    def person_on_jira(self, which, category):
        keys = [key for key, issue in self.world.jira.issues.items() if issue.draft.project == "INCIDENT"]
        if keys:
            self.world.jira.act_as_jim(keys[which % len(keys)], category)

    @rule(seconds=st.sampled_from([0.25, 1, 40, 150]))
    def time_passes(self, seconds):
        self.world.clock.advance(seconds)

    @precondition(lambda self: self.world.in_flight)
    @rule(which=NUMBER, fate=st.sampled_from(["arrives", "arrives and comes again", "is lost"]))
    def a_webhook(self, which, fate):
        event = take_event(self.world.in_flight, which, keep=fate == "arrives and comes again")
        if fate != "is lost":
            self.world.run_as_lambda(lambda: self.world.deliver_webhook(event))

    @precondition(lambda self: self.world.queue)
    @rule(which=NUMBER, keep=st.booleans())
    def a_worker(self, which, keep):
        self.world.apply_any(which, keep)

    @rule()
    def the_poll(self):
        self.world.run_poll()

    @rule(after=st.integers(0, 12), fault=st.sampled_from(CallFault))
    def something_will_break(self, after, fault):
        self.world.calls.plan_fault(after, fault)

    def teardown(self):
        if not hasattr(self, "world"):
            return
        self.world.run_until_idle()
        assert self.world.find_failures() == {}
        before = self.world.count_writes()
        for event in list(self.world.in_flight):
            self.world.deliver_webhook(event)
        self.world.drain()
        self.world.run_poll()
        self.world.drain()
        assert self.world.count_writes() == before, "something was written though nothing had happened"
        assert self.world.find_failures() == {}


TestHistories = Histories.TestCase


@pytest.fixture(autouse=True)
def _depth(exhaustive):
    TestHistories.settings = settings(max_examples=3000 if exhaustive else 150, stateful_step_count=40, deadline=None)
