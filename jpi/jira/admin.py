"""Sets up a Jira site: issue types, schemes, projects, link types, fields, screens. Needs a Jira administrator."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jpi.domain.model import Webhook
from jpi.http_client import ApiClient
from jpi.jira.paging import read_pages
from jpi.json_fields import Json

CUSTOM_FIELD_TYPE_PREFIX = "com.atlassian.jira.plugin.system.customfieldtypes:"
PROJECT_TEMPLATE = "com.atlassian.jira-core-project-templates:jira-core-simplified-project-management"


@dataclass(frozen=True)
class Project:
    """A project, with the names of its issue types."""

    id: str
    issue_type_names: frozenset[str]
    is_team_managed: bool


@dataclass(frozen=True)
class IssueTypeScheme:
    """An issue type scheme; the site's default scheme has every issue type."""

    id: str
    is_default: bool


class JiraAdmin:
    """The administrative calls (developer.atlassian.com, by path); they raise what `ApiClient.request` raises."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def get_issue_types(self) -> dict[str, str]:
        """Return the site's issue types, id by name, without sub-tasks and the types of single projects."""
        return {issue_type["name"]: str(issue_type["id"]) for issue_type in self._api.request("GET", "/issuetype")
                if not issue_type.get("subtask") and "scope" not in issue_type}

    def add_issue_type(self, name: str, description: str) -> None:
        """Add an issue type."""
        self._api.request("POST", "/issuetype", body={"name": name, "description": description, "type": "standard"})

    def find_project(self, key: str) -> Project | None:
        """Return the project with this key; None if there is none."""
        project = self._api.read_if_exists(f"/project/{key}")
        types = frozenset(issue_type["name"] for issue_type in project.get("issueTypes", []))
        return Project(str(project["id"]), types, project.get("simplified") is True) if project else None

    def add_project(self, key: str, name: str, lead: str) -> None:
        """Add a company-managed project."""
        self._api.request("POST", "/project", body={
            "key": key, "name": name, "projectTypeKey": "business", "projectTemplateKey": PROJECT_TEMPLATE,
            "leadAccountId": lead, "assigneeType": "UNASSIGNED"})

    def get_scheme_of_project(self, project_id: str) -> IssueTypeScheme:
        """Return the issue type scheme that a project uses."""
        page = self._api.request("GET", "/issuetypescheme/project", {"projectId": project_id})
        scheme = page["values"][0]["issueTypeScheme"]
        return IssueTypeScheme(str(scheme["id"]), bool(scheme.get("isDefault")))

    def find_or_add_scheme(self, name: str, type_id: str) -> str:
        """Return the id of the issue type scheme with this name; add it, with this one type, if there is none."""
        schemes = read_pages(self._api, "/issuetypescheme", {"queryString": name})
        ids = [str(scheme["id"]) for scheme in schemes if scheme["name"] == name]
        if ids:
            return ids[0]
        body = {"name": name, "issueTypeIds": [type_id], "defaultIssueTypeId": type_id}
        return str(self._api.request("POST", "/issuetypescheme", body=body)["issueTypeSchemeId"])

    def assign_scheme(self, project_id: str, scheme_id: str) -> None:
        """Assign a scheme to a project; raise Refused (400) if the project has issues of other types."""
        self._api.request("PUT", "/issuetypescheme/project",
                          body={"issueTypeSchemeId": scheme_id, "projectId": project_id})

    def add_type_to_scheme(self, scheme_id: str, type_id: str) -> None:
        """Add an issue type to a scheme."""
        self._api.request("PUT", f"/issuetypescheme/{scheme_id}/issuetype", body={"issueTypeIds": [type_id]})

    def add_issue(self, project: str, issue_type: str, summary: str) -> None:
        """Add an issue with nothing but a summary."""
        fields = {"project": {"key": project}, "issuetype": {"name": issue_type}, "summary": summary}
        self._api.request("POST", "/issue", body={"fields": fields})

    def delete_issue(self, key: str) -> None:
        """Delete an issue if it exists."""
        self._api.write_if_exists("DELETE", f"/issue/{key}")

    def get_link_type_names(self) -> set[str]:
        """Return the names of the site's link types."""
        return {link_type["name"] for link_type in self._api.request("GET", "/issueLinkType")["issueLinkTypes"]}

    def add_link_type(self, name: str, inward: str, outward: str) -> None:
        """Add a link type."""
        self._api.request("POST", "/issueLinkType", body={"name": name, "inward": inward, "outward": outward})

    def find_select_field(self, name: str) -> str | None:
        """Return the id of the first single-select field with this name; names are not unique."""
        fields = self._api.request("GET", "/field")
        return next((str(field["id"]) for field in fields if field["name"] == name
                     and field.get("schema", {}).get("custom") == f"{CUSTOM_FIELD_TYPE_PREFIX}select"), None)

    def add_select_field(self, name: str) -> None:
        """Add a single-select field; it is on no screen yet."""
        self._api.request("POST", "/field", body={"name": name, "type": f"{CUSTOM_FIELD_TYPE_PREFIX}select",
                                                  "searcherKey": f"{CUSTOM_FIELD_TYPE_PREFIX}multiselectsearcher"})

    def find_missing_options(self, field_id: str, values: Collection[str]) -> list[str]:
        """Return those of these values that a select field lacks."""
        options = {option["value"] for option in read_pages(self._api, f"{self._get_context_path(field_id)}/option")}
        return [value for value in values if value not in options]

    def add_options(self, field_id: str, values: Collection[str]) -> None:
        """Add values to a select field."""
        self._api.request("POST", f"{self._get_context_path(field_id)}/option",
                          body={"options": [{"value": value} for value in values]})

    def get_screen_ids(self, project_id: str) -> set[int]:
        """Return the ids of the screens on which a project's issues are created, edited and viewed."""
        schemes = self._api.request("GET", "/issuetypescreenscheme/project", {"projectId": project_id})["values"]
        ids = [scheme["issueTypeScreenScheme"]["id"] for scheme in schemes]
        mappings = (read_pages(self._api, "/issuetypescreenscheme/mapping", {"issueTypeScreenSchemeId": ids}) if ids
                    else ())
        scheme_ids = sorted({mapping["screenSchemeId"] for mapping in mappings})
        screen_schemes = read_pages(self._api, "/screenscheme", {"id": scheme_ids}) if scheme_ids else ()
        return {screen for scheme in screen_schemes for screen in scheme["screens"].values()}

    def find_missing_fields(self, screen: int, fields: Collection[str]) -> list[str]:
        """Return the ids of those of these fields that a screen lacks."""
        paths = [f"/screens/{screen}/tabs/{tab}/fields" for tab in self._get_tab_ids(screen)]
        ids = {field["id"] for path in paths for field in self._api.request("GET", path)}
        return [field_id for field_id in fields if field_id not in ids]

    def add_field_to_screen(self, screen: int, field_id: str) -> None:
        """Add a field to the first tab of a screen."""
        self._api.request("POST", f"/screens/{screen}/tabs/{self._get_tab_ids(screen)[0]}/fields",
                          body={"fieldId": field_id})

    def _get_tab_ids(self, screen: int) -> list[int]:
        return [tab["id"] for tab in self._api.request("GET", f"/screens/{screen}/tabs")]

    def _get_context_path(self, field_id: str) -> str:
        contexts = self._api.request("GET", f"/field/{field_id}/context")["values"]
        return f"/field/{field_id}/context/{contexts[0]['id']}"


