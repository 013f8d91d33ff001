"""How far the poll has read, in DynamoDB."""

from datetime import UTC, datetime, timedelta

from jpi.store.models import ConfigRow, told, version_of
from jpi.sync.poll import Position

NAME = "log_entries_cursor"


class Cursor:
    """The poll's position, saved only over the one that was read."""

    def __init__(self, rows: type[ConfigRow]) -> None:
        self._rows = rows

    def load(self) -> Position | None:
        """Where the last poll ended; None before the first."""
        with told("reading the cursor"):
            try:
                row = self._rows.get(NAME, consistent_read=True)
            except self._rows.DoesNotExist:
                return None
        until, began = (datetime.fromtimestamp(row.value[name], UTC) for name in ("until", "began"))
        step = timedelta(seconds=row.value["step"]) if row.value["step"] else None
        polled = row.value.get("polled")
        return Position(until, began, tuple(row.value["again"]), row.value["short"], step,
                        datetime.fromtimestamp(polled, UTC) if polled else None, int(row.version))

    def save(self, position: Position) -> None:
        """Save over the position of this version, None where there was none; LostRace where another poll did."""
        value = {"until": position.until.timestamp(), "began": position.began.timestamp(),
                 "again": sorted(position.again), "short": position.short,
                 "polled": position.polled.timestamp() if position.polled else None,
                 "step": position.step.total_seconds() if position.step else None}
        with told("moving the cursor"):
            self._rows(NAME, value=value, **version_of(position)).save()
