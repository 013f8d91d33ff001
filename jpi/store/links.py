"""Links in DynamoDB: one row an incident, saved only over the version that was read."""

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from jpi.errors import LostRace
from jpi.store.models import LinkRow, told, version_of
from jpi.sync.card import Card, Listed, card, state
from jpi.sync.link import Link

OPEN = "open"



class Links:
    """Where links are kept."""

    def __init__(self, rows: type[LinkRow]) -> None:
        self._rows = rows

    def get(self, incident_id: str) -> Link:
        """The incident's link as last saved; a new one, not saved yet, where there is none."""
        row = self._row(incident_id)
        return _link(row) if row else Link(incident_id)

    def get_all(self, incident_ids: Collection[str]) -> dict[str, Link]:
        """The links of several incidents, by id, 100 a request."""
        ids = sorted(set(incident_ids))
        with told("reading links"):
            found = [_link(row) for row in self._rows.batch_get(ids, consistent_read=True)] if ids else []
        return {one: Link(one) for one in ids} | {link.incident_id: link for link in found}

    def incident_of(self, issue_key: str) -> str | None:
        """The incident whose link holds this issue, by a key query; a new link may take a moment to be found."""
        with told("finding a link"):
            found = next(iter(self._rows.issue_index.query(issue_key, limit=1)), None)
        return found.incident_id if found else None

    def open(self) -> list[Link]:
        """Every link the poll still has to look at."""
        with told("reading the open links"):
            found = [row.incident_id for row in self._rows.open_index.query(OPEN)]
        # The index may be a moment behind.
        return [link for link in self.get_all(found).values() if link.open]

    def listed(self, states: Collection[str], before: str, most: int) -> list[Listed]:
        """The newest links in any of these states that began before a place in the list, a query a state."""
        with told("reading the list"):
            found = [row for one in states for row in self._rows.state_index.query(
                one, self._rows.began < before if before else None, scan_index_forward=False, limit=most,
                page_size=most)]
        rows = sorted(found, key=lambda row: str(row.began), reverse=True)[:most]
        return [Listed(row.incident_id, row.state, row.began, Card(**row.card)) for row in rows]

    def save(self, link: Link) -> Link:
        """Save over the version read and return what is stored; LostRace where somebody else did so first."""
        row = self.row(link)
        try:
            with told(f"saving the link of {link.incident_id}"):
                row.save()
        except LostRace:
            # DynamoDB's client repeats a write whose answer was lost: it may be our own that was first.
            stored = self._row(link.incident_id)
            if stored is None or stored.saved_by != row.saved_by:
                raise
            row = stored
        return replace(link, version=int(row.version))

    def row(self, link: Link) -> LinkRow:
        """The row that a link is saved as."""
        return self._rows(
            link.incident_id, issue_key=link.issue_key, issue_id=link.issue_id, issue_status=link.issue_status,
            open=OPEN if link.open else None, agreed=dict(link.agreed), seen=dict(link.seen), holds=dict(link.holds),
            todo=dict(link.todo), failed=dict(link.failed), fields=dict(link.fields), talk=dict(link.talk),
            ended=link.ended, about=dict(link.about), history=list(link.history), **_listed(link),
            saved_by=uuid4().hex, **version_of(link),
        )

    def _row(self, incident_id: str) -> LinkRow | None:
        with told(f"reading the link of {incident_id}"):
            try:
                return self._rows.get(incident_id, consistent_read=True)
            except self._rows.DoesNotExist:
                return None


def _link(row: LinkRow) -> Link:
    # Rows from before there were such columns have none.
    return Link(row.incident_id, int(row.version), row.issue_key, row.issue_id, row.agreed, row.seen, row.holds,
                row.todo, row.issue_status, row.failed, row.ended, row.fields or {}, row.talk or {}, row.about or {},
                tuple(row.history or ()))


def _listed(link: Link) -> dict[str, Any]:
    """Where the list has it: by state, and there by when it began. A link that was only begun is not listed yet."""
    if "began" not in link.about:
        return {}
    return {"state": state(link), "began": f"{link.about['began']:017.6f}/{link.incident_id}",
            "card": asdict(card(link))}
