"""Assesses whether jpi is healthy: green, amber or red, with the reasons in words. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from jpi.diagnostics.outages import Outage
from jpi.diagnostics.poll_state import is_poll_late
from jpi.diagnostics.probes import ProbeResult

Level = Literal["green", "amber", "red"]
LEVELS: tuple[Level, ...] = ("green", "amber", "red")
# On top of the poll's interval: an event whose webhook was lost waits for the next poll.
SLOW_LAG_SECONDS, VERY_SLOW_LAG_SECONDS = 60.0, 300.0
MANY_WAITING_EVENTS = 100
AGE_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class Reason(NamedTuple):
    """Why the health is not green."""

    level: Level
    text: str


@dataclass(frozen=True)
class Percentiles:
    """Median and 95th percentile in seconds; None where there was nothing to measure."""

    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True)
class QueueDepth:
    """The number of events that wait, that are being applied, and that are dead letters."""

    waiting: int
    in_flight: int
    dead_letters: int


@dataclass(frozen=True)
class HealthFacts:
    """The facts to assess. Times are epoch seconds; `lag` and `queue_wait` are those of the last hour.

    `command`: the command line that works on this stage. `poll_error`, `queue_error`: why the newest poll failed, and
    why the queue cannot be read; empty if neither.
    """

    now: float
    is_deployed: bool
    command: str
    poll_interval_seconds: float
    last_poll_at: float | None = None
    poll_error: str = ""
    lag: Percentiles = Percentiles()
    queue_wait: Percentiles = Percentiles()
    queue: QueueDepth | None = None
    queue_error: str = ""
    probe_results: Sequence[ProbeResult] = ()
    probed_at: float = 0.0
    outages: Sequence[Outage] = ()
    failing_count: int = 0


def assess_health(facts: HealthFacts) -> tuple[Level, list[Reason]]:
    """Return the worst level of all reasons, and the reasons, worst first; green has none."""
    reasons = sorted((*_check_outages(facts), *_check_poll(facts), *_check_queue(facts), *_check_probes(facts),
                      *_check_lag(facts), *_check_failing(facts)), key=lambda reason: -LEVELS.index(reason.level))
    return (reasons[0].level if reasons else "green"), reasons


def _check_outages(facts: HealthFacts) -> Iterator[Reason]:
    for outage in facts.outages:
        since, age = datetime.fromtimestamp(outage.since, UTC), format_age(facts.now - outage.since)
        yield Reason("red", f"{outage.service} is down since {since:%H:%M} UTC, for {age}: {outage.reason}. jpi "
                     "retries by itself")


def _check_poll(facts: HealthFacts) -> Iterator[Reason]:
    if is_poll_late(facts.last_poll_at, facts.now, facts.poll_interval_seconds, is_deployed=facts.is_deployed):
        since = f"for {format_age(facts.now - facts.last_poll_at)}" if facts.last_poll_at else "since jpi was deployed"
        cause = f": {facts.poll_error}" if facts.poll_error else "; the log of log_entries says why"
        yield Reason("red", f"No poll has succeeded {since}{cause}")
    elif facts.poll_error:
        yield Reason("amber", f"The last poll failed: {facts.poll_error}")


def _check_queue(facts: HealthFacts) -> Iterator[Reason]:
    if facts.queue_error:
        yield Reason("amber", f"The queue cannot be read: {facts.queue_error}")
    if facts.queue and facts.queue.dead_letters:
        yield Reason("red", f"{_pluralise(facts.queue.dead_letters, 'event')} failed for half a day and went to the "
                     f"dead-letter queue: run {facts.command} replay")
    if facts.queue and facts.queue.waiting > MANY_WAITING_EVENTS:
        yield Reason("amber", f"{facts.queue.waiting} events wait in the queue")


def _check_probes(facts: HealthFacts) -> Iterator[Reason]:
    for result in facts.probe_results:
        if not result.ok:
            # Without a webhook the poll still brings everything, only later.
            yield Reason("amber" if "webhook" in result.check else "red", f"{result.check}: {result.message}")


def _check_lag(facts: HealthFacts) -> Iterator[Reason]:
    p95 = facts.lag.p95
    if p95 is not None and p95 > SLOW_LAG_SECONDS + facts.poll_interval_seconds:
        is_very_slow = p95 > VERY_SLOW_LAG_SECONDS + facts.poll_interval_seconds
        yield Reason("red" if is_very_slow else "amber",
                     f"In the last hour 1 in 20 events took {format_age(p95)} or longer to be applied")


def _check_failing(facts: HealthFacts) -> Iterator[Reason]:
    if facts.failing_count:
        yield Reason("amber", f"{_pluralise(facts.failing_count, 'incident')} not in step: see the history for why")


def _pluralise(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def format_age(seconds: float) -> str:
    """Format a duration in the largest unit that fits."""
    unit, size = next(((unit, size) for unit, size in AGE_UNITS if seconds >= size), AGE_UNITS[-1])
    return f"{int(max(0.0, seconds) / size)} {unit}"
