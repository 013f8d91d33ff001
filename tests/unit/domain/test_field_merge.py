"""The merge of title, priority and assignee: tables, and any history of edits on both sides."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jpi.domain.actions import Assignee, EditIncident, EditIssue
from jpi.domain.decide import advance_watermarks, decide
from jpi.domain.events import IncidentLogged, IncidentPriorityUpdated, IncidentReassigned, IncidentTriggered
from jpi.domain.field_merge import record_own_write
from jpi.domain.link_parts import FieldName, Replica, SyncedField
from jpi.domain.model import Person, Side
from jpi.domain.policy import DEFAULT_PRIORITIES, FieldPolicy, Policy
from sandbox.clock import START
from tests.fakes.events import make_incident_event, make_issue_event, make_link
from tests.fakes.pure import FATES, PureWorld

T = START.timestamp()
LINKED = make_link(fields={"title": SyncedField(Replica("Down"), Replica("Down")), "assignee": SyncedField(),
                           "priority": SyncedField(Replica("P1"), Replica("Highest"))})
# Two of PagerDuty's to one of Jira's.
COARSE = Policy(priorities={**{name: (one,) for name, one in DEFAULT_PRIORITIES.items()}, "P5": ("Low",)})


def on_pagerduty(seconds=1, kind=IncidentTriggered, **changes):
    return make_incident_event(kind, seconds, **changes)


def on_jira(seconds=1, changed=(), **changes):
    return make_issue_event(seconds, changed=changed, **changes)


def unknown_on(side):
    return replace(LINKED, fields={name: replace(field, **{side: Replica()}) for name, field in LINKED.fields.items()})


def hidden(at):
    """A title that was changed at that time, and set on Jira long after."""
    return LINKED.with_own_write(FieldName.TITLE, Side.JIRA, "Down", T + 9, at)


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


# Where people changed the title on both sides, by case: the side whose title stays.
CONFLICTS = {"hidden by our write, and older than what we wrote": "pagerduty",
             "hidden by our write, and newer than what we wrote": "jira"}


@pytest.mark.parametrize("case", CASES)
def test_what_is_written(case):
    link, event, edits = CASES[case]
    decision = decide(event, link, Policy())
    assert decision.actions == tuple(edits)
    assert decision.conflicts == ({"title": CONFLICTS[case]} if case in CONFLICTS else {})


def test_a_value_that_maps_to_the_same_is_remembered_and_not_written():
    link = replace(LINKED, fields={**LINKED.fields, "priority": SyncedField(Replica("P4"), Replica("Low"))})
    event = on_pagerduty(priority="P5", kind=IncidentPriorityUpdated)
    assert decide(event, link, COARSE).actions == ()
    link = advance_watermarks(event, link)
    assert decide(on_jira(2, priority="Low", changed=["priority"]), link, COARSE).actions == ()
    assert link.fields["priority"].pagerduty.value == "P5"


# What choice number n is called on either side.
CALLED = {"title": [{"pagerduty": f"Title {n}", "jira": f"Title {n}"} for n in range(5)],
          "priority": [{"pagerduty": f"P{n + 1}", "jira": DEFAULT_PRIORITIES[f"P{n + 1}"]} for n in range(5)],
          "assignee": [{"pagerduty": f"PUSER{n}", "jira": f"712020:{n}"} for n in range(5)]}
SIDES = ("pagerduty", "jira")
# PagerDuty sends no webhook for a title.
KINDS = {"priority": IncidentPriorityUpdated, "assignee": IncidentReassigned}


class TwoSetsOfFields(PureWorld):
    """Both sides' title, priority and assignee alone; a second passes with every step."""

    def __init__(self, **sync):
        link = make_link(fields={
            name: SyncedField(*map(Replica, called[0].values())) for name, called in CALLED.items()})
        super().__init__(link, Policy(field_policies={name: FieldPolicy(**how) for name, how in sync.items()}))
        self.values = {side: {name: called[0][side] for name, called in CALLED.items()} for side in SIDES}
        self.changed = dict.fromkeys(SIDES, 0)
        self.last, self.newest = {}, dict.fromkeys(CALLED, 0)
        self.clock.advance(1)

    @property
    def seconds(self):
        return int(self.clock() - T)

    def edit(self, side, name, choice):
        """Let a person set one side's field."""
        value = CALLED[name][choice % 5][side]
        if self.values[side][name] != value:
            self.last[side, name] = self.newest[name] = choice % 5
            self.set(side, {name: value})

    def set(self, side, values):
        self.values[side] |= values
        self.changed[side] = self.seconds
        if side == "jira":
            self.in_flight.append(self.jira_event(values))
        self.in_flight += [self.pagerduty_event(KINDS[name]) for name in values
                           if side == "pagerduty" and name in KINDS]

    def jira_event(self, changed=()):
        """Return Jira's webhook, or what a read of it shows."""
        return on_jira(self.changed["jira"], changed, **self.fields("jira"), assignee=self.assignee("jira"))

    def pagerduty_event(self, kind):
        """Return PagerDuty's webhook, or what a read of it shows."""
        return on_pagerduty(self.changed["pagerduty"], kind, **self.fields("pagerduty"),
                            assignees=(self.assignee("pagerduty"),))

    def fields(self, side):
        return {name: value for name, value in self.values[side].items() if name != "assignee"}

    def assignee(self, side):
        return Person(self.values[side]["assignee"])

    def perform_action(self, action):
        side = "jira" if isinstance(action, EditIssue) else "pagerduty"
        values = {name: self.value_on(side, value) for name, value in action.values.items()}
        values = {name: value for name, value in values.items()
                  if name != "assignee" or value != getattr(self.link.fields[name], side).value}
        if values:
            self.writes.append((side, values))
            self.set(side, values)
        done = replace(action, values=values)
        self.link = record_own_write(done, self.link, self.clock())
        return done

    def value_on(self, side, value):
        """As the writer finds people: on the side where they are to be set."""
        if not isinstance(value, Assignee) or value.side == side:
            return value.id if isinstance(value, Assignee) else value
        return next(called[side] for called in CALLED["assignee"] if called[value.side] == value.id)

    def take(self, step, name, choice):
        self.clock.advance(1)
        if step in self.values:
            self.edit(step, name, choice)
        elif step == "poll":
            self.poll_both_sides()
        else:
            self.deliver_pending_event(step, choice)

    def read(self):
        return [replace(event, read_at=self.clock.now()) for event in (
            self.pagerduty_event(IncidentLogged), self.jira_event())]

    def arrive(self):
        """Let everything arrive, in its order."""
        for _ in range(200):
            if self.in_flight:
                self.clock.advance(1)
                self.apply(self.in_flight.pop(0))
        assert not self.in_flight

    def settle(self):
        """Let everything arrive; then two polls, and what follows from them."""
        self.arrive()
        for _ in range(2):
            self.poll_both_sides()
            self.arrive()

    def choices(self, name):
        """What both sides have, by its number."""
        return [[called[side] for called in CALLED[name]].index(self.values[side][name]) for side in self.values]


