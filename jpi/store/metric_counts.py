"""Keeps metric counts in DynamoDB, a row each quarter of an hour, for the status page."""

from collections.abc import Callable, Mapping

from jpi.metrics import QUARTER_HOUR_SECONDS, CountName
from jpi.store.ports import ConfigTable

# One day and the current quarter: one call reads at most 100 rows.
QUARTERS_PER_READ = 97
RETENTION_SECONDS = 8 * 86_400
# Between the parts of a count's name as it is stored.
SEPARATOR = "/"


class MetricCountStore:
    """Counts by name that all processes add to."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def add(self, counts: Mapping[CountName, int]) -> None:
        """Add to the counts of the current quarter, in one write; AwsOutage if that failed."""
        now = self._clock()
        key = _build_key(_round_to_quarter(now))
        stored_counts = {SEPARATOR.join(name): count for name, count in counts.items()}
        self._table.add_counts(key, stored_counts, now + RETENTION_SECONDS, "adding metric counts")

    def read_last_day(self) -> dict[float, dict[CountName, int]]:
        """Return the counts by the start of their quarter, in epoch seconds; quarters without counts are left out."""
        newest = _round_to_quarter(self._clock())
        quarters = {_build_key(quarter): float(quarter)
                    for quarter in (newest - QUARTER_HOUR_SECONDS * back for back in range(QUARTERS_PER_READ))}
        counts_by_key = self._table.get_counts(quarters, "reading metric counts")
        return {quarters[key]: {tuple(name.split(SEPARATOR)): count for name, count in counts.items()}
                for key, counts in counts_by_key.items()}


def _round_to_quarter(at: float) -> int:
    return int(at // QUARTER_HOUR_SECONDS * QUARTER_HOUR_SECONDS)


def _build_key(quarter: int) -> str:
    return f"figures:{quarter}"