# Relative to the site's address, not to the API's.
WEBHOOKS_PATH = "/rest/webhooks/1.0/webhook"
ISSUE_EVENTS_SECTION = "issue-related-events-section"


class AdminWebhooks:
    """The admin webhooks of a site. Every method may raise what `ApiClient.request` raises."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_all(self) -> list[Webhook]:
        """Return all webhooks of the site."""
        return [Webhook(webhook["self"].rsplit("/", 1)[-1], webhook["url"],
                        frozenset(webhook["events"]), (webhook.get("filters") or {}).get(ISSUE_EVENTS_SECTION) or "",
                        is_delivering=bool(webhook.get("enabled", True)), is_signed=bool(webhook.get("isSigned")))
                for webhook in self._api.request("GET", WEBHOOKS_PATH)]

    def add(self, url: str, events: Sequence[str], jql: str, secret: str) -> None:
        """Add a webhook."""
        self._api.request("POST", WEBHOOKS_PATH, body=_build_body(url, events, jql, secret))

    def update(self, hook: Webhook, events: Sequence[str], jql: str, secret: str) -> None:
        """Enable a webhook for these events of the issues that the JQL matches, signed with this secret."""
        self._api.request("PUT", f"{WEBHOOKS_PATH}/{hook.id}",
                          body={**_build_body(hook.url, events, jql, secret), "enabled": True})

    def delete(self, hook: Webhook) -> None:
        """Delete a webhook if it exists."""
        self._api.write_if_exists("DELETE", f"{WEBHOOKS_PATH}/{hook.id}")


def _build_body(url: str, events: Sequence[str], jql: str, secret: str) -> Json:
    return {"name": "jpi", "url": url, "events": sorted(events), "filters": {ISSUE_EVENTS_SECTION: jql},
            "excludeBody": False, "secret": secret}
