"""Whether jpi is well: green, amber or red, with the reasons in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["green", "amber", "red"]
Reason = tuple[Level, str]
LEVELS: tuple[Level, ...] = ("green", "amber", "red")
# The poll is late after so many intervals.
POLLS = 3
# Beyond the poll's interval: what a webhook should have brought may wait for it.
SLOW_SECONDS, VERY_SLOW_SECONDS = 60.0, 300.0
MANY_WAITING = 100
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@dataclass(frozen=True)
class Queued:
    """How many events wait to be applied, are being applied, and are parked."""

    waiting: int
    under_way: int
    parked: int


@dataclass(frozen=True)
class Facts:
    """What the verdict goes by. Times in epoch seconds, `interval` and the lags in seconds.

    `polled`: when the last poll succeeded; `poll_failed`: why the last one did not. `lag`, `wait` (in the queue): by
    percentile, of the last hour. `watched`: what was found of tokens and webhooks, `{"check", "ok", "said"}`.
    `failing`: how many incidents do. `queue_silent`: why nobody knows how full the queues are.
    """

    now: float
    deployed: bool
    interval: float
    polled: float | None = None
    poll_failed: str = ""
    lag: Mapping[str, float | None] | None = None
    wait: Mapping[str, float | None] | None = None
    queue: Queued | None = None
    queue_silent: str = ""
    watched: Sequence[Mapping[str, Any]] = ()
    watched_at: float | None = None
    failing: int = 0


def late(facts: Facts) -> bool:
    """Whether the poll is older than three intervals, or, where it is on schedule, has never succeeded."""
    if facts.polled is None:
        return facts.deployed
    return facts.now - facts.polled > POLLS * facts.interval


def verdict(facts: Facts) -> tuple[Level, list[Reason]]:
    """The worst of all reasons, and the reasons, the worst first; green has none."""
    reasons = sorted((*_poll(facts), *_queue(facts), *_watched(facts), *_lag(facts), *_failing(facts)),
                     key=lambda one: -LEVELS.index(one[0]))
    return (reasons[0][0] if reasons else "green"), reasons


def _poll(facts: Facts) -> Iterator[Reason]:
    if late(facts):
        since = f"for {age(facts.now - facts.polled)}" if facts.polled else "since jpi was deployed"
        why = f": {facts.poll_failed}" if facts.poll_failed else "; the log of log_entries says why"
        yield "red", f"No poll has succeeded {since}{why}"
    elif facts.poll_failed:
        yield "amber", f"The last poll failed: {facts.poll_failed}"


def _queue(facts: Facts) -> Iterator[Reason]:
    if facts.queue_silent:
        yield "amber", f"The queue cannot be looked at: {facts.queue_silent}"
    if facts.queue and facts.queue.parked:
        yield "red", (f"{_several(facts.queue.parked, 'event')} could not be applied for half a day and wait in the "
                      "dead-letter queue: python -m jpi.tools.replay")
    if facts.queue and facts.queue.waiting > MANY_WAITING:
        yield "amber", f"{facts.queue.waiting} events wait to be applied"


def _watched(facts: Facts) -> Iterator[Reason]:
    for one in facts.watched:
        if not one["ok"]:
            # Without a webhook the poll still brings everything, only later.
            yield ("amber" if "webhook" in one["check"] else "red"), f"{one['check']}: {one['said']}"


def _lag(facts: Facts) -> Iterator[Reason]:
    p95 = (facts.lag or {}).get("p95")
    if p95 is not None and p95 > SLOW_SECONDS + facts.interval:
        level: Level = "red" if p95 > VERY_SLOW_SECONDS + facts.interval else "amber"
        yield level, f"One event in twenty took {age(p95)} or longer to be applied in the last hour"


def _failing(facts: Facts) -> Iterator[Reason]:
    if facts.failing:
        yield "amber", f"{_several(facts.failing, 'incident')} could not be kept in step; their pages say why"


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """In the largest unit that fits."""
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= size), UNITS[-1])
    return f"{int(max(0.0, seconds) / size)} {unit}"
