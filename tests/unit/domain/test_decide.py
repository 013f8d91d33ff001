"""Deciding: tables of before, event and actions, and properties over random histories."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.domain.actions import AddComment, AddTimeline, CreateIncidentIssue, SetIncidentStatus, TransitionIssue
from jpi.domain.backlog import Backlog, Part
from jpi.domain.decide import Reason, advance_watermarks, decide, needs_whole_log, record_action
from jpi.domain.events import (
    IncidentAcknowledged,
    IncidentLogged,
    IncidentPriorityUpdated,
    IncidentReopened,
    IncidentResolved,
    IncidentTriggered,
    IncidentUnacknowledged,
)
from jpi.domain.link import IssueRef, Link, StatusState
from jpi.domain.model import CATEGORY_BY_STATUS, STATUS_BY_CATEGORY, LogEntry, Side
from jpi.domain.policy import CreationRule, IncidentCondition, IssueSpec, Policy
from sandbox.clock import START as NOON
from tests.fakes.events import INCIDENT_ID, find_move_event_class, make_incident_event, make_issue_event, make_link
from tests.fakes.pure import FATES, PureWorld
from tests.fakes.services import RITA

NEW = Link(INCIDENT_ID)
LINKED = make_link().with_watermark(Side.PAGERDUTY, snapshot_at=NOON.timestamp())


def on_pagerduty(kind=IncidentTriggered, seconds=0, **changes):
    return make_incident_event(kind, seconds, RITA, **{"title": "Down", "priority": "P1", **changes})


def on_jira(category, seconds=0):
    return make_issue_event(seconds, category)


def logged(seconds=0, entries=(), **changes):
    return replace(on_pagerduty(IncidentLogged, seconds, **changes), entries=tuple(entries), actor=None)


def entry(number=1, kind="notify_log_entry", priority=None):
    return LogEntry(f"R{number}", kind, NOON, f"Entry {number}", priority)


def agreed(status):
    return replace(LINKED, status=replace(LINKED.status, agreed=status))


def create(**changes):
    return CreateIncidentIssue(on_pagerduty(**changes).incident, "Rita")


# Before, the event, and the actions it calls for, or the reason why there are none.
CASES = {
    "a P1 gets an issue": (NEW, on_pagerduty(), [create()]),
    "a P2 gets none": (NEW, on_pagerduty(priority="P2"), Reason.NO_MATCHING_RULE),
    "no priority gets none": (NEW, on_pagerduty(priority=None), Reason.NO_MATCHING_RULE),
    "raised to P1": (NEW, on_pagerduty(IncidentPriorityUpdated), [create()]),
    "an old snapshot still says that it was a P1": (
        NEW.with_watermark(Side.PAGERDUTY, snapshot_at=NOON.timestamp() + 9).with_agreed_status("acknowledged"),
        on_pagerduty(),
        [create(), TransitionIssue("indeterminate", "new")],
    ),
    "a P1 first heard of when it is over": (
        NEW,
        on_pagerduty(IncidentResolved, status="resolved"),
        [create(status="resolved"), TransitionIssue("done", "new")],
    ),
    "the same again": (LINKED, on_pagerduty(), Reason.NOTHING_NEW),
    "acknowledged": (
        LINKED,
        on_pagerduty(IncidentAcknowledged, 1, status="acknowledged"),
        [TransitionIssue("indeterminate", "new")],
    ),
    "an old one of the same millisecond": (agreed("acknowledged"), on_pagerduty(), Reason.NOTHING_NEW),
    "unacknowledged": (
        agreed("acknowledged"),
        on_pagerduty(IncidentUnacknowledged, 1),
        [TransitionIssue("new", "indeterminate")],
    ),
    "resolved": (
        agreed("acknowledged"),
        on_pagerduty(IncidentResolved, 1, status="resolved"),
        [TransitionIssue("done", "indeterminate")],
    ),
    "resolved by merging": (
        LINKED,
        on_pagerduty(IncidentResolved, 1, status="resolved", merged_into="Payments https://x"),
        [
            AddComment("merged:Q1", "This incident was merged on PagerDuty into Payments https://x."),
            TransitionIssue("done", "new"),
        ],
    ),
    "resolved twice": (
        agreed("resolved"), on_pagerduty(IncidentResolved, 1, status="resolved", merged_into="x"), Reason.NOTHING_NEW),
    "an old acknowledgement": (LINKED, on_pagerduty(IncidentAcknowledged, -1, status="acknowledged"), Reason.STALE),
    "acknowledged, crossing Jira's done": (
        agreed("resolved"),
        on_pagerduty(IncidentAcknowledged, 1, status="acknowledged"),
        Reason.NOTHING_NEW,
    ),
    "acknowledged after a reopening that was not heard of": (
        agreed("resolved"),
        on_pagerduty(IncidentAcknowledged, 2, status="acknowledged", reopened=NOON + timedelta(seconds=1)),
        [TransitionIssue("indeterminate", "done")],
    ),
    "acknowledged, reopened long before it was resolved": (
        agreed("resolved"),
        on_pagerduty(IncidentAcknowledged, 2, status="acknowledged", reopened=NOON - timedelta(seconds=1)),
        Reason.NOTHING_NEW,
    ),
    "reopened": (agreed("resolved"), on_pagerduty(IncidentReopened, 1), [TransitionIssue("new", "done")]),
    "read as open again": (agreed("resolved"), logged(1), [TransitionIssue("new", "done")]),
    "log entries": (LINKED, logged(1, [entry()]), [AddTimeline((entry(),))]),
    "a line of the timeline still missing": (
        replace(LINKED, backlog=Backlog({Part.TIMELINE: ()})), logged(1), [AddTimeline(())]),
    "log entries of an incident without an issue": (NEW, logged(1, [entry()], priority="P2"), Reason.NO_MATCHING_RULE),
    "a log entry that raised it, lowered since": (
        NEW,
        logged(1, [entry(priority="P1")], priority="P3"),
        [CreateIncidentIssue(logged(priority="P3").incident, None), AddTimeline((entry(priority="P1"),))],
    ),
    "done on Jira": (agreed("acknowledged"), on_jira("done", 1), [SetIncidentStatus("resolved")]),
    "done on both": (agreed("resolved"), on_jira("done", 1), Reason.NOTHING_NEW),
    "in progress on Jira": (LINKED, on_jira("indeterminate", 1), [SetIncidentStatus("acknowledged")]),
    "in progress on Jira, crossing a resolution": (agreed("resolved"), on_jira("indeterminate", 1), Reason.NOTHING_NEW),
    "moved to in progress on Jira, crossing a resolution": (
        agreed("resolved"), replace(on_jira("indeterminate", 1), moved=True), Reason.NOTHING_NEW),
    "back to do on Jira": (agreed("acknowledged"), on_jira("new", 1), Reason.NOTHING_NEW),
    "an edit of an issue that could not follow a reopening": (
        LINKED.with_issue_status("resolved"),
        on_jira("done", 1),
        Reason.NOTHING_NEW,
    ),
    "a workflow that begins in progress, read for the first time": (
        LINKED.with_issue_status(None),
        on_jira("indeterminate", 1),
        Reason.NOTHING_NEW,
    ),
    "moved to in progress before it was ever read": (
        LINKED.with_issue_status(None),
        replace(on_jira("indeterminate", 1), moved=True),
        [SetIncidentStatus("acknowledged")],
    ),
    "done before it was ever read": (
        LINKED.with_issue_status(None),
        on_jira("done", 1),
        [SetIncidentStatus("resolved")],
    ),
    "an unknown category": (LINKED, on_jira(None, 1), Reason.NOTHING_NEW),
    "an issue of nobody": (NEW, on_jira("done", 1), Reason.NO_ISSUE),
    "a webhook within the second of the state read before it": (
        LINKED,
        on_pagerduty(IncidentResolved, 0.6, status="resolved"),
        [TransitionIssue("done", "new")],
    ),
    "read before what was seen since": (
        agreed("acknowledged").with_watermark(Side.PAGERDUTY, snapshot_at=NOON.timestamp() + 0.9),
        replace(logged(0), read_at=NOON + timedelta(seconds=0.5)),
        Reason.STALE,
    ),
    "read after what was seen, told to the second": (
        LINKED.with_watermark(Side.PAGERDUTY, snapshot_at=NOON.timestamp() + 0.9),
        replace(logged(0, status="acknowledged"), read_at=NOON + timedelta(seconds=1)),
        [TransitionIssue("indeterminate", "new")],
    ),
    "older than what we wrote ourselves": (
        LINKED.with_watermark(Side.JIRA, snapshot_at=NOON.timestamp() + 5),
        on_jira("done", 1),
        Reason.STALE,
    ),
}


# Where both sides moved, by case: the side whose status stays.
CONFLICTS = {"acknowledged, crossing Jira's done": "jira", "moved to in progress on Jira, crossing a resolution":
             "pagerduty", "acknowledged, reopened long before it was resolved": "jira"}


@pytest.mark.parametrize("case", CASES)
def test_decisions(case):
    link, event, outcome = CASES[case]
    decision = decide(event, link, Policy())
    assert (decision.reason or list(decision.actions)) == outcome
    assert decision.conflicts == ({"status": CONFLICTS[case]} if case in CONFLICTS else {})


def test_an_incident_without_a_rule_for_it_gets_no_issue():
    rules = (CreationRule(IncidentCondition(urgencies=("low",))), CreationRule(IncidentCondition(("P1",)), IssueSpec()))
    reasons = [decide(event, NEW, Policy(rules=rules)).reason for event in (
        on_pagerduty(urgency="low"), on_pagerduty(priority="P2", urgency="high"), on_pagerduty(urgency="high"))]
    assert reasons == [Reason.SKIPPED_BY_RULE, Reason.NO_MATCHING_RULE, None]
    assert decide(on_pagerduty(), replace(LINKED, ended=True), Policy()).reason is Reason.LINK_ENDED


def test_which_priorities_get_an_issue_is_the_teams_choice():
    policy = Policy(sync_priorities=frozenset({"P1", "P2"}))
    assert [len(decide(on_pagerduty(priority=name), NEW, policy).actions) for name in ("P1", "P2", "P3")] == [1, 1, 0]


def test_without_a_timeline_project_there_is_no_timeline():
    assert decide(logged(1, [entry()]), LINKED, Policy(timeline_project="")).actions == ()
    assert not needs_whole_log(logged(), NEW, Policy(timeline_project=""))


@pytest.mark.parametrize(("link", "event", "wanted"), [
    (NEW, logged(entries=[entry(priority="P1")]), True),
    (NEW, logged(entries=[entry()], priority="P2"), False),
    (NEW, logged(entries=[entry(kind="trigger_log_entry")], created=NOON), False),
    (NEW, logged(entries=[entry(kind="trigger_log_entry")], created=NOON - timedelta(hours=1)), True),
    (LINKED, logged(entries=[entry()]), False),
    (replace(LINKED, backlog=Backlog({Part.TIMELINE: ()})), logged(entries=[entry()]), True),
])
def test_the_whole_log_is_read_where_the_window_misses_its_beginning(link, event, wanted):
    assert needs_whole_log(event, link, Policy()) is wanted


def test_an_incident_without_an_issue_is_remembered():
    link = advance_watermarks(on_pagerduty(priority="P2", status="acknowledged"), NEW)
    assert (link.status.agreed, link.fields["title"].pagerduty.value, link.fields["priority"].pagerduty.value) == (
        "acknowledged", "Down", "P2")
    assert advance_watermarks(on_pagerduty(priority="P3", seconds=-1), link) == link, "an old snapshot undoes nothing"


# People move statuses; deliveries come late, twice, out of order or never.
PAGERDUTY_MOVES = {"triggered": ["acknowledged", "resolved"], "acknowledged": ["triggered", "resolved"],
                   "resolved": ["triggered"]}


class TwoStatuses(PureWorld):
    """Both sides' status alone; writes happen as the clients make them."""

    def __init__(self):
        super().__init__(LINKED, Policy(timeline_project=""))
        self.status, self.category = "triggered", "new"
        self.changed = {"pagerduty": 0, "jira": 0}

    @property
    def seconds(self):
        return (self.clock.now() - NOON).total_seconds()

    def act_on_pagerduty(self, choice):
        moves = PAGERDUTY_MOVES[self.status]
        self.set_status(moves[choice % len(moves)])

    def set_status(self, status):
        kind, self.status = find_move_event_class(self.status, status), status
        self.changed["pagerduty"] = self.seconds
        self.in_flight.append(on_pagerduty(kind, self.seconds, status=status))

    def act_on_jira(self, choice):
        self.set_category(["indeterminate", "done"][choice % 2] if self.category == "new" else "done")

    def set_category(self, category):
        self.category, self.changed["jira"] = category, self.seconds
        self.in_flight.append(on_jira(category, self.seconds))

    def perform_action(self, action):
        if isinstance(action, TransitionIssue):
            self.note_write("jira")
            is_moved = not (self.category == "done" != action.from_category)
            if is_moved:
                self.link = self.link.with_issue_status(STATUS_BY_CATEGORY[action.category])
            self.set_category(action.category if is_moved else self.category)
        elif not (action.status == "acknowledged" and self.status != "triggered"):
            self.note_write("pagerduty")
            self.set_status(action.status)
        return action

    def note_write(self, side):
        self.writes.append(side)
        self.link = self.link.with_watermark(Side(side), snapshot_at=self.clock())

    def read(self):
        """When each last changed, to the second before, and when it was read."""
        return [replace(logged(self.changed["pagerduty"] - 0.5, status=self.status), read_at=self.clock.now()),
                replace(on_jira(self.category, self.changed["jira"]), read_at=self.clock.now())]

    def take(self, step, choice):
        self.clock.advance(1)
        if step == "pagerduty":
            self.act_on_pagerduty(choice)
        elif step == "jira" and self.category != "done":
            self.act_on_jira(choice)
        elif step == "read":
            self.clock.advance(1)
            self.in_flight += self.read()
        elif step in FATES:
            self.deliver_pending_event(step, choice)


