"""What a client may ask about before it writes: itself, the server, people, permissions, and the create screens."""

from typing import Any

from flask import request

from sandbox.jira.http import Refusal, Routes, actor, listed, number
from sandbox.jira.model import Field, Project, User
from sandbox.jira.state import JiraState
from sandbox.jira.view import Json, View, stamp

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
NEED_ADMIN = frozenset({"ADMINISTER", "ADMINISTER_PROJECTS"})


@route("GET", "/myself")
def myself(site: JiraState) -> Json:
    """Who is calling; the own e-mail address is always shown."""
    user = actor()
    empty = {"size": 0, "items": []}
    return {**(View(site).user(user.account_id) or {}), "emailAddress": user.email, "locale": "en_US",
            "groups": empty, "applicationRoles": empty, "expand": "groups,applicationRoles"}


@route("GET", "/serverInfo")
def server_info(site: JiraState) -> Json:
    """What runs here."""
    return {"baseUrl": site.base, "displayUrl": site.base, "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud", "buildNumber": 100300,
            "buildDate": "2026-11-20T00:00:00.000+0000", "serverTime": stamp(site.now()),
            "scmInfo": "0" * 40, "serverTitle": "Jira", "serverTimeZone": "Etc/UTC"}


@route("GET", "/mypermissions")
def my_permissions(site: JiraState) -> Json:
    """Which of the permissions asked for the caller has."""
    asked = listed("permissions")
    if not asked:
        raise Refusal(400, "The 'permissions' query parameter is required.")
    every = GLOBAL_PERMISSIONS | PROJECT_PERMISSIONS
    unknown = [key for key in asked if key not in every]
    if unknown:
        raise Refusal(400, f"Unrecognized permission(s): {', '.join(unknown)}")
    if "projectKey" in request.args:
        site.project(request.args["projectKey"])
    return {"permissions": {key: {
        "id": str(number), "key": key, "name": every[key], "description": every[key],
        "type": "GLOBAL" if key in GLOBAL_PERMISSIONS else "PROJECT",
        "havePermission": actor().admin or key not in NEED_ADMIN,
    } for number, key in enumerate(asked)}}


@route("GET", "/user")
def read_user(site: JiraState) -> Json:
    """One person, by account id."""
    shown = View(site).user(request.args.get("accountId")) if request.args.get("accountId") in site.users else None
    if shown is None:
        raise Refusal(404, f"Specified user does not exist or you do not have required permissions: "
                           f"{request.args.get('accountId')}")
    return shown


@route("GET", "/user/search")
def search_users(site: JiraState) -> list[Json]:
    """The people whose name or e-mail address begins like `query`."""
    if ("query" in request.args) == ("accountId" in request.args):
        raise Refusal(400, "Either 'query' or 'accountId' must be given, and not both.")
    return _people(site, [one for one in site.users.values() if one.account_id == request.args.get("accountId")
                          or ("query" in request.args and _begins(one, request.args["query"]))])


@route("GET", "/user/assignable/search")
def search_assignable(site: JiraState) -> list[Json]:
    """The active ones of them, for a project or issue."""
    if not {"project", "issueKey", "issueId"} & set(request.args):
        raise Refusal(400, "Either 'project', 'issueKey' or 'issueId' must be given.")
    return _people(site, [one for one in site.users.values()
                          if one.active and _begins(one, request.args.get("query", ""))])


def _people(site: JiraState, found: list[User]) -> list[Json]:
    start, size = number("startAt", 0), min(number("maxResults", 50), 1000)
    return [View(site).user(one.account_id) or {} for one in found[start : start + size]]


def _begins(user: User, query: str) -> bool:
    """Names by the beginning of the whole or of any word; a hidden e-mail address only as a whole."""
    said, name, email = query.casefold(), user.name.casefold(), user.email.casefold()
    begun = name.startswith(said) or any(word.startswith(said) for word in name.split())
    return begun or (email == said if user.hidden_email else email.startswith(said))


@route("GET", "/issue/createmeta/<ref>/issuetypes")
def create_types(site: JiraState, ref: str) -> Json:
    """The issue types that a project takes."""
    shown = [View(site).issue_type(one) for one in site.types_of(_project(site, ref))]
    return _part("issueTypes", shown)


@route("GET", "/issue/createmeta/<ref>/issuetypes/<type_id>")
def create_fields(site: JiraState, ref: str, type_id: str) -> Json:
    """The fields of a project's create screen."""
    project = _project(site, ref)
    if type_id not in site.schemes[project.scheme_id].type_ids:
        raise Refusal(400, "The issue type selected is invalid.")
    needed = {"project", "issuetype", "summary"} | {name for key, name in site.required if key == project.key}
    shown = [{"fieldId": one.id, **field_meta(site, one, one.id in needed, project)}
             for one in site.on_screen(project.key)]
    return _part("fields", shown)


def _project(site: JiraState, ref: str) -> Project:
    found = site.find_project(ref)
    if found is None:
        raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
    return found


def _part(name: str, shown: list[Json]) -> Json:
    start, size = number("startAt", 0), number("maxResults", 50)
    if size > 200:
        raise Refusal(400, "Parameter 'maxResults' must not exceed the limit '200'")
    return {"startAt": start, "maxResults": size, "total": len(shown), name: shown[start : start + size]}


def field_meta(site: JiraState, field: Field, required: bool, project: Project | None = None) -> Json:
    """A field of a screen."""
    operations = ["add"] if field.id in ("issuelinks", "comment") else ["set"]
    if field.kind == "array" and field.items == "string":
        operations = ["add", "set", "remove"]
    allowed = _allowed(site, field, project)
    return {"key": field.id, "name": field.name, "required": required, "schema": schema(field),
            "operations": operations, "hasDefaultValue": field.id == "priority",
            **({"defaultValue": View(site).priority("Medium")} if field.id == "priority" else {}),
            **({} if allowed is None else {"allowedValues": allowed})}


def _allowed(site: JiraState, field: Field, project: Project | None) -> list[Any] | None:
    view = View(site)
    if field.kind == "option":
        return [view.custom(field, option.value) for option in field.options if not option.disabled]
    if field.id == "priority":
        return [view.priority(name) for name in site.priorities]
    if field.id == "resolution":
        return [{"id": one, "name": name} for name, one in site.resolutions.items()]
    if field.id == "project" and project:
        return [view.project(project)]
    return [view.issue_type(one) for one in site.types_of(project)] if field.id == "issuetype" and project else None


def schema(field: Field) -> Json:
    """A field's data type."""
    own: Json = {"system": field.id}
    if field.custom_type:
        own = {"custom": field.custom_type, "customId": int(field.id.removeprefix("customfield_"))}
    return {"type": field.kind, **({"items": field.items} if field.items else {}), **own}
