"""Reads Jira's lists to their end: pages by number, searches by token, and bulk reads with their errors by issue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jpi.errors import ServiceUnavailable
from jpi.http_client import ApiClient
from jpi.json_fields import Json

# The most issues of a call: developer.atlassian.com, `POST /rest/api/3/issue/bulkfetch`.
BULK_FETCH_LIMIT = 100
PAGE_SIZE = 100
# `POST /rest/api/3/search/jql` answers at most 5,000 issues a page, and fewer than asked for with many fields.
SEARCH_PAGE_SIZE = 1000


@dataclass(frozen=True)
class FetchedIssues:
    """The issues of a bulk read, and the requested ids or keys of those that Jira could not read this time.

    An issue that is in neither does not exist, or our account may not see it.
    """

    issues: Sequence[Json]
    unread_ids: frozenset[str]


def read_pages(api: ApiClient, path: str, params: Mapping[str, Any] | None = None, name: str = "values",
               page_size: int = PAGE_SIZE) -> Iterator[Json]:
    """Yield every item of a list that counts its pages by `startAt`."""
    start = 0
    while True:
        page = api.request("GET", path, {**(params or {}), "startAt": start, "maxResults": page_size})
        items = page.get(name) or []
        yield from items
        start += len(items)
        is_last = page["isLast"] if "isLast" in page else start >= (page.get("total") or 0)
        if is_last or not items:
            return


def search_issues(api: ApiClient, query: str, fields: Sequence[str], **options: Sequence[str]) -> Iterator[Json]:
    """Yield every issue that the query matches."""
    body = {"jql": query, "fields": fields, **options, "maxResults": SEARCH_PAGE_SIZE}
    tokens: set[str] = set()
    while True:
        page = api.request("POST", "/search/jql", body=body, is_read=True)
        yield from page["issues"]
        token = page.get("nextPageToken")
        if not token:
            return
        if token in tokens:
            raise ServiceUnavailable("Jira POST /search/jql names the same page again")
        tokens.add(token)
        body = {**body, "nextPageToken": token}


def fetch_issues(api: ApiClient, ids: Sequence[str], **options: Sequence[str]) -> FetchedIssues:
    """Read issues by id or key, directly and not from the search index."""
    issues: list[Json] = []
    unread_ids: set[str] = set()
    for start in range(0, len(ids), BULK_FETCH_LIMIT):
        part = list(ids[start : start + BULK_FETCH_LIMIT])
        answer = api.request("POST", "/issue/bulkfetch", body={"issueIdsOrKeys": part, **options}, is_read=True)
        issues += answer["issues"]
        unread_ids |= _find_unread_ids(part, answer)
    if len(issues) + len(unread_ids) < len(ids):
        # Those that are missing are gone only if the site knows us.
        api.identity.verify_account()
    return FetchedIssues(issues, frozenset(unread_ids))


def fetch_all_issues(api: ApiClient, ids: Sequence[str], **options: Sequence[str]) -> Sequence[Json]:
    """Read issues by id or key; raise ServiceUnavailable if Jira could not read one of them this time."""
    fetched = fetch_issues(api, ids, **options)
    if fetched.unread_ids:
        names = ", ".join(sorted(fetched.unread_ids)[:10])
        raise ServiceUnavailable(f"Jira POST /issue/bulkfetch could not read these issues this time: {names}")
    return fetched.issues


def _find_unread_ids(part: Sequence[str], answer: Json) -> set[str]:
    """Return what `issueErrors` names; all that is missing if it names an issue otherwise than it was asked for."""
    error_ids = {str(error.get("id")) for error in answer.get("issueErrors") or []}
    if not error_ids:
        return set()
    missing = set(part) - {str(issue[name]) for issue in answer["issues"] for name in ("id", "key") if name in issue}
    return missing & error_ids if error_ids <= set(part) else missing
