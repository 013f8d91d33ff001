"""Defines the three tables as jpi uses them; classes of the same names in `jpi.store` keep them in DynamoDB."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from jpi.domain.link_summary import LinkListItem
from jpi.sync import ports


class Table(Protocol):
    """Something that keeps its rows in one table."""

    @property
    def table_name(self) -> str:
        """Return the table's name."""

    def has_table(self) -> bool:
        """True if the table exists."""


class Links(ports.Links, Table, Protocol):
    """Keeps links."""

    def list_by_state(self, states: Collection[str], before: str, limit: int) -> list[LinkListItem]:
        """Return the newest links in any of these states that began before a place in the list."""


class ProcessedIds(ports.ProcessedIds, Table, Protocol):
    """Remembers the ids of what was carried over."""


@dataclass(frozen=True)
class ConfigItem:
    """A named value as it was read, and the version to save over; None if nothing was saved yet."""

    value: Any
    version: int | None = None


class ConfigTable(Table, Protocol):
    """Keeps named values and counts. The text of every error begins with `operation`."""

    def get(self, name: str, operation: str, consistent: bool = False) -> ConfigItem | None:
        """Return the item of this name; None if none was saved."""

    def save(self, name: str, item: ConfigItem, operation: str, expires_at: float | None = None) -> None:
        """Save over the item's version; LostRace if somebody else was first."""

    def add_counts(self, name: str, counts: Mapping[str, int], expires_at: float, operation: str) -> None:
        """Add to the item's counts, in one write."""

    def get_counts(self, names: Collection[str], operation: str) -> dict[str, dict[str, int]]:
        """Return the counts of several items, at most 100, in one read; items that do not exist are left out."""
