"""Figures: as CloudWatch reads them out of log lines by itself (embedded metric format), and added up. Pure."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jpi.domain.events import Event
from jpi.domain.outcome import Outcome, Result

NAMESPACE = "jpi"
STAGE_DIMENSION = "stage"
# The source of what somebody has asked for, on the status page.
MANUAL_SOURCE = "by hand"
# What counts are kept apart by, in seconds.
QUARTER_HOUR_SECONDS = 900
# The actions that a webhook should have brought.
WEBHOOK_ACTIONS = frozenset({"CreateIncidentIssue", "TransitionIssue", "SetIncidentStatus"})
# The upper edges, in seconds, of what is told apart of how long something took; beyond the last: longer.
BIN_EDGES_SECONDS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0)


class MetricCounters:
    """Counts by name since they were last taken; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, *names: str, count: int = 1) -> None:
        """Count something, by what it is: `events/webhook/IncidentTriggered/applied`."""
        with self._lock:
            self._counts["/".join(names)] += count

    def add_duration(self, what: str, seconds: float) -> None:
        """Count something by how long it took."""
        self.add(what, str(bisect_left(BIN_EDGES_SECONDS, seconds)))

    def count_event(self, event: Event, outcome: Outcome, now: float) -> None:
        """Count an event by its source, type and result; an applied one by its lag."""
        self.add("events", event.source, type(event).__name__, outcome.result)
        lag = measure_lag(event, outcome, now)
        if lag is not None:
            self.add_duration("lag", lag)

    def drain_counts(self) -> dict[str, int]:
        """All counts; from now on they begin at nothing."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return {name: count for name, count in counts.items() if count}


def estimate_percentile(counts: Mapping[int, int], share: float) -> float | None:
    """How many seconds so many of the things counted by EDGES took at most, or nearly; None where there are none."""
    left = share * sum(counts.values())
    for place in sorted(counts):
        if counts[place] >= left > 0:
            low = BIN_EDGES_SECONDS[place - 1] if place else 0.0
            high = BIN_EDGES_SECONDS[place] if place < len(BIN_EDGES_SECONDS) else 2 * BIN_EDGES_SECONDS[-1]
            return low + (high - low) * left / counts[place]
        left -= counts[place]
    return None


def measure_lag(event: Event, outcome: Outcome, now: float) -> float | None:
    """How many seconds after it happened an event was applied; None where that says nothing of how quick jpi is.

    What only the poll can tell (a line of the timeline, a first assignee) waits for it by design; a status does not.
    What was asked for by hand may have happened days ago.
    """
    waited = event.source == "poll" and not set(outcome.action_names) & WEBHOOK_ACTIONS
    if outcome.result is not Result.APPLIED or event.source == MANUAL_SOURCE or waited:
        return None
    return max(0.0, now - event.at.timestamp())


def declare_metrics(units: Mapping[str, str], *dimensions: Sequence[str]) -> dict[str, Any]:
    """Which fields of a line, by name, are figures of which unit: by stage, and by stage and each of `dimensions`."""
    sets: list[Sequence[str]] = [[STAGE_DIMENSION], *([STAGE_DIMENSION, *names] for names in dimensions)]
    figures = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    return {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": figures}


def build_emf_fields(at: float, *declarations: Mapping[str, Any]) -> dict[str, Any]:
    """What makes figures of the fields that are `announced`; `at` in epoch seconds: AWS, "Embedded metric format".

    The fields themselves, `stage` among them, stand beside it.
    """
    return {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [*declarations]}}


def build_event_metrics(event: Event, outcome: Outcome, now: float) -> dict[str, Any]:
    """The figures of an event: that it was one, by source, type and result; and how long after it happened, if quick.

    Each figure by each value of its dimensions is paid for, so the lag goes by stage alone.
    """
    lag_s = measure_lag(event, outcome, now)
    lag = {} if lag_s is None else {"lag_ms": round(lag_s * 1000)}
    told = [declare_metrics({"events": "Count"}, ("source", "result"), ("type", "result")),
            *(declare_metrics({name: "Milliseconds"}) for name in lag)]
    return {"result": outcome.result, "events": 1, **lag, **build_emf_fields(now, *told)}
