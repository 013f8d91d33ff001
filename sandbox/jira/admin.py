"""Administration of a site: projects, link types, statuses, priorities; types and fields are elsewhere."""

import re
from typing import Any

from flask import request

from sandbox.jira import custom_fields as jira_customs
from sandbox.jira import issue_types as jira_types
from sandbox.jira import screens as jira_screens
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import LinkType, Project
from sandbox.jira.rest import Refusal, Routes, make_page, read_body, read_list, read_text, require_admin
from sandbox.jira.state import JiraState, make_default_workflow

route = Routes()
route.rules += jira_types.route.rules + jira_customs.route.rules + jira_screens.route.rules
BUSINESS_PREFIX = "com.atlassian.jira-core-project-templates:jira-core-simplified-"
SOFTWARE_PREFIX = "com.pyxis.greenhopper.jira:gh-simplified-"
# The reference spells the last one `task-` in one place and `task-tracking` in another.
TEMPLATES = {**{BUSINESS_PREFIX + name: "business" for name in ("content-management", "document-approval",
                                                                "lead-tracking", "process-control", "procurement",
                                                                "project-management", "recruitment", "task-tracking",
                                                                "task-")},
             **{SOFTWARE_PREFIX + name: "software" for name in ("basic", "kanban-classic", "scrum-classic")}}
PROJECT_KEYS = ("assigneeType", "avatarId", "categoryId", "description", "fieldScheme", "issueSecurityScheme",
                "issueTypeScheme", "issueTypeScreenScheme", "lead", "leadAccountId", "notificationScheme",
                "permissionScheme", "projectTemplateKey", "projectTypeKey", "url", "workflowScheme")
INVALID_KEY_TEXT = ("Project keys must start with an uppercase letter, followed by one or more uppercase alphanumeric "
            "characters.")


@route("GET", "/priority")
def list_priorities(site: JiraState) -> list[Json]:
    """All priorities."""
    return [
        {**JsonView(site).to_priority(name), "description": "", "statusColor": "#cccccc"} for name in site.priorities
    ]


@route("GET", "/priority/search")
def search_priorities(site: JiraState) -> Json:
    """A page of them."""
    name = request.args.get("priorityName", "").casefold()
    return make_page([{**one, "isDefault": one["name"] == "Medium"} for one in list_priorities(site)
                      if name in one["name"].casefold() and (one["id"] in read_list("id") or not read_list("id"))])


@route("GET", "/status")
def list_statuses(site: JiraState) -> list[Json]:
    """All statuses."""
    return [JsonView(site).to_status(name) for name in site.statuses]


@route("GET", "/project/<ref>/statuses")
def list_project_statuses(site: JiraState, ref: str) -> list[Json]:
    """The statuses that each issue type of a project can have."""
    project, view = site.get_project(ref), JsonView(site)
    workflow = site.workflows[project.key]
    names = dict.fromkeys([workflow.initial, *(one.target_status for one in workflow.transitions)])
    return [{"id": one.id, "name": one.name, "self": view.make_url(f"issuetype/{one.id}"),
             "subtask": one.hierarchy_level < 0, "statuses": [view.to_status(name) for name in names]}
            for one in site.list_types(project)]


@route("GET", "/status/<ref>")
def read_status(site: JiraState, ref: str) -> Json:
    """One status, by id or name."""
    found = next((one.name for one in site.statuses.values() if ref in (one.id, one.name)), None)
    if found is None:
        raise Refusal(404, f"The status '{ref}' does not exist or you do not have permission to view it.")
    return JsonView(site).to_status(found)


@route("GET", "/issueLinkType")
def list_link_types(site: JiraState) -> Json:
    """All link types."""
    return {"issueLinkTypes": [JsonView(site).to_link_type(one.name) for one in site.link_types.values()]}


@route("POST", "/issueLinkType")
def add_link_type(site: JiraState) -> tuple[Json, int]:
    """Add a link type; 404, of all things, where the name is in use or the caller may not."""
    require_admin(404)
    asked = read_body(["id", "self"], required=["name", "inward", "outward"])
    name, inward, outward = (read_text(asked, key) for key in ("name", "inward", "outward"))
    if any(one.name.casefold() == name.casefold() for one in site.link_types.values()):
        raise Refusal(404, errors={"name": f"An issue link type with name '{name}' already exists."})
    made = LinkType(site.make_id(), name, inward, outward)
    site.link_types[made.id] = made
    return JsonView(site).to_link_type(name), 201