STEPS = st.lists(st.tuples(st.sampled_from(["pagerduty", "jira", *FATES, "read"]), st.integers(0, 9)), max_size=25)


@given(STEPS)
def test_both_sides_agree_after_any_history_and_two_polls_and_then_nothing_is_written(steps):
    world = TwoStatuses()
    for step, choice in steps:
        world.take(step, choice)
    world.poll_both_sides()
    world.poll_both_sides()
    assert CATEGORY_BY_STATUS[world.status] == world.category
    writes = list(world.writes)
    for event in list(world.in_flight):
        world.apply(event)
    world.poll_both_sides()
    assert world.writes == writes


@given(st.permutations(range(5)), st.sampled_from(["P1", "P2", None]))
def test_an_incident_that_ever_qualified_gets_its_issue_in_any_order(order, later):
    events = [on_pagerduty(seconds=0), on_pagerduty(IncidentPriorityUpdated, 1, priority=later),
              on_pagerduty(IncidentAcknowledged, 2, priority=later, status="acknowledged"),
              on_pagerduty(IncidentResolved, 3, priority=later, status="resolved"), on_pagerduty(seconds=0)]
    link, category, created = NEW, None, 0
    for number in order:
        for action in decide(events[number], link, Policy()).actions:
            if isinstance(action, CreateIncidentIssue):
                created, category = created + 1, "new"
                link = replace(link, issue=IssueRef("INCIDENT-1"), status=StatusState("triggered"))
            else:
                category, link = getattr(action, "category", category), record_action(action, link)
        link = advance_watermarks(events[number], link)
    assert (created, category) == (1, "done")


def test_a_late_webhook_of_the_second_that_was_read_undoes_nothing():
    read = replace(logged(0, status="triggered"), read_at=NOON + timedelta(seconds=30))
    link = advance_watermarks(read, LINKED)
    late = on_pagerduty(IncidentAcknowledged, 0.25, status="acknowledged")
    assert decide(late, link, Policy()).reason is Reason.STALE
    early = advance_watermarks(replace(read, read_at=NOON + timedelta(seconds=0.2)), LINKED)
    [action] = decide(late, early, Policy()).actions
    assert action == TransitionIssue("indeterminate", "new"), "that read had not seen it"
