"""Assignees are a set on PagerDuty and one person on Jira, after any history of changes on both sides."""

from dataclasses import replace
from unittest.mock import MagicMock

from hypothesis import example, given
from hypothesis import strategies as st

from jpi.domain.actions import EditIncident, EditIssue
from jpi.domain.decide import decide
from jpi.domain.events import IncidentLogged, IncidentReassigned, IssueUpdated
from jpi.domain.link_parts import Replica, SyncedField
from jpi.domain.model import IncidentSnapshot, Person
from jpi.domain.policy import Policy
from jpi.sync.field_sync import FieldSync
from sandbox.clock import START
from tests.fakes.events import make_incident_event, make_issue_event, make_link
from tests.fakes.pure import FATES, PureWorld

T = START.timestamp()
PEOPLE = 4
USERS, ACCOUNTS = [f"PUSER{n}" for n in range(PEOPLE)], [f"712020:{n}" for n in range(PEOPLE)]


class OneAssigneeOfMany(PureWorld):
    """PagerDuty's assignees, in some order, and Jira's: the same first one. jpi's real executor sets them.

    `removed`: whom jpi's writes removed on PagerDuty, one set a write. `replaceable`: whoever was Jira's assignee, and
    who stayed or came on PagerDuty when one of those was removed there by hand, since Jira's may stand for them then.
    """

    def __init__(self):
        assignee = SyncedField(Replica(USERS[0]), Replica(ACCOUNTS[0]))
        fields = {"title": SyncedField(), "priority": SyncedField(), "assignee": assignee}
        super().__init__(make_link(fields=fields, responders=(USERS[0],)), Policy())
        self.users, self.account = [USERS[0]], ACCOUNTS[0]
        self.changed_at = {"pagerduty": 0, "jira": 0}
        self.removed, self.replaceable = [], {USERS[0]}
        identities = MagicMock(find_account_id=lambda user: ACCOUNTS[USERS.index(user)],
                               find_user_id=lambda account: USERS[ACCOUNTS.index(account)])
        jira = MagicMock(edit=self._edit_issue)
        pagerduty = MagicMock(edit=self._edit_incident, get_snapshot=lambda _: self._read_snapshot())
        self._field_sync = FieldSync(jira, pagerduty, MagicMock(), self.policy, identities, self.clock, MagicMock())
        self.clock.advance(1)

    def _edit_issue(self, key, values):
        if values:
            self.writes.append(("jira", values["assignee"]))
            self.assign_on_jira(values["assignee"])
        return {}

    def _edit_incident(self, incident_id, values, assignee_ids):
        if values:
            self.writes.append(("pagerduty", tuple(assignee_ids)))
            self.removed.append(set(self.users) - set(assignee_ids))
            self.assign_on_pagerduty(list(assignee_ids))
        return {}

    def assign_on_jira(self, account):
        """Set Jira's assignee; its webhook is in flight."""
        self.account, self.changed_at["jira"] = account, self.seconds
        self.replaceable.add(USERS[ACCOUNTS.index(account)])
        self.in_flight.append(self.make_jira_event(["assignee"]))

    def assign_on_pagerduty(self, users):
        """Set PagerDuty's assignees, in this order; its webhook is in flight."""
        self.users, self.changed_at["pagerduty"] = users, self.seconds
        self.in_flight.append(self.make_pagerduty_event(IncidentReassigned))

    @property
    def seconds(self):
        return int(self.clock() - T)

    def make_jira_event(self, changed=()):
        return make_issue_event(self.changed_at["jira"], changed=changed, assignee=Person(self.account))

    def make_pagerduty_event(self, kind):
        return make_incident_event(kind, self.changed_at["pagerduty"], assignees=tuple(map(Person, self.users)))

    def read(self):
        return [replace(event, read_at=self.clock.now())
                for event in (self.make_pagerduty_event(IncidentLogged), self.make_jira_event())]

    def apply(self, event):
        """Apply an event; of an issue's change, with the incident as it is read before it is edited."""
        actions = decide(event, self.link, self.policy).actions
        if isinstance(event, IssueUpdated) and any(isinstance(action, EditIncident) for action in actions):
            event = replace(event, incident=self._read_snapshot())
        super().apply(event)

    def _read_snapshot(self):
        read = self.make_pagerduty_event(IncidentLogged)
        return IncidentSnapshot(read.incident, read.at)

    def perform_action(self, action):
        if isinstance(action, EditIssue | EditIncident):
            self.link, action = self._field_sync.edit_fields(self.link, action)
        return action

    def take(self, step, choice):
        self.clock.advance(1)
        if step == "jira":
            self.assign_on_jira(ACCOUNTS[choice[0]])
        elif step == "pagerduty":
            users = [USERS[number] for number in choice]
            self.replaceable |= set(users) if self.replaceable & set(self.users) - set(users) else set()
            self.assign_on_pagerduty(users)
        elif step == "poll":
            self.poll_both_sides()
        else:
            self.deliver_pending_event(step, choice[0])

    def settle(self):
        """Let everything arrive in its order, then two polls, and what follows from them."""
        for _ in range(3):
            while self.in_flight:
                self.clock.advance(1)
                self.apply(self.in_flight.pop(0))
            self.poll_both_sides()


