"""A day's events and lag, as the lines and bars of a drawing. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10

from jpi.metrics import QUARTER_SECONDS, percentile

# Quarters of an hour in a day, and what of the drawing each takes.
BARS, STEP = 96, 8
HEIGHT = 120
# From a tenth of a second to a day: the lag's own scale goes by powers of ten.
LEAST_LAG, DECADES = 0.1, 6
SCALE = ((1.0, "1 s"), (60.0, "1 min"), (3600.0, "1 h"))
KINDS = ("applied", "other", "failed")
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
    points: tuple[tuple[int, float], ...]
    scale: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[int, float], ...]
    most: int
    totals: Mapping[str, int]
    width: int = BARS * STEP
    height: int = HEIGHT


def chart(quarters: Mapping[float, Counts], now: float) -> Chart:
    """The drawing of the day that ends now."""
    last = now // QUARTER_SECONDS * QUARTER_SECONDS
    starts = [last - QUARTER_SECONDS * back for back in reversed(range(BARS))]
    columns = [events(quarters.get(start, {})) for start in starts]
    most = max(max(sum(column.values()) for column in columns), 1)
    bars = [bar for place, column in enumerate(columns) for bar in _column(place, column, most)]
    points = tuple((place * STEP + STEP // 2, _depth(seconds)) for place, start in enumerate(starts)
                   if (seconds := lag(quarters.get(start, {}), 0.95)) is not None)
    scale = tuple((_depth(seconds), said) for seconds, said in SCALE)
    ticks = tuple((place * STEP, start) for place, start in enumerate(starts) if start % (6 * 3600) == 0)
    totals = {kind: sum(column[kind] for column in columns) for kind in KINDS}
    return Chart(tuple(bars), points, scale, ticks, most, totals)


def events(counts: Counts) -> dict[str, int]:
    """How many events there were, by what came of them."""
    found = dict.fromkeys(KINDS, 0)
    for name, count in counts.items():
        what, _, rest = name.partition("/")
        if what == "events":
            result = rest.rpartition("/")[2]
            found[result if result in found else "other"] += count
    return found


def lag(counts: Counts, share: float, what: str = "lag") -> float | None:
    """Seconds from happening to applied that so many of the events took at most."""
    binned = {int(name.partition("/")[2]): count for name, count in counts.items() if name.startswith(f"{what}/")}
    return percentile(binned, share)


def _column(place: int, column: Counts, most: int) -> list[Bar]:
    bars, y = [], float(HEIGHT)
    for kind in KINDS:
        height = column[kind] * HEIGHT / most
        y -= height
        if height:
            bars.append(Bar(kind, place * STEP, round(y, 1), round(height, 1)))
    return bars


def _depth(seconds: float) -> float:
    share = log10(max(seconds, LEAST_LAG) / LEAST_LAG) / DECADES
    return round(HEIGHT - min(share, 1.0) * HEIGHT, 1)
