"""The figures of the last day, a row a quarter of an hour, in DynamoDB: what the status page draws."""

from collections.abc import Callable, Mapping

from jpi.metrics import QUARTER_HOUR_SECONDS
from jpi.store.ports import ConfigTable

# A day's, and the one that has just begun: no more than one call reads.
QUARTERS_PER_READ = 97
RETENTION_SECONDS = 8 * 86_400


class MetricCountStore:
    """Counts by name, added to by everybody at once."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def add(self, counts: Mapping[str, int]) -> None:
        """Add these to the present quarter's, in one write; Outage where that failed."""
        now = self._clock()
        self._table.add_counts(_build_key(_round_to_quarter(now)), counts, now + RETENTION_SECONDS, "adding up figures")

    def read_last_day(self) -> dict[float, dict[str, int]]:
        """The counts of each quarter in which there were any, by when it began, in epoch seconds; one read."""
        newest = _round_to_quarter(self._clock())
        quarters = {_build_key(one): float(one) for one in (newest - QUARTER_HOUR_SECONDS * back
                                                            for back in range(QUARTERS_PER_READ))}
        return {quarters[key]: counts for key, counts in self._table.get_counts(quarters, "reading figures").items()}


def _round_to_quarter(at: float) -> int:
    return int(at // QUARTER_HOUR_SECONDS * QUARTER_HOUR_SECONDS)


def _build_key(quarter: int) -> str:
    return f"figures:{quarter}"
