"""The rows of jpi's three tables as plain data with DynamoDB's semantics; they can be copied, pickled and restored."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LINKS, LEDGER, CONFIG = TABLES = ("incidents", "log-entries", "config")
MAX_ROWS_PER_READ, MAX_ROWS_PER_WRITE = 100, 25
MAX_ROW_BYTES = 400 * 1024

# Texts and numbers only, so that writers and readers share no object with the table.
Columns = Mapping[str, str | int]


class Refusal(Exception):
    """Raised when DynamoDB refuses a request; no retry changes that."""


class ConditionFailed(Refusal):
    """Raised when the row has another version than the writer read."""


@dataclass(frozen=True)
class Row:
    """A row as it was written at a time."""

    written_at: float
    columns: Columns


class MemoryTables:
    """The tables' rows, by table and key. Each method is atomic, as one call to DynamoDB is.

    `index_lag`: seconds until an index shows what was written.
    `sweeps_expired`: delete expired rows at once. DynamoDB takes days, so by default they stay until `delete_expired`.
    """

    def __init__(self, clock: Callable[[], float], index_lag: float = 0.0, sweeps_expired: bool = False) -> None:
        self.clock = clock
        self.index_lag_seconds = index_lag
        self.sweeps_expired = sweeps_expired
        # All versions of a row that an index may still show, the newest last.
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
        """Return one row, or None if it does not exist."""
        with self._open_table(table) as rows:
            return _read_newest(rows, key)

    def get_all(self, table: str, keys: Collection[str]) -> list[Columns]:
        """Return those of these rows that exist; raise Refusal if there are too many keys for one call."""
        if len(keys) > MAX_ROWS_PER_READ:
            raise Refusal("ValidationException: Too many items requested for the BatchGetItem call")
        with self._open_table(table) as rows:
            return [columns for key in keys if (columns := _read_newest(rows, key)) is not None]

    def put_row(self, table: str, key: str, columns: Columns, read_version: int | None) -> None:
        """Write a row over the version that was read (None: no row).

        Raise ConditionFailed if the version differs, Refusal if the row is larger than DynamoDB takes.
        """
        _check_size(columns)
        with self._open_table(table) as rows:
            stored = _read_newest(rows, key)
            if (stored or {}).get("version") != (read_version or None):
                raise ConditionFailed("ConditionalCheckFailedException")
            self._write(rows, key, columns)

    def put_rows(self, table: str, written: Mapping[str, Columns]) -> None:
        """Overwrite rows; raise Refusal if there are too many for one call."""
        if len(written) > MAX_ROWS_PER_WRITE:
            raise Refusal("ValidationException: Too many items requested for the BatchWriteItem call")
        with self._open_table(table) as rows:
            for key, columns in written.items():
                self._write(rows, key, columns)

    def add(self, table: str, key: str, counts: Mapping[str, int], settings: Columns) -> None:
        """Add to a row's numbers and set other columns; make the row if it does not exist."""
        with self._open_table(table) as rows:
            stored = _read_newest(rows, key) or {}
            sums = {name: int(stored.get(name, 0)) + count for name, count in counts.items()}
            self._write(rows, key, {**stored, **sums, **settings})

    def query_index(self, table: str, column: str, value: str) -> list[Columns]:
        """Return the rows with this value in an indexed column, as the index shows them now."""
        with self._open_table(table) as rows:
            indexed = (self._find_indexed(versions) for versions in rows.values())
            return [row.columns for row in indexed if row and row.columns.get(column) == value]

    def delete_expired(self) -> None:
        """Delete the rows that have expired."""
        with self._lock:
            self._delete_expired()

    @contextmanager
    def _open_table(self, table: str) -> Iterator[dict[str, list[Row]]]:
        with self._lock:
            if self.sweeps_expired:
                self._delete_expired()
            if table not in self.rows:
                raise Refusal("ResourceNotFoundException: Requested resource not found")
            yield self.rows[table]

    def _write(self, rows: dict[str, list[Row]], key: str, columns: Columns) -> None:
        # The row keeps a copy, so that it shares nothing with the writer.
        row, versions = Row(self.clock(), dict(columns)), rows.get(key, [])
        indexed = self._find_indexed(versions)
        rows[key] = [*versions[versions.index(indexed) if indexed else 0:], row]

    def _find_indexed(self, versions: list[Row]) -> Row | None:
        """Return the version that an index shows now; None if it shows none yet."""
        latest = self.clock() - self.index_lag_seconds
        return next((row for row in reversed(versions) if row.written_at <= latest), None)

    def _delete_expired(self) -> None:
        now = self.clock()
        for rows in self.rows.values():
            for key in [key for key in rows if int((_read_newest(rows, key) or {}).get("expires_at", now)) < now]:
                del rows[key]


def _check_size(columns: Columns) -> None:
    if sum(len(name.encode()) + len(str(value).encode()) for name, value in columns.items()) > MAX_ROW_BYTES:
        raise Refusal("ValidationException: Item size has exceeded the maximum allowed size")


def _read_newest(rows: dict[str, list[Row]], key: str) -> Columns | None:
    return rows[key][-1].columns if key in rows else None
