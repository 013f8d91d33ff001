"""The scenario in which everything may fail, and what both services show at its end."""

import re
from collections import Counter

from jpi.app import app
from jpi.handlers import log_entries
from jpi.jira.adf import to_adf_document
from sandbox.aws.event_source import LambdaContext
from tests.fakes.faults import Crash

PROJECTS = ("INCIDENT", "QUESTION", "TIMELINE", "PERSON")
TIME_PATTERN, URL_PATTERN = re.compile(r" PagerDuty, .* UTC"), re.compile(r"http\S+")
# How far the clock advances while nothing is due: at first a little, then more.
PAUSES_SECONDS = (2, 5, 10, 20, 40, 60, *[120] * 60)


class NeverIdleError(AssertionError):
    """Raised when something is still in flight after hours."""


class ScenarioRun:
    """One play of the scenario in a world, with its incidents and issues."""

    def __init__(self, world):
        self.world = world
        for outbox in (world.pagerduty.outbox, world.jira.outbox):
            outbox.post = self.post_delivery
        world.clock.advance(60)
        self._before = set(world.jira.issues)
        world.jpi = world.start_jpi()
        self.incidents = []

    def post_delivery(self, delivery, timeout=0.0):
        """Post a delivery as the sender does, but in this thread; return 0 if the process dies."""
        path = delivery.url.removeprefix(self.world.app_url)
        try:
            return app.test_client().post(path, data=delivery.body, headers=delivery.headers).status_code
        except Crash:
            self.restart_jpi()
            return 0

    def restart_jpi(self):
        """Start a new process."""
        self.world.jpi = self.world.start_jpi()

    def invoke_as_lambda(self, function):
        """Call a function as Lambda does: ignore what it raises, and restart a process that died."""
        try:
            return function()
        except Crash:
            self.restart_jpi()
        except Exception:
            pass
        return 0

    def deliver_due(self):
        """Deliver what is due, and have messages applied."""
        world = self.world
        return (world.pagerduty.outbox.deliver_due() + world.jira.outbox.deliver_due() + self.invoke_as_lambda(
            world.apply_batch))

    def is_busy(self):
        """True if anything is still in flight."""
        world = self.world
        queued = world.event_source.count_waiting() if world.event_source else 0
        return bool(world.pagerduty.outbox.pending or world.jira.outbox.pending or queued)

    def run_until_idle(self):
        """Deliver and apply until nothing is in flight."""
        for pause in PAUSES_SECONDS:
            while self.deliver_due():
                pass
            if not self.is_busy():
                return
            self.world.clock.advance(pause)
        raise NeverIdleError

    def run_poll(self):
        """Poll once as the schedule does, and wait for all that follows."""
        self.invoke_as_lambda(lambda: log_entries.handler({}, LambdaContext(self.world.clock, 300.0)))
        self.run_until_idle()
        self.world.clock.advance(60)

    def poll_at_every_step(self):
        """Poll from now on whenever nothing is in flight."""
        settle = self.run_until_idle

        def settle_and_poll():
            settle()
            self.invoke_as_lambda(lambda: log_entries.handler({}, LambdaContext(self.world.clock, 300.0)))
            settle()

        self.run_until_idle = settle_and_poll

    def trigger_incident(self, title, priority):
        world = self.world
        incident = world.pagerduty.trigger_incident(world.service, title, world.rita, priority, "Nobody can pay.")
        self.incidents.append(incident)
        return incident

    def read_state(self):
        """Return all that people see, by title, and how many issues were created."""
        issues = [self.world.jira.issues[key] for key in self.world.jira.issues.keys() - self._before]
        states = {incident.title: self.read_incident_state(incident) for incident in self.incidents}
        return {**states, "created": Counter(issue.project for issue in issues if not issue.deleted)}

    def read_incident_state(self, incident):
        world = self.world
        incident_issues = [issue for issue in world.list_issues() if f"pagerduty-{incident.id}" in issue.labels]
        log = Counter((entry.type, entry.agent["summary"]) for entry in incident.log)
        issues = [
            (
                issue.summary,
                issue.priority,
                issue.status,
                issue.description_text.replace(incident.id, ""),
                sorted(TIME_PATTERN.sub("", comment.text) for comment in issue.comments),
                issue.get_custom_value("Severity"),
                {
                    kind: world.list_linked_summaries(issue, kind)
                    for kind in ("Question", "Stakeholder", "Incident Manager", "Timeline")
                },
            )
            for issue in incident_issues
        ]
        notes = sorted(URL_PATTERN.sub("", note.content) for note in incident.notes)
        return incident.status, incident.priority.name, log, issues, notes


def play_scenario(run):
    """P1 triggered, acknowledged; another raised to P1; timeline, note; one resolved, the other's issue done."""
    world, pagerduty, rita = run.world, run.world.pagerduty, run.world.rita
    down = run.trigger_incident("Checkout is down", "P1")
    run.run_until_idle()
    pagerduty.acknowledge_incident(down, rita)
    run.run_until_idle()
    slow = run.trigger_incident("Search is slow", "P3")
    pagerduty.set_priority(slow, "P1", rita)
    run.run_until_idle()
    run.run_poll()
    pagerduty.add_note(down, "A deployment was rolled back.", rita)
    run.run_poll()
    comment_as_jim(world, slow)
    run.run_until_idle()
    pagerduty.resolve_incident(down, rita)
    world.move_issue(world.find_issue(slow), "done")
    run.run_until_idle()
    # The lease of a worker that died lasts longer than a minute.
    for _ in range(3):
        run.run_poll()
    return run.read_state()


def play_despite_faults(run):
    """Return what both services show at the end, or why the play has no end."""
    try:
        return play_scenario(run)
    except (NeverIdleError, AttributeError) as error:
        # AttributeError: nobody can move an issue that does not exist.
        return {"created": repr(error)}


def comment_as_jim(world, incident):
    """Comment on the incident's issue as Jim."""
    path = f"/rest/api/3/issue/{world.find_issue(incident).key}/comment"
    world.jim.request("POST", path, {"body": to_adf_document("The index was rebuilt.")})


def play_and_check(run):
    """Play without faults, check that the scenario works at all, and return its end state."""
    state = play_scenario(run)
    for title in ("Checkout is down", "Search is slow"):
        status, _, _, [(_, _, issue_status, _, comments, *_)], notes = state[title]
        assert (status, issue_status, len(comments), len(notes)) == ("resolved", "Done", 1, 1)
    assert len(state) == 3
    timeline_length = sum(len(incident.log) for incident in run.incidents)
    assert state["created"] == {"INCIDENT": 2, "QUESTION": 6, "TIMELINE": timeline_length}
    return state


def find_differences(state, expected):
    """Return the parts that differ, for reading."""
    return {name: (state.get(name), expected[name]) for name in expected if state.get(name) != expected[name]}
