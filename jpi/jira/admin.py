"""Setting a Jira site up: types, schemes, projects, link types, fields, screens. It takes a Jira administrator."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jpi.http_client import ApiClient

Json = dict[str, Any]
CUSTOM_FIELD_TYPE_PREFIX = "com.atlassian.jira.plugin.system.customfieldtypes:"
PROJECT_TEMPLATE = "com.atlassian.jira-core-project-templates:jira-core-simplified-project-management"
PAGE_SIZE = 50


@dataclass(frozen=True)
class Project:
    """A project, with the names of the issue types it takes."""

    id: str
    issue_type_names: frozenset[str]
    is_team_managed: bool


@dataclass(frozen=True)
class IssueTypeScheme:
    """An issue type scheme; the site's `default` one has every type there is."""

    id: str
    is_default: bool


class JiraAdmin:
    """The administrative calls; every one may raise what `Calls` does. Sources: shared contract, by path."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def get_issue_types(self) -> dict[str, str]:
        """The site's issue types, id by name, but for sub-tasks and those of single projects."""
        return {one["name"]: str(one["id"]) for one in self._api.request("GET", "/issuetype")
                if not one.get("subtask") and "scope" not in one}

    def add_issue_type(self, name: str, description: str) -> None:
        """Add an issue type."""
        self._api.request("POST", "/issuetype", body={"name": name, "description": description, "type": "standard"})

    def find_project(self, key: str) -> Project | None:
        """The project of that key; None where there is none."""
        found = self._api.read_if_exists(f"/project/{key}")
        types = frozenset(one["name"] for one in found.get("issueTypes", []))
        return Project(str(found["id"]), types, found.get("simplified") is True) if found else None

    def add_project(self, key: str, name: str, lead: str) -> None:
        """Make a company-managed project."""
        self._api.request("POST", "/project", body={
            "key": key, "name": name, "projectTypeKey": "business", "projectTemplateKey": PROJECT_TEMPLATE,
            "leadAccountId": lead, "assigneeType": "UNASSIGNED"})

    def get_scheme_of_project(self, project_id: str) -> IssueTypeScheme:
        """The issue type scheme that a project uses."""
        found = self._api.request("GET",
                                  "/issuetypescheme/project", {"projectId": project_id})["values"][0]["issueTypeScheme"]
        return IssueTypeScheme(str(found["id"]), bool(found.get("isDefault")))

    def find_or_add_scheme(self, name: str, type_id: str) -> str:
        """The id of the issue type scheme of this name; with this one type where it is made now."""
        found = self._read_pages("/issuetypescheme", {"queryString": name})
        same = [str(one["id"]) for one in found if one["name"] == name]
        if same:
            return same[0]
        made = self._api.request("POST", "/issuetypescheme", body={
            "name": name, "issueTypeIds": [type_id], "defaultIssueTypeId": type_id})
        return str(made["issueTypeSchemeId"])

    def assign_scheme(self, project_id: str, scheme_id: str) -> None:
        """Give a project another scheme; refused (400) where it has issues of other types."""
        self._api.request("PUT", "/issuetypescheme/project",
                          body={"issueTypeSchemeId": scheme_id, "projectId": project_id})

    def add_type_to_scheme(self, scheme_id: str, type_id: str) -> None:
        """Let a scheme have one more issue type."""
        self._api.request("PUT", f"/issuetypescheme/{scheme_id}/issuetype", body={"issueTypeIds": [type_id]})

    def add_issue(self, project: str, issue_type: str, summary: str) -> None:
        """Make an issue of which nothing but the summary matters."""
        fields = {"project": {"key": project}, "issuetype": {"name": issue_type}, "summary": summary}
        self._api.request("POST", "/issue", body={"fields": fields})

    def get_link_type_names(self) -> set[str]:
        """What the site's link types are called."""
        return {one["name"] for one in self._api.request("GET", "/issueLinkType")["issueLinkTypes"]}

    def add_link_type(self, name: str, inward: str, outward: str) -> None:
        """Add a link type."""
        self._api.request("POST", "/issueLinkType", body={"name": name, "inward": inward, "outward": outward})

    def find_select_field(self, name: str) -> str | None:
        """The id of the first single-select field of this name; names are not unique."""
        fields = self._api.request("GET", "/field")
        return next((str(one["id"]) for one in fields if one["name"] == name
                     and one.get("schema", {}).get("custom") == f"{CUSTOM_FIELD_TYPE_PREFIX}select"), None)

    def add_select_field(self, name: str) -> None:
        """Add a single-select field, which is on no screen yet."""
        self._api.request("POST", "/field", body={"name": name, "type": f"{CUSTOM_FIELD_TYPE_PREFIX}select",
                                                  "searcherKey": f"{CUSTOM_FIELD_TYPE_PREFIX}multiselectsearcher"})

    def find_missing_options(self, field_id: str, wanted: Collection[str]) -> list[str]:
        """Which of these values a select field does not have."""
        there = {one["value"] for one in self._read_pages(f"{self._get_context_path(field_id)}/option")}
        return [value for value in wanted if value not in there]

    def add_options(self, field_id: str, values: Collection[str]) -> None:
        """Add values to a select field."""
        self._api.request("POST", f"{self._get_context_path(field_id)}/option",
                          body={"options": [{"value": one} for one in values]})

    def get_screen_ids(self, project_id: str) -> set[int]:
        """The screens that a project's issues are made, edited and shown on."""
        schemes = self._api.request("GET", "/issuetypescreenscheme/project", {"projectId": project_id})["values"]
        ids = [one["issueTypeScreenScheme"]["id"] for one in schemes]
        kinds = self._read_pages("/issuetypescreenscheme/mapping", {"issueTypeScreenSchemeId": ids}) if ids else ()
        wanted = sorted({one["screenSchemeId"] for one in kinds})
        found = self._read_pages("/screenscheme", {"id": wanted}) if wanted else ()
        return {screen for one in found for screen in one["screens"].values()}

    def find_missing_fields(self, screen: int, fields: Collection[str]) -> list[str]:
        """Which of these fields, by id, a screen does not have."""
        paths = [f"/screens/{screen}/tabs/{tab}/fields" for tab in self._get_tab_ids(screen)]
        there = {one["id"] for path in paths for one in self._api.request("GET", path)}
        return [one for one in fields if one not in there]

    def add_field_to_screen(self, screen: int, field_id: str) -> None:
        """Put a field on the first tab of a screen."""
        self._api.request("POST", f"/screens/{screen}/tabs/{self._get_tab_ids(screen)[0]}/fields",
                          body={"fieldId": field_id})

    def _get_tab_ids(self, screen: int) -> list[int]:
        return [one["id"] for one in self._api.request("GET", f"/screens/{screen}/tabs")]

    def _get_context_path(self, field_id: str) -> str:
        found = self._api.request("GET", f"/field/{field_id}/context")["values"]
        return f"/field/{field_id}/context/{found[0]['id']}"

    def _read_pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Json]:
        start, last = 0, False
        while not last:
            found = self._api.request("GET", path, {**(params or {}), "startAt": start, "maxResults": PAGE_SIZE})
            yield from found["values"]
            start, last = start + PAGE_SIZE, bool(found.get("isLast", True))
