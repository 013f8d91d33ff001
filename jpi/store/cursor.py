"""How far the poll has read, in DynamoDB."""

from collections.abc import Collection
from datetime import UTC, datetime

from pynamodb.exceptions import PutError

from jpi.errors import LostRace
from jpi.store.models import ConfigRow, version_of
from jpi.sync.poll import Position

NAME = "log_entries_cursor"


class Cursor:
    """The poll's position, saved only over the one that was read."""

    def __init__(self, rows: type[ConfigRow]) -> None:
        self._rows = rows

    def load(self) -> Position | None:
        """Where the last poll ended; None before the first."""
        try:
            row = self._rows.get(NAME, consistent_read=True)
        except self._rows.DoesNotExist:
            return None
        until = datetime.fromtimestamp(row.value["until"], UTC)
        return Position(until, tuple(row.value["again"]), int(row.version))

    def save(self, until: datetime, again: Collection[str], over: Position | None) -> None:
        """Move on from `over`; LostRace where another poll did."""
        value = {"until": until.timestamp(), "again": sorted(again)}
        try:
            self._rows(NAME, value=value, **version_of(over)).save()
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            raise LostRace("another poll moved the cursor") from error
