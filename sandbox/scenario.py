"""The stories in which everything may fail, and what both services show at their end."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from jpi import wiring
from jpi.jira.adf import to_adf_document
from sandbox.pagerduty.model import Incident
from sandbox.simulate.quick_transport import use_quick_transport
from sandbox.world import World
from sandbox.world_run import NeverIdleError, WorldRun

TIME_PATTERN, URL_PATTERN = re.compile(r" PagerDuty, .* UTC"), re.compile(r"http\S+")
# What people read of a refusal, also after it is mended: jpi writes a description only once.
REFUSAL_REMARK, NO_DETAILS, DETAILS = "jpi could not move this issue", "PagerDuty gave no details.", "Nobody can pay."
# The poll tries what was refused again after 1, 2 and 4 minutes.
POLLS_AFTER_REFUSAL = 6
# At the end nothing else happens: fewer polls see the same minutes pass.
SEVERITY = "SEV-0"
LATE_POLLS, LATE_POLL_PAUSE_SECONDS = 3, 60
# All that people see, by title, and how many issues were created.
State = dict[str, Any]


class ScenarioRun(WorldRun):
    """One play of the scenario in a world, with its incidents and issues."""

    def __init__(self, world: World) -> None:
        world.clock.advance(60)
        self._is_quick = False
        super().__init__(world)
        self._before = set(world.jira.issues)
        self.incidents: list[Incident] = []

    @property
    def jpi(self) -> wiring.App:
        """Return the process that runs now."""
        return self.world.jpi

    @jpi.setter
    def jpi(self, jpi: wiring.App) -> None:
        self.world.jpi = jpi
        if self._is_quick and (adapter := self.world.make_outside().http_adapter):
            use_quick_transport(jpi, adapter)

    def carry_calls_quickly(self) -> None:
        """Carry jpi's calls to both services without sessions from now on."""
        self._is_quick = True
        self.jpi = self.jpi

    def poll_at_every_step(self) -> None:
        """Poll from now on whenever nothing is in flight."""
        settle = self.run_until_idle

        def settle_and_poll() -> None:
            settle()
            self.poll()
            settle()

        self.run_until_idle = settle_and_poll  # type: ignore[method-assign]

    def poll_until_issue(self, incident: Incident) -> None:
        """Poll, if need be, until the incident has its issue, which was refused before."""
        for _ in range(POLLS_AFTER_REFUSAL):
            if not self.world.find_issue(incident):
                self.run_poll()

    def trigger_incident(self, title: str, priority: str) -> Incident:
        """Trigger an incident that Rita is assigned to."""
        world = self.world
        incident = world.pagerduty.trigger_incident(world.service, title, world.rita, priority, DETAILS)
        self.incidents.append(incident)
        return incident

    def read_state(self) -> State:
        """Return all that people see, by title, and how many issues were created."""
        issues = [self.world.jira.issues[key] for key in self.world.jira.issues.keys() - self._before]
        states = {incident.title: self.read_incident_state(incident) for incident in self.incidents}
        return {**states, "created": Counter(issue.project for issue in issues if not issue.deleted)}

    def read_incident_state(self, incident: Incident) -> tuple[Any, ...]:
        """Return what people see of this incident and its issues."""
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
        return incident.status, incident.priority.name if incident.priority else None, log, issues, notes


def play_scenario(run: ScenarioRun) -> State:
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
    run.poll_until_issue(slow)
    comment_as_jim(world, slow)
    run.run_until_idle()
    pagerduty.resolve_incident(down, rita)
    move_issue(world, slow, "done")
    run.run_until_idle()
    run.run_poll()
    # The lease of a worker that died lasts longer than a minute.
    world.clock.advance(60)
    run.run_poll()
    return run.read_state()


def play_p1(run: ScenarioRun) -> None:
    """P1 triggered with its questions and people, then resolved; the first poll brings its timeline."""
    down = run.trigger_incident("Checkout is down", "P1")
    run.run_until_idle()
    run.world.pagerduty.resolve_incident(down, run.world.rita)
    run.run_until_idle()
    run.run_poll()


def play_despite_faults(run: ScenarioRun, is_refused: Callable[[], bool] = lambda: False) -> State:
    """Return what both services show at the end, or why the play has no end."""
    try:
        state = play_scenario(run)
        if not is_refused():
            return state
        for _ in range(LATE_POLLS):
            run.world.clock.advance(LATE_POLL_PAUSE_SECONDS)
            run.run_poll()
        return forget_refusals(run.read_state())
    except (NeverIdleError, AttributeError) as error:
        # AttributeError: nobody can move an issue that does not exist.
        return {"created": repr(error)}


def forget_refusals(state: State) -> State:
    """Return the state without the remark about a refusal, and with the details that an issue lacks since."""
    return {name: part if name == "created" else (*part[:3], [*map(_forget_refusals_of_issue, part[3])], part[4])
            for name, part in state.items()}


def _forget_refusals_of_issue(issue: tuple[Any, ...]) -> tuple[Any, ...]:
    summary, priority, status, description, comments, severity, links = issue
    # Where Jira does not show its fields, an issue is created without the ones of a rule, which nothing sets later.
    return (summary, priority, status, description.replace(NO_DETAILS, DETAILS),
            [text for text in comments if not text.startswith(REFUSAL_REMARK)], severity or SEVERITY, links)


def comment_as_jim(world: World, incident: Incident) -> None:
    """Comment on the incident's issue as Jim."""
    path = f"/rest/api/3/issue/{get_issue_key(world, incident)}/comment"
    world.jim.request("POST", path, {"body": to_adf_document("The index was rebuilt.")})


def move_issue(world: World, incident: Incident, category: str) -> None:
    """Move the incident's issue as Jim."""
    world.move_issue(world.jira.issues[get_issue_key(world, incident)], category)


def get_issue_key(world: World, incident: Incident) -> str:
    """Return the key of the incident's issue; raise AttributeError if it has none."""
    issue = world.find_issue(incident)
    if issue is None:
        raise AttributeError(f"{incident.title} has no issue")
    return issue.key


def play_and_check(run: ScenarioRun) -> State:
    """Play without faults, check that the scenario works at all, and return its end state."""
    state = play_scenario(run)
    for title in ("Checkout is down", "Search is slow"):
        status, _, _, [(_, _, issue_status, _, comments, *_)], notes = state[title]
        assert (status, issue_status, len(comments), len(notes)) == ("resolved", "Done", 1, 1)
    assert len(state) == 3
    timeline_length = sum(len(incident.log) for incident in run.incidents)
    assert state["created"] == {"INCIDENT": 2, "QUESTION": 6, "TIMELINE": timeline_length}
    return state


def find_differences(state: State, expected: State) -> State:
    """Return the parts that differ, for reading."""
    return {name: (state.get(name), expected[name]) for name in expected if state.get(name) != expected[name]}
