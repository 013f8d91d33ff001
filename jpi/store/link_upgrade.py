"""Reads the rows that were written before a link's parts had types (November 2026). Pure."""

from collections.abc import Mapping
from typing import Any


def upgrade_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of such a row in today's form; columns that it lacks were added after it was written."""
    return {**columns, "todo": _upgrade_backlog(columns["todo"]),
            "failed": {event_id: _upgrade_failure(failure) for event_id, failure in columns["failed"].items()},
            "talk": {source: _upgrade_mirror(mirror) for source, mirror in (columns.get("talk") or {}).items()}}


def _upgrade_backlog(backlog: Mapping[str, Any]) -> dict[str, Any]:
    return {"pending": {part: backlog[part] for part in ("timeline", "questions") if part in backlog},
            "issue_links": [{"from_key": from_key, "type": type_name, "to_key": to_key, "role": role}
                            for from_key, type_name, to_key, role in backlog.get("links", [])],
            "attempts": backlog.get("tries", {})}


def _upgrade_failure(failure: Mapping[str, Any]) -> dict[str, Any]:
    return {"side": failure["side"], "reason": failure["reason"], "at": failure["at"], "permanent": failure["final"],
            "attempts": failure["times"]}


def _upgrade_mirror(mirror: Mapping[str, Any]) -> dict[str, Any]:
    return {"copy_id": mirror["there"], "digest": mirror["said"], "source_changed_at": mirror["at"]}
