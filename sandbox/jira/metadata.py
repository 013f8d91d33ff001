"""What a client may ask before it writes: who it is, the server, people, permissions, create screens."""

from typing import Any

from flask import request

from sandbox.jira.json_view import Json, JsonView, format_time
from sandbox.jira.model import Field, Project, User
from sandbox.jira.rest import Refusal, Routes, get_actor, read_list, read_number
from sandbox.jira.state import JiraState

routes = Routes()
GLOBAL_PERMISSIONS = {"ADMINISTER": "Administer Jira", "USER_PICKER": "Browse users and groups",
                      "BULK_CHANGE": "Make bulk changes", "CREATE_PROJECT": "Create team-managed projects"}
PROJECT_PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects", "CREATE_ISSUES": "Create Issues", "EDIT_ISSUES": "Edit Issues",
    "DELETE_ISSUES": "Delete Issues", "TRANSITION_ISSUES": "Transition Issues", "LINK_ISSUES": "Link Issues",
    "ASSIGN_ISSUES": "Assign Issues", "ASSIGNABLE_USER": "Assignable User", "ADD_COMMENTS": "Add Comments",
    "EDIT_ALL_COMMENTS": "Edit All Comments", "EDIT_OWN_COMMENTS": "Edit Own Comments",
    "DELETE_ALL_COMMENTS": "Delete All Comments", "DELETE_OWN_COMMENTS": "Delete Own Comments",
    "MODIFY_REPORTER": "Modify Reporter", "ADMINISTER_PROJECTS": "Administer Projects",
    "SET_ISSUE_SECURITY": "Set Issue Security", "RESOLVE_ISSUES": "Resolve Issues", "CLOSE_ISSUES": "Close Issues",
}
ADMIN_PERMISSIONS = frozenset({"ADMINISTER", "ADMINISTER_PROJECTS"})


@routes.add("GET", "/myself")
def read_myself(site: JiraState) -> Json:
    """Return the caller; their own e-mail address is always shown."""
    user = get_actor()
    empty = {"size": 0, "items": []}
    return {**(JsonView(site).to_user(user.account_id) or {}), "emailAddress": user.email, "locale": "en_US",
            "groups": empty, "applicationRoles": empty, "expand": "groups,applicationRoles"}


@routes.add("GET", "/serverInfo")
def read_server_info(site: JiraState) -> Json:
    """Return the server's version and time."""
    return {"baseUrl": site.base_url, "displayUrl": site.base_url, "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud", "buildNumber": 100300,
            "buildDate": "2026-11-20T00:00:00.000+0000", "serverTime": format_time(site.get_time()),
            "scmInfo": "0" * 40, "serverTitle": "Jira", "serverTimeZone": "Etc/UTC"}


@routes.add("GET", "/mypermissions")
def list_my_permissions(site: JiraState) -> Json:
    """Return which of the requested permissions the caller has."""
    keys = read_list("permissions")
    if not keys:
        raise Refusal(400, "The 'permissions' query parameter is required.")
    every = GLOBAL_PERMISSIONS | PROJECT_PERMISSIONS
    unknown = [key for key in keys if key not in every]
    if unknown:
        raise Refusal(400, errors=dict.fromkeys(unknown, "Unrecognized permission"))
    if "projectKey" in request.args and site.find_project(request.args["projectKey"]) is None:
        raise Refusal(404, "Could not find project with provided key.")
    return {"permissions": {key: {"id": str(number), "key": key, "name": every[key], "description": every[key],
                                  "type": "GLOBAL" if key in GLOBAL_PERMISSIONS else "PROJECT",
                                  "havePermission": get_actor().admin or key not in ADMIN_PERMISSIONS} for number,
                            key in enumerate(keys)}}


@routes.add("GET", "/user")
def read_user(site: JiraState) -> Json:
    """Return the person with this account id."""
    user = (JsonView(site).to_user(request.args.get("accountId")) if request.args.get("accountId") in site.users
            else None)
    if user is None:
        raise Refusal(404, f"Specified user does not exist or you do not have required permissions: "
                           f"{request.args.get('accountId')}")
    return user


@routes.add("GET", "/user/search")
def search_users(site: JiraState) -> list[Json]:
    """Return the people whose name or e-mail address begins like `query`."""
    if not {"query", "accountId"} & set(request.args):
        raise Refusal(400, "The username or property query parameter must be provided")
    if {"query", "accountId"} <= set(request.args):
        raise Refusal(400, "The query parameters 'query' and 'accountId' are mutually exclusive.")
    return _make_users_page(site, [user for user in site.users.values()
                                   if user.account_id == request.args.get("accountId")
                                   or ("query" in request.args and _matches_query(user, request.args["query"]))])


