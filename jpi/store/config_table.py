"""The table of named values, in DynamoDB: the poll's cursor, what was asked of the services, attempts, figures."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from pynamodb.expressions.operand import Path

from jpi.store.models import ConfigRow, InTable, told, version_of
from jpi.store.ports import Item


class ConfigTable(InTable[ConfigRow]):
    """Items by name: a value each, saved only over the version that was read, or counts."""

    def get(self, name: str, doing: str, consistent: bool = False) -> Item | None:
        """Return the item of this name; None where none was saved."""
        with told(doing):
            try:
                row = self._rows.get(name, consistent_read=consistent)
            except self._rows.DoesNotExist:
                return None
        return Item(row.value, int(row.version))

    def save(self, name: str, item: Item, doing: str, expires_at: float | None = None) -> None:
        """Save over the item's version; LostRace where somebody else was first."""
        expires = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
        with told(doing):
            self._rows(name, value=item.value, expires_at=expires, **version_of(item)).save()

    def add_counts(self, name: str, counts: Mapping[str, int], expires_at: float, doing: str) -> None:
        """Add to the item's counts, in one write."""
        added = [Path([key]).add(count) for key, count in counts.items()]
        with told(doing):
            self._rows._get_connection().update_item(name, actions=[
                *added, Path(["expires_at"]).set(round(expires_at))])

    def get_counts(self, names: Collection[str], doing: str) -> dict[str, dict[str, int]]:
        """Return the counts of several items, at most 100, in one read; items that do not exist are left out."""
        # PynamoDB takes keys by name here; its types say texts.
        keys: Any = [{"name": name} for name in names]
        table = self._rows._get_connection()
        with told(doing):
            answer = table.batch_get_item(keys)
        return {row["name"]["S"]: _counts(row) for row in answer["Responses"].get(table.table_name, [])}


def _counts(row: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    return {name: int(value["N"]) for name, value in row.items() if "N" in value and name != "expires_at"}
