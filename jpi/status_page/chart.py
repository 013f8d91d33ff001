"""A day's events and lag, as the lines and bars of a drawing. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10

from jpi.metrics import QUARTER_HOUR_SECONDS, estimate_percentile

# Quarters of an hour in a day, and what of the drawing each takes.
BAR_COUNT, BAR_STEP = 96, 8
CHART_HEIGHT = 120
# From a tenth of a second to a day: the lag's own scale goes by powers of ten.
MIN_LAG_SECONDS, LAG_DECADES = 0.1, 6
LAG_SCALE = ((1.0, "1 s"), (60.0, "1 min"), (3600.0, "1 h"))
RESULT_KINDS = ("applied", "other", "failed")
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Bar:
    """A part of a quarter's column."""

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True)
class Chart:
    """What there is to draw.

    `points`: of the lag; `scale`: its own, (y, how long); `ticks`: (x, epoch seconds); `most`: the highest column.
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
    """The drawing of the day that ends now."""
    last = now // QUARTER_HOUR_SECONDS * QUARTER_HOUR_SECONDS
    starts = [last - QUARTER_HOUR_SECONDS * back for back in reversed(range(BAR_COUNT))]
    columns = [count_events(quarters.get(start, {})) for start in starts]
    most = max(max(sum(column.values()) for column in columns), 1)
    bars = [bar for place, column in enumerate(columns) for bar in _stack_bars(place, column, most)]
    points = tuple((place * BAR_STEP + BAR_STEP // 2, _scale_lag(seconds)) for place, start in enumerate(starts)
                   if (seconds := compute_lag(quarters.get(start, {}), 0.95)) is not None)
    scale = tuple((_scale_lag(seconds), said) for seconds, said in LAG_SCALE)
    ticks = tuple((place * BAR_STEP, start) for place, start in enumerate(starts) if start % (6 * 3600) == 0)
    totals = {kind: sum(column[kind] for column in columns) for kind in RESULT_KINDS}
    return Chart(tuple(bars), points, scale, ticks, most, totals)


def count_events(counts: Counts) -> dict[str, int]:
    """How many events there were, by what came of them."""
    found = dict.fromkeys(RESULT_KINDS, 0)
    for name, count in counts.items():
        what, _, rest = name.partition("/")
        if what == "events":
            result = rest.rpartition("/")[2]
            found[result if result in found else "other"] += count
    return found


def compute_lag(counts: Counts, share: float, metric_name: str = "lag") -> float | None:
    """Seconds from happening to applied that so many of the events took at most."""
    binned = {int(name.partition("/")[2]): count for name, count in counts.items()
              if name.startswith(f"{metric_name}/")}
    return estimate_percentile(binned, share)


def _stack_bars(index: int, column: Counts, highest_column: int) -> list[Bar]:
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
