"""A day in the life: sixty things that people do, edits crossing in flight, told in any order: both sides end equal."""

import random

import pytest

from jpi.domain.policy import Policy
from jpi.domain.text_limits import document, summary

SEEDS = range(50)
# Of the fifty interleavings, those that `make test` plays.
SAMPLE = 17
CATEGORY = {"triggered": "new", "acknowledged": "indeterminate", "resolved": "done"}
EVENTS = 60


class Day:
    """One play: what happens is the same for every seed but for when it is heard of."""

    def __init__(self, run, seed):
        self.run, self.world, self.chance = run, run.world, random.Random(seed)
        self.story = random.Random(20261120)
        self.incidents = []

    def play(self):
        number = happened = 0
        while happened < EVENTS:
            before = self.traces()
            self.happens(number)
            # What is resolved cannot be acknowledged: that does not count.
            happened, number = happened + (self.traces() != before), number + 1
            self.world.clock.advance(self.story.choice([0.2, 3, 20]))
            self.heard()
        self.run.settle()
        for _ in range(4):
            self.run.poll()

    def happens(self, number):
        """The next thing of the story."""
        world = self.world
        if number in (0, 9, 22, 37):
            self.incidents.append(self.run.trigger(f"Trouble {number}", "P1"))
            self.run.settle()
            return
        one = self.story.choice(self.incidents)
        issue, act = world.issue_of(one), self.story.choice(ACTS)
        act(self, one, issue, number)

    def traces(self):
        """What changes where anything happens."""
        return [(one.title, len(one.log), self.world.issue_of(one).updated) for one in self.incidents]

    def heard(self):
        """Some of what was told arrives, in any order; now and then it is the schedule's turn."""
        for outbox in (self.world.pagerduty.outbox, self.world.jira.outbox):
            self.chance.shuffle(outbox.waiting)
            arriving = self.chance.randint(0, len(outbox.waiting))
            late, outbox.waiting = outbox.waiting[arriving:], outbox.waiting[:arriving]
            outbox.pump()
            outbox.waiting += late
        while self.world.events and self.run.invoke(self.world.work):
            pass
        if self.chance.random() < 0.15:
            self.run.poll()

    def edit(self, issue, **fields):
        self.world.jim("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})

    def wrong(self):
        """What is not equal, by incident."""
        return {one.title: said for one in self.incidents if (said := self._wrong(one, self.world.issue_of(one)))}

    def _wrong(self, one, issue):
        world = self.world
        theirs = next((key for key, user in world.jira.users.items() if user.email == one.assignees[0].email), None)
        pairs = {
            "status": (CATEGORY[one.status], world.category(issue)),
            "title": (summary(one.title), issue.summary),
            "priority": (Policy().on_jira(one.priority.name), issue.priority),
            # Who acknowledges through the API becomes the assignee there, and only there.
            "assignee": (theirs if theirs != world.bot_id else issue.assignee, issue.assignee),
            "timeline": (len(one.log), len(world.linked(issue, "Timeline"))),
            "notes": (sorted(note.content for note in one.notes if not note.content.startswith("[Jira]")),
                      sorted(one.text.partition("\n")[2] for one in issue.comments if " on PagerDuty, " in one.text)),
            "comments": (sorted(said.text for said in issue.comments if said.author == world.jim_id),
                         sorted(note.content.partition(": ")[2].rpartition("\n")[0] for note in one.notes
                                if note.content.startswith("[Jira]"))),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def resolve(day, one, issue, number):
    if one.status != "resolved":
        day.world.pagerduty.resolve(one, day.world.rita)


def acknowledge(day, one, issue, number):
    if one.status == "triggered":
        day.world.pagerduty.acknowledge(one, day.world.rita)


def reopen(day, one, issue, number):
    if one.status == "resolved":
        day.world.pagerduty.reopen(one, day.world.rita)


def finish(day, one, issue, number):
    if day.world.category(issue) != "done":
        day.world.move(issue, "done")


def start(day, one, issue, number):
    if day.world.category(issue) != "indeterminate":
        day.world.move(issue, "indeterminate")


def say(day, one, issue, number):
    day.world.jim("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": document(f"Remark {number}")})


ACTS = [
    resolve, acknowledge, reopen, finish, start, say,
    lambda day, one, issue, number: day.world.pagerduty.annotate(one, f"Note {number}", day.world.rita),
    lambda day, one, issue, number: day.world.pagerduty.retitle(one, f"Retitled {number}"),
    lambda day, one, issue, number: day.world.pagerduty.set_priority(one, f"P{1 + number % 5}", day.world.rita),
    lambda day, one, issue, number: one.status != "resolved" and day.world.pagerduty.reassign(
        one, [(day.world.rita, day.world.oscar)[number % 2]], day.world.rita),
    lambda day, one, issue, number: day.edit(issue, summary=f"Summed up {number}"),
    lambda day, one, issue, number: day.edit(issue, priority={"name": ("Highest", "High", "Low")[number % 3]}),
    lambda day, one, issue, number: day.edit(issue, assignee={
        "accountId": (day.world.rita_id, day.world.oscar_id)[number % 2]}),
]


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_a_day_ends_the_same_however_it_is_heard_of(arena, queued, exhaustive, survived, record_property):
    failures = {}
    seeds = SEEDS if exhaustive else SEEDS[int(not queued) :: SAMPLE]
    record_property("seeds", list(seeds))
    for seed in seeds:
        day = Day(arena(queued).start(), seed)
        day.play()
        if wrong := day.wrong():
            failures[f"seed {seed}"] = wrong
    survived(len(seeds), failures)
