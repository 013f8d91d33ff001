"""Figures that CloudWatch reads out of log lines by itself: the embedded metric format. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from jpi.sync.events import Event
from jpi.sync.intake import NOBODYS

NAMESPACE = "jpi"
STAGE = "stage"
# What came of an event, as figures tell it apart; anything else was applied.
RESULTS = {"failed": "failed", "ignored": "ignored", "nothing to do": "nothing to do", NOBODYS: "ignored"}


def embedded(at: float, units: Mapping[str, str], *dimensions: str) -> dict[str, Any]:
    """What makes figures of those fields of a line that `units` names: by stage, and by stage and `dimensions`.

    `at` in epoch seconds. The fields themselves, `stage` among them, stand beside it: AWS, "Embedded metric format".
    """
    sets: list[Sequence[str]] = [[STAGE], *([[STAGE, *dimensions]] if dimensions else [])]
    figures = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    return {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [
        {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": figures}]}}


def measured(event: Event, outcome: str, now: float) -> dict[str, Any]:
    """The figures of an event: that it was one, by source and result; and if applied, how long after it happened."""
    result = RESULTS.get(outcome.partition(":")[0], "applied")
    lag = {"lag_ms": max(0, round((now - event.at.timestamp()) * 1000))} if result == "applied" else {}
    units = {"events": "Count", **dict.fromkeys(lag, "Milliseconds")}
    return {"result": result, "events": 1, **lag, **embedded(now, units, "source", "result")}
