"""Remembers in DynamoDB the ids of what was carried over."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from jpi.store.models import ProcessedIdRow, TableStore, translate_dynamodb_errors

# Longer than the same thing can be read again: PagerDuty retries a webhook for two days, a poll may be down for weeks.
RETENTION_PERIOD = timedelta(days=90)


class ProcessedIds(TableStore[ProcessedIdRow]):
    """Ids of log entries, notes and comments, removed after 90 days."""

    def __init__(self, row_model: type[ProcessedIdRow], clock: Callable[[], float]) -> None:
        super().__init__(row_model)
        self._clock = clock

    def already_processed(self, ids: Collection[str]) -> set[str]:
        """Return those ids that were carried over."""
        with translate_dynamodb_errors("reading processed ids"):
            return ({row.id for row in self._row_model.batch_get(sorted(set(ids)), consistent_read=True)} if ids
                    else set())

    def mark_processed(self, ids: Collection[str]) -> None:
        """Save that these were carried over."""
        expires = datetime.fromtimestamp(self._clock(), UTC) + RETENTION_PERIOD
        with translate_dynamodb_errors("saving processed ids"), self._row_model.batch_write() as batch:
            for processed_id in sorted(set(ids)):
                batch.save(self._row_model(processed_id, expires_at=expires))
