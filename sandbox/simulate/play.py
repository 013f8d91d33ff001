"""Plays a history in a world of this process, and says what does not hold at its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jpi import settings, wiring
from sandbox.call_interception import Crash
from sandbox.fault_injector import DEATHS, FAULTS, FaultInjector, FaultPlan, InjectedFault, plan_fault_at
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.seed import JIRA_BOT_TOKEN, PAGERDUTY_KEY
from sandbox.simulate.acts import INCIDENT_ACTS, ISSUE_ACTS, create_issue_as_jim, trigger_incident
from sandbox.simulate.end_check import (
    Expectations,
    find_failures,
    list_issues,
    view_fields,
    was_issue_deleted,
)
from sandbox.simulate.history import History, Step
from sandbox.simulate.quick_transport import post_to_jpi, use_quick_transport
from sandbox.webhook_outbox import Delivery, Outbox
from sandbox.world import World
from sandbox.world_run import NeverIdleError, WorldRun

# Longer than every pause of jpi's, and than every lease.
QUIET_SECONDS = 2 * 3600.0
SETTLING_PAUSES_SECONDS = (1, 4, 15)
KINDS = (*FAULTS, *DEATHS)


@dataclass(frozen=True)
class Outcome:
    """What came of a history: what failed, the trace of all calls, and how much time went by."""

    failures: tuple[str, ...]
    trace: tuple[str, ...]
    simulated_seconds: float

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of the failures."""
        return frozenset(failure.partition(":")[0] for failure in self.failures)


