"""The merge of title and priority: tables, and any history of edits on both sides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jpi.sync.actions import EditIncident, EditIssue
from jpi.sync.entities import Incident, Issue
from jpi.sync.events import IncidentPriorityUpdated, IncidentTriggered, IssueUpdated
from jpi.sync.link import Link
from jpi.sync.merge import set_by_us
from jpi.sync.policy import PRIORITIES, FieldSync, Policy
from jpi.sync.rules import decide, performed, settle

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
T = NOON.timestamp()
BOTH = {"title": {"pagerduty": "Down", "jira": "Down"}, "priority": {"pagerduty": "P1", "jira": "Highest"}}
LINKED = Link("Q1", 3, "INCIDENT-1", "10001", {"status": "triggered"}, issue_status="triggered", fields=BOTH)
# Two of PagerDuty's to one of Jira's.
COARSE = Policy(priorities={**{name: (one,) for name, one in PRIORITIES.items()}, "P5": ("Low",)})


def on_pagerduty(seconds=1, kind=IncidentTriggered, **changes):
    return kind(f"E{seconds}", NOON + timedelta(seconds=seconds), Incident("Q1", status="triggered", **changes))


def on_jira(seconds=1, changed=(), **changes):
    issue = Issue("INCIDENT-1", "10001", "new", **changes)
    return IssueUpdated(f"J{seconds}", NOON + timedelta(seconds=seconds), issue, changed=frozenset(changed))


def unknown_on(side):
    return replace(LINKED, fields={name: {**one, side: None} for name, one in BOTH.items()})


def hidden(at):
    """A title that was changed at that time, and set on Jira long after."""
    return replace(LINKED, seen={set_by_us("jira", "title"): T + 9},
                   fields={**BOTH, "title": {**BOTH["title"], "at": at}})


CASES = {
    "as agreed": (LINKED, on_pagerduty(title="Down", priority="P1"), []),
    "not said": (LINKED, on_pagerduty(), []),
    "another title": (LINKED, on_pagerduty(title="Up"), [EditIssue({"title": "Up"}, T + 1)]),
    "another line break": (LINKED, on_pagerduty(title="Down\n"), []),
    "both": (LINKED, on_pagerduty(title="Up", priority="P2"), [EditIssue({"title": "Up", "priority": "High"}, T + 1)]),
    "a priority that nothing stands for": (LINKED, on_pagerduty(priority="Sev"), []),
    "a priority cleared": (LINKED, on_pagerduty(priority=None), []),
    "Jira's": (LINKED, on_jira(title="Up", priority="Low"), [EditIncident({"title": "Up", "priority": "P4"}, T + 1)]),
    "a priority of Jira's that nothing stands for": (LINKED, on_jira(priority="Blocker"), []),
    "first seen on Jira": (unknown_on("jira"), on_jira(title="Up"), []),
    "first seen on Jira, by being changed": (
        unknown_on("jira"), on_jira(title="Up", changed=["title"]), [EditIncident({"title": "Up"}, T + 1)]),
    "hidden by our write, and older than what we wrote": (
        hidden(T + 5),
        on_jira(title="Up", changed=["title"]), []),
    "hidden by our write, and newer than what we wrote": (
        hidden(T), on_jira(title="Up", changed=["title"]),
        [EditIssue({"title": "Up"}, T + 1), EditIncident({"title": "Up"}, T + 1)]),
    "hidden by our write, and nobody's change": (hidden(T), on_jira(title="Up"), []),
}


@pytest.mark.parametrize(("link", "event", "wanted"), CASES.values(), ids=CASES)
def test_what_is_written(link, event, wanted):
    assert decide(event, link, Policy()) == wanted


def test_a_value_that_maps_to_the_same_is_remembered_and_not_written():
    link = replace(LINKED, fields={**BOTH, "priority": {"pagerduty": "P4", "jira": "Low"}})
    event = on_pagerduty(priority="P5", kind=IncidentPriorityUpdated)
    assert decide(event, link, COARSE) == []
    link = settle(event, link)
    assert decide(on_jira(2, priority="Low", changed=["priority"]), link, COARSE) == []
    assert link.fields["priority"]["pagerduty"] == "P5"


class Model:
    """Both sides' priority, what is under way, and jpi's link; a second passes with every step."""

    def __init__(self, policy=None):
        self.policy = policy or Policy()
        self.last = {}
        self.now, self.link, self.under_way, self.writes = 1, LINKED, [], 0
        self.values, self.newest = {"pagerduty": "P1", "jira": "Highest"}, "P1"

    def edit(self, side, choice):
        """A person sets one side's priority."""
        name = f"P{choice % 5 + 1}"
        value = name if side == "pagerduty" else PRIORITIES[name]
        if self.values[side] != value:
            self.values[side], self.newest = value, name
            self.last[side] = name
            self.under_way.append(self.told(side, changed=True))

    def told(self, side, changed=False):
        """That side's webhook, or a read of it."""
        if side == "jira":
            return on_jira(self.now, ["priority"] if changed else [], priority=self.values["jira"])
        kind = IncidentPriorityUpdated if changed else IncidentTriggered
        return on_pagerduty(self.now, kind, priority=self.values["pagerduty"])

    def apply(self, event):
        for action in decide(event, self.link, self.policy):
            self.now += 1
            side = "jira" if isinstance(action, EditIssue) else "pagerduty"
            self.writes += 1
            self.values[side] = action.values["priority"]
            seen = {**self.link.seen, set_by_us(side, "priority"): T + self.now}
            self.link = performed(action, replace(self.link, seen=seen))
            self.under_way.append(self.told(side, changed=True))
        self.link = settle(event, self.link)

    def take(self, step, choice):
        self.now += 1
        if step in self.values:
            self.edit(step, choice)
        elif self.under_way:
            number = choice % len(self.under_way)
            self.apply(self.under_way[number] if step == "again" else self.under_way.pop(number))

    def settle(self):
        """Everything arrives, in its order; then both sides are read, twice."""
        for _ in range(200):
            if self.under_way:
                self.now += 1
                self.apply(self.under_way.pop(0))
        assert not self.under_way
        for side in ("pagerduty", "jira", "pagerduty", "jira"):
            self.now += 1
            self.apply(self.told(side))


