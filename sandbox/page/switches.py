"""The switches by which somebody at the sandbox's page breaks things, and what each does to the simulations."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.schedule import Schedule
from sandbox.web import Call, Fault
from sandbox.world import World, is_jpis

SLOW_SECONDS = 2.0
# How long jpi is asked to keep away.
LIMIT_SECONDS = "2"
# With nothing broken, the queue brings a failure again after so long, for nobody watches for a quarter of an hour.
PATIENCE_SECONDS = 2
UNAVAILABLE = {
    "jira": '{"errorMessages": ["Jira is temporarily unavailable."], "errors": {}}',
    "pagerduty": '{"error": {"message": "PagerDuty is temporarily unavailable.", "code": 5000}}',
}
# They write nothing, though they are posted.
READS = ("/search/jql", "/bulkfetch", "/comment/list")


@dataclass(frozen=True)
class Switch:
    """`on` and `off` say what turning it does; `mends`: jpi has something to catch up with when it is off again."""

    name: str
    title: str
    on: str
    off: str
    mends: bool = True


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
           "Webhooks arrive again. The poll makes good those that were lost.", mends=False),
)}
HURRY = " The sandbox has the queue and the poll bring at once what had to wait."


class Switches:
    """Which of them are on."""

    def __init__(self, world: World, schedule: Schedule) -> None:
        self._world = world
        self._schedule = schedule
        self.on: set[str] = set()
        self._apply()

    def turn(self, name: str) -> str:
        """The other way; what that does."""
        switch = SWITCHES[name]
        self.on ^= {name}
        self._apply()
        if name in self.on:
            return switch.on
        return switch.off + (self._hurry() if switch.mends else "")

    def _hurry(self) -> str:
        if self._broken():
            return ""
        if self._world.events:
            self._world.events.hurry()
        self._schedule.now()
        return HURRY

    def _broken(self) -> bool:
        return any(SWITCHES[name].mends for name in self.on)

    def _apply(self) -> None:
        world = self._world
        for server in world.servers:
            server.latency = SLOW_SECONDS if "slow" in self.on else 0.0
            server.fault = self._fault(server.name)
            server.state.outbox.losing = "webhooks-lost" in self.on
        if world.events:
            world.events.patience = None if self._broken() else PATIENCE_SECONDS

    def _fault(self, service: str) -> Callable[[Call], Fault | None]:
        on = set(self.on)

        def fault(call: Call) -> Fault | None:
            if f"{service}-down" in on:
                return Fault(503, body=UNAVAILABLE[service])
            if not is_jpis(call):
                return None
            if "limited" in on:
                return Fault(429, headers={"Retry-After": LIMIT_SECONDS, "ratelimit-reset": LIMIT_SECONDS})
            return Fault(after=True) if "answers-lost" in on and writes(call) else None

        return fault


def writes(call: Call) -> bool:
    """Whether it changes anything."""
    return call.method != "GET" and not call.path.endswith(READS)
