"""Whether jpi is well: green, amber or red, with the reasons in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jpi.diagnostics.poll_age import is_poll_late

Level = Literal["green", "amber", "red"]
Reason = tuple[Level, str]
LEVELS: tuple[Level, ...] = ("green", "amber", "red")
# Beyond the poll's interval: what a webhook should have brought may wait for it.
SLOW_LAG_SECONDS, VERY_SLOW_LAG_SECONDS = 60.0, 300.0
MANY_WAITING_EVENTS = 100
AGE_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class QueueDepth:
    """How many events wait to be applied, are being applied, and are parked."""

    waiting: int
    in_flight: int
    dead_letters: int


@dataclass(frozen=True)
class HealthFacts:
    """What the verdict goes by. Times in epoch seconds, `interval` and the lags in seconds.

    `polled`: when the last poll succeeded; `poll_failed`: why the last one did not. `lag`, `wait` (in the queue): by
    percentile, of the last hour. `watched`: what was found of tokens and webhooks, `{"check", "ok", "said"}`.
    `failing`: how many incidents do. `queue_silent`: why nobody knows how full the queues are.
    """

    now: float
    is_deployed: bool
    poll_interval_seconds: float
    last_poll_at: float | None = None
    poll_error: str = ""
    lag_percentiles: Mapping[str, float | None] | None = None
    queue_wait_percentiles: Mapping[str, float | None] | None = None
    queue: QueueDepth | None = None
    queue_error: str = ""
    probe_results: Sequence[Mapping[str, Any]] = ()
    probed_at: float | None = None
    failing_count: int = 0


def assess_health(facts: HealthFacts) -> tuple[Level, list[Reason]]:
    """The worst of all reasons, and the reasons, the worst first; green has none."""
    reasons = sorted((*_check_poll(facts), *_check_queue(facts), *_check_probes(facts), *_check_lag(facts),
                      *_check_failing(facts)), key=lambda one: -LEVELS.index(one[0]))
    return (reasons[0][0] if reasons else "green"), reasons


def _check_poll(facts: HealthFacts) -> Iterator[Reason]:
    if is_poll_late(facts.last_poll_at, facts.now, facts.poll_interval_seconds, is_deployed=facts.is_deployed):
        since = f"for {format_age(facts.now - facts.last_poll_at)}" if facts.last_poll_at else "since jpi was deployed"
        why = f": {facts.poll_error}" if facts.poll_error else "; the log of log_entries says why"
        yield "red", f"No poll has succeeded {since}{why}"
    elif facts.poll_error:
        yield "amber", f"The last poll failed: {facts.poll_error}"


def _check_queue(facts: HealthFacts) -> Iterator[Reason]:
    if facts.queue_error:
        yield "amber", f"The queue cannot be looked at: {facts.queue_error}"
    if facts.queue and facts.queue.dead_letters:
        yield (
            "red",
            (
                f"{_pluralise(facts.queue.dead_letters, 'event')} could not be applied for half a day and wait in the "
                "dead-letter queue: python -m jpi.tools.replay"
            ),
        )
    if facts.queue and facts.queue.waiting > MANY_WAITING_EVENTS:
        yield "amber", f"{facts.queue.waiting} events wait to be applied"


def _check_probes(facts: HealthFacts) -> Iterator[Reason]:
    for one in facts.probe_results:
        if not one["ok"]:
            # Without a webhook the poll still brings everything, only later.
            yield ("amber" if "webhook" in one["check"] else "red"), f"{one['check']}: {one['said']}"


def _check_lag(facts: HealthFacts) -> Iterator[Reason]:
    p95 = (facts.lag_percentiles or {}).get("p95")
    if p95 is not None and p95 > SLOW_LAG_SECONDS + facts.poll_interval_seconds:
        level: Level = "red" if p95 > VERY_SLOW_LAG_SECONDS + facts.poll_interval_seconds else "amber"
        yield level, f"One event in twenty took {format_age(p95)} or longer to be applied in the last hour"


def _check_failing(facts: HealthFacts) -> Iterator[Reason]:
    if facts.failing_count:
        yield "amber", f"{_pluralise(facts.failing_count, 'incident')} could not be kept in step; their pages say why"


def _pluralise(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def format_age(seconds: float) -> str:
    """In the largest unit that fits."""
    unit, size = next(((unit, size) for unit, size in AGE_UNITS if seconds >= size), AGE_UNITS[-1])
    return f"{int(max(0.0, seconds) / size)} {unit}"
