"""jpi's stores in memory instead of DynamoDB: the same outcomes, by the same calls in the same order."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from jpi.domain.link import Link
from jpi.domain.link_summary import LinkCard, LinkListItem
from jpi.errors import AwsOutage, LostRace
from jpi.store.link_codec import OPEN_INDEX_VALUE, link_from_columns, to_columns
from jpi.store.ports import ConfigItem
from jpi.store.processed_ids import RETENTION_PERIOD
from jpi.wiring import Stores
from sandbox.aws.memory_rows import (
    CONFIG,
    LEDGER,
    LINKS,
    MAX_ROWS_PER_READ,
    MAX_ROWS_PER_WRITE,
    Columns,
    ConditionFailed,
    MemoryTables,
    Refusal,
)
from sandbox.call_interception import CallInterceptor, WireFault, call_unchanged

Answer = TypeVar("Answer")

# botocore's pauses before the second and the third try are random; these are their means.
PAUSES_SECONDS = (0.5, 1.0)
# PynamoDB's own words, by operation.
FAILURE_TEXTS = {"GetItem": "Failed to get item", "PutItem": "Failed to put item",
                 "UpdateItem": "Failed to update item", "Query": "Failed to query items",
                 "BatchGetItem": "Failed to batch get items", "BatchWriteItem": "Failed to batch write items",
                 "DescribeTable": "Unable to describe table"}
# The columns of a link's row that queries and conditions use; all others are one text.
INDEXED_COLUMNS = ("incident_id", "version", "saved_by", "issue_key", "open", "state", "began")


def make_memory_stores(state: MemoryTables, intercept: CallInterceptor = call_unchanged,
                       sleep: Callable[[float], None] = time.sleep) -> Stores:
    """Return stores that keep everything in `state`; `intercept` makes each of their calls to DynamoDB."""
    calls = DynamoDbCalls(intercept, sleep)
    return Stores(MemoryLinks(state, calls), MemoryProcessedIds(state, calls), MemoryConfig(state, calls))


class DynamoDbCalls:
    """Makes calls to DynamoDB: retries as botocore does with jpi's settings, raises jpi's errors."""

    def __init__(self, intercept: CallInterceptor, sleep: Callable[[float], None]) -> None:
        self._intercept = intercept
        self._sleep = sleep

    def call_dynamodb(self, operation: str, doing: str, call: Callable[[], Answer]) -> Answer:
        """Return the call's answer; raise LostRace if its condition failed, AwsOutage for every other fault."""
        def call_or_refusal() -> Answer | Refusal:
            # A refusal is an answer, too: it may get lost.
            try:
                return call()
            except Refusal as refusal:
                return refusal

        outcome = self._call_with_retries(operation, doing, call_or_refusal)
        if isinstance(outcome, ConditionFailed):
            raise LostRace(f"{doing}: somebody else was first") from outcome
        if isinstance(outcome, Refusal):
            raise AwsOutage(f"{doing}: {FAILURE_TEXTS[operation]}: {outcome}") from outcome
        return outcome

    def _call_with_retries(self, operation: str, doing: str, call: Callable[[], Answer]) -> Answer:
        name = f"DynamoDB_20120810.{operation}"
        for pause in PAUSES_SECONDS:
            try:
                return self._intercept(name, call)  # type: ignore[no-any-return]
            except WireFault:
                self._sleep(pause)
        try:
            return self._intercept(name, call)  # type: ignore[no-any-return]
        except WireFault as fault:
            raise AwsOutage(f"{doing}: {FAILURE_TEXTS[operation]}: {fault}") from fault


class MemoryTable:
    """A store that keeps its rows in one table of `MemoryTables`."""

    table_name = ""

    def __init__(self, state: MemoryTables, calls: DynamoDbCalls) -> None:
        self._state = state
        self._calls = calls

    def has_table(self) -> bool:
        """True if the table exists."""
        return self._calls.call_dynamodb("DescribeTable", f"looking for the table {self.table_name}",
                                         lambda: self._state.has_table(self.table_name))

    def _get(self, key: str, doing: str) -> Columns | None:
        return self._calls.call_dynamodb("GetItem", doing, lambda: self._state.get(self.table_name, key))

    def _get_all(self, keys: Collection[str], doing: str) -> list[Columns]:
        return [columns for batch in _split_batches(keys, MAX_ROWS_PER_READ)
                for columns in self._get_batch(batch, doing)]

    def _get_batch(self, keys: Collection[str], doing: str) -> list[Columns]:
        return self._calls.call_dynamodb("BatchGetItem", doing, lambda: self._state.get_all(self.table_name, keys))

    def _put(self, key: str, columns: Columns, read_version: int | None, doing: str) -> None:
        self._calls.call_dynamodb(
            "PutItem", doing, lambda: self._state.put_row(self.table_name, key, columns, read_version)
        )

    def _query(self, column: str, value: str, doing: str) -> list[Columns]:
        return self._calls.call_dynamodb(
            "Query", doing, lambda: self._state.query_index(self.table_name, column, value)
        )


