"""The figures of the last day, a row a quarter of an hour, in DynamoDB: what the status page draws."""

from collections.abc import Callable, Mapping
from typing import Any

from pynamodb.expressions.operand import Path

from jpi.store.models import ConfigRow, told
from jpi.sync.measures import QUARTER_SECONDS

# A day's, and the one that has just begun: no more than one call reads.
QUARTERS = 97
KEPT_SECONDS = 8 * 86_400


class FigureRows:
    """Counts by name, added to by everybody at once."""

    def __init__(self, rows: type[ConfigRow], clock: Callable[[], float]) -> None:
        self._table = rows._get_connection()
        self._clock = clock

    def add(self, counts: Mapping[str, int]) -> None:
        """Add these to the present quarter's, in one write; Outage where that failed."""
        now = self._clock()
        added = [Path([name]).add(count) for name, count in counts.items()]
        with told("adding up figures"):
            self._table.update_item(_key(_quarter(now)), actions=[
                *added, Path(["expires_at"]).set(round(now + KEPT_SECONDS))])

    def of_last_day(self) -> dict[float, dict[str, int]]:
        """The counts of each quarter in which there were any, by when it began, in epoch seconds; one read."""
        newest = _quarter(self._clock())
        quarters = {_key(one): float(one) for one in (newest - QUARTER_SECONDS * back for back in range(QUARTERS))}
        # PynamoDB takes keys by name here; its types say texts.
        keys: Any = [{"name": key} for key in quarters]
        with told("reading figures"):
            answer = self._table.batch_get_item(keys)
        found = answer["Responses"].get(self._table.table_name, [])
        return {quarters[row["name"]["S"]]: _counts(row) for row in found}


def _quarter(at: float) -> int:
    return int(at // QUARTER_SECONDS * QUARTER_SECONDS)


def _key(quarter: int) -> str:
    return f"figures:{quarter}"


def _counts(row: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    return {name: int(value["N"]) for name, value in row.items() if "N" in value and name != "expires_at"}
