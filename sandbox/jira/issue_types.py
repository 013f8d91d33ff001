"""Issue types, and the schemes that give them to projects."""

from flask import request

from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import IssueType, IssueTypeScheme
from sandbox.jira.rest import Refusal, Routes, make_page, parse_strings, read_body, read_list, read_text, require_admin
from sandbox.jira.state import JiraState

routes = Routes()


@routes.add("GET", "/issuetype")
def list_issue_types(site: JiraState) -> list[Json]:
    """Return all issue types."""
    return [JsonView(site).to_issue_type(issue_type) for issue_type in site.issue_types.values()]


@routes.add("POST", "/issuetype")
def add_issue_type(site: JiraState) -> tuple[Json, int]:
    """Add an issue type, also to the default scheme; 409 if the name is in use."""
    require_admin()
    body = read_body(["description", "hierarchyLevel", "type"], required=["name"])
    name, level = read_text(body, "name"), body.get("hierarchyLevel", -1 if body.get("type") == "subtask" else 0)
    if len(name) > 60:
        raise Refusal(400, errors={"name": "The issue type name must not exceed 60 characters."})
    if level not in (0, -1):
        raise Refusal(400, errors={"hierarchyLevel": "Specify 0 or -1."})
    if any(other.name.casefold() == name.casefold() for other in site.issue_types.values()):
        raise Refusal(409, errors={"name": "An issue type with this name already exists."})
    issue_type = IssueType(site.make_id(), name, body.get("description") or "", level)
    site.issue_types[issue_type.id] = issue_type
    next(scheme for scheme in site.schemes.values() if scheme.is_default).type_ids.append(issue_type.id)
    return JsonView(site).to_issue_type(issue_type), 201


@routes.add("GET", "/issuetypescheme")
def list_schemes(site: JiraState) -> Json:
    """Return a page of the issue type schemes."""
    require_admin()
    ids, query = read_list("id"), request.args.get("queryString", "").casefold()
    return make_page([_to_scheme_json(scheme) for scheme in site.schemes.values() if (not ids or scheme.id in ids)
                      and query in scheme.name.casefold()])


@routes.add("POST", "/issuetypescheme")
def add_scheme(site: JiraState) -> tuple[Json, int]:
    """Add an issue type scheme."""
    require_admin()
    body = read_body(["defaultIssueTypeId", "description"], required=["name", "issueTypeIds"])
    name, ids, default = read_text(body, "name"), parse_strings(body["issueTypeIds"]), body.get("defaultIssueTypeId")
    _check_types_exist(site, ids)
    if default is not None and default not in ids:
        raise Refusal(400, "The default issue type ID has to be present in issue type IDs list.")
    if any(other.name == name for other in site.schemes.values()):
        raise Refusal(409, "The name is used by another scheme.")
    scheme = IssueTypeScheme(site.make_id(), name, ids, default, body.get("description") or "")
    site.schemes[scheme.id] = scheme
    return {"issueTypeSchemeId": scheme.id}, 201


@routes.add("PUT", "/issuetypescheme/<scheme_id>/issuetype")
def extend_scheme(site: JiraState, scheme_id: str) -> tuple[None, int]:
    """Append issue types to a scheme."""
    require_admin()
    ids = parse_strings(read_body(required=["issueTypeIds"])["issueTypeIds"])
    scheme = _get_scheme(site, scheme_id)
    _check_types_exist(site, ids, 404)
    present = [type_id for type_id in ids if type_id in scheme.type_ids]
    if present:
        raise Refusal(400, "These issue types were not added because they are already present in the issue type "
                           f"scheme: {', '.join(present)}")
    scheme.type_ids += ids
    return None, 204


@routes.add("GET", "/issuetypescheme/project")
def list_schemes_of_projects(site: JiraState) -> Json:
    """Return which schemes the requested projects use."""
    require_admin()
    ids = read_list("projectId")
    if not ids:
        raise Refusal(400, "The project IDs are required.")
    used = {scheme_id: [project.id for project in site.projects.values() if project.scheme_id == scheme_id
                        and project.id in ids] for scheme_id in site.schemes}
    return make_page([{"issueTypeScheme": _to_scheme_json(site.schemes[scheme_id]), "projectIds": projects}
                      for scheme_id, projects in used.items() if projects])


@routes.add("PUT", "/issuetypescheme/project")
def assign_scheme(site: JiraState) -> tuple[None, int]:
    """Give a project another scheme."""
    require_admin()
    body = read_body(required=["issueTypeSchemeId", "projectId"])
    scheme = _get_scheme(site, str(body["issueTypeSchemeId"]))
    project = next((other for other in site.projects.values() if other.id == str(body["projectId"])), None)
    if project is None:
        raise Refusal(404, "The project was not found.")
    names = {site.issue_types[type_id].name for type_id in scheme.type_ids}
    outside = [issue for issue in site.issues.values()
               if issue.project == project.key and not issue.deleted and issue.type not in names]
    if outside:
        raise Refusal(400, "This issue type scheme can't be assigned to the project. This is because some issues in "
                           "this project use issue types not present in the scheme. Before assigning the scheme to "
                           f"the project, update the issue types on these issues: {len(outside)}")
    project.scheme_id = scheme.id
    return None, 204


def _to_scheme_json(scheme: IssueTypeScheme) -> Json:
    return {"id": scheme.id, "name": scheme.name, "description": scheme.description,
            **({"defaultIssueTypeId": scheme.default_id} if scheme.default_id else {}),
            **({"isDefault": True} if scheme.is_default else {})}


def _get_scheme(site: JiraState, scheme_id: str) -> IssueTypeScheme:
    if scheme_id not in site.schemes:
        raise Refusal(404, "The issue type scheme was not found.")
    return site.schemes[scheme_id]


def _check_types_exist(site: JiraState, ids: list[str], status: int = 400) -> None:
    unknown = [type_id for type_id in ids if type_id not in site.issue_types]
    if unknown or not ids:
        raise Refusal(status, f"These issue types were not found: {', '.join(unknown)}")
