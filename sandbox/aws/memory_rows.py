"""What jpi's three tables hold, as plain data, with DynamoDB's semantics: it can be copied, pickled and restored."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LINKS, LEDGER, CONFIG = TABLES = ("incidents", "log-entries", "config")
MAX_ROWS_PER_READ, MAX_ROWS_PER_WRITE = 100, 25

# Texts and numbers only, so that nothing is shared with whoever wrote or reads them.
Columns = Mapping[str, str | int]


class Refusal(Exception):
    """An answer of DynamoDB's that no retry changes."""


class ConditionFailed(Refusal):
    """The row has another version than the writer has read."""


@dataclass(frozen=True)
class Row:
    """A row as it was written at a time."""

    written_at: float
    columns: Columns


class MemoryTables:
    """The tables' rows, by table and key. Each method is atomic, as one call to DynamoDB is.

    `index_lag`: so many seconds later an index shows what was written.
    `sweeps_expired`: whether an expired row is gone at once. DynamoDB takes days, so by default it stays until `sweep`.
    """

    def __init__(self, clock: Callable[[], float], index_lag: float = 0.0, sweeps_expired: bool = False) -> None:
        self.clock = clock
        self.index_lag_seconds = index_lag
        self.sweeps_expired = sweeps_expired
        # All that an index may still show of a row, the newest last.
        self.rows: dict[str, dict[str, list[Row]]] = {table: {} for table in TABLES}
        self._writers = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def has_table(self, table: str) -> bool:
        """True if the table exists."""
        return table in self.rows

    def make_writer_name(self) -> str:
        """Return a name that no other write has."""
        with self._lock:
            self._writers += 1
            return f"write {self._writers}"

    def get(self, table: str, key: str) -> Columns | None:
        """Return one row; None where it does not exist."""
        with self._open_table(table) as rows:
            return _read_newest(rows, key)

    def get_all(self, table: str, keys: Collection[str]) -> list[Columns]:
        """Return those of these rows that exist; Refusal where there are too many keys for one call."""
        if len(keys) > MAX_ROWS_PER_READ:
            raise Refusal("ValidationException: Too many items requested for the BatchGetItem call")
        with self._open_table(table) as rows:
            return [columns for key in keys if (columns := _read_newest(rows, key)) is not None]

    def put(self, table: str, key: str, columns: Columns, read_version: int | None) -> None:
        """Write a row over the version read, None where there was none; ConditionFailed where it has another."""
        with self._open_table(table) as rows:
            stored = _read_newest(rows, key)
            if (stored or {}).get("version") != (read_version or None):
                raise ConditionFailed("ConditionalCheckFailedException")
            self._write(rows, key, columns)

    def put_all(self, table: str, written: Mapping[str, Columns]) -> None:
        """Write rows over whatever is stored; Refusal where they are too many for one call."""
        if len(written) > MAX_ROWS_PER_WRITE:
            raise Refusal("ValidationException: Too many items requested for the BatchWriteItem call")
        with self._open_table(table) as rows:
            for key, columns in written.items():
                self._write(rows, key, columns)

    def add(self, table: str, key: str, counts: Mapping[str, int], settings: Columns) -> None:
        """Add to a row's numbers and set other columns; the row is made where it does not exist."""
        with self._open_table(table) as rows:
            stored = _read_newest(rows, key) or {}
            sums = {name: int(stored.get(name, 0)) + count for name, count in counts.items()}
            self._write(rows, key, {**stored, **sums, **settings})

    def query(self, table: str, column: str, value: str) -> list[Columns]:
        """Return the rows with this value in an indexed column, as the index shows them now."""
        with self._open_table(table) as rows:
            indexed = (self._indexed(versions) for versions in rows.values())
            return [row.columns for row in indexed if row and row.columns.get(column) == value]

    def sweep(self) -> None:
        """Delete the rows that have expired."""
        with self._lock:
            self._sweep()

    @contextmanager
    def _open_table(self, table: str) -> Iterator[dict[str, list[Row]]]:
        with self._lock:
            if self.sweeps_expired:
                self._sweep()
            if table not in self.rows:
                raise Refusal("ResourceNotFoundException: Requested resource not found")
            yield self.rows[table]

    def _write(self, rows: dict[str, list[Row]], key: str, columns: Columns) -> None:
        # DynamoDB knows nothing of who reads the row later: neither does the row.
        row, versions = Row(self.clock(), dict(columns)), rows.get(key, [])
        indexed = self._indexed(versions)
        rows[key] = [*versions[versions.index(indexed) if indexed else 0:], row]

    def _indexed(self, versions: list[Row]) -> Row | None:
        """Return the row that an index shows by now; None where it does not show any yet."""
        latest = self.clock() - self.index_lag_seconds
        return next((row for row in reversed(versions) if row.written_at <= latest), None)

    def _sweep(self) -> None:
        now = self.clock()
        for rows in self.rows.values():
            for key in [key for key in rows if int((_read_newest(rows, key) or {}).get("expires_at", now)) < now]:
                del rows[key]


def _read_newest(rows: dict[str, list[Row]], key: str) -> Columns | None:
    return rows[key][-1].columns if key in rows else None
