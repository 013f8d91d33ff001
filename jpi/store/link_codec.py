"""A link as the columns of its row, and back. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jpi.domain.link import Link
from jpi.domain.link_summary import card, state

OPEN = "open"


def columns_of(link: Link) -> dict[str, Any]:
    """Return the columns of a link's row, all but its version; a column that is None is not stored."""
    return {
        "incident_id": link.incident_id, "issue_key": link.issue_key, "issue_id": link.issue_id,
        "issue_status": link.issue_status, "open": OPEN if link.open else None, "agreed": dict(link.agreed),
        "seen": dict(link.seen), "holds": dict(link.holds), "todo": dict(link.todo), "failed": dict(link.failed),
        "fields": dict(link.fields), "talk": dict(link.talk), "ended": link.ended, "about": dict(link.about),
        "history": list(link.history), **_list_columns(link),
    }


def link_from(columns: Mapping[str, Any]) -> Link:
    """Return the link that was saved as these columns, among them its version."""
    # Rows from before there were such columns have none.
    fields, talk, about = (columns.get(name) or {} for name in ("fields", "talk", "about"))
    return Link(
        columns["incident_id"], int(columns["version"]), columns.get("issue_key"), columns.get("issue_id"),
        columns["agreed"], columns["seen"], columns["holds"], columns["todo"], columns.get("issue_status"),
        columns["failed"], bool(columns.get("ended")), fields, talk, about, tuple(columns.get("history") or ()),
    )


def _list_columns(link: Link) -> dict[str, Any]:
    """Where the list has it: by state, and there by when it began. A link that was only begun is not listed yet."""
    if "began" not in link.about:
        return {}
    return {"state": state(link), "began": f"{link.about['began']:017.6f}/{link.incident_id}",
            "card": asdict(card(link))}
