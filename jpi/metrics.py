"""Metrics: as fields of log lines (CloudWatch's embedded metric format), and as counts for the status page."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jpi.domain.actions import Outcome, Result
from jpi.domain.events import MANUAL_SOURCE, Event

NAMESPACE = "jpi"
STAGE_DIMENSION = "stage"
# Counts are kept for each quarter of an hour.
QUARTER_HOUR_SECONDS = 900
# The actions that a webhook should have brought.
WEBHOOK_ACTIONS = frozenset({"CreateIncidentIssue", "TransitionIssue", "SetIncidentStatus"})
# The upper edges of the bins that durations are counted in; the last bin is open.
BIN_EDGES_SECONDS = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0)
# What a count is of: ("events", source, type, result), ("lag", bin), ("wait", bin), ("api", service, metric).
CountName = tuple[str, ...]


def name_duration_count(metric_name: str, seconds: float) -> CountName:
    """Return the name of the count of the durations in this bin."""
    return metric_name, str(bisect_left(BIN_EDGES_SECONDS, seconds))


def list_event_counts(event: Event, outcome: Outcome, now: float) -> Iterator[CountName]:
    """Yield what an event counts as: by source, type and result; an applied one also by its lag."""
    yield "events", event.source, type(event).__name__, outcome.result
    lag_seconds = measure_lag(event, outcome, now)
    if lag_seconds is not None:
        yield name_duration_count("lag", lag_seconds)


def estimate_percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Estimate a percentile in seconds from counts by bin; None if there are none."""
    remaining = share * sum(counts.values())
    for index in sorted(counts):
        if counts[index] >= remaining > 0:
            low = BIN_EDGES_SECONDS[index - 1] if index else 0.0
            high = BIN_EDGES_SECONDS[index] if index < len(BIN_EDGES_SECONDS) else 2 * BIN_EDGES_SECONDS[-1]
            return low + (high - low) * remaining / counts[index]
        remaining -= counts[index]
    return None


def measure_lag(event: Event, outcome: Outcome, now: float) -> float | None:
    """Return how many seconds after it happened an event was applied; None if that does not show how quick jpi is.

    What only the poll can tell (a line of the timeline, a first assignee) waits for it by design; a status does not.
    What was asked for by hand may have happened days ago.
    """
    waits_for_poll = event.source == "poll" and not WEBHOOK_ACTIONS & set(outcome.action_names)
    if outcome.result is not Result.APPLIED or event.source == MANUAL_SOURCE or waits_for_poll:
        return None
    return max(0.0, now - event.at.timestamp())


def declare_metrics(units: Mapping[str, str], *dimensions: Sequence[str]) -> dict[str, Any]:
    """Declare fields of a log line as metrics, with their units: by stage, and by stage and each of `dimensions`."""
    dimension_sets: list[Sequence[str]] = [[STAGE_DIMENSION], *([STAGE_DIMENSION, *names] for names in dimensions)]
    metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    return {"Namespace": NAMESPACE, "Dimensions": dimension_sets, "Metrics": metrics}


def build_emf_fields(at: float, *declarations: Mapping[str, Any]) -> dict[str, Any]:
    """Build the field that makes metrics of the declared fields, which stand beside it; `at` in epoch seconds.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    return {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [*declarations]}}


def build_event_metrics(event: Event, outcome: Outcome, now: float) -> dict[str, Any]:
    """Build the metrics of an event: its count by source, type and result; and its lag, if it shows how quick jpi is.

    AWS charges each metric by each value of its dimensions, so the lag has the stage alone.
    """
    lag_seconds = measure_lag(event, outcome, now)
    lag = {} if lag_seconds is None else {"lag_ms": round(lag_seconds * 1000)}
    declarations = [declare_metrics({"events": "Count"}, ("source", "result"), ("type", "result")),
                    *(declare_metrics({name: "Milliseconds"}) for name in lag)]
    return {"result": outcome.result, "events": 1, **lag, **build_emf_fields(now, *declarations)}


class MetricCounters:
    """Counts by name since they were last drained; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[CountName] = Counter()

    def add(self, name: CountName, count: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] += count

    def add_all(self, names: Iterable[CountName]) -> None:
        """Add one to each of these counts."""
        for name in names:
            self.add(name)

    def drain_counts(self) -> dict[CountName, int]:
        """Return all counts and start again from nothing."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return {name: count for name, count in counts.items() if count}
