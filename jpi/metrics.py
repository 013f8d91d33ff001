"""Figures: as CloudWatch reads them out of log lines by itself (embedded metric format), and added up. Pure."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jpi.domain.events import Event
from jpi.sync.event_sink import NOBODYS

NAMESPACE = "jpi"
STAGE = "stage"
APPLIED = "applied"
# The source of what somebody has asked for, on the status page.
BY_HAND = "by hand"
# What counts are kept apart by, in seconds.
QUARTER_SECONDS = 900
# What came of an event, as figures tell it apart; anything else was applied.
RESULTS = {"failed": "failed", "ignored": "ignored", "nothing to do": "nothing to do", NOBODYS: "ignored"}


# The actions that a webhook should have brought.
URGENT = ("CreateIncidentIssue", "TransitionIssue", "SetIncidentStatus")
# The upper edges, in seconds, of what is told apart of how long something took; beyond the last: longer.
EDGES = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0)


class Figures:
    """Counts by name since they were last taken; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, *names: str, count: int = 1) -> None:
        """Count something, by what it is: `events/webhook/IncidentTriggered/applied`."""
        with self._lock:
            self._counts["/".join(names)] += count

    def took(self, what: str, seconds: float) -> None:
        """Count something by how long it took."""
        self.add(what, str(bisect_left(EDGES, seconds)))

    def event(self, event: Event, outcome: str, now: float) -> None:
        """Count an event by its source, type and result; an applied one by its lag."""
        self.add("events", event.source, type(event).__name__, result_of(outcome))
        lag = lag_of(event, outcome, now)
        if lag is not None:
            self.took("lag", lag)

    def taken(self) -> dict[str, int]:
        """All counts; from now on they begin at nothing."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return {name: count for name, count in counts.items() if count}


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """How many seconds so many of the things counted by EDGES took at most, or nearly; None where there are none."""
    left = share * sum(counts.values())
    for place in sorted(counts):
        if counts[place] >= left > 0:
            low = EDGES[place - 1] if place else 0.0
            high = EDGES[place] if place < len(EDGES) else 2 * EDGES[-1]
            return low + (high - low) * left / counts[place]
        left -= counts[place]
    return None


def result_of(outcome: str) -> str:
    """What came of an event, as figures tell it apart."""
    return RESULTS.get(outcome.partition(":")[0], APPLIED)


def lag_of(event: Event, outcome: str, now: float) -> float | None:
    """How many seconds after it happened an event was applied; None where that says nothing of how quick jpi is.

    What only the poll can tell (a line of the timeline, a first assignee) waits for it by design; a status does not.
    What was asked for by hand may have happened days ago.
    """
    waited = event.source == "poll" and not any(name in outcome for name in URGENT)
    if result_of(outcome) != APPLIED or event.source == BY_HAND or waited:
        return None
    return max(0.0, now - event.at.timestamp())


def announced(units: Mapping[str, str], *dimensions: Sequence[str]) -> dict[str, Any]:
    """Which fields of a line, by name, are figures of which unit: by stage, and by stage and each of `dimensions`."""
    sets: list[Sequence[str]] = [[STAGE], *([STAGE, *names] for names in dimensions)]
    figures = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    return {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": figures}


def embedded(at: float, *announcements: Mapping[str, Any]) -> dict[str, Any]:
    """What makes figures of the fields that are `announced`; `at` in epoch seconds: AWS, "Embedded metric format".

    The fields themselves, `stage` among them, stand beside it.
    """
    return {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [*announcements]}}


def measured(event: Event, outcome: str, now: float) -> dict[str, Any]:
    """The figures of an event: that it was one, by source, type and result; and how long after it happened, if quick.

    Each figure by each value of its dimensions is paid for, so the lag goes by stage alone.
    """
    result, lag_s = result_of(outcome), lag_of(event, outcome, now)
    lag = {} if lag_s is None else {"lag_ms": round(lag_s * 1000)}
    told = [announced({"events": "Count"}, ("source", "result"), ("type", "result")),
            *(announced({name: "Milliseconds"}) for name in lag)]
    return {"result": result, "events": 1, **lag, **embedded(now, *told)}
