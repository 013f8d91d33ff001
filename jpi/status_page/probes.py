"""What the poll looks at once an hour for the status page: whether both tokens and both webhooks still work."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from jpi import wiring
from jpi.diagnostics import checks
from jpi.diagnostics.checks import CheckSkipped
from jpi.diagnostics.runner import run_check
from jpi.errors import RetryableError

PROBE_INTERVAL_SECONDS = 3_600.0
# Where a service did not answer.
PROBE_RETRY_SECONDS = 300.0
# It comes after the poll, and must not keep the next one waiting.
CALL_BUDGET_SECONDS = 15.0
CACHE_KEY = "watched"
# Each by what it is about; those of webhooks may take an administrator's token, and say so.
CHECKS: dict[str, checks.Check] = {
    "Jira token": checks.check_jira_token, "PagerDuty token": checks.check_pagerduty_token,
    "Jira webhook": partial(checks.check_jira_webhook, checks.accept_any_endpoint),
    "PagerDuty webhook": partial(checks.check_pagerduty_webhook, checks.accept_any_endpoint),
}


def run_probes_if_due(app: wiring.App) -> None:
    """Look, unless somebody has within the hour; what could not be asked, in five minutes again."""
    known = load_probe_results(app)
    if known["at"] and app.clock() < known.get("again", known["at"] + PROBE_INTERVAL_SECONDS):
        return
    app.budget.start(min(CALL_BUDGET_SECONDS, app.budget.get_remaining_seconds()))
    seen = [one for name, check in CHECKS.items() for one in _run_probe(app, name, check, known["found"])]
    wait = PROBE_RETRY_SECONDS if any(one["silent"] for one in seen) else PROBE_INTERVAL_SECONDS
    app.cache.save(CACHE_KEY, {"at": app.clock(), "again": app.clock() + wait, "found": seen})


def _run_probe(app: wiring.App, name: str, check: checks.Check,
               previous_results: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a check found; of a service that is silent for now, what was found before."""
    silent: list[RetryableError] = []

    def _listening(there: wiring.App) -> Iterator[str]:
        try:
            yield from check(there)
        except RetryableError as error:
            silent.append(error)
            raise CheckSkipped(str(error)) from error

    seen = [{**one.to_json(), "silent": bool(silent)} for one in run_check(app, name, _listening)]
    known = [{**one, "silent": True} for one in previous_results if one["check"] == name]
    yield from known if silent and known else seen


def load_probe_results(app: wiring.App) -> dict[str, Any]:
    """What was found last: `at` in epoch seconds (None: nobody looked), and `found`, each check, ok, said, looked,
    and silent: whether its service did not answer.
    """
    return app.cache.get_stored(CACHE_KEY) or {"at": None, "found": []}
