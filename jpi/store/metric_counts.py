"""The figures of the last day, a row a quarter of an hour, in DynamoDB: what the status page draws."""

from collections.abc import Callable, Mapping

from jpi.metrics import QUARTER_SECONDS
from jpi.store.ports import ConfigTable

# A day's, and the one that has just begun: no more than one call reads.
QUARTERS = 97
KEPT_SECONDS = 8 * 86_400


class FigureRows:
    """Counts by name, added to by everybody at once."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def add(self, counts: Mapping[str, int]) -> None:
        """Add these to the present quarter's, in one write; Outage where that failed."""
        now = self._clock()
        self._table.add_counts(_key(_quarter(now)), counts, now + KEPT_SECONDS, "adding up figures")

    def of_last_day(self) -> dict[float, dict[str, int]]:
        """The counts of each quarter in which there were any, by when it began, in epoch seconds; one read."""
        newest = _quarter(self._clock())
        quarters = {_key(one): float(one) for one in (newest - QUARTER_SECONDS * back for back in range(QUARTERS))}
        return {quarters[key]: counts for key, counts in self._table.get_counts(quarters, "reading figures").items()}


def _quarter(at: float) -> int:
    return int(at // QUARTER_SECONDS * QUARTER_SECONDS)


def _key(quarter: int) -> str:
    return f"figures:{quarter}"