SIDE, NAME = st.sampled_from(SIDES), st.sampled_from(list(CALLED))
STEPS = st.lists(st.tuples(st.sampled_from([*SIDES, *FATES, "poll"]), NAME,
                           st.integers(0, 9)), max_size=25)
EDITS = st.lists(st.tuples(SIDE, st.integers(1, 4)), max_size=4, unique_by=lambda edit: edit[1])
HOW = st.sampled_from(["newer", "pagerduty", "jira"])


@given(STEPS, st.fixed_dictionaries(dict.fromkeys(CALLED, HOW)))
@example([("pagerduty", "priority", number % 2 + 1) for number in range(12)], {"priority": "newer"})
def test_both_sides_are_equal_after_any_history_and_then_nothing_is_written(steps, winners):
    world = TwoSetsOfFields(**{name: {"winner": winner} for name, winner in winners.items()})
    for step in steps:
        world.take(*step)
    world.settle()
    for name in CALLED:
        one, other = world.choices(name)
        assert one == other, name
    writes = list(world.writes)
    world.settle()
    assert world.writes == writes


@given(st.lists(st.tuples(SIDE, NAME, st.integers(0, 4)), max_size=8), st.booleans())
def test_a_change_takes_one_write(edits, told):
    world = TwoSetsOfFields()
    for side, name, choice in edits:
        world.clock.advance(1)
        before, writes = world.choices(name), len(world.writes)
        world.edit(side, name, choice)
        if not told:
            world.in_flight.clear()
        world.settle()
        assert world.choices(name) == [choice, choice]
        assert len(world.writes) - writes == (before != world.choices(name))


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("winner", ["newer", "pagerduty", "jira"])
@settings(max_examples=60)
@given(edits=EDITS)
def test_of_edits_that_only_a_poll_shows_the_newer_or_the_declared_winners_wins(name, winner, edits):
    world = TwoSetsOfFields(**{name: {"winner": winner}})
    for side, choice in edits:
        world.clock.advance(1)
        world.edit(side, name, choice)
    world.in_flight.clear()
    world.settle()
    wanted = world.last.get((winner, name), world.newest[name])
    assert world.choices(name) == [wanted, wanted]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("winner", ["newer", "pagerduty", "jira"])
@settings(max_examples=60)
@given(edits=EDITS)
def test_of_edits_that_nobody_had_told_of_the_newer_or_the_declared_winners_wins(name, winner, edits):
    world = TwoSetsOfFields(**{name: {"winner": winner}})
    for side, choice in edits:
        world.clock.advance(1)
        world.edit(side, name, choice)
    world.settle()
    wanted = world.last.get((winner, name), world.newest[name])
    assert world.choices(name) == [wanted, wanted]


@pytest.mark.parametrize("direction", ["to-jira", "to-pagerduty", "off"])
@given(steps=STEPS)
def test_what_is_not_carried_over_is_never_written(direction, steps):
    world = TwoSetsOfFields(**{name: {"direction": direction} for name in CALLED})
    for step in steps:
        world.take(*step)
    world.settle()
    allowed = {"to-jira": {"jira"}, "to-pagerduty": {"pagerduty"}, "off": set()}[direction]
    assert {side for side, _ in world.writes} <= allowed
