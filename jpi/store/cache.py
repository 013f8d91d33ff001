"""What was asked of the services and changes rarely: in the process, and in DynamoDB for other processes, for a day."""

from collections.abc import Callable
from typing import Any, TypeVar

from jpi.errors import LostRace, Outage
from jpi.store.ports import ConfigTable, Item

DAY_SECONDS = 86_400.0
REMEMBERING = "remembering what was asked"
Found = TypeVar("Found")


class Cache:
    """Values by name. It never fails: what it cannot tell is asked for again."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock
        self._here: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> Any:
        """The value, None where there is none of today's."""
        there = self._here.get(name) or self._stored(name)
        if there is None or there["until"] <= self._clock():
            return None
        self._here[name] = there
        return there["value"]

    def look(self, name: str) -> Any:
        """The value as another process may have left it just now, None where there is none of today's."""
        self._here.pop(name, None)
        return self.get(name)

    def remembered(self, name: str, find: Callable[[], Found]) -> Found:
        """The value, found and remembered where it is not known; nothing found is not remembered."""
        known: Found | None = self.get(name)
        if known is not None:
            return known
        found = find()
        if found:
            self.put(name, found)
        return found

    def put(self, name: str, value: Any) -> None:
        """Remember a value, as JSON has it, until tomorrow."""
        self._here[name] = {"value": value, "until": self._clock() + DAY_SECONDS}
        try:
            item = self._table.get(_key(name), REMEMBERING)
            self._table.save(_key(name), Item(self._here[name], item.version if item else None), REMEMBERING)
        except (LostRace, Outage):
            # Somebody else remembers it, or nobody does.
            return

    def _stored(self, name: str) -> dict[str, Any] | None:
        try:
            item = self._table.get(_key(name), "reading what was asked")
        except Outage:
            return None
        return dict(item.value) if item else None


def _key(name: str) -> str:
    return f"cache:{name}"
