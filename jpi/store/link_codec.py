"""A link as the columns of its row, and back. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jpi.domain.link import Backlog, Failure, IssueRef, Link, Mirror, Part, PendingIssueLink, StatusState
from jpi.domain.link_summary import link_state, to_card
from jpi.domain.model import Side, SourceId, SourceKind
from jpi.store.link_upgrade import upgrade_columns

OPEN_INDEX_VALUE = "open"
# Rows without this number are older: `link_upgrade` reads them.
ROW_FORMAT = 2


def to_columns(link: Link) -> dict[str, Any]:
    """Return the columns of a link's row, all but its version; a column that is None is not stored."""
    return {"incident_id": link.incident_id, "row_format": ROW_FORMAT, "issue_key": link.issue_key,
            "issue_id": link.issue_id, "issue_status": link.status.on_jira,
            "open": OPEN_INDEX_VALUE if link.is_open else None, "agreed": {"status": link.status.agreed},
            "seen": dict(link.watermarks), "holds": dict(link.leases), "todo": asdict(link.backlog),
            "failed": _to_plain_mapping(link.failures), "fields": dict(link.fields),
            "talk": {source.idempotency_key: asdict(mirror) for source, mirror in link.mirrors.items()},
            "ended": link.ended, "about": dict(link.summary), "history": list(link.history), **_to_list_columns(link)}


def link_from_columns(columns: Mapping[str, Any]) -> Link:
    """Return the link that was saved as these columns, among them its version."""
    if columns.get("row_format") != ROW_FORMAT:
        columns = upgrade_columns(columns)
    # Rows from before there were such columns have none.
    fields, about = (columns.get(name) or {} for name in ("fields", "about"))
    return Link(columns["incident_id"], int(columns["version"]),
                issue=IssueRef(columns["issue_key"], columns.get("issue_id")) if columns.get("issue_key") else None,
                status=StatusState(columns["agreed"].get("status"), columns.get("issue_status")),
                watermarks=columns["seen"], leases=columns["holds"], backlog=_decode_backlog(columns["todo"]),
                failures={event_id: Failure(**{**failure, "side": Side(failure["side"])}) for event_id,
                          failure in columns["failed"].items()}, ended=bool(columns.get("ended")), fields=fields,
                mirrors={_parse_source(key): Mirror(**mirror) for key, mirror in columns["talk"].items()},
                summary=about, history=tuple(columns.get("history") or ()))


def _to_plain_mapping(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: asdict(value) for key, value in values.items()}


def _decode_backlog(backlog: Mapping[str, Any]) -> Backlog:
    return Backlog({Part(part): tuple(keys) for part, keys in backlog["pending"].items()},
                   tuple(PendingIssueLink(**issue_link) for issue_link in backlog["issue_links"]),
                   {Part(part): count for part, count in backlog["attempts"].items()})


def _parse_source(idempotency_key: str) -> SourceId:
    kind, _, source_id = idempotency_key.partition(":")
    return SourceId(SourceKind(kind), source_id)


def _to_list_columns(link: Link) -> dict[str, Any]:
    """Return where the list has the link: its state, and when it began. A link that was only begun is not listed."""
    if "began" not in link.summary:
        return {}
    return {"state": link_state(link), "began": f"{link.summary['began']:017.6f}/{link.incident_id}",
            "card": asdict(to_card(link))}
