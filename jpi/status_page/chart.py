"""Computes the bars and lines of the chart: the events and the lag of the last day. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10

from jpi.metrics import QUARTER_HOUR_SECONDS, CountName, estimate_percentile

# A day has 96 quarters of an hour; each takes 8 units of the chart's width.
BAR_COUNT, BAR_STEP = 96, 8
CHART_HEIGHT = 120
# The lag has a logarithmic scale from a tenth of a second to a day.
MIN_LAG_SECONDS, LAG_DECADES = 0.1, 6
LAG_SCALE = ((1.0, "1 s"), (60.0, "1 min"), (3600.0, "1 h"))
RESULT_KINDS = ("applied", "other", "failed")
Counts = Mapping[CountName, int]


@dataclass(frozen=True)
class Bar:
    """One kind of result in the column of a quarter of an hour."""

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Chart:
    """The chart, ready to draw.

    `lag_points`: (x, y); `lag_scale`: (y, label); `ticks`: (x, epoch seconds); `highest_column`: in events.
    """

    bars: tuple[Bar, ...]
    lag_points: tuple[tuple[int, float], ...]
    lag_scale: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[int, float], ...]
    highest_column: int
    totals: Mapping[str, int]
    width: int = BAR_COUNT * BAR_STEP
    height: int = CHART_HEIGHT


def build_chart(quarters: Mapping[float, Counts], now: float) -> Chart:
    """Build the chart of the day that ends now."""
    last = now // QUARTER_HOUR_SECONDS * QUARTER_HOUR_SECONDS
    starts = [last - QUARTER_HOUR_SECONDS * back for back in reversed(range(BAR_COUNT))]
    columns = [count_events(quarters.get(start, {})) for start in starts]
    highest = max(max(sum(column.values()) for column in columns), 1)
    bars = [bar for index, column in enumerate(columns) for bar in _stack_bars(index, column, highest)]
    points = tuple((index * BAR_STEP + BAR_STEP // 2, _scale_lag(seconds)) for index, start in enumerate(starts)
                   if (seconds := compute_lag(quarters.get(start, {}), 0.95)) is not None)
    scale = tuple((_scale_lag(seconds), label) for seconds, label in LAG_SCALE)
    ticks = tuple((index * BAR_STEP, start) for index, start in enumerate(starts) if start % (6 * 3600) == 0)
    totals = {kind: sum(column[kind] for column in columns) for kind in RESULT_KINDS}
    return Chart(tuple(bars), points, scale, ticks, highest, totals)


def count_events(counts: Counts) -> dict[str, int]:
    """Count the events by kind of result."""
    totals = dict.fromkeys(RESULT_KINDS, 0)
    for name, count in counts.items():
        if name[0] == "events":
            result = name[-1]
            totals[result if result in totals else "other"] += count
    return totals


def compute_lag(counts: Counts, share: float, metric_name: str = "lag") -> float | None:
    """Estimate a percentile of the lag, or of another duration, in seconds; None where there were no events."""
    binned = {int(name[1]): count for name, count in counts.items() if name[0] == metric_name}
    return estimate_percentile(binned, share)


def _stack_bars(index: int, column: Mapping[str, int], highest_column: int) -> list[Bar]:
    bars, y = [], float(CHART_HEIGHT)
    for kind in RESULT_KINDS:
        height = column[kind] * CHART_HEIGHT / highest_column
        y -= height
        if height:
            bars.append(Bar(kind, index * BAR_STEP, round(y, 1), round(height, 1)))
    return bars


def _scale_lag(seconds: float) -> float:
    share = log10(max(seconds, MIN_LAG_SECONDS) / MIN_LAG_SECONDS) / LAG_DECADES
    return round(CHART_HEIGHT - min(share, 1.0) * CHART_HEIGHT, 1)
