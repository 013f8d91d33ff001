"""Links in DynamoDB: one row an incident, saved only over the version that was read."""

from collections.abc import Collection
from dataclasses import replace
from uuid import uuid4

from jpi.domain.link import Link
from jpi.domain.link_summary import Card, Listed
from jpi.errors import LostRace
from jpi.store.link_codec import OPEN, columns_of, link_from
from jpi.store.models import InTable, LinkRow, told, version_of


class Links(InTable[LinkRow]):
    """Where links are kept."""

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
        return self._rows(**columns_of(link), saved_by=uuid4().hex, **version_of(link))

    def _row(self, incident_id: str) -> LinkRow | None:
        with told(f"reading the link of {incident_id}"):
            try:
                return self._rows.get(incident_id, consistent_read=True)
            except self._rows.DoesNotExist:
                return None


def _link(row: LinkRow) -> Link:
    return link_from(row.attribute_values)
