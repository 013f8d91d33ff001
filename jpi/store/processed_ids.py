"""What has been carried over already, by id, in DynamoDB."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from jpi.store.models import ProcessedIdRow, TableStore, translate_dynamodb_errors

# Longer than anything is read twice: PagerDuty retries a webhook for two days, a poll may be down for a holiday.
RETENTION_PERIOD = timedelta(days=90)


class ProcessedIds(TableStore[ProcessedIdRow]):
    """Ids of log entries and the like, forgotten after 90 days."""

    def __init__(self, row_model: type[ProcessedIdRow], clock: Callable[[], float]) -> None:
        super().__init__(row_model)
        self._clock = clock

    def already_processed(self, ids: Collection[str]) -> set[str]:
        """Which of these were carried over."""
        with translate_dynamodb_errors("reading the ledger"):
            return ({row.id for row in self._row_model.batch_get(sorted(set(ids)), consistent_read=True)} if ids
                    else set())

    def mark_processed(self, ids: Collection[str]) -> None:
        """Remember that these were carried over."""
        expires = datetime.fromtimestamp(self._clock(), UTC) + RETENTION_PERIOD
        with translate_dynamodb_errors("writing the ledger"), self._row_model.batch_write() as batch:
            for one in sorted(set(ids)):
                batch.save(self._row_model(one, expires_at=expires))
