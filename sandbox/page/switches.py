"""The switches by which somebody at the sandbox's page breaks things, and what each does to the simulations."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.poll_schedule import PollSchedule
from sandbox.simulated_service import HttpFault, RecordedCall
from sandbox.world import World, is_from_jpi

SLOW_SECONDS = 2.0
# How long jpi is asked to keep away.
RETRY_AFTER_SECONDS = "2"
# With nothing broken, the queue brings a failure again after so long, for nobody watches for a quarter of an hour.
RETRY_SECONDS = 2
UNAVAILABLE_BODIES = {"jira": '{"errorMessages": ["Jira is temporarily unavailable."], "errors": {}}',
                      "pagerduty": '{"error": {"message": "PagerDuty is temporarily unavailable.", "code": 5000}}'}


@dataclass(frozen=True)
class Switch:
    """`on` and `off` say what turning it does; `mends`: jpi has something to catch up with when it is off again."""

    name: str
    title: str
    on: str
    off: str
    leaves_backlog: bool = True


SWITCHES = {one.name: one for one in (
    Switch("jira-down", "Jira down", "Jira answers every call with 503, jpi's and Jim's.", "Jira is up again."),
    Switch("pagerduty-down", "PagerDuty down", "PagerDuty answers every call with 503, jpi's and Rita's.",
           "PagerDuty is up again."),
    Switch("slow", "Slow", f"Both services take {SLOW_SECONDS:.0f} seconds over each call.", "Both are quick again."),
    Switch("limited", "Rate limit", "Both services refuse each of jpi's calls: 429, too many.",
           "Both services take jpi's calls again."),
    Switch("answers-lost", "Answers lost", "What jpi writes is done, but the answer gets lost on the way back.",
           "Answers arrive again."),
    Switch("webhooks-lost", "Webhooks lost", "Webhooks of both services get lost: only the poll tells jpi now.",
           "Webhooks arrive again. The poll makes good those that were lost.", leaves_backlog=False),
)}
HURRY_TEXT = " The sandbox has the queue and the poll bring at once what had to wait."


class SwitchBoard:
    """Which of them are on."""

    def __init__(self, world: World, schedule: PollSchedule) -> None:
        self._world = world
        self._schedule = schedule
        self.active_names: set[str] = set()
        self._apply()

    def toggle(self, name: str) -> str:
        """The other way; what that does."""
        switch = SWITCHES[name]
        self.active_names ^= {name}
        self._apply()
        if name in self.active_names:
            return switch.on
        return switch.off + (self._hurry_retries() if switch.leaves_backlog else "")

    def _hurry_retries(self) -> str:
        if self._is_broken():
            return ""
        if self._world.event_source:
            self._world.event_source.return_failed_messages()
        self._schedule.poll_now()
        return HURRY_TEXT

    def _is_broken(self) -> bool:
        return any(SWITCHES[name].leaves_backlog for name in self.active_names)

    def _apply(self) -> None:
        world = self._world
        for server in world.servers:
            server.latency_seconds = SLOW_SECONDS if "slow" in self.active_names else 0.0
            server.choose_fault = self._make_fault(server.name)
            server.state.outbox.is_losing = "webhooks-lost" in self.active_names
        if world.event_source:
            world.event_source.retry_seconds = None if self._is_broken() else RETRY_SECONDS

    def _make_fault(self, service: str) -> Callable[[RecordedCall], HttpFault | None]:
        on = set(self.active_names)

        def fault(call: RecordedCall) -> HttpFault | None:
            if f"{service}-down" in on:
                return HttpFault(503, body=UNAVAILABLE_BODIES[service])
            if not is_from_jpi(call):
                return None
            if "limited" in on:
                return HttpFault(429, headers={"Retry-After": RETRY_AFTER_SECONDS,
                                               "ratelimit-reset": RETRY_AFTER_SECONDS})
            return HttpFault(is_after_effect=True) if "answers-lost" in on and call.is_write else None

        return fault
