"""The scenario that everything may go wrong in, and what both services show in the end."""

import re
from collections import Counter

from jpi.app import app
from jpi.handlers import log_entries
from jpi.jira.adf import to_adf_document
from sandbox.aws.event_source import LambdaContext
from tests.fakes.faults import Crash

PROJECTS = ("INCIDENT", "QUESTION", "TIMELINE", "PERSON")
# How far the clock is moved when nothing is due: at first a little, then ever more.
TIME_PATTERN, URL_PATTERN = re.compile(r" PagerDuty, .* UTC"), re.compile(r"http\S+")
PAUSES_SECONDS = (2, 5, 10, 20, 40, 60, *[120] * 60)


class NeverIdleError(AssertionError):
    """Something is still on its way after hours."""


class ScenarioRun:
    """One play of the scenario in a world: its own incidents, and the issues made meanwhile."""

    def __init__(self, world):
        self.world = world
        for outbox in (world.pagerduty.outbox, world.jira.outbox):
            outbox.post = self.post_delivery
        world.clock.advance(60)
        self._before = set(world.jira.issues)
        world.jpi = world.start_jpi()
        self.incidents = []

    def post_delivery(self, delivery, timeout=0.0):
        """As the sender does it, but in this thread: 0 where the process dies."""
        path = delivery.url.removeprefix(self.world.app_url)
        try:
            return app.test_client().post(path, data=delivery.body, headers=delivery.headers).status_code
        except Crash:
            self.restart_jpi()
            return 0

    def restart_jpi(self):
        """A new process."""
        self.world.jpi = self.world.start_jpi()

    def invoke_as_lambda(self, function):
        """As Lambda does it: what it raises is logged and forgotten; whoever dies is started again."""
        try:
            return function()
        except Crash:
            self.restart_jpi()
        except Exception:
            pass
        return 0

    def deliver_due(self):
        """Deliver what is due, have messages applied."""
        world = self.world
        return (world.pagerduty.outbox.deliver_due() + world.jira.outbox.deliver_due() + self.invoke_as_lambda(
            world.apply_batch))

    def is_busy(self):
        """Whether anything is still on its way."""
        world = self.world
        queued = world.event_source.count_waiting() if world.event_source else 0
        return bool(world.pagerduty.outbox.pending or world.jira.outbox.pending or queued)

    def run_until_idle(self):
        """Until nothing is on its way any more."""
        for pause in PAUSES_SECONDS:
            while self.deliver_due():
                pass
            if not self.is_busy():
                return
            self.world.clock.advance(pause)
        raise NeverIdleError

    def poll(self):
        """The schedule's turn, and all that follows from it."""
        self.invoke_as_lambda(lambda: log_entries.handler({}, LambdaContext(self.world.clock, 300.0)))
        self.run_until_idle()
        self.world.clock.advance(60)

    def poll_at_every_step(self):
        """From now on, the schedule's turn comes whenever everything is quiet."""
        settle = self.run_until_idle

        def settle_and_poll():
            settle()
            self.invoke_as_lambda(lambda: log_entries.handler({}, LambdaContext(self.world.clock, 300.0)))
            settle()

        self.run_until_idle = settle_and_poll

    def trigger(self, title, priority):
        world = self.world
        incident = world.pagerduty.trigger_incident(world.service, title, world.rita, priority, "Nobody can pay.")
        self.incidents.append(incident)
        return incident

    def read_state(self):
        """Everything people see of it, by title; and how many issues were made."""
        made = [self.world.jira.issues[key] for key in self.world.jira.issues.keys() - self._before]
        shown = {one.title: self.read_incident_state(one) for one in self.incidents}
        return {**shown, "made": Counter(issue.project for issue in made if not issue.deleted)}

    def read_incident_state(self, incident):
        world = self.world
        mine = [one for one in world.list_issues() if f"pagerduty-{incident.id}" in one.labels]
        log = Counter((entry.type, entry.agent["summary"]) for entry in incident.log)
        issues = [(issue.summary, issue.priority, issue.status, issue.description_text.replace(incident.id, ""),
                   sorted(TIME_PATTERN.sub("", comment.text) for comment in issue.comments),
                   issue.get_custom_value("Severity"), {kind: world.list_linked_summaries(issue, kind)
                                                        for kind in ("Question", "Stakeholder", "Incident Manager",
                                                                     "Timeline")}) for issue in mine]
        notes = sorted(URL_PATTERN.sub("", note.content) for note in incident.notes)
        return incident.status, incident.priority.name, log, issues, notes


def play_scenario(run):
    """P1 triggered, acknowledged; another raised to P1; timeline, note; one resolved, the other's issue done."""
    world, pagerduty, rita = run.world, run.world.pagerduty, run.world.rita
    down = run.trigger("Checkout is down", "P1")
    run.run_until_idle()
    pagerduty.acknowledge_incident(down, rita)
    run.run_until_idle()
    slow = run.trigger("Search is slow", "P3")
    pagerduty.set_priority(slow, "P1", rita)
    run.run_until_idle()
    run.poll()
    pagerduty.add_note(down, "A deployment was rolled back.", rita)
    run.poll()
    comment_as_jim(world, slow)
    run.run_until_idle()
    pagerduty.resolve_incident(down, rita)
    world.move_issue(world.find_issue(slow), "done")
    run.run_until_idle()
    # Whoever died at work is waited for longer than a minute.
    for _ in range(3):
        run.poll()
    return run.read_state()


def play_despite_faults(run):
    """What both services show in the end, or why there is no end."""
    try:
        return play_scenario(run)
    except (NeverIdleError, AttributeError) as error:
        # AttributeError: where there is no issue, nobody can move it.
        return {"made": repr(error)}


def comment_as_jim(world, incident):
    """Jim comments on the incident's issue."""
    path = f"/rest/api/3/issue/{world.find_issue(incident).key}/comment"
    world.jim.request("POST", path, {"body": to_adf_document("The index was rebuilt.")})


def play_and_check(run):
    """What the scenario leads to when nothing goes wrong; also that it leads somewhere at all."""
    state = play_scenario(run)
    ends = {title: (shown[0], len(shown[3]), shown[3][0][2]) for title, shown in state.items() if title != "made"}
    assert ends == {"Checkout is down": ("resolved", 1, "Done"), "Search is slow": ("resolved", 1, "Done")}
    talk = {title: (len(shown[3][0][4]), len(shown[4])) for title, shown in state.items() if title != "made"}
    assert talk == {"Checkout is down": (1, 1), "Search is slow": (1, 1)}
    assert state["made"] == {"INCIDENT": 2, "QUESTION": 6, "TIMELINE": sum(len(one.log) for one in run.incidents)}
    return state


def find_differences(found, expected):
    """The parts that differ, to be read."""
    return {name: (found.get(name), expected[name]) for name in expected if found.get(name) != expected[name]}
