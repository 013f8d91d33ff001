"""Issue types and the schemes that give them to projects."""

from flask import request

from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import IssueType, IssueTypeScheme
from sandbox.jira.rest import Refusal, Routes, make_page, parse_strings, read_body, read_list, read_text, require_admin
from sandbox.jira.state import JiraState

route = Routes()


@route("GET", "/issuetype")
def list_issue_types(site: JiraState) -> list[Json]:
    """All issue types."""
    return [JsonView(site).to_issue_type(one) for one in site.issue_types.values()]


@route("POST", "/issuetype")
def add_issue_type(site: JiraState) -> tuple[Json, int]:
    """Add an issue type, and that to the default scheme; 409 where the name is in use."""
    require_admin()
    asked = read_body(["description", "hierarchyLevel", "type"], required=["name"])
    name, level = read_text(asked, "name"), asked.get("hierarchyLevel", -1 if asked.get("type") == "subtask" else 0)
    if len(name) > 60:
        raise Refusal(400, errors={"name": "The issue type name must not exceed 60 characters."})
    if level not in (0, -1):
        raise Refusal(400, errors={"hierarchyLevel": "Specify 0 or -1."})
    if any(one.name.casefold() == name.casefold() for one in site.issue_types.values()):
        raise Refusal(409, errors={"name": "An issue type with this name already exists."})
    made = IssueType(site.make_id(), name, asked.get("description") or "", level)
    site.issue_types[made.id] = made
    next(one for one in site.schemes.values() if one.is_default).type_ids.append(made.id)
    return JsonView(site).to_issue_type(made), 201


@route("GET", "/issuetypescheme")
def list_schemes(site: JiraState) -> Json:
    """A page of the issue type schemes."""
    require_admin()
    ids, said = read_list("id"), request.args.get("queryString", "").casefold()
    return make_page([_to_scheme_json(one) for one in site.schemes.values() if (not ids or one.id in ids)
                      and said in one.name.casefold()])


@route("POST", "/issuetypescheme")
def add_scheme(site: JiraState) -> tuple[Json, int]:
    """Add an issue type scheme."""
    require_admin()
    asked = read_body(["defaultIssueTypeId", "description"], required=["name", "issueTypeIds"])
    name, ids, default = read_text(asked, "name"), parse_strings(asked["issueTypeIds"]), asked.get("defaultIssueTypeId")
    _check_types_exist(site, ids)
    if default is not None and default not in ids:
        raise Refusal(400, "The default issue type ID has to be present in issue type IDs list.")
    if any(one.name == name for one in site.schemes.values()):
        raise Refusal(409, "The name is used by another scheme.")
    made = IssueTypeScheme(site.make_id(), name, ids, default, asked.get("description") or "")
    site.schemes[made.id] = made
    return {"issueTypeSchemeId": made.id}, 201


@route("PUT", "/issuetypescheme/<one>/issuetype")
def extend_scheme(site: JiraState, one: str) -> tuple[None, int]:
    """Append issue types to a scheme."""
    require_admin()
    ids = parse_strings(read_body(required=["issueTypeIds"])["issueTypeIds"])
    scheme = _get_scheme(site, one)
    _check_types_exist(site, ids, 404)
    there = [one for one in ids if one in scheme.type_ids]
    if there:
        raise Refusal(400, "These issue types were not added because they are already present in the issue type "
                           f"scheme: {', '.join(there)}")
    scheme.type_ids += ids
    return None, 204


@route("GET", "/issuetypescheme/project")
def list_schemes_of_projects(site: JiraState) -> Json:
    """Which scheme the projects asked for use."""
    require_admin()
    ids = read_list("projectId")
    if not ids:
        raise Refusal(400, "The project IDs are required.")
    used = {scheme_id: [one.id for one in site.projects.values() if one.scheme_id == scheme_id and one.id in ids]
            for scheme_id in site.schemes}
    return make_page([{"issueTypeScheme": _to_scheme_json(site.schemes[scheme_id]), "projectIds": projects}
                      for scheme_id, projects in used.items() if projects])


@route("PUT", "/issuetypescheme/project")
def assign_scheme(site: JiraState) -> tuple[None, int]:
    """Give a project another scheme."""
    require_admin()
    asked = read_body(required=["issueTypeSchemeId", "projectId"])
    scheme = _get_scheme(site, str(asked["issueTypeSchemeId"]))
    project = next((one for one in site.projects.values() if one.id == str(asked["projectId"])), None)
    if project is None:
        raise Refusal(404, "The project was not found.")
    names = {site.issue_types[one].name for one in scheme.type_ids}
    outside = [one for one in site.issues.values()
               if one.project == project.key and not one.deleted and one.type not in names]
    if outside:
        raise Refusal(400, "This issue type scheme can't be assigned to the project. This is because some issues in "
                           "this project use issue types not present in the scheme. Before assigning the scheme to "
                           f"the project, update the issue types on these issues: {len(outside)}")
    project.scheme_id = scheme.id
    return None, 204


def _to_scheme_json(one: IssueTypeScheme) -> Json:
    return {"id": one.id, "name": one.name, "description": one.description,
            **({"defaultIssueTypeId": one.default_id} if one.default_id else {}),
            **({"isDefault": True} if one.is_default else {})}


def _get_scheme(site: JiraState, one: str) -> IssueTypeScheme:
    if one not in site.schemes:
        raise Refusal(404, "The issue type scheme was not found.")
    return site.schemes[one]


def _check_types_exist(site: JiraState, ids: list[str], status: int = 400) -> None:
    unknown = [one for one in ids if one not in site.issue_types]
    if unknown or not ids:
        raise Refusal(status, f"These issue types were not found: {', '.join(unknown)}")
