"""Links in DynamoDB: one row an incident, saved only over the version that was read."""

from collections.abc import Iterator
from dataclasses import replace

from pynamodb.exceptions import PutError

from jpi.errors import LostRace
from jpi.store.models import LinkRow, version_of
from jpi.sync.link import Link

OPEN = "open"


class Links:
    """Where links are kept."""

    def __init__(self, rows: type[LinkRow]) -> None:
        self._rows = rows

    def get(self, incident_id: str) -> Link:
        """The incident's link as last saved; a new one, not saved yet, where there is none."""
        try:
            return _link(self._rows.get(incident_id, consistent_read=True))
        except self._rows.DoesNotExist:
            return Link(incident_id)

    def of_issue(self, issue_key: str) -> Link | None:
        """The link that holds this issue; found by a key query, read whole and fresh."""
        found = next(iter(self._rows.issue_index.query(issue_key, limit=1)), None)
        return self.get(found.incident_id) if found else None

    def open(self) -> Iterator[Link]:
        """Every link the poll still has to look at."""
        for found in self._rows.open_index.query(OPEN):
            link = self.get(found.incident_id)
            # The index may be a moment behind.
            if link.open:
                yield link

    def save(self, link: Link) -> Link:
        """Save over the version read and return what is stored; LostRace where somebody else did so first."""
        row = self._rows(
            link.incident_id, issue_key=link.issue_key, issue_id=link.issue_id, issue_status=link.issue_status,
            open=OPEN if link.open else None, agreed=dict(link.agreed), seen=dict(link.seen), holds=dict(link.holds),
            todo=dict(link.todo), **version_of(link),
        )
        try:
            row.save()
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            raise LostRace(f"the link of {link.incident_id} was saved by somebody else") from error
        return replace(link, version=row.version)


def _link(row: LinkRow) -> Link:
    return Link(row.incident_id, int(row.version), row.issue_key, row.issue_id, row.agreed, row.seen, row.holds,
                row.todo, row.issue_status)
