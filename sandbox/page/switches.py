"""The switches that break things on the sandbox's page, and what each does to the simulations."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.conditions import REVOKED_TOKEN
from sandbox.poll_schedule import PollSchedule
from sandbox.seed import JIRA_BOT_TOKEN
from sandbox.simulated_service import HttpFault, RecordedCall
from sandbox.world import World, is_from_jpi

SLOW_SECONDS = 2.0
# How long jpi must wait.
RETRY_AFTER_SECONDS = "2"
# With nothing broken, the queue delivers a failed message again after this time; nobody watches for 15 minutes.
RETRY_SECONDS = 2
UNAVAILABLE_BODIES = {"jira": '{"errorMessages": ["Jira is temporarily unavailable."], "errors": {}}',
                      "pagerduty": '{"error": {"message": "PagerDuty is temporarily unavailable.", "code": 5000}}'}


@dataclass(frozen=True)
class Switch:
    """`on` and `off` describe the effect; `leaves_backlog`: jpi has to catch up when it is off again."""

    name: str
    title: str
    on: str
    off: str
    leaves_backlog: bool = True


SWITCHES = {
    switch.name: switch
    for switch in (
        Switch("jira-down", "Jira down", "Jira answers every call of jpi and Jim with 503.", "Jira is up again."),
        Switch(
            "pagerduty-down",
            "PagerDuty down",
            "PagerDuty answers every call of jpi and Rita with 503.",
            "PagerDuty is up again.",
        ),
        Switch(
            "slow",
            "Slow",
            f"Both services take {SLOW_SECONDS:.0f} seconds for each call.",
            "Both services are fast again.",
        ),
        Switch(
            "limited",
            "Rate limit",
            "Both services refuse jpi's calls with 429 (too many).",
            "Both services accept jpi's calls again.",
        ),
        Switch(
            "answers-lost",
            "Answers lost",
            "jpi's writes take effect, but their answers get lost.",
            "Answers arrive again.",
        ),
        Switch(
            "webhooks-lost",
            "Webhooks lost",
            "Webhooks of both services get lost; jpi learns of changes by polling.",
            "Webhooks arrive again. The next poll recovers the lost ones.",
            leaves_backlog=False,
        ),
        Switch(
            "token-dead",
            "Token dead",
            "Jira no longer knows jpi's token: it takes jpi for a stranger, who sees nothing and may not write.",
            "The token is renewed.",
        ),
        Switch(
            "loop",
            "Loop",
            "A chat bridge copies each note and comment, jpi's too, and an automation undoes each move to In Progress.",
            "The chat bridge and the automation are off. Sync now on jpi's page resumes a paused incident.",
            leaves_backlog=False,
        ),
    )
}
HURRY_TEXT = " The queue and the poll retry everything at once."


class SwitchBoard:
    """The switches of a world; `active_names` are on."""

    def __init__(self, world: World, schedule: PollSchedule) -> None:
        self._world = world
        self._schedule = schedule
        self.active_names: set[str] = set()
        self._apply()

    def toggle_switch(self, name: str) -> str:
        """Turn a switch on or off; return the effect in words."""
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
        is_dead = "token-dead" in self.active_names
        world.jira.users[world.bot_id].token = REVOKED_TOKEN if is_dead else JIRA_BOT_TOKEN
        is_looping = "loop" in self.active_names
        world.copying_integration.is_on = world.copying_integration.rewrites = is_looping
        world.jira.undone_statuses = {"In Progress"} if is_looping else set()
        if world.event_source:
            world.event_source.retry_seconds = None if self._is_broken() else RETRY_SECONDS

    def _make_fault(self, service: str) -> Callable[[RecordedCall], HttpFault | None]:
        on = set(self.active_names)

        def choose_fault(call: RecordedCall) -> HttpFault | None:
            if f"{service}-down" in on:
                return HttpFault(503, body=UNAVAILABLE_BODIES[service])
            if not is_from_jpi(call):
                return None
            if "limited" in on:
                return HttpFault(429, headers={"Retry-After": RETRY_AFTER_SECONDS,
                                               "ratelimit-reset": RETRY_AFTER_SECONDS})
            return HttpFault(is_after_effect=True) if "answers-lost" in on and call.is_write else None

        return choose_fault
