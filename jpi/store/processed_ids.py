"""What has been carried over already, by id, in DynamoDB."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from jpi.store.models import InTable, LedgerRow, told

# Longer than anything is read twice: PagerDuty retries a webhook for two days, a poll may be down for a holiday.
KEPT = timedelta(days=90)


class Ledger(InTable[LedgerRow]):
    """Ids of log entries and the like, forgotten after 90 days."""

    def __init__(self, rows: type[LedgerRow], clock: Callable[[], float]) -> None:
        super().__init__(rows)
        self._clock = clock

    def known(self, ids: Collection[str]) -> set[str]:
        """Which of these were carried over."""
        with told("reading the ledger"):
            return {row.id for row in self._rows.batch_get(sorted(set(ids)), consistent_read=True)} if ids else set()

    def add(self, ids: Collection[str]) -> None:
        """Remember that these were carried over."""
        expires = datetime.fromtimestamp(self._clock(), UTC) + KEPT
        with told("writing the ledger"), self._rows.batch_write() as batch:
            for one in sorted(set(ids)):
                batch.save(self._rows(one, expires_at=expires))
