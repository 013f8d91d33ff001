"""A day in the life: sixty things that people do, edits crossing in flight, told in any order: both sides end equal."""

import random

import pytest

from jpi.domain.policy import Policy
from jpi.domain.text_limits import to_summary
from jpi.jira.adf import to_adf_document

SEEDS = range(50)
# Of the fifty interleavings, those that `make test` plays.
SAMPLE = 17
CATEGORY_BY_STATUS = {"triggered": "new", "acknowledged": "indeterminate", "resolved": "done"}
EVENT_COUNT = 60


class Day:
    """One play: what happens is the same for every seed but for when it is heard of."""

    def __init__(self, run, seed):
        self.run, self.world, self.chance = run, run.world, random.Random(seed)
        self.story = random.Random(20261120)
        self.incidents = []

    def play(self):
        number = happened = 0
        while happened < EVENT_COUNT:
            before = self.list_traces()
            self.perform_next_act(number)
            # What is resolved cannot be acknowledged: that does not count.
            happened, number = happened + (self.list_traces() != before), number + 1
            self.world.clock.advance(self.story.choice([0.2, 3, 20]))
            self.deliver_some()
        self.run.run_until_idle()
        for _ in range(4):
            self.run.poll()

    def perform_next_act(self, number):
        """The next thing of the story."""
        world = self.world
        if number in (0, 9, 22, 37):
            self.incidents.append(self.run.trigger(f"Trouble {number}", "P1"))
            self.run.run_until_idle()
            return
        one = self.story.choice(self.incidents)
        issue, act = world.find_issue(one), self.story.choice(ACTS)
        act(self, one, issue, number)

    def list_traces(self):
        """What changes where anything happens."""
        return [(one.title, len(one.log), self.world.find_issue(one).updated) for one in self.incidents]

    def deliver_some(self):
        """Some of what was told arrives, in any order; now and then it is the schedule's turn."""
        for outbox in (self.world.pagerduty.outbox, self.world.jira.outbox):
            self.chance.shuffle(outbox.pending)
            arriving = self.chance.randint(0, len(outbox.pending))
            late, outbox.pending = outbox.pending[arriving:], outbox.pending[:arriving]
            outbox.deliver_due()
            outbox.pending += late
        while self.world.event_source and self.run.invoke_as_lambda(self.world.apply_batch):
            pass
        if self.chance.random() < 0.15:
            self.run.poll()

    def edit_issue(self, issue, **fields):
        self.world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})

    def find_differences(self):
        """What is not equal, by incident."""
        return {one.title: said for one in self.incidents
                if (said := self._find_differences(one, self.world.find_issue(one)))}

    def _find_differences(self, one, issue):
        world = self.world
        theirs = next((key for key, user in world.jira.users.items() if user.email == one.assignees[0].email), None)
        pairs = {
            "status": (CATEGORY_BY_STATUS[one.status], world.get_category(issue)),
            "title": (to_summary(one.title), issue.summary),
            "priority": (Policy().to_jira_priority(one.priority.name), issue.priority),
            # Who acknowledges through the API becomes the assignee there, and only there.
            "assignee": (theirs if theirs != world.bot_id else issue.assignee, issue.assignee),
            "timeline": (len(one.log), len(world.list_linked_summaries(issue, "Timeline"))),
            "notes": (sorted(note.content for note in one.notes if not note.content.startswith("[Jira]")),
                      sorted(one.text.partition("\n")[2] for one in issue.comments if " on PagerDuty, " in one.text)),
            "comments": (sorted(said.text for said in issue.comments if said.author == world.jim_id),
                         sorted(note.content.partition(": ")[2].rpartition("\n")[0] for note in one.notes
                                if note.content.startswith("[Jira]"))),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def resolve_incident(day, one, issue, number):
    if one.status != "resolved":
        day.world.pagerduty.resolve_incident(one, day.world.rita)


def acknowledge_incident(day, one, issue, number):
    if one.status == "triggered":
        day.world.pagerduty.acknowledge_incident(one, day.world.rita)


def reopen_incident(day, one, issue, number):
    if one.status == "resolved":
        day.world.pagerduty.reopen_incident(one, day.world.rita)


def finish_issue(day, one, issue, number):
    if day.world.get_category(issue) != "done":
        day.world.move_issue(issue, "done")


def start_issue(day, one, issue, number):
    if day.world.get_category(issue) != "indeterminate":
        day.world.move_issue(issue, "indeterminate")


def add_comment(day, one, issue, number):
    day.world.jim.request("POST",
                          f"/rest/api/3/issue/{issue.key}/comment", {"body": to_adf_document(f"Remark {number}")})


ACTS = [
    resolve_incident, acknowledge_incident, reopen_incident, finish_issue, start_issue, add_comment,
    lambda day, one, issue, number: day.world.pagerduty.add_note(one, f"Note {number}", day.world.rita),
    lambda day, one, issue, number: day.world.pagerduty.set_title(one, f"Retitled {number}"),
    lambda day, one, issue, number: day.world.pagerduty.set_priority(one, f"P{1 + number % 5}", day.world.rita),
    lambda day, one, issue, number: one.status != "resolved" and day.world.pagerduty.reassign_incident(
        one, [(day.world.rita, day.world.oscar)[number % 2]], day.world.rita),
    lambda day, one, issue, number: day.edit_issue(issue, summary=f"Summed up {number}"),
    lambda day, one, issue, number: day.edit_issue(issue, priority={"name": ("Highest", "High", "Low")[number % 3]}),
    lambda day, one, issue, number: day.edit_issue(issue, assignee={
        "accountId": (day.world.rita_id, day.world.oscar_id)[number % 2]}),
]


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_a_day_ends_the_same_however_it_is_heard_of(arena, queued, exhaustive, survived, record_property):
    failures = {}
    seeds = SEEDS if exhaustive else SEEDS[int(not queued) :: SAMPLE]
    record_property("seeds", list(seeds))
    for seed in seeds:
        day = Day(arena(queued).start_run(), seed)
        day.play()
        if wrong := day.find_differences():
            failures[f"seed {seed}"] = wrong
    survived(len(seeds), failures)