class Play(WorldRun):
    """One play of a history."""

    def __init__(self, world: World, injector: FaultInjector, history: History) -> None:
        self.history = history
        self._injector = injector
        self._plans: list[FaultPlan] = []
        self._crossings: dict[int, Step] = {}
        self._text_number = 0
        self.is_skewed = True
        self._is_disturbed = False
        self.trace: list[str] = []
        self.expectations = Expectations()
        self.changed_texts = self.expectations.changed_texts
        self.next_poll_at = world.clock() + history.knobs.poll_interval
        injector.reset_plan(self._choose_fault)
        super().__init__(world)
        self._steps: Mapping[str, Callable[[Step], object]] = {
            "create_issue": lambda step: create_issue_as_jim(self, step.which, step.choice),
            "cross": self._plan_crossing,
            "trigger": lambda step: trigger_incident(self, step.which, step.choice),
            "wait": lambda step: world.clock.advance(step.which / 10),
            "deliver": self._deliver, "settle": lambda step: self._settle(), "poll": lambda step: self.poll(),
            "work": lambda step: self.invoke_as_lambda(world.apply_batch),
            "break": self._plan_fault, "restart": lambda step: self.restart_jpi(),
            "kill_token": lambda step: self._set_tokens(step.which % 2, "another"),
            "renew_tokens": lambda step: self._renew_tokens()}

    def restart_jpi(self) -> None:
        """Start a new process."""
        outside = self.world.host.make_outside(self._read_jpi_clock, self.world.clock.advance)
        self.jpi = wiring.build_app(settings.load(self.world.environ), outside)
        if self.history.knobs.is_quick and outside.http_adapter:
            use_quick_transport(self.jpi, outside.http_adapter)

    def post_delivery(self, delivery: Delivery, timeout: float = 0.0) -> int:
        """Post a delivery as the sender does, but in this thread; return 0 if the process dies."""
        try:
            return post_to_jpi(delivery)
        except Crash:
            self.restart_jpi()
            return 0

    def _read_jpi_clock(self) -> float:
        return self.world.clock() + (self.history.knobs.clock_skew if self.is_skewed else 0)

    def list_incidents(self) -> list[Incident]:
        """Return the incidents, oldest first."""
        return list(self.world.pagerduty.incidents.values())

    def find_issue(self, incident: Incident) -> Issue | None:
        """Return the incident's issue that people can see."""
        return next(iter(list_issues(self.world, incident)), None)

    def make_text(self, kind: str) -> str:
        """Return a text that nobody has used before."""
        self._text_number += 1
        return f"{kind} {self._text_number}"

    def run(self) -> Outcome:
        """Play all steps, then let it be quiet; return what came of it."""
        started_at = self.world.clock()
        try:
            for step in self.history.steps:
                self._perform(step)
                self._poll_if_due()
            failures = self._find_failures_in_the_end()
        except NeverIdleError:
            failures = ["never idle: something is still in flight after hours"]
        return Outcome(tuple(failures), tuple(self.trace), self.world.clock() - started_at)

    def _perform(self, step: Step) -> None:
        self.trace.append(f"{self.world.clock():.3f} {step}")
        if step.act in self._steps:
            self._steps[step.act](step)
            return
        incidents = self.list_incidents()
        incident = incidents[step.which % len(incidents)] if incidents else None
        issue = self.find_issue(incident) if incident else None
        if incident is None or (step.act in ISSUE_ACTS and issue is None):
            return
        before, is_busy = view_fields(self.world, incident, issue), self.is_busy()
        if step.act in INCIDENT_ACTS:
            INCIDENT_ACTS[step.act](self, incident, step.choice)
        elif issue:
            ISSUE_ACTS[step.act](self, issue, step.choice)
        self.expectations.note_changes(incident, before, view_fields(self.world, incident, issue),
                                       self._is_disturbed or is_busy)
        # No two people act in the same instant.
        self.world.clock.advance(0.01)

    def _plan_crossing(self, step: Step) -> None:
        self._crossings[len(self._injector.calls) + step.which % 25] = step

    def _run_other_worker(self, step: Step) -> None:
        """Let another process work, from its beginning to its end, while the one that runs now is held up."""
        self.trace.append(f"{self.world.clock():.3f} another worker, {step}")
        held_up = self.jpi
        self.restart_jpi()
        pending = [*self.world.pagerduty.outbox.pending, *self.world.jira.outbox.pending]
        if step.choice % 3 == 0 and pending:
            # The sender sends it once more later.
            self.post_delivery(pending[step.choice // 3 % len(pending)])
        elif step.choice % 3 == 1:
            self.invoke_as_lambda(self.world.apply_batch)
        else:
            self.poll()
        self.trace.append("the other worker is done")
        self.jpi = held_up

    def _choose_fault(self, number: int, name: str) -> InjectedFault | None:
        if crossing := self._crossings.pop(number, None):
            self._is_disturbed = True
            self._run_other_worker(crossing)
        faults = [fault for plan in self._plans if (fault := plan(number, name))]
        self.trace.append(f"{self.world.clock():.3f} {name}{f' {faults[0].name}' if faults else ''}")
        self._is_disturbed |= bool(faults)
        return faults[0] if faults else None

    def _plan_fault(self, step: Step) -> None:
        fault = KINDS[step.choice % len(KINDS)]
        self._plans.append(plan_fault_at(len(self._injector.calls) + step.which % 25, fault))

    def _deliver(self, step: Step) -> None:
        outboxes = (self.world.pagerduty.outbox, self.world.jira.outbox)
        pending = [(outbox, delivery) for outbox in outboxes for delivery in outbox.pending]
        if not pending:
            return
        outbox, delivery = pending[step.which % len(pending)]
        fate = step.choice % 10
        if fate == 0:
            outbox.pending.remove(delivery)
        else:
            self._attempt_delivery(outbox, delivery, is_doubled=fate == 1)

    def _attempt_delivery(self, outbox: Outbox, delivery: Delivery, is_doubled: bool) -> None:
        """Try this delivery now, whatever else is waiting; a doubled one comes again later."""
        others = [other for other in outbox.pending if other is not delivery]
        delivery.due_at, outbox.pending = self.world.clock(), [delivery]
        outbox.deliver_due()
        outbox.pending = [*others, *([delivery] if is_doubled else outbox.pending)]

    def _settle(self) -> None:
        for pause in SETTLING_PAUSES_SECONDS:
            while self.deliver_due():
                pass
            if not self.is_busy():
                self._is_disturbed = False
                return
            self.world.clock.advance(pause)

    def _poll_if_due(self) -> None:
        if self.world.clock() >= self.next_poll_at:
            self.poll()
            self.next_poll_at = self.world.clock() + self.history.knobs.poll_interval

    def _set_tokens(self, side: int, suffix: str) -> None:
        if side:
            self.world.jira.users[self.world.bot_id].token = JIRA_BOT_TOKEN + suffix
        else:
            self.world.pagerduty.account_key = PAGERDUTY_KEY + suffix

    def _renew_tokens(self) -> None:
        self._set_tokens(0, "")
        self._set_tokens(1, "")

    def _find_failures_in_the_end(self) -> list[str]:
        self.trace.append("quiet")
        self._plans.clear()
        self._crossings.clear()
        self.world.jira.hidden_keys.clear()
        self.world.pagerduty.hidden_incident_ids.clear()
        self._renew_tokens()
        self.run_until_idle()
        self.is_skewed = False
        self.world.clock.advance(QUIET_SECONDS)
        # A link that had ended resumes by one poll, and what it missed is carried over by the next.
        has_ended = any(step.act in ("hide_issue", "hide_incident") for step in self.history.steps)
        for _ in range(4 if has_ended else 2):
            self.run_poll()
            self.world.clock.advance(90)
        if self.history.knobs.clock_skew:
            # While jpi's clock was wrong, an older change may have won.
            self.expectations.candidates.clear()
        failures = find_failures(self.world, self.expectations, self.history.knobs.has_parts)
        self.world.forget_calls()
        self.run_poll()
        writes = [f"{call.method} {call.path}" for call in self.world.list_jpi_calls() if call.is_write]
        return [*failures, *([f"written again: {writes}"] if writes else []), *self._find_ended_links()]

    def _find_ended_links(self) -> list[str]:
        incident_ids = [incident.id for incident in self.list_incidents()
                        if not was_issue_deleted(self.world, incident)]
        links = self.jpi.links.get_all(incident_ids)
        return [f"link ended: {link.issue_key}" for link in links.values() if link.ended]
