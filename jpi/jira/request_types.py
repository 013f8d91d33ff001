"""Reads the request types of Jira Service Management's projects: without one, an issue is in no queue of its agents."""

from collections.abc import Mapping
from dataclasses import replace

from jpi.domain.issue_drafts import IssueDraft
from jpi.domain.policy import REQUEST_TYPE_FIELD
from jpi.errors import Refused
from jpi.http_client import ApiClient
from jpi.sync.ports import Cache

# The most items of a page: developer.atlassian.com/cloud/jira/service-desk/rest/api-group-servicedesk/
PAGE_SIZE = 100


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
                                     {"start": len(ids), "limit": PAGE_SIZE})
            ids |= {request_type["name"]: str(request_type["id"]) for request_type in page["values"]}
            is_last = page.get("isLastPage", True) or not page["values"]
        return ids
