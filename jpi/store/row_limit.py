"""Keeps a link's row within DynamoDB's limit: the oldest of what it can do without is dropped first. Pure."""

import json
from typing import Any

# DynamoDB takes 400 KB, with the names of the columns; it is sent what JSON needs, 12 bytes for an emoji.
MAX_ROW_BYTES = 380_000

Columns = dict[str, Any]


def trim_columns(columns: Columns) -> None:
    """Drop old history, then old own writes, mirrors and parts of the backlog, until the row is small enough."""
    excess = count_bytes(columns) - MAX_ROW_BYTES
    for drop_oldest in (_drop_history_entry, _drop_own_write, _drop_mirror, _drop_from_backlog):
        while excess > 0 and (dropped := drop_oldest(columns)):
            excess -= dropped


def count_bytes(value: Any) -> int:
    """Return the size of a value as JSON, in bytes."""
    return len(json.dumps(value))


def _drop_history_entry(columns: Columns) -> int:
    """Drop the oldest entry, but never the newest; return its size."""
    history = columns["history"]
    return count_bytes(history.pop(0)) if len(history) > 1 else 0


def _drop_own_write(columns: Columns) -> int:
    """Drop the oldest own write of all fields; the newest of each says until when that field is known."""
    replicas = [replica for field in columns["fields"].values() for replica in field.values()
                if isinstance(replica, dict) and len(replica["own_writes"]) > 1]
    if not replicas:
        return 0
    return count_bytes(min(replicas, key=_get_oldest_write_time)["own_writes"].pop(0))


def _get_oldest_write_time(replica: Columns) -> float:
    return float(replica["own_writes"][0][-1])


def _drop_mirror(columns: Columns) -> int:
    """Drop the oldest mirror: the processed ids still know that its source was carried over."""
    mirrors = columns["talk"]
    return count_bytes(mirrors.pop(next(iter(mirrors)))) if mirrors else 0


def _drop_from_backlog(columns: Columns) -> int:
    """Drop the older half of the backlog's longest list; a part without keys is looked at as a whole."""
    holders = [columns["todo"], *(value for value in columns["todo"].values() if isinstance(value, dict))]
    lists = [(count_bytes(items), holder, name) for holder in holders for name, items in holder.items()
             if isinstance(items, list | tuple) and items]
    if not lists:
        return 0
    _, holder, name = max(lists, key=lambda found: found[0])
    before = count_bytes(holder[name])
    holder[name] = () if holder is columns["todo"].get("pending") else holder[name][(len(holder[name]) + 1) // 2:]
    return before - count_bytes(holder[name])
