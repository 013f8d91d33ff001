"""Reads PagerDuty's lists to their end."""

from collections.abc import Iterator, Mapping
from typing import Any

from jpi.http_client import ApiClient
from jpi.json_fields import Json

PAGE_SIZE = 100


def read_pages(api: ApiClient, path: str, name: str, params: Mapping[str, Any] | None = None) -> Iterator[Json]:
    """Yield every item of a list: PagerDuty gives 25 of them by default, and says whether there are more."""
    offset, has_more = 0, True
    while has_more:
        page = api.request("GET", path, {**(params or {}), "limit": PAGE_SIZE, "offset": offset})
        items = page.get(name) or []
        yield from items
        offset += len(items)
        has_more = bool(page.get("more")) and bool(items)
