"""The three tables as jpi uses them. Classes of the same names in `jpi.store` keep them in DynamoDB; others may fit."""

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
    """Where links are kept, as `jpi.store.links.Links` documents it."""

    def list_by_state(self, states: Collection[str], before: str, limit: int) -> list[LinkListItem]:
        """Return the newest links in any of these states that began before a place in the list."""


class ProcessedIds(ports.ProcessedIds, Table, Protocol):
    """What has been carried over already, as `jpi.store.processed_ids.Ledger` documents it."""


@dataclass(frozen=True)
class ConfigItem:
    """A named value as it was read, and the version to save over; None where nothing has been saved yet."""

    value: Any
    version: int | None = None


class ConfigTable(Table, Protocol):
    """Named values and counts, as `jpi.store.config_table.ConfigTable` documents them.

    `doing` is what the caller is about: the text of the errors begins with it.
    """

    def get(self, name: str, doing: str, consistent: bool = False) -> ConfigItem | None:
        """Return the item of this name; None where none was saved."""

    def save(self, name: str, item: ConfigItem, doing: str, expires_at: float | None = None) -> None:
        """Save over the item's version; LostRace where somebody else was first."""

    def add_counts(self, name: str, counts: Mapping[str, int], expires_at: float, doing: str) -> None:
        """Add to the item's counts, in one write."""

    def get_counts(self, names: Collection[str], doing: str) -> dict[str, dict[str, int]]:
        """Return the counts of several items, at most 100, in one read; items that do not exist are left out."""
