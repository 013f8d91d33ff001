"""Reads PagerDuty's log entries, as far as it lets them be paged through."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jpi.domain.model import LogEntrySnapshot
from jpi.http_client import ApiClient
from jpi.json_fields import read_id
from jpi.pagerduty.paging import MAX_OFFSET, PAGE_SIZE, sort_oldest_first
from jpi.pagerduty.payloads import try_parse_log_entry_snapshot

log = logging.getLogger(__name__)

WINDOW_OVERLAP = timedelta(seconds=1)
LOG_INCLUDES = ["incidents", "channels"]


@dataclass(frozen=True)
class LogPages:
    """Log entries by id; whether there are more than can be paged through, or fewer came than PagerDuty counted."""

    entries: Mapping[str, LogEntrySnapshot]
    has_more: bool = False
    is_incomplete: bool = False


class LogEntries:
    """The log entries of an account."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_between(self, since: datetime, until: datetime) -> tuple[list[LogEntrySnapshot], bool]:
        """Return the account's log entries between two times, oldest first, and whether they are complete.

        `until` keeps pages stable; a window with too many pages is read in halves.
        """
        window = {"since": _to_iso_utc(since), "until": _to_iso_utc(until)}
        pages = self._read_log_pages("/log_entries", window)
        if not pages.has_more or until - since <= 3 * WINDOW_OVERLAP:
            return list(pages.entries.values()), not pages.is_incomplete
        middle = since + (until - since) / 2
        # PagerDuty does not document whether the ends of a window belong to it.
        earlier, is_earlier_complete = self.list_between(since, middle)
        later, is_later_complete = self.list_between(middle - WINDOW_OVERLAP, until)
        entries = {snapshot.entry.id: snapshot for snapshot in earlier + later}
        return list(entries.values()), is_earlier_complete and is_later_complete

    def list_for_incident(self, incident_id: str) -> list[LogEntrySnapshot]:
        """Return the newest 10,000 log entries of one incident, each with the incident as it is now."""
        pages = self._read_log_pages(f"/incidents/{incident_id}/log_entries", {})
        if pages.is_incomplete:
            # Retry once only: a wrong count of PagerDuty's must not keep an incident from its issue.
            log.warning("log entries are missing", extra={"incident": incident_id})
            pages = self._read_log_pages(f"/incidents/{incident_id}/log_entries", {})
        return list(pages.entries.values())

    def _read_log_pages(self, path: str, params: Mapping[str, Any]) -> LogPages:
        """Read all pages, with `total`, since a page that lost entries looks like any other."""
        snapshots: dict[str, LogEntrySnapshot] = {}
        ids: set[str] = set()
        offset = 0
        while offset + PAGE_SIZE <= MAX_OFFSET:
            query = {**params, "include[]": LOG_INCLUDES, "limit": PAGE_SIZE, "offset": offset, "total": "true"}
            page = self._api.request("GET", path, query)
            offset += len(page["log_entries"])
            ids |= {read_id(entry, f"{offset}/{number}") for number, entry in enumerate(page["log_entries"])}
            snapshots |= {snapshot.entry.id: snapshot
                          for snapshot in map(try_parse_log_entry_snapshot, page["log_entries"]) if snapshot}
            if not page.get("more") or not page["log_entries"]:
                return LogPages(sort_oldest_first(snapshots), is_incomplete=len(ids) < (page.get("total") or 0))
        return LogPages(sort_oldest_first(snapshots), has_more=True)


def _to_iso_utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
