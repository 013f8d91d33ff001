"""Figures that CloudWatch reads out of log lines by itself: the embedded metric format. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

NAMESPACE = "jpi"
STAGE = "stage"


def embedded(at: float, units: Mapping[str, str], *dimensions: str) -> dict[str, Any]:
    """What makes figures of those fields of a line that `units` names: by stage, and by stage and `dimensions`.

    `at` in epoch seconds. The fields themselves, `stage` among them, stand beside it: AWS, "Embedded metric format".
    """
    sets: list[Sequence[str]] = [[STAGE], *([[STAGE, *dimensions]] if dimensions else [])]
    figures = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    return {"_aws": {"Timestamp": round(at * 1000), "CloudWatchMetrics": [
        {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": figures}]}}