STEPS = st.lists(st.tuples(st.sampled_from(["pagerduty", "jira", "deliver", "again"]), st.integers(0, 9)), max_size=25)


@given(STEPS)
@example([("pagerduty", number % 2 + 1) for number in range(12)])
def test_both_sides_are_equal_after_any_history_and_then_nothing_is_written(steps):
    model = Model()
    for step, choice in steps:
        model.take(step, choice)
    model.settle()
    assert model.values == {"pagerduty": model.values["pagerduty"], "jira": PRIORITIES[model.values["pagerduty"]]}
    writes = model.writes
    model.settle()
    assert model.writes == writes


@given(st.lists(st.tuples(st.sampled_from(["pagerduty", "jira"]), st.integers(0, 9)), max_size=6))
def test_of_edits_that_nobody_had_told_of_the_newest_wins(edits):
    model = Model()
    for side, choice in edits:
        model.now += 1
        model.edit(side, choice)
    model.settle()
    assert model.values["pagerduty"] == model.newest
    assert model.values["jira"] == PRIORITIES[model.newest]


@pytest.mark.parametrize("winner", ["pagerduty", "jira"])
@given(edits=st.lists(st.tuples(st.sampled_from(["pagerduty", "jira"]), st.integers(1, 4)), max_size=4,
                      unique_by=lambda edit: edit[1]))
def test_of_edits_that_nobody_had_told_of_the_declared_winners_wins(winner, edits):
    model = Model(Policy(sync={"priority": FieldSync("both", winner)}))
    for side, choice in edits:
        model.now += 1
        model.edit(side, choice)
    model.settle()
    wanted = model.last.get(winner) or model.newest
    assert model.values == {"pagerduty": wanted, "jira": PRIORITIES[wanted]}


@pytest.mark.parametrize("direction", ["to-jira", "to-pagerduty", "off"])
@given(steps=STEPS)
def test_what_is_not_carried_over_is_never_written(direction, steps):
    model = Model(Policy(sync={"priority": FieldSync(direction)}))
    written = []
    model.apply_ = model.apply

    def apply(event):
        written.extend(decide(event, model.link, model.policy))
        model.apply_(event)

    model.apply = apply
    for step, choice in steps:
        model.take(step, choice)
    model.settle()
    allowed = {"to-jira": EditIssue, "to-pagerduty": EditIncident, "off": ()}[direction]
    assert all(isinstance(action, allowed) for action in written)
