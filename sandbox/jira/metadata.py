"""What a client may ask about before it writes: itself, the server, people, permissions, and the create screens."""

from typing import Any

from flask import request

from sandbox.jira.json_view import Json, JsonView, format_time
from sandbox.jira.model import Field, Project, User
from sandbox.jira.rest import Refusal, Routes, get_actor, read_list, read_number
from sandbox.jira.state import JiraState

route = Routes()
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


@route("GET", "/myself")
def read_myself(site: JiraState) -> Json:
    """Who is calling; the own e-mail address is always shown."""
    user = get_actor()
    empty = {"size": 0, "items": []}
    return {**(JsonView(site).to_user(user.account_id) or {}), "emailAddress": user.email, "locale": "en_US",
            "groups": empty, "applicationRoles": empty, "expand": "groups,applicationRoles"}


@route("GET", "/serverInfo")
def read_server_info(site: JiraState) -> Json:
    """What runs here."""
    return {"baseUrl": site.base_url, "displayUrl": site.base_url, "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud", "buildNumber": 100300,
            "buildDate": "2026-11-20T00:00:00.000+0000", "serverTime": format_time(site.now()),
            "scmInfo": "0" * 40, "serverTitle": "Jira", "serverTimeZone": "Etc/UTC"}


@route("GET", "/mypermissions")
def list_my_permissions(site: JiraState) -> Json:
    """Which of the permissions asked for the caller has."""
    asked = read_list("permissions")
    if not asked:
        raise Refusal(400, "The 'permissions' query parameter is required.")
    every = GLOBAL_PERMISSIONS | PROJECT_PERMISSIONS
    unknown = [key for key in asked if key not in every]
    if unknown:
        raise Refusal(400, f"Unrecognized permission(s): {', '.join(unknown)}")
    if "projectKey" in request.args:
        site.get_project(request.args["projectKey"])
    return {"permissions": {key: {"id": str(number), "key": key, "name": every[key], "description": every[key],
                                  "type": "GLOBAL" if key in GLOBAL_PERMISSIONS else "PROJECT",
                                  "havePermission": get_actor().admin or key not in ADMIN_PERMISSIONS} for number,
                            key in enumerate(asked)}}


@route("GET", "/user")
def read_user(site: JiraState) -> Json:
    """One person, by account id."""
    shown = (JsonView(site).to_user(request.args.get("accountId")) if request.args.get("accountId") in site.users
             else None)
    if shown is None:
        raise Refusal(404, f"Specified user does not exist or you do not have required permissions: "
                           f"{request.args.get('accountId')}")
    return shown


@route("GET", "/user/search")
def search_users(site: JiraState) -> list[Json]:
    """The people whose name or e-mail address begins like `query`."""
    if ("query" in request.args) == ("accountId" in request.args):
        raise Refusal(400, "Either 'query' or 'accountId' must be given, and not both.")
    return _make_users_page(site, [one for one in site.users.values() if one.account_id == request.args.get("accountId")
                                   or ("query" in request.args and _matches_query(one, request.args["query"]))])


@route("GET", "/user/assignable/search")
def search_assignable(site: JiraState) -> list[Json]:
    """The active ones of them, for a project or issue."""
    if not {"project", "issueKey", "issueId"} & set(request.args):
        raise Refusal(400, "Either 'project', 'issueKey' or 'issueId' must be given.")
    return _make_users_page(site, [one for one in site.users.values() if one.active
                                   and _matches_query(one, request.args.get("query", ""))])


def _make_users_page(site: JiraState, found: list[User]) -> list[Json]:
    start, size = read_number("startAt", 0), min(read_number("maxResults", 50), 1000)
    return [JsonView(site).to_user(one.account_id) or {} for one in found[start : start + size]]


def _matches_query(user: User, query: str) -> bool:
    """Names by the beginning of the whole or of any word; a hidden e-mail address only as a whole."""
    said, name, email = query.casefold(), user.name.casefold(), user.email.casefold()
    begun = name.startswith(said) or any(word.startswith(said) for word in name.split())
    return begun or (email == said if user.hides_email else email.startswith(said))


@route("GET", "/issue/createmeta/<ref>/issuetypes")
def list_create_types(site: JiraState, ref: str) -> Json:
    """The issue types that a project takes."""
    shown = [JsonView(site).to_issue_type(one) for one in site.list_types(_find_project(site, ref))]
    return _make_page("issueTypes", shown)


@route("GET", "/issue/createmeta/<ref>/issuetypes/<type_id>")
def list_create_fields(site: JiraState, ref: str, type_id: str) -> Json:
    """The fields of a project's create screen."""
    project = _find_project(site, ref)
    if type_id not in site.schemes[project.scheme_id].type_ids:
        raise Refusal(400, "The issue type selected is invalid.")
    needed = {"project", "issuetype", "summary"} | {name for key, name in site.required_fields if key == project.key}
    shown = [{"fieldId": one.id, **make_field_meta(site, one, one.id in needed, project)}
             for one in site.list_screen_fields(project.key)]
    return _make_page("fields", shown)


def _find_project(site: JiraState, ref: str) -> Project:
    found = site.find_project(ref)
    if found is None:
        raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
    return found


def _make_page(name: str, shown: list[Json]) -> Json:
    start, size = read_number("startAt", 0), read_number("maxResults", 50)
    if size > 200:
        raise Refusal(400, "Parameter 'maxResults' must not exceed the limit '200'")
    return {"startAt": start, "maxResults": size, "total": len(shown), name: shown[start : start + size]}


def make_field_meta(site: JiraState, field: Field, required: bool, project: Project | None = None) -> Json:
    """A field of a screen."""
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
        return [{"id": one, "name": name} for name, one in site.resolutions.items()]
    if field.id == "project" and project:
        return [view.to_project(project)]
    return ([view.to_issue_type(one) for one in site.list_types(project)] if field.id == "issuetype" and project
            else None)


def make_schema(field: Field) -> Json:
    """A field's data type."""
    own: Json = {"system": field.id}
    if field.custom_type:
        own = {"custom": field.custom_type, "customId": int(field.id.removeprefix("customfield_"))}
    return {"type": field.schema_type, **({"items": field.schema_items} if field.schema_items else {}), **own}
