"""Administer a site: projects, link types, statuses, priorities. Issue types and fields have modules of their own."""

import re
from typing import Any

from flask import request

from sandbox.jira import custom_fields as jira_customs
from sandbox.jira import issue_types as jira_types
from sandbox.jira import screens as jira_screens
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import LinkType, Project
from sandbox.jira.rest import Refusal, Routes, check_order, make_page, read_body, read_list, read_text, require_admin
from sandbox.jira.state import JiraState, make_default_workflow

routes = Routes()
routes.rules += jira_types.routes.rules + jira_customs.routes.rules + jira_screens.routes.rules
BUSINESS_PREFIX = "com.atlassian.jira-core-project-templates:jira-core-simplified-"
SERVICE_PREFIX = "com.atlassian.servicedesk:simplified-"
SOFTWARE_PREFIX = "com.pyxis.greenhopper.jira:gh-simplified-"
# Atlassian's reference spells the last template both `task-` and `task-tracking`.
TEMPLATES = {
    **{
        BUSINESS_PREFIX + name: "business"
        for name in (
            "content-management",
            "document-approval",
            "lead-tracking",
            "process-control",
            "procurement",
            "project-management",
            "recruitment",
            "task-tracking",
            "task-",
        )
    },
    **{SERVICE_PREFIX + name: "service_desk" for name in ("it-service-management", "general-service-desk")},
    **{SOFTWARE_PREFIX + name: "software" for name in ("basic", "kanban-classic", "scrum-classic")},
}
PROJECT_ORDERS = ("name", "key", "owner", "category", "issueCount", "lastIssueUpdatedTime", "archivedDate",
                  "deletedDate")
PROJECT_KEYS = ("assigneeType", "avatarId", "categoryId", "description", "fieldScheme", "issueSecurityScheme",
                "issueTypeScheme", "issueTypeScreenScheme", "lead", "leadAccountId", "notificationScheme",
                "permissionScheme", "projectTemplateKey", "projectTypeKey", "url", "workflowScheme")
INVALID_KEY_TEXT = ("Project keys must start with an uppercase letter, followed by one or more uppercase alphanumeric "
            "characters.")


@routes.add("GET", "/priority")
def list_priorities(site: JiraState) -> list[Json]:
    """Return all priorities."""
    return [
        {**JsonView(site).to_priority(name), "description": "", "statusColor": "#cccccc"} for name in site.priorities
    ]


@routes.add("GET", "/priority/search")
def search_priorities(site: JiraState) -> Json:
    """Return a page of the priorities."""
    name = request.args.get("priorityName", "").casefold()
    return make_page([{**priority, "isDefault": priority["name"] == "Medium"} for priority in list_priorities(site)
                      if name in priority["name"].casefold()
                      and (priority["id"] in read_list("id") or not read_list("id"))])


@routes.add("GET", "/status")
def list_statuses(site: JiraState) -> list[Json]:
    """Return all statuses."""
    return [JsonView(site).to_status(name) for name in site.statuses]


@routes.add("GET", "/project/<ref>/statuses")
def list_project_statuses(site: JiraState, ref: str) -> list[Json]:
    """Return the statuses that each issue type of a project can have."""
    project, view = site.get_project(ref), JsonView(site)
    workflow = site.workflows[project.key]
    names = dict.fromkeys([workflow.initial, *(transition.target_status for transition in workflow.transitions)])
    return [{"id": issue_type.id, "name": issue_type.name, "self": view.make_url(f"issuetype/{issue_type.id}"),
             "subtask": issue_type.hierarchy_level < 0, "statuses": [view.to_status(name) for name in names]}
            for issue_type in site.list_types(project)]


@routes.add("GET", "/status/<ref>")
def read_status(site: JiraState, ref: str) -> Json:
    """Return the status with this id or name."""
    status = next((status.name for status in site.statuses.values() if ref in (status.id, status.name)), None)
    if status is None:
        raise Refusal(404, f"The status '{ref}' does not exist or you do not have permission to view it.")
    return JsonView(site).to_status(status)


@routes.add("GET", "/issueLinkType")
def list_link_types(site: JiraState) -> Json:
    """Return all link types."""
    return {"issueLinkTypes": [JsonView(site).to_link_type(link_type.name) for link_type in site.link_types.values()]}


@routes.add("POST", "/issueLinkType")
def add_link_type(site: JiraState) -> tuple[Json, int]:
    """Add a link type. As on Jira, 404 if the name is in use or the caller may not."""
    require_admin(404)
    body = read_body(["id", "self"], required=["name", "inward", "outward"])
    name, inward, outward = (read_text(body, key) for key in ("name", "inward", "outward"))
    if any(other.name.casefold() == name.casefold() for other in site.link_types.values()):
        raise Refusal(404, errors={"name": f"An issue link type with name '{name}' already exists."})
    link_type = LinkType(site.make_id(), name, inward, outward)
    site.link_types[link_type.id] = link_type
    return JsonView(site).to_link_type(name), 201