class MemoryLinks(MemoryTable):
    """Links, as `jpi.store.links.Links` documents them."""

    table_name = LINKS

    def get(self, incident_id: str) -> Link:
        """Return the incident's link as last saved, or a new one, not saved yet."""
        columns = self._get(incident_id, f"reading the link of {incident_id}")
        return _decode_link(columns) if columns else Link(incident_id)

    def get_all(self, incident_ids: Collection[str]) -> dict[str, Link]:
        """Return the links of several incidents, by id, 100 a request."""
        ids = sorted(set(incident_ids))
        links = [_decode_link(columns) for columns in self._get_all(ids, "reading links")]
        return {incident_id: Link(incident_id) for incident_id in ids} | {link.incident_id: link for link in links}

    def find_incident_id(self, issue_key: str) -> str | None:
        """Return the incident whose link holds this issue, as the index shows it."""
        rows = self._query("issue_key", issue_key, "finding a link")
        return str(rows[0]["incident_id"]) if rows else None

    def list_open(self) -> list[Link]:
        """Return every link the poll still has to look at."""
        rows = self._query("open", OPEN_INDEX_VALUE, "reading the open links")
        links = self.get_all([str(columns["incident_id"]) for columns in rows])
        # The index may be behind.
        return [link for link in links.values() if link.is_open]

    def list_by_state(self, states: Collection[str], before: str, limit: int) -> list[LinkListItem]:
        """Return the newest links in these states that began before a place in the list, by one query per state."""
        rows = [columns for state in states for columns in self._query("state", state, "reading the list")
                if not before or str(columns["began"]) < before]
        newest = sorted(rows, key=lambda columns: str(columns["began"]), reverse=True)[:limit]
        return [LinkListItem(str(columns["incident_id"]), str(columns["state"]), str(columns["began"]),
                             LinkCard(**_decode(columns)["card"])) for columns in newest]

    def save(self, link: Link) -> Link:
        """Save over the version that was read and return the result; raise LostRace if another writer was first."""
        version, writer = (link.version or 0) + 1, self._state.make_writer_name()
        columns = _encode({**to_columns(link), "version": version, "saved_by": writer})
        try:
            self._put(link.incident_id, columns, link.version, f"saving the link of {link.incident_id}")
        except LostRace:
            # After a lost answer the write is repeated: the first writer may be this one.
            stored = self._get(link.incident_id, f"reading the link of {link.incident_id}")
            if stored is None or stored["saved_by"] != writer:
                raise
            version = int(stored["version"])
        return replace(link, version=version)


class MemoryProcessedIds(MemoryTable):
    """The processed ids, as `jpi.store.processed_ids.ProcessedIds` documents them."""

    table_name = LEDGER

    def already_processed(self, ids: Collection[str]) -> set[str]:
        """Return those of these ids that were carried over."""
        return {str(columns["id"]) for columns in self._get_all(sorted(set(ids)), "reading processed ids")}

    def mark_processed(self, ids: Collection[str]) -> None:
        """Remember that these were carried over."""
        expires = int((datetime.fromtimestamp(self._state.clock(), UTC) + RETENTION_PERIOD).timestamp())
        for batch in _split_batches(sorted(set(ids)), MAX_ROWS_PER_WRITE):
            self._put_all({entry: {"id": entry, "expires_at": expires} for entry in batch})

    def _put_all(self, rows: Mapping[str, Columns]) -> None:
        self._calls.call_dynamodb("BatchWriteItem", "saving processed ids", lambda: self._state.put_rows(LEDGER, rows))


class MemoryConfig(MemoryTable):
    """Named values and counts, as `jpi.store.config_table.ConfigTable` documents them."""

    table_name = CONFIG

    def get(self, name: str, operation: str, consistent: bool = False) -> ConfigItem | None:
        """Return the item of this name; None if none was saved. Every read is consistent."""
        columns = self._get(name, operation)
        return ConfigItem(json.loads(str(columns["value"])), int(columns["version"])) if columns else None

    def save(self, name: str, item: ConfigItem, operation: str, expires_at: float | None = None) -> None:
        """Save over the item's version; raise LostRace if another writer was first."""
        expires = {} if expires_at is None else {"expires_at": int(expires_at)}
        version, value = (item.version or 0) + 1, json.dumps(item.value)
        self._put(name, {"name": name, "version": version, "value": value, **expires}, item.version, operation)

    def add_counts(self, name: str, counts: Mapping[str, int], expires_at: float, operation: str) -> None:
        """Add to the item's counts, in one write."""
        settings: Columns = {"name": name, "expires_at": round(expires_at)}
        self._calls.call_dynamodb("UpdateItem", operation, lambda: self._state.add(CONFIG, name, counts, settings))

    def get_counts(self, names: Collection[str], operation: str) -> dict[str, dict[str, int]]:
        """Return the counts of several items, at most 100, in one read; omit items that do not exist."""
        return {str(columns["name"]): _read_counts(columns) for columns in self._get_batch(names, operation)}


def _split_batches(keys: Collection[str], size: int) -> Iterator[list[str]]:
    ordered = list(keys)
    return (ordered[start:start + size] for start in range(0, len(ordered), size))


def _encode(columns: Mapping[str, Any]) -> Columns:
    # A column that is None is in no index.
    return {**{name: columns[name] for name in INDEXED_COLUMNS if columns.get(name) is not None},
            "text": json.dumps(columns)}


def _decode(columns: Columns) -> dict[str, Any]:
    return dict(json.loads(str(columns["text"])))


def _decode_link(columns: Columns) -> Link:
    return link_from_columns(_decode(columns))


def _read_counts(columns: Columns) -> dict[str, int]:
    return {name: value for name, value in columns.items() if isinstance(value, int) and name != "expires_at"}
