"""Keeps named values in DynamoDB: the poll's cursor, the cache, sign-in attempts, metric counts."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from pynamodb.expressions.operand import Path

from jpi.store.models import ConfigRow, TableStore, to_version_argument, translate_dynamodb_errors
from jpi.store.ports import ConfigItem


class ConfigTable(TableStore[ConfigRow]):
    """Items by name: each a value, saved only over the version that was read, or counts."""

    def get(self, name: str, operation: str, consistent: bool = False) -> ConfigItem | None:
        """Return the item of this name; None if none was saved."""
        with translate_dynamodb_errors(operation):
            try:
                row = self._row_model.get(name, consistent_read=consistent)
            except self._row_model.DoesNotExist:
                return None
        return ConfigItem(row.value, int(row.version))

    def save(self, name: str, item: ConfigItem, operation: str, expires_at: float | None = None) -> None:
        """Save over the item's version; LostRace if somebody else was first."""
        expires = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
        with translate_dynamodb_errors(operation):
            self._row_model(name, value=item.value, expires_at=expires, **to_version_argument(item.version)).save()

    def add_counts(self, name: str, counts: Mapping[str, int], expires_at: float, operation: str) -> None:
        """Add to the item's counts, in one write."""
        added = [Path([key]).add(count) for key, count in counts.items()]
        with translate_dynamodb_errors(operation):
            self._row_model._get_connection().update_item(name, actions=[
                *added, Path(["expires_at"]).set(round(expires_at))])

    def get_counts(self, names: Collection[str], operation: str) -> dict[str, dict[str, int]]:
        """Return the counts of several items, at most 100, in one read; items that do not exist are left out."""
        # PynamoDB takes dicts as keys here, although its types say str.
        keys: Any = [{"name": name} for name in names]
        table = self._row_model._get_connection()
        with translate_dynamodb_errors(operation):
            answer = table.batch_get_item(keys)
        return {row["name"]["S"]: _parse_counts(row) for row in answer["Responses"].get(table.table_name, [])}


def _parse_counts(row: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    return {name: int(value["N"]) for name, value in row.items() if "N" in value and name != "expires_at"}