@routes.add("POST", "/project")
def add_project(site: JiraState) -> tuple[Json, int]:
    """Make a project from a template, or with the given scheme."""
    require_admin()
    body = read_body(PROJECT_KEYS, required=["key", "name"])
    errors = _check_project(site, body)
    if errors:
        raise Refusal(400, errors=errors)
    default = next(scheme.id for scheme in site.schemes.values() if scheme.is_default)
    project = Project(site.make_id(), body["key"], body["name"].strip(), body["leadAccountId"],
                      str(body.get("issueTypeScheme", default)), body.get("projectTypeKey", "software"),
                      body.get("description") or "", body.get("assigneeType", "UNASSIGNED"))
    site.projects[project.key] = project
    site.workflows.setdefault(project.key, make_default_workflow(len(site.projects)))
    if project.type_key == "service_desk":
        jira_customs.add_request_types(site, project.key, *jira_customs.DEFAULT_REQUEST_TYPES)
    return {"self": JsonView(site).make_url(f"project/{project.id}"), "id": int(project.id), "key": project.key}, 201


def _check_project(site: JiraState, body: Json) -> dict[str, str]:
    key, name, template = body["key"], body["name"], body.get("projectTemplateKey")
    errors: dict[str, str] = {}
    if not isinstance(key, str) or not re.fullmatch(r"[A-Z][A-Z0-9]+", key):
        errors["projectKey"] = INVALID_KEY_TEXT
    elif len(key) > 10:
        errors["projectKey"] = "The project key must not exceed 10 characters in length."
    elif key in site.projects:
        errors["projectKey"] = f"Project '{site.projects[key].name}' uses this project key."
    if not isinstance(name, str) or not 2 <= len(name.strip()) <= 80:
        errors["projectName"] = "The project name must be 2 to 80 characters long."
    elif any(project.name.casefold() == name.strip().casefold() for project in site.projects.values()):
        errors["projectName"] = "A project with that name already exists."
    if body.get("leadAccountId") not in site.users:
        errors["projectLead"] = "You must specify a valid project lead."
    return errors | _check_project_template(site, body, template)


def _check_project_template(site: JiraState, body: Json, template: Any) -> dict[str, str]:
    errors: dict[str, str] = {}
    if template is not None and {"issueTypeScheme", "issueTypeScreenScheme", "workflowScheme"} & set(body):
        errors["projectTemplateKey"] = "A project template cannot be specified together with a scheme."
    elif template is not None and TEMPLATES.get(template) != body.get("projectTypeKey"):
        errors["projectTemplateKey"] = "The project template does not exist or is not of this project type."
    if "issueTypeScheme" in body and str(body["issueTypeScheme"]) not in site.schemes:
        errors["issueTypeScheme"] = "The issue type scheme was not found."
    if body.get("projectTypeKey", "software") not in ("software", "business", "service_desk"):
        errors["projectTypeKey"] = "The project type does not exist."
    if body.get("assigneeType", "UNASSIGNED") not in ("UNASSIGNED", "PROJECT_LEAD"):
        errors["assigneeType"] = "The default assignee is not valid."
    return errors


@routes.add("GET", "/project/search")
def search_projects(site: JiraState) -> Json:
    """Return a page of projects, by `keys`, `id`, `typeKey` or a `query` in key or name."""
    keys, ids, query = read_list("keys"), read_list("id"), request.args.get("query", "").casefold()
    type_key = request.args.get("typeKey")
    order = check_order(PROJECT_ORDERS, "key")
    projects = [project for project in site.projects.values() if (not keys or project.key in keys)
                and (not ids or project.id in ids) and type_key in (None, project.type_key)
                and query in f"{project.key} {project.name}".casefold()]
    projects.sort(key=lambda project: project.name if order.endswith("name") else project.key,
                  reverse=order.startswith("-"))
    return make_page([_to_project_json(site, project) for project in projects])


@routes.add("GET", "/project/<ref>")
def read_project(site: JiraState, ref: str) -> Json:
    """Return one project with its issue types."""
    project, view = site.get_project(ref), JsonView(site)
    return {
        **_to_project_json(site, project),
        "description": project.description,
        "lead": view.to_user(project.lead_id),
        "issueTypes": [view.to_issue_type(issue_type) for issue_type in site.list_types(project)],
        "assigneeType": project.assignee_type,
        "components": [],
        "versions": [],
        "roles": {},
    }


def _to_project_json(site: JiraState, project: Project) -> Json:
    return {**JsonView(site).to_project(project), "style": "classic", "isPrivate": False, "properties": {}}