@routes.add("GET", "/user/assignable/search")
def search_assignable(site: JiraState) -> list[Json]:
    """Return the active people whose name or e-mail begins like `query`, for a project or issue."""
    if not {"project", "issueKey", "issueId"} & set(request.args):
        raise Refusal(400, "No project, issue key or issue ID was provided")
    return _make_users_page(site, [user for user in site.users.values() if user.active
                                   and _matches_query(user, request.args.get("query", ""))])


def _make_users_page(site: JiraState, users: list[User]) -> list[Json]:
    start, size = read_number("startAt", 0), min(read_number("maxResults", 50), 1000)
    return [JsonView(site).to_user(user.account_id) or {} for user in users[start : start + size]]


def _matches_query(user: User, query: str) -> bool:
    """Match a name by its beginning or that of any word; match a hidden e-mail address only as a whole."""
    query, name, email = query.casefold(), user.name.casefold(), user.email.casefold()
    begins = name.startswith(query) or any(word.startswith(query) for word in name.split())
    return begins or (email == query if user.hides_email else email.startswith(query))


@routes.add("GET", "/issue/createmeta/<ref>/issuetypes")
def list_create_types(site: JiraState, ref: str) -> Json:
    """Return the issue types that a project takes."""
    issue_types = [JsonView(site).to_issue_type(issue_type) for issue_type in site.list_types(_find_project(site, ref))]
    return _make_page("issueTypes", issue_types)


@routes.add("GET", "/issue/createmeta/<ref>/issuetypes/<type_id>")
def list_create_fields(site: JiraState, ref: str, type_id: str) -> Json:
    """Return the fields of a project's create screen."""
    project = _find_project(site, ref)
    if type_id not in site.schemes[project.scheme_id].type_ids:
        raise Refusal(400, "The issue type selected is invalid.")
    needed = {"project", "issuetype", "summary"} | {name for key, name in site.required_fields if key == project.key}
    fields = [{"fieldId": field.id, **make_field_meta(site, field, field.id in needed, project)}
              for field in site.list_screen_fields(project.key)]
    return _make_page("fields", fields)


def _find_project(site: JiraState, ref: str) -> Project:
    project = site.find_project(ref)
    if project is None:
        raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
    return project


def _make_page(name: str, values: list[Json]) -> Json:
    start, size = read_number("startAt", 0), read_number("maxResults", 50)
    if size > 200:
        raise Refusal(400, "Parameter 'maxResults' must not exceed the limit '200'")
    return {"startAt": start, "maxResults": size, "total": len(values), name: values[start : start + size]}


def make_field_meta(site: JiraState, field: Field, required: bool, project: Project | None = None) -> Json:
    """Return a field of a screen."""
    operations = ["add"] if field.id in ("issuelinks", "comment") else ["set"]
    if field.schema_type == "array" and field.schema_items == "string":
        operations = ["add", "set", "remove"]
    allowed = _list_allowed_values(site, field, project)
    return {"key": field.id, "name": field.name, "required": required, "schema": make_schema(field),
            "operations": operations, "hasDefaultValue": field.id == "priority",
            **({"defaultValue": JsonView(site).to_priority("Medium")} if field.id == "priority" else {}),
            **({} if allowed is None else {"allowedValues": allowed})}


def _list_allowed_values(site: JiraState, field: Field, project: Project | None) -> list[Any] | None:
    view = JsonView(site)
    if field.schema_type == "option":
        return [view.to_custom_value(field, option.value) for option in field.options if not option.disabled]
    if field.id == "priority":
        return [view.to_priority(name) for name in site.priorities]
    if field.id == "resolution":
        return [{"id": number, "name": name} for name, number in site.resolutions.items()]
    if field.id == "project" and project:
        return [view.to_project(project)]
    return ([view.to_issue_type(issue_type) for issue_type in site.list_types(project)] if field.id == "issuetype"
            and project else None)


def make_schema(field: Field) -> Json:
    """Return a field's data type."""
    own: Json = {"system": field.id}
    if field.custom_type:
        own = {"custom": field.custom_type, "customId": int(field.id.removeprefix("customfield_"))}
    return {"type": field.schema_type, **({"items": field.schema_items} if field.schema_items else {}), **own}
