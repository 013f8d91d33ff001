"""Caches answers of the services for a day, in the process and in DynamoDB for other processes."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from jpi.errors import AwsOutage, LostRace
from jpi.store.ports import ConfigItem, ConfigTable

DAY_SECONDS = 86_400.0
SAVE_OPERATION = "saving to the cache"
Value = TypeVar("Value")


class Cache:
    """Values by name. It never fails: a value that it cannot read is computed again."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock
        self._local_entries: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> Any:
        """Return the value; None if there is none younger than a day."""
        entry = self._local_entries.get(name) or self._read_stored(name)
        if entry is None or entry["until"] <= self._clock():
            return None
        self._local_entries[name] = entry
        return entry["value"]

    def get_stored(self, name: str) -> Any:
        """Return the value as any process saved it last; None if there is none younger than a day."""
        self._local_entries.pop(name, None)
        return self.get(name)

    def get_or_compute(self, name: str, compute: Callable[[], Value]) -> Value:
        """Return the value; compute and save it if it is not cached. An empty value is not saved."""
        cached: Value | None = self.get(name)
        if cached is not None:
            return cached
        value = compute()
        if value:
            self.save(name, value)
        return value

    def save(self, name: str, value: Any) -> None:
        """Save a JSON value for a day."""
        key, entry = f"cache:{name}", {"value": value, "until": self._clock() + DAY_SECONDS}
        self._local_entries[name] = entry
        # After a lost race another process has saved it; after an outage nobody has, and it is computed again.
        with suppress(LostRace, AwsOutage):
            item = self._table.get(key, SAVE_OPERATION)
            self._table.save(key, ConfigItem(entry, item.version if item else None), SAVE_OPERATION)

    def _read_stored(self, name: str) -> dict[str, Any] | None:
        try:
            item = self._table.get(f"cache:{name}", "reading the cache")
        except AwsOutage:
            return None
        return dict(item.value) if item else None
