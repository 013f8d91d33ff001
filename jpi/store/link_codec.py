"""A link as the columns of its row, and back, within the bytes that a row may have. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from jpi.domain.backlog import Backlog, Part, PendingIssueLink, RefusedStep, StepId, StepKind, get_part_step_id
from jpi.domain.link import Failure, FirstLook, IssueRef, Link, LinkSummary, Mirror, StatusState, Watermark
from jpi.domain.link_parts import FieldName, HistoryEntry, HistoryFailure, HistoryStep, OwnWrite, Replica, SyncedField
from jpi.domain.link_summary import link_state, to_card
from jpi.domain.model import Side, SourceId, SourceKind
from jpi.domain.write_limits import Pause, RecentWrite, WriteKind, WriteLog
from jpi.store.link_upgrade import upgrade_columns

# DynamoDB takes 400 KB, with the names of the columns; it is sent what JSON needs, 12 bytes for an emoji.
MAX_ROW_BYTES = 380_000

PLAIN_TYPES = (str, float, int)
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


OPEN_INDEX_VALUE = "open"
# Rows without this number are older: `link_upgrade` reads them.
ROW_FORMAT = 2


def to_columns(link: Link) -> dict[str, Any]:
    """Return the columns of a link's row, all but its version, within DynamoDB's limit; None is not stored."""
    columns = {
        "incident_id": link.incident_id,
        "row_format": ROW_FORMAT,
        "issue_key": link.issue_key,
        "issue_id": link.issue_id, "issue_status": link.status.on_jira,
        "open": OPEN_INDEX_VALUE if link.is_open else None,
        "agreed": {"status": link.status.agreed, "resolved_at": link.status.resolved_at,
                   "reopened_at": link.status.reopened_at},
        "seen": _to_plain(link.watermarks), "responders": link.responders, "holds": dict(link.leases),
        "todo": _to_plain(link.backlog), "failed": _to_plain(link.failures),
        "fields": {name: _encode_field(field) for name, field in link.fields.items()},
        "talk": {source.idempotency_key: _encode_mirror(mirror) for source, mirror in link.mirrors.items()},
        "ended": link.ended, "missing": _to_plain(link.missing_since) or None, "about": _to_plain(link.summary),
        "history": [_to_plain(entry) for entry in link.history],
        "writes": _encode_write_log(link.write_log) if link.write_log != WriteLog() else None,
        **_to_list_columns(link),
    }
    trim_columns(columns)
    return columns


def link_from_columns(columns: Mapping[str, Any]) -> Link:
    """Return the link that was saved as these columns, among them its version."""
    if columns.get("row_format") != ROW_FORMAT:
        columns = upgrade_columns(columns)
    return Link(columns["incident_id"], int(columns["version"]),
                issue=IssueRef(columns["issue_key"], columns.get("issue_id")) if columns.get("issue_key") else None,
                status=_to_status_state(columns),
                watermarks={Side(side): Watermark(**times) for side, times in columns["seen"].items()},
                responders=None if columns.get("responders") is None else tuple(columns["responders"]),
                leases=columns["holds"], backlog=_decode_backlog(columns["todo"]),
                failures={event_id: Failure(**{**failure, "side": Side(failure["side"])}) for event_id,
                          failure in columns["failed"].items()}, ended=bool(columns.get("ended")),
                missing_since={Side(side): FirstLook(**look) for side, look in (columns.get("missing") or {}).items()},
                fields={FieldName(name): _decode_field(field) for name, field in columns["fields"].items()},
                mirrors={_parse_source(key): _decode_mirror(mirror) for key, mirror in columns["talk"].items()},
                summary=LinkSummary(**columns["about"]),
                history=tuple(_decode_entry(entry) for entry in columns["history"]),
                write_log=_decode_write_log(columns.get("writes") or {"recent": [], "pause": None}))


def _encode_mirror(mirror: Mirror) -> dict[str, Any]:
    # A link has up to 200 mirrors; of nearly all of them this is None.
    return {name: value for name, value in _to_plain(mirror).items() if name != "missing_since" or value}


def _decode_mirror(mirror: Mapping[str, Any]) -> Mirror:
    look = mirror.get("missing_since")
    return Mirror(**{**mirror, "missing_since": FirstLook(**look) if look else None})


def _to_status_state(columns: Mapping[str, Any]) -> StatusState:
    agreed = columns["agreed"]
    return StatusState(agreed.get("status"), columns.get("issue_status"), agreed.get("resolved_at", 0.0),
                       agreed.get("reopened_at", 0.0))


def _to_plain(value: Any) -> Any:
    """Return a dataclass as a dict, with all that it holds: as `asdict` does, in a tenth of its time."""
    if isinstance(value, tuple):
        return [part if isinstance(part, PLAIN_TYPES) else _to_plain(part) for part in value]
    parts = value if isinstance(value, dict) else vars(value)
    return {name: part if part is None or isinstance(part, PLAIN_TYPES) else _to_plain(part)
            for name, part in parts.items()}


def _encode_field(field: SyncedField) -> dict[str, Any]:
    replicas = {side: field.on(side) for side in Side}
    return {"changed_at": field.changed_at, **{
        side: {"value": replica.value, "own_writes": [[*vars(write).values()] for write in replica.own_writes]}
        for side, replica in replicas.items()}}


def _decode_field(field: Mapping[str, Any]) -> SyncedField:
    replicas = {side: Replica(field[side]["value"], tuple(OwnWrite(*write) for write in field[side]["own_writes"]))
                for side in Side}
    return SyncedField(replicas[Side.PAGERDUTY], replicas[Side.JIRA], field["changed_at"])


def _decode_backlog(backlog: Mapping[str, Any]) -> Backlog:
    return Backlog({Part(part): tuple(keys) for part, keys in backlog["pending"].items()},
                   tuple(PendingIssueLink(**issue_link) for issue_link in backlog["issue_links"]),
                   _decode_steps(backlog))


def _decode_steps(backlog: Mapping[str, Any]) -> tuple[RefusedStep, ...]:
    if "refused_steps" in backlog:
        return tuple(map(_decode_step, backlog["refused_steps"]))
    # Rows from before refused steps were kept have only the number of attempts by part.
    return tuple(RefusedStep(get_part_step_id(Part(part)), "", "Jira", "", count, 0.0, 0.0)
                 for part, count in backlog["attempts"].items())


def _decode_step(step: Mapping[str, Any]) -> RefusedStep:
    step_id = step["id"]
    return RefusedStep(**{**step, "id": StepId(StepKind(step_id["kind"]), Side(step_id["side"]), step_id["subject"])})


def _encode_write_log(write_log: WriteLog) -> dict[str, Any]:
    return {"recent": [[*vars(write).values()] for write in write_log.recent],
            "pause": _to_plain(write_log.pause) if write_log.pause else None}


def _decode_write_log(columns: Mapping[str, Any]) -> WriteLog:
    pause = columns["pause"] and Pause(**{
        **columns["pause"], "kind": WriteKind(columns["pause"]["kind"]),
        "counts": {Side(side): count for side, count in columns["pause"]["counts"].items()},
        "answered_on": Side(columns["pause"]["answered_on"]),
        "unread_sides": tuple(map(Side, columns["pause"]["unread_sides"]))})
    return WriteLog(tuple(RecentWrite(WriteKind(kind), Side(side), at) for kind, side, at in columns["recent"]), pause)


def _parse_source(idempotency_key: str) -> SourceId:
    kind, _, source_id = idempotency_key.partition(":")
    return SourceId(SourceKind(kind), source_id)


def _decode_entry(entry: Mapping[str, Any]) -> HistoryEntry:
    failure = entry["failure"] and HistoryFailure(**{**entry["failure"],
                                                     "field_names": tuple(entry["failure"]["field_names"])})
    steps = tuple(HistoryStep(**step) for step in entry["steps"])
    return HistoryEntry(**{**entry, "side": Side(entry["side"]), "steps": steps, "failure": failure})


def _to_list_columns(link: Link) -> dict[str, Any]:
    """Return where the list has the link: its state, and when it began. A link that was only begun is not listed."""
    if link.summary.began is None:
        return {}
    return {"state": link_state(link), "began": f"{link.summary.began:017.6f}/{link.incident_id}",
            "card": _to_plain(to_card(link))}
