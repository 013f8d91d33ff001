"""Keeps the poll cursor in DynamoDB."""

from datetime import UTC, datetime, timedelta

from jpi.store.ports import ConfigItem, ConfigTable
from jpi.sync.poller import PollPosition

CURSOR_NAME = "log_entries_cursor"


class Cursor:
    """The poll's position, saved only over the version that was read."""

    def __init__(self, table: ConfigTable) -> None:
        self._table = table

    def load(self) -> PollPosition | None:
        """Return where the last poll ended; None before the first poll."""
        item = self._table.get(CURSOR_NAME, "reading the cursor", consistent=True)
        if item is None:
            return None
        value = item.value
        until, began = (datetime.fromtimestamp(value[name], UTC) for name in ("until", "began"))
        step = timedelta(seconds=value["step"]) if value["step"] else None
        return PollPosition(until, began, tuple(value["again"]), value["short"], step, _to_time(value.get("polled")),
                            _to_time(value.get("issues_until")), tuple(value.get("unread_issues", ())), item.version)

    def save(self, position: PollPosition) -> None:
        """Save over the position's version; LostRace if another poll was first."""
        value = {"until": position.read_until.timestamp(), "began": position.ignore_before.timestamp(),
                 "again": sorted(position.retry_incident_ids), "short": position.incomplete_reads,
                 "polled": position.last_polled_at.timestamp() if position.last_polled_at else None,
                 "issues_until": position.issues_read_until.timestamp() if position.issues_read_until else None,
                 "unread_issues": list(position.unread_issue_ids),
                 "step": position.max_window.total_seconds() if position.max_window else None}
        self._table.save(CURSOR_NAME, ConfigItem(value, position.version), "moving the cursor")


def _to_time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
