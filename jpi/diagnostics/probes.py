"""Probes both tokens and both webhooks once an hour, after a poll, and keeps the results for the status page."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from jpi import wiring
from jpi.diagnostics import checks
from jpi.diagnostics.checks import CheckSkipped
from jpi.diagnostics.runner import CheckResult, run_check
from jpi.errors import IdentityDoubt, RetryableError
from jpi.metrics import build_emf_fields, declare_metrics

PROBE_INTERVAL_SECONDS = 3_600.0
# After a probe that got no answer.
PROBE_RETRY_SECONDS = 300.0
# Probes run after the poll and must not delay the next one.
CALL_BUDGET_SECONDS = 15.0
CACHE_KEY = "watched"
# The checks of webhooks may need an administrator's token; without one they are skipped.
PROBES: tuple[tuple[str, checks.Check], ...] = (
    ("Jira token", checks.check_jira_token), ("PagerDuty token", checks.check_pagerduty_token),
    ("Jira webhook", partial(checks.check_jira_webhook, checks.accept_any_endpoint)),
    ("PagerDuty webhook", partial(checks.check_pagerduty_webhook, checks.accept_any_endpoint)))

TOKEN_PROBES = ("Jira token", "PagerDuty token")


@dataclass(frozen=True)
class ProbeResult(CheckResult):
    """The result of a probe. `got_no_answer`: the service did not answer this time."""

    got_no_answer: bool = False

    def to_json(self) -> dict[str, str | bool]:
        """Return the result as the cache keeps it."""
        return {**super().to_json(), "silent": self.got_no_answer}


@dataclass(frozen=True)
class ProbeReport:
    """The newest results, when they were found, and when to probe again, in epoch seconds."""

    results: tuple[ProbeResult, ...] = ()
    at: float = 0.0
    next_probe_at: float = 0.0


def run_probes_if_due(app: wiring.App) -> None:
    """Run the probes if the last ones are an hour old, or five minutes where a service did not answer.

    At once where a token is in doubt, or was, so that the health is true after each poll.
    """
    report = load_probe_report(app)
    doubts = [doubt for api in (app.jira.api, app.pagerduty.api) if (doubt := api.identity.take_doubt())]
    for doubt in doubts:
        _log_doubt(app, doubt)
    if app.clock() < report.next_probe_at and not doubts:
        return
    app.budget.start(min(CALL_BUDGET_SECONDS, app.budget.get_remaining_seconds()))
    results = [result for name, check in PROBES for result in _run_probe(app, name, check, report)]
    wait = PROBE_INTERVAL_SECONDS
    if any(not result.ok for result in results if result.check in TOKEN_PROBES):
        wait = 0.0
    elif any(result.got_no_answer for result in results):
        wait = PROBE_RETRY_SECONDS
    for api in (app.jira.api, app.pagerduty.api):
        api.identity.take_doubt()
    app.cache.save(CACHE_KEY, {"at": app.clock(), "again": app.clock() + wait,
                               "found": [result.to_json() for result in results]})


def _log_doubt(app: wiring.App, doubt: IdentityDoubt) -> None:
    """Log the line that the alarm `token` goes by."""
    metric = build_emf_fields(app.clock(), declare_metrics({"token_doubts": "Count"}))
    app.log.error("a service may not know us", extra={"token": doubt.token, "reason": str(doubt), "token_doubts": 1,
                                                      **metric})


def _run_probe(app: wiring.App, name: str, check: checks.Check, previous: ProbeReport) -> Iterator[ProbeResult]:
    """Yield a check's results; where the service does not answer, the previous ones."""
    outages: list[RetryableError] = []

    def _skip_on_outage(app: wiring.App) -> Iterator[str]:
        try:
            yield from check(app)
        except IdentityDoubt:
            raise
        except RetryableError as error:
            outages.append(error)
            raise CheckSkipped(str(error)) from error

    results = list(run_check(app, name, _skip_on_outage))
    if outages:
        results = [result for result in previous.results if result.check == name] or results
    yield from (ProbeResult(result.check, result.ok, result.message, result.was_skipped,
                            got_no_answer=bool(outages))
                for result in results)


def load_probe_report(app: wiring.App) -> ProbeReport:
    """Load the newest results; an empty report where no probe has run yet."""
    saved = app.cache.get_stored(CACHE_KEY)
    if not saved or not saved["at"]:
        return ProbeReport()
    return ProbeReport(tuple(_parse_result(item) for item in saved["found"]), saved["at"],
                       saved.get("again", saved["at"] + PROBE_INTERVAL_SECONDS))


def _parse_result(item: dict[str, Any]) -> ProbeResult:
    return ProbeResult(item["check"], item["ok"], item["said"], not item.get("looked", True),
                       got_no_answer=item.get("silent", False))
