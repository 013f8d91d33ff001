"""Screens: every project has the default screen, with one tab; a custom field is on it once somebody added it."""

from flask import request

from sandbox.jira.json_view import Json
from sandbox.jira.model import Field
from sandbox.jira.rest import Refusal, Routes, make_page, read_body, read_list, require_admin
from sandbox.jira.state import DEFAULT_SCREEN_FIELDS, JiraState

routes = Routes()
SCREEN_SCHEME = {"id": "1", "name": "Default Issue Type Screen Scheme", "description": "The default one."}
SCREEN_ID, TAB_ID = 1, 10000


@routes.add("GET", "/issuetypescreenscheme/project")
def list_schemes_of_projects(site: JiraState) -> Json:
    """Return which issue type screen scheme the requested projects use."""
    require_admin()
    ids = read_list("projectId")
    if not ids:
        raise Refusal(400, "The project IDs are required.")
    project_ids = [project.id for project in site.projects.values() if project.id in ids]
    return make_page([{"issueTypeScreenScheme": SCREEN_SCHEME, "projectIds": project_ids}] if project_ids else [])


@routes.add("GET", "/issuetypescreenscheme/mapping")
def list_scheme_mappings(site: JiraState) -> Json:
    """Return which screen scheme an issue type has."""
    require_admin()
    scheme_ids = read_list("issueTypeScreenSchemeId")
    return make_page([{"issueTypeScreenSchemeId": "1", "issueTypeId": "default", "screenSchemeId": "1"}]
                     if not scheme_ids or "1" in scheme_ids else [])


@routes.add("GET", "/screenscheme")
def list_screen_schemes(site: JiraState) -> Json:
    """Return which screen an operation has."""
    require_admin()
    scheme = {"id": 1, "name": "Default Screen Scheme", "description": "The default.",
              "screens": {"default": SCREEN_ID}}
    return make_page([scheme] if not read_list("id") or "1" in read_list("id") else [])


@routes.add("GET", "/screens")
def list_screens(site: JiraState) -> Json:
    """Return a page of the screens."""
    require_admin()
    return make_page([{"id": SCREEN_ID, "name": "Default Screen", "description": "The default."}], most=100)


@routes.add("GET", "/screens/<screen>/tabs")
def list_tabs(site: JiraState, screen: str) -> list[Json]:
    """Return the tabs of a screen."""
    require_admin()
    _check_screen(screen)
    return [{"id": TAB_ID, "name": "Field Tab"}]


@routes.add("GET", "/screens/<screen>/tabs/<tab>/fields")
def list_tab_fields(site: JiraState, screen: str, tab: str) -> list[Json]:
    """Return the fields of a tab."""
    require_admin()
    _check_screen(screen, tab)
    return [{"id": field.id, "name": field.name} for field in site.fields.values() if field.id in DEFAULT_SCREEN_FIELDS
            | site.placed_field_ids]


@routes.add("POST", "/screens/<screen>/tabs/<tab>/fields")
def add_field_to_tab(site: JiraState, screen: str, tab: str) -> Json:
    """Put a field on a tab; 400 if it is on the screen already."""
    require_admin()
    _check_screen(screen, tab)
    field = _find_field(site, read_body(required=["fieldId"])["fieldId"], 400)
    if field.id in DEFAULT_SCREEN_FIELDS | site.placed_field_ids:
        raise Refusal(400, f"The field with id '{field.id}' already exists on the screen.")
    site.placed_field_ids.add(field.id)
    return {"id": field.id, "name": field.name}


@routes.add("POST", "/screens/addToDefault/<field_id>")
def add_field_to_default_screen(site: JiraState, field_id: str) -> Json:
    """Put a field on the default tab of the default screen; 404 if it is there already."""
    require_admin()
    field = _find_field(site, field_id, 404)
    if request.data or field.id in DEFAULT_SCREEN_FIELDS | site.placed_field_ids:
        raise Refusal(404, "The field was not found or is already present.")
    site.placed_field_ids.add(field.id)
    return {}


def _check_screen(screen: str, tab: str = str(TAB_ID)) -> None:
    if (screen, tab) != (str(SCREEN_ID), str(TAB_ID)):
        raise Refusal(404, "The screen or its tab was not found.")


def _find_field(site: JiraState, field_id: object, status: int) -> Field:
    field = site.fields.get(str(field_id))
    if field is None:
        raise Refusal(status, f"The field with id '{field_id}' does not exist.")
    return field
