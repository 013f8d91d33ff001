"""The create screens of a site's projects: read once a day, so that nothing is sent which they lack."""

from collections.abc import Collection, Iterator
from typing import Any

from jpi.http_client import Calls
from jpi.sync.ports import Cache

# Most that one page has: shared contract, `GET /issue/createmeta/{project}/issuetypes`.
PAGE = 200


class Screens:
    """What the create screen of a project and issue type has."""

    def __init__(self, call: Calls, cache: Cache) -> None:
        self._call = call
        self._cache = cache

    def learn(self, project: str, issue_type: str) -> None:
        """Ask for it, unless it is known: two calls a day."""
        self._cache.remembered(_name(project, issue_type),
                               lambda: [str(one["fieldId"]) for one in self.fields(project, issue_type)])

    def known(self, project: str, issue_type: str) -> list[str]:
        """The fields that it is known, as of today, to have; nobody is asked."""
        return self._cache.get(_name(project, issue_type)) or []

    def lacks(self, project: str, issue_type: str, names: Collection[str]) -> set[str]:
        """Which of these fields it is known not to have."""
        there = self.known(project, issue_type)
        return set(names).difference(there) if there else set()

    def types(self, project: str) -> dict[str, str]:
        """The issue types that a project takes: id by name. Refused where there is no such project."""
        return {one["name"]: str(one["id"]) for one in self._pages(f"/issue/createmeta/{project}/issuetypes",
                                                                   "issueTypes")}

    def fields(self, project: str, issue_type: str) -> list[dict[str, Any]]:
        """The fields of the screen, as Jira describes them; none where the project does not take this type."""
        type_id = self.types(project).get(issue_type)
        return list(self._pages(f"/issue/createmeta/{project}/issuetypes/{type_id}", "fields")) if type_id else []

    def _pages(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        start, total = 0, 1
        while start < total:
            found = self._call("GET", path, {"startAt": start, "maxResults": PAGE})
            yield from found.get(name, [])
            start, total = start + PAGE, int(found.get("total", 0))


def _name(project: str, issue_type: str) -> str:
    return f"screen:{project}:{issue_type}"
