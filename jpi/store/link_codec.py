"""A link as the columns of its row, and back. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jpi.domain.link import Link
from jpi.domain.link_summary import link_state, to_card

OPEN_INDEX_VALUE = "open"


def to_columns(link: Link) -> dict[str, Any]:
    """Return the columns of a link's row, all but its version; a column that is None is not stored."""
    return {"incident_id": link.incident_id, "issue_key": link.issue_key, "issue_id": link.issue_id,
            "issue_status": link.issue_status, "open": OPEN_INDEX_VALUE if link.is_open else None,
            "agreed": dict(link.agreed), "seen": dict(link.watermarks), "holds": dict(link.leases),
            "todo": dict(link.backlog), "failed": dict(link.failures), "fields": dict(link.fields),
            "talk": dict(link.mirrors), "ended": link.ended, "about": dict(link.summary), "history": list(link.history),
            **_to_list_columns(link)}


def link_from_columns(columns: Mapping[str, Any]) -> Link:
    """Return the link that was saved as these columns, among them its version."""
    # Rows from before there were such columns have none.
    fields, talk, about = (columns.get(name) or {} for name in ("fields", "talk", "about"))
    return Link(columns["incident_id"], int(columns["version"]), columns.get("issue_key"), columns.get("issue_id"),
                columns["agreed"], columns["seen"], columns["holds"], columns["todo"], columns.get("issue_status"),
                columns["failed"], bool(columns.get("ended")), fields, talk, about, tuple(columns.get("history") or ()))


def _to_list_columns(link: Link) -> dict[str, Any]:
    """Where the list has it: by state, and there by when it began. A link that was only begun is not listed yet."""
    if "began" not in link.summary:
        return {}
    return {"state": link_state(link), "began": f"{link.summary['began']:017.6f}/{link.incident_id}",
            "card": asdict(to_card(link))}
