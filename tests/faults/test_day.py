"""A day in the life: sixty actions of people, crossing in flight, delivered in any order; both sides end equal."""

import random

import pytest

from jpi.domain.model import CATEGORY_BY_STATUS
from jpi.domain.policy import Policy
from jpi.domain.templates import to_summary
from jpi.jira.adf import to_adf_document

SEEDS = range(50)
# `make test` plays every so many of the fifty interleavings.
SAMPLE = 17
EVENT_COUNT = 60


class Day:
    """One play: the actions are the same for every seed, the times of their deliveries are not."""

    def __init__(self, run, seed):
        self.run, self.world, self.chance = run, run.world, random.Random(seed)
        self.story = random.Random(20261120)
        self.incidents = []

    def play_story(self):
        number = happened = 0
        while happened < EVENT_COUNT:
            before = self.list_traces()
            self.perform_next_act(number)
            # An act without effect does not count, such as acknowledging a resolved incident.
            happened, number = happened + (self.list_traces() != before), number + 1
            self.world.clock.advance(self.story.choice([0.2, 3, 20]))
            self.deliver_some()
        self.run.run_until_idle()
        for _ in range(4):
            self.run.run_poll()

    def perform_next_act(self, number):
        """Perform the next act of the story."""
        world = self.world
        if number in (0, 9, 22, 37):
            self.incidents.append(self.run.trigger_incident(f"Trouble {number}", "P1"))
            self.run.run_until_idle()
            return
        incident = self.story.choice(self.incidents)
        issue, act = world.find_issue(incident), self.story.choice(ACTS)
        act(self, incident, issue, number)

    def list_traces(self):
        """Return what changes whenever anything happens."""
        return [(incident.title, len(incident.log), self.world.find_issue(incident).updated)
                for incident in self.incidents]

    def deliver_some(self):
        """Deliver some webhooks in any order; poll now and then."""
        for outbox in (self.world.pagerduty.outbox, self.world.jira.outbox):
            self.chance.shuffle(outbox.pending)
            arriving = self.chance.randint(0, len(outbox.pending))
            late, outbox.pending = outbox.pending[arriving:], outbox.pending[:arriving]
            outbox.deliver_due()
            outbox.pending += late
        while self.world.event_source and self.run.invoke_as_lambda(self.world.apply_batch):
            pass
        if self.chance.random() < 0.15:
            self.run.run_poll()

    def edit_issue(self, issue, **fields):
        self.world.jim.request("PUT", f"/rest/api/3/issue/{issue.key}", {"fields": fields})

    def find_differences(self):
        """Return what differs, by incident."""
        return {incident.title: differences for incident in self.incidents
                if (differences := self._find_differences(incident, self.world.find_issue(incident)))}

    def _find_differences(self, incident, issue):
        world = self.world
        jira_assignee = next((key for key, user in world.jira.users.items()
                              if user.email == incident.assignees[0].email), None)
        pairs = {
            "status": (CATEGORY_BY_STATUS[incident.status], world.get_category(issue)),
            "title": (to_summary(incident.title), issue.summary),
            "priority": (Policy().to_jira_priority(incident.priority.name), issue.priority),
            # Who acknowledges over PagerDuty's API becomes the assignee there, and only there.
            "assignee": (jira_assignee if jira_assignee != world.bot_id else issue.assignee, issue.assignee),
            "timeline": (len(incident.log), len(world.list_linked_summaries(issue, "Timeline"))),
            "notes": (sorted(note.content for note in incident.notes if not note.content.startswith("[Jira]")),
                      sorted(comment.text.partition("\n")[2] for comment in issue.comments
                             if " on PagerDuty, " in comment.text)),
            "comments": (sorted(comment.text for comment in issue.comments if comment.author == world.jim_id),
                         sorted(note.content.partition(": ")[2].rpartition("\n")[0] for note in incident.notes
                                if note.content.startswith("[Jira]"))),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def resolve_incident(day, incident, issue, number):
    if incident.status != "resolved":
        day.world.pagerduty.resolve_incident(incident, day.world.rita)


def acknowledge_incident(day, incident, issue, number):
    if incident.status == "triggered":
        day.world.pagerduty.acknowledge_incident(incident, day.world.rita)


def reopen_incident(day, incident, issue, number):
    if incident.status == "resolved":
        day.world.pagerduty.reopen_incident(incident, day.world.rita)


def finish_issue(day, incident, issue, number):
    if day.world.get_category(issue) != "done":
        day.world.move_issue(issue, "done")


def start_issue(day, incident, issue, number):
    if day.world.get_category(issue) != "indeterminate":
        day.world.move_issue(issue, "indeterminate")


def add_comment(day, incident, issue, number):
    day.world.jim.request("POST",
                          f"/rest/api/3/issue/{issue.key}/comment", {"body": to_adf_document(f"Remark {number}")})


ACTS = [
    resolve_incident,
    acknowledge_incident,
    reopen_incident,
    finish_issue,
    start_issue,
    add_comment,
    lambda day, incident, issue, number: day.world.pagerduty.add_note(incident, f"Note {number}", day.world.rita),
    lambda day, incident, issue, number: day.world.pagerduty.set_title(incident, f"Retitled {number}"),
    lambda day, incident, issue, number: day.world.pagerduty.set_priority(
        incident, f"P{1 + number % 5}", day.world.rita
    ),
    lambda day, incident, issue, number: (
        incident.status != "resolved"
        and day.world.pagerduty.reassign_incident(
            incident, [(day.world.rita, day.world.oscar)[number % 2]], day.world.rita
        )
    ),
    lambda day, incident, issue, number: day.edit_issue(issue, summary=f"Summed up {number}"),
    lambda day, incident, issue, number: day.edit_issue(
        issue, priority={"name": ("Highest", "High", "Low")[number % 3]}
    ),
    lambda day, incident, issue, number: day.edit_issue(
        issue, assignee={"accountId": (day.world.rita_id, day.world.oscar_id)[number % 2]}
    ),
]


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "in process"])
def test_a_day_ends_the_same_however_it_is_heard_of(arena, queued, exhaustive, survived, record_property):
    failures = {}
    seeds = SEEDS if exhaustive else SEEDS[int(not queued) :: SAMPLE]
    record_property("seeds", list(seeds))
    for seed in seeds:
        day = Day(arena(queued).start_run(), seed)
        day.play_story()
        if differences := day.find_differences():
            failures[f"seed {seed}"] = differences
    survived(len(seeds), failures)
