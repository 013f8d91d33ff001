"""What the poll looks at once an hour for the status page: whether both tokens and both webhooks still work."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from jpi import wiring
from jpi.diagnostics import checks
from jpi.diagnostics.checks import NotLookedAt
from jpi.errors import Retryable
from jpi.tools.doctor import checked

EVERY_SECONDS = 3_600.0
# Where a service did not answer.
SOON_SECONDS = 300.0
# It comes after the poll, and must not keep the next one waiting.
CALL_SECONDS = 15.0
NAME = "watched"
# Each by what it is about; those of webhooks may take an administrator's token, and say so.
CHECKS: dict[str, checks.Check] = {
    "Jira token": checks.jira_token, "PagerDuty token": checks.pagerduty_token,
    "Jira webhook": partial(checks.jira_webhook, checks.anywhere),
    "PagerDuty webhook": partial(checks.pagerduty_webhook, checks.anywhere),
}


def look(there: wiring.Jpi) -> None:
    """Look, unless somebody has within the hour; what could not be asked, in five minutes again."""
    known = found(there)
    if known["at"] and there.clock() < known.get("again", known["at"] + EVERY_SECONDS):
        return
    there.budget.start(min(CALL_SECONDS, there.budget.left()))
    seen = [one for name, check in CHECKS.items() for one in _seen(there, name, check, known["found"])]
    wait = SOON_SECONDS if any(one["silent"] for one in seen) else EVERY_SECONDS
    there.cache.put(NAME, {"at": there.clock(), "again": there.clock() + wait, "found": seen})


def _seen(there: wiring.Jpi, name: str, check: checks.Check, before: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a check found; of a service that is silent for now, what was found before."""
    silent: list[Retryable] = []

    def _listening(there: wiring.Jpi) -> Iterator[str]:
        try:
            yield from check(there)
        except Retryable as error:
            silent.append(error)
            raise NotLookedAt(str(error)) from error

    seen = [{"check": one.check, "ok": one.ok, "said": one.said, "looked": one.looked, "silent": bool(silent)}
            for one in checked(there, name, _listening)]
    known = [{**one, "silent": True} for one in before if one["check"] == name]
    yield from known if silent and known else seen


def found(there: wiring.Jpi) -> dict[str, Any]:
    """What was found last: `at` in epoch seconds (None: nobody looked), and `found`, each check, ok, said, looked,
    and silent: whether its service did not answer.
    """
    return there.cache.look(NAME) or {"at": None, "found": []}
