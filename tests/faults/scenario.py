"""The scenario that everything may go wrong in, and what both services show in the end."""

import re
from collections import Counter

from jpi.app import app
from jpi.domain.text_limits import document
from jpi.handlers import log_entries
from sandbox.aws.functions import Context
from tests.fakes.faults import Crash

PROJECTS = ("INCIDENT", "QUESTION", "TIMELINE", "PERSON")
# How far the clock is moved when nothing is due: at first a little, then ever more.
MOMENT, ADDRESS = re.compile(r" PagerDuty, .* UTC"), re.compile(r"http\S+")
PAUSES = (2, 5, 10, 20, 40, 60, *[120] * 60)


class Stuck(AssertionError):
    """Something is still on its way after hours."""


class Run:
    """One play of the scenario in a world: its own incidents, and the issues made meanwhile."""

    def __init__(self, world):
        self.world = world
        for outbox in (world.pagerduty.outbox, world.jira.outbox):
            outbox.post = self.post
        world.clock.advance(60)
        self._before = set(world.jira.issues)
        world.jpi = world.start_jpi()
        self.incidents = []

    def post(self, delivery, timeout=0.0):
        """As the sender does it, but in this thread: 0 where the process dies."""
        path = delivery.url.removeprefix(self.world.app_url)
        try:
            return app.test_client().post(path, data=delivery.body, headers=delivery.headers).status_code
        except Crash:
            self.restart()
            return 0

    def restart(self):
        """A new process."""
        self.world.jpi = self.world.start_jpi()

    def invoke(self, function):
        """As Lambda does it: what it raises is logged and forgotten; whoever dies is started again."""
        try:
            return function()
        except Crash:
            self.restart()
        except Exception:
            pass
        return 0

    def pump(self):
        """Deliver what is due, have messages applied."""
        world = self.world
        return world.pagerduty.outbox.pump() + world.jira.outbox.pump() + self.invoke(world.work)

    def waiting(self):
        """Whether anything is still on its way."""
        world = self.world
        queued = world.events.waiting() if world.events else 0
        return bool(world.pagerduty.outbox.waiting or world.jira.outbox.waiting or queued)

    def settle(self):
        """Until nothing is on its way any more."""
        for pause in PAUSES:
            while self.pump():
                pass
            if not self.waiting():
                return
            self.world.clock.advance(pause)
        raise Stuck

    def poll(self):
        """The schedule's turn, and all that follows from it."""
        self.invoke(lambda: log_entries.handler({}, Context(self.world.clock, 300.0)))
        self.settle()
        self.world.clock.advance(60)

    def poll_at_every_step(self):
        """From now on, the schedule's turn comes whenever everything is quiet."""
        settle = self.settle

        def settle_and_poll():
            settle()
            self.invoke(lambda: log_entries.handler({}, Context(self.world.clock, 300.0)))
            settle()

        self.settle = settle_and_poll

    def trigger(self, title, priority):
        world = self.world
        incident = world.pagerduty.trigger(world.service, title, world.rita, priority, "Nobody can pay.")
        self.incidents.append(incident)
        return incident

    def state(self):
        """Everything people see of it, by title; and how many issues were made."""
        made = [self.world.jira.issues[key] for key in self.world.jira.issues.keys() - self._before]
        shown = {one.title: self.show(one) for one in self.incidents}
        return {**shown, "made": Counter(issue.project for issue in made if not issue.deleted)}

    def show(self, incident):
        world = self.world
        mine = [one for one in world.issues() if f"pagerduty-{incident.id}" in one.labels]
        log = Counter((entry.type, entry.agent["summary"]) for entry in incident.log)
        issues = [(issue.summary, issue.priority, issue.status, issue.description_text.replace(incident.id, ""),
                   sorted(MOMENT.sub("", comment.text) for comment in issue.comments), issue.field("Severity"),
                   {kind: world.linked(issue, kind) for kind in (
                       "Question", "Stakeholder", "Incident Manager", "Timeline")}) for issue in mine]
        notes = sorted(ADDRESS.sub("", note.content) for note in incident.notes)
        return incident.status, incident.priority.name, log, issues, notes


def play(run):
    """P1 triggered, acknowledged; another raised to P1; timeline, note; one resolved, the other's issue done."""
    world, pagerduty, rita = run.world, run.world.pagerduty, run.world.rita
    down = run.trigger("Checkout is down", "P1")
    run.settle()
    pagerduty.acknowledge(down, rita)
    run.settle()
    slow = run.trigger("Search is slow", "P3")
    pagerduty.set_priority(slow, "P1", rita)
    run.settle()
    run.poll()
    pagerduty.annotate(down, "A deployment was rolled back.", rita)
    run.poll()
    remark(world, slow)
    run.settle()
    pagerduty.resolve(down, rita)
    world.move(world.issue_of(slow), "done")
    run.settle()
    # Whoever died at work is waited for longer than a minute.
    for _ in range(3):
        run.poll()
    return run.state()


def play_broken(run):
    """What both services show in the end, or why there is no end."""
    try:
        return play(run)
    except (Stuck, AttributeError) as error:
        # AttributeError: where there is no issue, nobody can move it.
        return {"made": repr(error)}


def remark(world, incident):
    """Jim comments on the incident's issue."""
    path = f"/rest/api/3/issue/{world.issue_of(incident).key}/comment"
    world.jim("POST", path, {"body": document("The index was rebuilt.")})


def wanted(run):
    """What the scenario leads to when nothing goes wrong; also that it leads somewhere at all."""
    state = play(run)
    ends = {title: (shown[0], len(shown[3]), shown[3][0][2]) for title, shown in state.items() if title != "made"}
    assert ends == {"Checkout is down": ("resolved", 1, "Done"), "Search is slow": ("resolved", 1, "Done")}
    talk = {title: (len(shown[3][0][4]), len(shown[4])) for title, shown in state.items() if title != "made"}
    assert talk == {"Checkout is down": (1, 1), "Search is slow": (1, 1)}
    assert state["made"] == {"INCIDENT": 2, "QUESTION": 6, "TIMELINE": sum(len(one.log) for one in run.incidents)}
    return state


def difference(found, expected):
    """The parts that differ, to be read."""
    return {name: (found.get(name), expected[name]) for name in expected if found.get(name) != expected[name]}
