"""The story of `make demo`: the check that the README gives a new user, on simulated services."""

from collections.abc import Callable
from dataclasses import dataclass

from jpi.handlers import log_entries
from sandbox.pagerduty.model import Incident
from sandbox.world import World


@dataclass(frozen=True)
class Step:
    """What a person does, and the rows (`World.make_summary_rows`) that both services must show afterwards."""

    title: str
    act: Callable[[], None]
    expected_rows: list[tuple[str, ...]]
    polls_after: bool = False


CHECKOUT, SEARCH = "Checkout is down", "Search is slow"
ALL_LINKS = "3 questions, 2 stakeholders, 1 manager"
NO_ISSUE = ("none", "", "", "")


def _find_incident(world: World, title: str) -> Incident:
    return next(incident for incident in world.pagerduty.incidents.values() if incident.title == title)


def _trigger(world: World, title: str, priority: str, details: str) -> None:
    world.pagerduty.trigger_incident(world.service, title, world.rita, priority, details)


def _raise_without_webhook(world: World) -> None:
    with world.lose_webhooks():
        world.pagerduty.set_priority(_find_incident(world, SEARCH), "P1", world.rita)


def _finish_issue(world: World) -> None:
    if issue := world.find_issue(_find_incident(world, SEARCH)):
        world.move_issue(issue, "done")


def make_steps(world: World) -> list[Step]:
    """Return the five steps of the README's check."""
    return [
        Step(
            f'Rita triggers "{CHECKOUT}" with P1 on PagerDuty',
            lambda: _trigger(world, CHECKOUT, "P1", "Nobody can pay."),
            [(CHECKOUT, "P1", "triggered", "INCIDENT-1", "Highest", "To Do", ALL_LINKS)],
        ),
        Step(
            f'Rita triggers "{SEARCH}" with P2', lambda: _trigger(world, SEARCH, "P2", "Ten seconds a query."),
            [
                (CHECKOUT, "P1", "triggered", "INCIDENT-1", "Highest", "To Do", ALL_LINKS),
                (SEARCH, "P2", "triggered", *NO_ISSUE),
            ],
        ),
        Step(
            f'Rita raises "{SEARCH}" to P1; the webhook gets lost; the poll runs',
            lambda: _raise_without_webhook(world),
            [
                (CHECKOUT, "P1", "triggered", "INCIDENT-1", "Highest", "To Do", f"{ALL_LINKS}, 4 timeline"),
                (SEARCH, "P1", "triggered", "INCIDENT-2", "Highest", "To Do", f"{ALL_LINKS}, 5 timeline"),
            ],
            polls_after=True,
        ),
        Step(
            f'Rita resolves "{CHECKOUT}" on PagerDuty',
            lambda: world.pagerduty.resolve_incident(_find_incident(world, CHECKOUT), world.rita),
            [
                (CHECKOUT, "P1", "resolved", "INCIDENT-1", "Highest", "Done", f"{ALL_LINKS}, 4 timeline"),
                (SEARCH, "P1", "triggered", "INCIDENT-2", "Highest", "To Do", f"{ALL_LINKS}, 5 timeline"),
            ],
        ),
        Step(
            f'Jim moves the issue of "{SEARCH}" to Done on Jira', lambda: _finish_issue(world),
            [
                (CHECKOUT, "P1", "resolved", "INCIDENT-1", "Highest", "Done", f"{ALL_LINKS}, 4 timeline"),
                (SEARCH, "P1", "resolved", "INCIDENT-2", "Highest", "Done", f"{ALL_LINKS}, 5 timeline"),
            ],
        ),
    ]


def play_step(world: World, step: Step) -> None:
    """Perform the step, deliver its webhooks, and poll if the step says so."""
    step.act()
    world.run_until_idle()
    if step.polls_after:
        log_entries.handler({}, None)
        world.run_until_idle()