CHOICE = st.permutations(range(PEOPLE)).flatmap(lambda people: st.integers(1, 3).map(lambda count: people[:count]))
STEPS = st.lists(st.tuples(st.sampled_from(["jira", "pagerduty", *FATES, "poll"]), CHOICE), max_size=20)


def play(steps):
    world = OneAssigneeOfMany()
    for step in steps:
        world.take(*step)
    return world


@given(STEPS)
def test_jiras_assignee_becomes_one_of_pagerdutys_and_then_nothing_is_written(steps):
    world = play(steps)
    world.settle()
    assert USERS[ACCOUNTS.index(world.account)] in world.users
    writes = list(world.writes)
    world.settle()
    assert world.writes == writes


@example([("jira", [1]), ("pagerduty", [0]), ("jira", [0]), ("deliver", [0]), ("pagerduty", [0, 1, 2])])
@example([("jira", [0])] * 11 + [("jira", [1]), ("pagerduty", [0]), ("pagerduty", [0, 1, 2])])
@given(STEPS)
def test_nobody_is_removed_but_the_one_whom_a_change_on_jira_replaced(steps):
    world = play(steps)
    world.settle()
    assert all(len(people) <= 1 and people <= world.replaceable for people in world.removed)


@given(STEPS, st.randoms(use_true_random=False), st.booleans())
def test_their_order_means_nothing(steps, random, is_told):
    world = play(steps)
    world.settle()
    writes, people = list(world.writes), set(world.users)
    for _ in range(3):
        world.clock.advance(5)
        world.assign_on_pagerduty(random.sample(world.users, len(world.users)))
        if not is_told:
            world.in_flight.clear()
        world.settle()
    assert (world.writes, set(world.users)) == (writes, people)


@given(st.lists(st.integers(1, PEOPLE - 1), max_size=4), st.integers(0, PEOPLE - 1), st.booleans())
@example([1, 2], 1, True)
def test_a_change_on_jira_replaces_one_and_keeps_all_others(others, chosen, is_told):
    world = OneAssigneeOfMany()
    world.clock.advance(5)
    world.assign_on_pagerduty([USERS[number] for number in dict.fromkeys([0, *others])])
    world.settle()
    before = set(world.users)
    world.clock.advance(5)
    world.assign_on_jira(ACCOUNTS[chosen])
    if not is_told:
        world.in_flight.clear()
    world.settle()
    assert set(world.users) == (before - {USERS[0]}) | {USERS[chosen]}
    assert world.account == ACCOUNTS[chosen]


@given(CHOICE, st.booleans())
def test_a_change_on_pagerduty_that_keeps_jiras_assignee_changes_nothing_on_jira(people, is_told):
    world = OneAssigneeOfMany()
    world.clock.advance(5)
    world.assign_on_pagerduty([USERS[number] for number in people])
    if not is_told:
        world.in_flight.clear()
    world.settle()
    assert [USERS[number] for number in people] == world.users
    assert [side for side, _ in world.writes] == ([] if 0 in people else ["jira"])
