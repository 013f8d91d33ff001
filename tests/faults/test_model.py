"""Properties: whatever people do and whatever gets lost, doubled, reordered or dies, both sides agree in the end."""


import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.faults.model import Model

NUMBER = st.integers(0, 20)


class Histories(RuleBasedStateMachine):
    """Random edits on both sides, random fates of what tells of them, random deaths."""

    @initialize(priority=st.sampled_from(["P1", "P3"]))
    def begin(self, priority):
        self.model = Model()
        self.model.pagerduty.trigger(priority)

    @rule(priority=st.sampled_from(["P1", "P3"]))
    def trigger(self, priority):
        if len(self.model.pagerduty.incidents) < 3:
            self.model.pagerduty.trigger(priority)

    @rule(which=NUMBER, choice=st.sampled_from(["triggered", "acknowledged", "resolved", "P1"]))
    def person_on_pagerduty(self, which, choice):
        names = list(self.model.pagerduty.incidents)
        self.model.pagerduty.person(names[which % len(names)], choice)

    @rule(which=NUMBER, category=st.sampled_from(["new", "indeterminate", "done"]))
    def person_on_jira(self, which, category):
        keys = [key for key, (draft, _) in self.model.jira.issues.items() if draft.project == "INCIDENT"]
        if keys:
            self.model.jira.person(keys[which % len(keys)], category)

    @rule(seconds=st.sampled_from([0.25, 1, 40, 150]))
    def time_passes(self, seconds):
        self.model.clock.now += seconds

    @precondition(lambda self: self.model.under_way)
    @rule(which=NUMBER, fate=st.sampled_from(["arrives", "arrives and comes again", "is lost"]))
    def a_webhook(self, which, fate):
        under_way = self.model.under_way
        event = under_way[which % len(under_way)]
        if fate != "arrives and comes again":
            under_way.remove(event)
        if fate != "is lost":
            self.model.attempt(lambda: self.model.deliver(event))

    @precondition(lambda self: self.model.queue)
    @rule(which=NUMBER, keep=st.booleans())
    def a_worker(self, which, keep):
        self.model.work(which, keep)

    @rule()
    def the_poll(self):
        self.model.poll()

    @rule(after=st.integers(0, 12), kind=st.sampled_from(["crash before", "crash after", "refused", "answer lost"]))
    def something_will_break(self, after, kind):
        self.model.breaks.plan(after, kind)

    def teardown(self):
        if not hasattr(self, "model"):
            return
        self.model.settle()
        assert self.model.wrong() == {}
        before = self.model.total_writes()
        for event in list(self.model.under_way):
            self.model.deliver(event)
        self.model.drain()
        self.model.poll()
        self.model.drain()
        assert self.model.total_writes() == before, "something was written though nothing had happened"
        assert self.model.wrong() == {}


TestHistories = Histories.TestCase


@pytest.fixture(autouse=True)
def _depth(exhaustive):
    TestHistories.settings = settings(max_examples=3000 if exhaustive else 150, stateful_step_count=40, deadline=None)
