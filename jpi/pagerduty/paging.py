"""Reads PagerDuty's lists to their end, and puts them in order."""

from collections.abc import Iterator, Mapping
from typing import Any

from jpi.domain.model import LogEntrySnapshot
from jpi.errors import PermanentError
from jpi.http_client import ApiClient
from jpi.json_fields import Json

PAGE_SIZE = 100
# The API answers 400 where offset + limit passes this (developer.pagerduty.com/docs/pagination).
MAX_OFFSET = 10_000


def read_pages(api: ApiClient, path: str, name: str, params: Mapping[str, Any] | None = None) -> Iterator[Json]:
    """Yield every item of a list: PagerDuty gives 25 of them by default, and says whether there are more.

    Raise PermanentError after the first 10,000 of more, since a part must not be taken for the whole list.
    """
    offset, has_more = 0, True
    while has_more:
        if offset + PAGE_SIZE > MAX_OFFSET:
            raise PermanentError(f"PagerDuty GET {path} has more than the {MAX_OFFSET} items that it lets one read")
        page = api.request("GET", path, {**(params or {}), "limit": PAGE_SIZE, "offset": offset})
        items = page.get(name) or []
        yield from items
        offset += len(items)
        has_more = bool(page.get("more")) and bool(items)


def sort_oldest_first(snapshots: Mapping[str, LogEntrySnapshot]) -> dict[str, LogEntrySnapshot]:
    """Sort log entries by time, and those of one second as PagerDuty lists them, whose times are whole seconds.

    PagerDuty does not document whether it lists the newest first: the times say so, or the trigger, which comes first.
    """
    listed = list(snapshots.items())
    if listed:
        first, last = listed[0][1].entry, listed[-1][1].entry
        if first.at > last.at or (first.at == last.at and last.is_trigger and not first.is_trigger):
            listed.reverse()
    return dict(sorted(listed, key=lambda item: item[1].entry.at))
