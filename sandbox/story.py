"""The story that `make demo` plays: the check that the README gives a new user, on simulated services."""

from collections.abc import Callable
from dataclasses import dataclass

from jpi.handlers import log_entries
from sandbox.pagerduty.model import Incident
from sandbox.world import World


@dataclass(frozen=True)
class Step:
    """What a person does, and the rows (`World.rows`) that both services must show afterwards."""

    title: str
    act: Callable[[], None]
    wanted: list[tuple[str, ...]]
    polls: bool = False


CHECKOUT, SEARCH = "Checkout is down", "Search is slow"
WHOLE = "3 questions, 2 stakeholders, 1 manager"
NO_ISSUE = ("none", "", "", "")


def steps(world: World) -> list[Step]:
    """The five steps of the README's check."""
    pagerduty, rita = world.pagerduty, world.rita

    def incident(title: str) -> Incident:
        return next(one for one in pagerduty.incidents.values() if one.title == title)

    def trigger(title: str, priority: str, details: str) -> None:
        pagerduty.trigger(world.service, title, rita, priority, details)

    def raise_unheard() -> None:
        with world.losing_webhooks():
            pagerduty.set_priority(incident(SEARCH), "P1", rita)

    def finish_issue() -> None:
        issue = world.issue_of(incident(SEARCH))
        if issue:
            world.move(issue, "done")

    return [
        Step(f'Rita triggers "{CHECKOUT}" with P1 on PagerDuty', lambda: trigger(CHECKOUT, "P1", "Nobody can pay."),
             [(CHECKOUT, "P1", "triggered", "INCIDENT-1", "Highest", "To Do", WHOLE)]),
        Step(f'Rita triggers "{SEARCH}" with P2', lambda: trigger(SEARCH, "P2", "Ten seconds a query."),
             [(CHECKOUT, "P1", "triggered", "INCIDENT-1", "Highest", "To Do", WHOLE),
              (SEARCH, "P2", "triggered", *NO_ISSUE)]),
        Step(f'Rita raises "{SEARCH}" to P1; the webhook gets lost; the poll runs', raise_unheard,
             [(CHECKOUT, "P1", "triggered", "INCIDENT-1", "Highest", "To Do", f"{WHOLE}, 4 timeline"),
              (SEARCH, "P1", "triggered", "INCIDENT-2", "Highest", "To Do", f"{WHOLE}, 5 timeline")], polls=True),
        Step(f'Rita resolves "{CHECKOUT}" on PagerDuty', lambda: pagerduty.resolve(incident(CHECKOUT), rita),
             [(CHECKOUT, "P1", "resolved", "INCIDENT-1", "Highest", "Done", f"{WHOLE}, 4 timeline"),
              (SEARCH, "P1", "triggered", "INCIDENT-2", "Highest", "To Do", f"{WHOLE}, 5 timeline")]),
        Step(f'Jim moves the issue of "{SEARCH}" to Done on Jira', finish_issue,
             [(CHECKOUT, "P1", "resolved", "INCIDENT-1", "Highest", "Done", f"{WHOLE}, 4 timeline"),
              (SEARCH, "P1", "resolved", "INCIDENT-2", "Highest", "Done", f"{WHOLE}, 5 timeline")]),
    ]


def play(world: World, step: Step) -> None:
    """Do the step, deliver its webhooks, and poll if it says so."""
    step.act()
    world.settle()
    if step.polls:
        log_entries.handler({}, None)
        world.settle()
