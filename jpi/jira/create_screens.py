"""Reads once a day what a project takes: the fields of its create screens, and its request types."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from jpi.domain.issue_drafts import IssueDraft
from jpi.domain.policy import REQUEST_TYPE_FIELD
from jpi.errors import Refused
from jpi.http_client import ApiClient
from jpi.jira.create_request import LABELS_FIELD
from jpi.jira.paging import read_pages
from jpi.json_fields import Json
from jpi.sync import ports


class Cache(ports.Cache, Protocol):
    """A cache that values can be put into."""

    def get_stored(self, name: str) -> Any:
        """Return the value as any process saved it last; None if there is none of today."""

    def save(self, name: str, value: Any) -> None:
        """Keep a value for a day."""


# The most items of a page: developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/
REQUEST_TYPES_PER_PAGE = 100


class RequestTypes:
    """The request types of a site, by project."""

    def __init__(self, api: ApiClient, cache: Cache) -> None:
        self._api = api
        self._cache = cache

    def fill_in_id(self, draft: IssueDraft) -> IssueDraft:
        """Return the draft with its request type by id, as Jira's field takes it; one call a day for each project.

        Where the name cannot be read it stays: Jira refuses the field, and the issue is created without it.
        """
        name = draft.fields.get(REQUEST_TYPE_FIELD)
        if not name:
            return draft
        try:
            ids = self.get_ids(draft.project)
        except Refused:
            return draft
        return replace(draft, fields={**draft.fields, REQUEST_TYPE_FIELD: ids.get(str(name), name)})

    def get_ids(self, project: str) -> Mapping[str, str]:
        """Return the ids of the project's request types by name; raise Refused where it is no service project."""
        return self._cache.get_or_compute(f"request types:{project}", lambda: self.fetch_ids(project))

    def fetch_ids(self, project: str) -> dict[str, str]:
        """Read the ids of the project's request types by name, as they are now."""
        ids: dict[str, str] = {}
        is_last = False
        while not is_last:
            page = self._api.request("GET", f"/rest/servicedeskapi/servicedesk/{project}/requesttype",
                                     {"start": len(ids), "limit": REQUEST_TYPES_PER_PAGE})
            ids |= {request_type["name"]: str(request_type["id"]) for request_type in page["values"]}
            is_last = page.get("isLastPage", True) or not page["values"]
        return ids


# The most items of a page: developer.atlassian.com, `GET /rest/api/3/issue/createmeta/{projectIdOrKey}/issuetypes`.
PAGE_SIZE = 200
UNLABELLED_CACHE_KEY = "projects without labels"


class CreateScreens:
    """The create screens of a site, one for each project and issue type."""

    def __init__(self, api: ApiClient, cache: Cache) -> None:
        self._api = api
        self._cache = cache
        self.request_types = RequestTypes(api, cache)

    def load(self, project: str, issue_type: str) -> None:
        """Read the screen's fields unless they are cached: two calls a day."""
        self._cache.get_or_compute(_to_cache_key(project, issue_type),
                                   lambda: [str(field["fieldId"]) for field in self.get_fields(project, issue_type)])

    def get_known_fields(self, project: str, issue_type: str) -> list[str]:
        """Return the ids of the screen's fields from the cache; empty if they are not cached."""
        return self._cache.get(_to_cache_key(project, issue_type)) or []

    def find_missing_fields(self, project: str, issue_type: str, names: Collection[str]) -> set[str]:
        """Return those of these fields that the screen is known to lack."""
        fields = self.get_known_fields(project, issue_type)
        return set(names).difference(fields) if fields else set()

    def find_unlabelled_projects(self, issue_types: Iterable[tuple[str, str]]) -> list[str]:
        """Return the projects of these types whose screen is known to lack labels, and those that refused one."""
        refusing = self._cache.get(UNLABELLED_CACHE_KEY) or []
        lacking = [project for project, name in issue_types
                   if self.find_missing_fields(project, name, [LABELS_FIELD])]
        return sorted({*refusing, *lacking})

    def save_unlabelled_project(self, project: str) -> None:
        """Remember that a project refused a label."""
        refusing = self._cache.get(UNLABELLED_CACHE_KEY) or []
        if project not in refusing:
            self._cache.save(UNLABELLED_CACHE_KEY, sorted([*refusing, project]))

    def get_issue_types(self, project: str) -> dict[str, str]:
        """Return the issue types of a project, id by name; raise Refused if there is no such project."""
        issue_types = read_pages(self._api, f"/issue/createmeta/{project}/issuetypes", name="issueTypes",
                                 page_size=PAGE_SIZE)
        return {issue_type["name"]: str(issue_type["id"]) for issue_type in issue_types}

    def get_fields(self, project: str, issue_type: str) -> list[Json]:
        """Return the screen's fields as Jira describes them; empty if the project does not have this issue type."""
        type_id = self.get_issue_types(project).get(issue_type)
        path = f"/issue/createmeta/{project}/issuetypes/{type_id}"
        return list(read_pages(self._api, path, name="fields", page_size=PAGE_SIZE)) if type_id else []


def _to_cache_key(project: str, issue_type: str) -> str:
    return f"screen:{project}:{issue_type}"
