"""Reads the rows that were written before a link's parts had types (November 2026). Pure."""

from collections.abc import Mapping
from typing import Any

SIDES, FIELDS = ("pagerduty", "jira"), ("title", "priority", "assignee")


def upgrade_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of such a row in today's form; columns that it lacks were added after it was written."""
    fields, times = columns.get("fields") or {}, columns["seen"]
    return {
        **columns,
        "seen": {side: _upgrade_watermark(side, times) for side in SIDES},
        "fields": {name: _upgrade_field(name, fields.get(name, {}), times) for name in FIELDS},
        "todo": _upgrade_backlog(columns["todo"]),
        "failed": {event_id: _upgrade_failure(failure) for event_id, failure in columns["failed"].items()},
        "talk": {source: _upgrade_mirror(mirror) for source, mirror in (columns.get("talk") or {}).items()},
        "about": _upgrade_summary(columns.get("about") or {}),
        "history": [_upgrade_entry(entry) for entry in columns.get("history") or ()],
    }


def _upgrade_watermark(side: str, times: Mapping[str, float]) -> dict[str, float]:
    keys = {"snapshot_at": side, "status_write_at": f"{side}: status", "status_checked_at": f"{side}, by us",
            "comments_read_until": f"{side}: comments"}
    return {name: times.get(key, 0.0) for name, key in keys.items()}


def _upgrade_field(name: str, field: Mapping[str, Any], times: Mapping[str, float]) -> dict[str, Any]:
    return {"changed_at": field.get("at", 0.0), **{
        side: {"value": field.get(side), "own_writes": _upgrade_own_writes(side, field, times.get(f"{side}: {name}"))}
        for side in SIDES}}


def _upgrade_own_writes(side: str, field: Mapping[str, Any], last_write_at: float | None) -> list[list[Any]]:
    """Return (value, replaced, at) of each own write; where only the time of the last one is kept, of that."""
    writes, replaced = field.get(f"{side}, by us", []), field.get(f"{side}, before", [])
    if not writes and last_write_at is not None:
        return [[field.get(side) or "", None, last_write_at]]
    # The replaced values were added later than the writes.
    unknown = [None] * (len(writes) - len(replaced))
    return [[value, before, at] for (value, at), before in zip(writes, [*unknown, *replaced], strict=True)]


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


def _upgrade_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    names = {"created": "began_is_creation", "equal_at": "in_step_at", "equal_by": "in_step_event",
             "equal_type": "in_step_event_type"}
    return {names.get(name, name): value for name, value in summary.items()}


def _upgrade_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    # The reason of a refusal begins with the service's name; the fields that it refused are in its text only.
    failure = {"kind": entry.get("kind", ""), "reason": entry["reason"], "service": entry["reason"].split(" ")[0],
               "status": entry.get("status"), "field_names": []} if "reason" in entry else None
    return {"event_id": entry["event"], "event_type": entry["type"], "side": entry["side"].lower(),
            "source": entry["source"], "happened_at": entry["happened"], "at": entry["at"],
            "outcome": entry.get("outcome", ""), "no_action_reason": entry.get("why", ""),
            "steps": [{"text": step["what"], "is_done": step["ok"], "at": step["at"]} for step in entry["steps"]],
            "request": entry.get("request", ""), "failure": failure, "count": entry.get("times", 1),
            "first_at": entry.get("first")}