@route("POST", "/project")
def add_project(site: JiraState) -> tuple[Json, int]:
    """Make a project from a template, or with a scheme of one's own."""
    require_admin()
    asked = read_body(PROJECT_KEYS, required=["key", "name"])
    errors = _check_project(site, asked)
    if errors:
        raise Refusal(400, errors=errors)
    default = next(one.id for one in site.schemes.values() if one.is_default)
    made = Project(site.make_id(), asked["key"], asked["name"].strip(), asked["leadAccountId"],
                   str(asked.get("issueTypeScheme", default)), asked.get("projectTypeKey", "software"),
                   asked.get("description") or "", asked.get("assigneeType", "UNASSIGNED"))
    site.projects[made.key] = made
    site.workflows.setdefault(made.key, make_default_workflow(len(site.projects)))
    return {"self": JsonView(site).make_url(f"project/{made.id}"), "id": int(made.id), "key": made.key}, 201


def _check_project(site: JiraState, asked: Json) -> dict[str, str]:
    key, name, template = asked["key"], asked["name"], asked.get("projectTemplateKey")
    found: dict[str, str] = {}
    if not isinstance(key, str) or not re.fullmatch(r"[A-Z][A-Z0-9]+", key):
        found["projectKey"] = INVALID_KEY_TEXT
    elif len(key) > 10:
        found["projectKey"] = "The project key must not exceed 10 characters in length."
    elif key in site.projects:
        found["projectKey"] = f"Project '{site.projects[key].name}' uses this project key."
    if not isinstance(name, str) or not 2 <= len(name.strip()) <= 80:
        found["projectName"] = "The project name must be 2 to 80 characters long."
    elif any(one.name.casefold() == name.strip().casefold() for one in site.projects.values()):
        found["projectName"] = "A project with that name already exists."
    if asked.get("leadAccountId") not in site.users:
        found["projectLead"] = "You must specify a valid project lead."
    return found | _check_project_template(site, asked, template)


def _check_project_template(site: JiraState, asked: Json, template: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    if template is not None and {"issueTypeScheme", "issueTypeScreenScheme", "workflowScheme"} & set(asked):
        found["projectTemplateKey"] = "A project template cannot be specified together with a scheme."
    elif template is not None and TEMPLATES.get(template) != asked.get("projectTypeKey"):
        found["projectTemplateKey"] = "The project template does not exist or is not of this project type."
    if "issueTypeScheme" in asked and str(asked["issueTypeScheme"]) not in site.schemes:
        found["issueTypeScheme"] = "The issue type scheme was not found."
    if asked.get("projectTypeKey", "software") not in ("software", "business", "service_desk"):
        found["projectTypeKey"] = "The project type does not exist."
    if asked.get("assigneeType", "UNASSIGNED") not in ("UNASSIGNED", "PROJECT_LEAD"):
        found["assigneeType"] = "The default assignee is not valid."
    return found


@route("GET", "/project/search")
def search_projects(site: JiraState) -> Json:
    """A page of projects, by `keys`, `id`, `typeKey` or a `query` in key or name."""
    keys, ids, said = read_list("keys"), read_list("id"), request.args.get("query", "").casefold()
    kind = request.args.get("typeKey")
    found = [one for one in site.projects.values()
             if (not keys or one.key in keys) and (not ids or one.id in ids) and kind in (None, one.type_key)
             and said in f"{one.key} {one.name}".casefold()]
    return make_page([_to_project_json(site, one) for one in sorted(found, key=lambda one: one.key)])


@route("GET", "/project/<ref>")
def read_project(site: JiraState, ref: str) -> Json:
    """One project, with its issue types."""
    one, view = site.get_project(ref), JsonView(site)
    return {**_to_project_json(site, one), "description": one.description, "lead": view.to_user(one.lead_id),
            "issueTypes": [view.to_issue_type(kind) for kind in site.list_types(one)],
            "assigneeType": one.assignee_type, "components": [], "versions": [], "roles": {}}


def _to_project_json(site: JiraState, one: Project) -> Json:
    return {**JsonView(site).to_project(one), "style": "classic", "isPrivate": False, "properties": {}}
