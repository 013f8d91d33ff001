"""Links in DynamoDB: one row an incident, saved only over the version that was read."""

from collections.abc import Collection
from dataclasses import replace
from uuid import uuid4

from jpi.domain.link import Link
from jpi.domain.link_summary import LinkCard, LinkListItem
from jpi.errors import LostRace
from jpi.store.link_codec import OPEN_INDEX_VALUE, link_from_columns, to_columns
from jpi.store.models import LinkRow, TableStore, to_version_argument, translate_dynamodb_errors


class Links(TableStore[LinkRow]):
    """The table of links."""

    def get(self, incident_id: str) -> Link:
        """Return the incident's link as last saved; a new one, not saved yet, where there is none."""
        row = self._read_row(incident_id)
        return _link_from_row(row) if row else Link(incident_id)

    def get_all(self, incident_ids: Collection[str]) -> dict[str, Link]:
        """Return the links of several incidents, by id, 100 a request."""
        ids = sorted(set(incident_ids))
        with translate_dynamodb_errors("reading links"):
            links = [_link_from_row(row) for row in self._row_model.batch_get(ids, consistent_read=True)] if ids else []
        return {incident_id: Link(incident_id) for incident_id in ids} | {link.incident_id: link for link in links}

    def find_incident_id(self, issue_key: str) -> str | None:
        """Return the incident whose link has this issue, by a key query; the index may miss a new link for a moment."""
        with translate_dynamodb_errors("finding a link"):
            row = next(iter(self._row_model.issue_index.query(issue_key, limit=1)), None)
        return row.incident_id if row else None

    def list_open(self) -> list[Link]:
        """Return every link that the poll still has to look at."""
        with translate_dynamodb_errors("reading the open links"):
            incident_ids = [row.incident_id for row in self._row_model.open_index.query(OPEN_INDEX_VALUE)]
        # The index may be a moment behind.
        return [link for link in self.get_all(incident_ids).values() if link.is_open]

    def list_by_state(self, states: Collection[str], before: str, limit: int) -> list[LinkListItem]:
        """Return the newest links in any of these states that began before a position, by one query for each state."""
        with translate_dynamodb_errors("reading the list"):
            newest = [row for state in states for row in self._row_model.state_index.query(
                state, self._row_model.began < before if before else None, scan_index_forward=False, limit=limit,
                page_size=limit)]
        rows = sorted(newest, key=lambda row: str(row.began), reverse=True)[:limit]
        return [LinkListItem(row.incident_id, row.state, row.began, LinkCard(**row.card)) for row in rows]

    def save(self, link: Link) -> Link:
        """Save over the version that was read, and return what is stored; LostRace if another worker saved first."""
        row = self.to_row(link)
        try:
            with translate_dynamodb_errors(f"saving the link of {link.incident_id}"):
                row.save()
        except LostRace:
            # DynamoDB's client repeats a write whose answer was lost: it may be our own that was first.
            stored = self._read_row(link.incident_id)
            if stored is None or stored.saved_by != row.saved_by:
                raise
            row = stored
        return replace(link, version=int(row.version))

    def to_row(self, link: Link) -> LinkRow:
        """Return the row that a link is saved as."""
        return self._row_model(**to_columns(link), saved_by=uuid4().hex, **to_version_argument(link.version))

    def _read_row(self, incident_id: str) -> LinkRow | None:
        with translate_dynamodb_errors(f"reading the link of {incident_id}"):
            try:
                return self._row_model.get(incident_id, consistent_read=True)
            except self._row_model.DoesNotExist:
                return None


def _link_from_row(row: LinkRow) -> Link:
    return link_from_columns(row.attribute_values)
