"""How far the poll has read, in DynamoDB."""

from datetime import UTC, datetime, timedelta

from jpi.store.ports import ConfigTable, Item
from jpi.sync.poller import Position

NAME = "log_entries_cursor"


class Cursor:
    """The poll's position, saved only over the one that was read."""

    def __init__(self, table: ConfigTable) -> None:
        self._table = table

    def load(self) -> Position | None:
        """Where the last poll ended; None before the first."""
        item = self._table.get(NAME, "reading the cursor", consistent=True)
        if item is None:
            return None
        value = item.value
        until, began = (datetime.fromtimestamp(value[name], UTC) for name in ("until", "began"))
        step = timedelta(seconds=value["step"]) if value["step"] else None
        polled = value.get("polled")
        return Position(until, began, tuple(value["again"]), value["short"], step,
                        datetime.fromtimestamp(polled, UTC) if polled else None, item.version)

    def save(self, position: Position) -> None:
        """Save over the position of this version, None where there was none; LostRace where another poll did."""
        value = {"until": position.until.timestamp(), "began": position.began.timestamp(),
                 "again": sorted(position.again), "short": position.short,
                 "polled": position.polled.timestamp() if position.polled else None,
                 "step": position.step.total_seconds() if position.step else None}
        self._table.save(NAME, Item(value, position.version), "moving the cursor")
