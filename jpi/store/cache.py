"""What was asked of the services and changes rarely: in the process, and in DynamoDB for other processes, for a day."""

from collections.abc import Callable
from typing import Any, TypeVar

from jpi.errors import AwsOutage, LostRace
from jpi.store.ports import ConfigItem, ConfigTable

DAY_SECONDS = 86_400.0
SAVE_OPERATION = "remembering what was asked"
Found = TypeVar("Found")


class Cache:
    """Values by name. It never fails: what it cannot tell is asked for again."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock
        self._local_entries: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> Any:
        """The value, None where there is none of today's."""
        there = self._local_entries.get(name) or self._read_stored(name)
        if there is None or there["until"] <= self._clock():
            return None
        self._local_entries[name] = there
        return there["value"]

    def reload(self, name: str) -> Any:
        """The value as another process may have left it just now, None where there is none of today's."""
        self._local_entries.pop(name, None)
        return self.get(name)

    def get_or_compute(self, name: str, compute: Callable[[], Found]) -> Found:
        """The value, found and remembered where it is not known; nothing found is not remembered."""
        known: Found | None = self.get(name)
        if known is not None:
            return known
        found = compute()
        if found:
            self.save(name, found)
        return found

    def save(self, name: str, value: Any) -> None:
        """Remember a value, as JSON has it, until tomorrow."""
        self._local_entries[name] = {"value": value, "until": self._clock() + DAY_SECONDS}
        try:
            item = self._table.get(_build_key(name), SAVE_OPERATION)
            self._table.save(_build_key(name), ConfigItem(self._local_entries[name], item.version if item else None),
                             SAVE_OPERATION)
        except (LostRace, AwsOutage):
            # Somebody else remembers it, or nobody does.
            return

    def _read_stored(self, name: str) -> dict[str, Any] | None:
        try:
            item = self._table.get(_build_key(name), "reading what was asked")
        except AwsOutage:
            return None
        return dict(item.value) if item else None


def _build_key(name: str) -> str:
    return f"cache:{name}"
