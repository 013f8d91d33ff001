"""The create screens of a site's projects: read once a day, so that nothing is sent which they lack."""

from collections.abc import Collection, Iterator
from typing import Any

from jpi.http_client import ApiClient
from jpi.sync.ports import Cache

# Most that one page has: shared contract, `GET /issue/createmeta/{project}/issuetypes`.
PAGE_SIZE = 200


class CreateScreens:
    """What the create screen of a project and issue type has."""

    def __init__(self, api: ApiClient, cache: Cache) -> None:
        self._api = api
        self._cache = cache

    def load(self, project: str, issue_type: str) -> None:
        """Ask for it, unless it is known: two calls a day."""
        self._cache.get_or_compute(_to_cache_key(project, issue_type),
                                   lambda: [str(one["fieldId"]) for one in self.get_fields(project, issue_type)])

    def get_known_fields(self, project: str, issue_type: str) -> list[str]:
        """The fields that it is known, as of today, to have; nobody is asked."""
        return self._cache.get(_to_cache_key(project, issue_type)) or []

    def find_missing_fields(self, project: str, issue_type: str, names: Collection[str]) -> set[str]:
        """Which of these fields it is known not to have."""
        there = self.get_known_fields(project, issue_type)
        return set(names).difference(there) if there else set()

    def get_issue_types(self, project: str) -> dict[str, str]:
        """The issue types that a project takes: id by name. Refused where there is no such project."""
        return {one["name"]: str(one["id"]) for one in self._read_pages(f"/issue/createmeta/{project}/issuetypes",
                                                                        "issueTypes")}

    def get_fields(self, project: str, issue_type: str) -> list[dict[str, Any]]:
        """The fields of the screen, as Jira describes them; none where the project does not take this type."""
        type_id = self.get_issue_types(project).get(issue_type)
        return list(self._read_pages(f"/issue/createmeta/{project}/issuetypes/{type_id}", "fields")) if type_id else []

    def _read_pages(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        start, total = 0, 1
        while start < total:
            found = self._api.request("GET", path, {"startAt": start, "maxResults": PAGE_SIZE})
            yield from found.get(name, [])
            start, total = start + PAGE_SIZE, int(found.get("total", 0))


def _to_cache_key(project: str, issue_type: str) -> str:
    return f"screen:{project}:{issue_type}"
