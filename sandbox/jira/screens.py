"""Screens: every project has the default one, with one tab; a custom field is on it once it was put there."""

from flask import request

from sandbox.jira.http import Refusal, Routes, body, listed, need_admin, page
from sandbox.jira.model import Field
from sandbox.jira.state import ON_SCREEN, JiraState
from sandbox.jira.view import Json

route = Routes()
SCHEME = {"id": "1", "name": "Default Issue Type Screen Scheme", "description": "The default one."}
SCREEN, TAB = 1, 10000


@route("GET", "/issuetypescreenscheme/project")
def schemes_of_projects(site: JiraState) -> Json:
    """Which issue type screen scheme the projects asked for use."""
    need_admin()
    ids = listed("projectId")
    if not ids:
        raise Refusal(400, "The project IDs are required.")
    there = [one.id for one in site.projects.values() if one.id in ids]
    return page([{"issueTypeScreenScheme": SCHEME, "projectIds": there}] if there else [])


@route("GET", "/issuetypescreenscheme/mapping")
def mapping(site: JiraState) -> Json:
    """Which screen scheme an issue type has."""
    need_admin()
    asked = listed("issueTypeScreenSchemeId")
    return page([{"issueTypeScreenSchemeId": "1", "issueTypeId": "default", "screenSchemeId": "1"}]
                if not asked or "1" in asked else [])


@route("GET", "/screenscheme")
def screen_schemes(site: JiraState) -> Json:
    """Which screen an operation has."""
    need_admin()
    found = {"id": 1, "name": "Default Screen Scheme", "description": "The default.", "screens": {"default": SCREEN}}
    return page([found] if not listed("id") or "1" in listed("id") else [])


@route("GET", "/screens/<screen>/tabs")
def tabs(site: JiraState, screen: str) -> list[Json]:
    """The tabs of a screen."""
    need_admin()
    _screen(screen)
    return [{"id": TAB, "name": "Field Tab"}]


@route("GET", "/screens/<screen>/tabs/<tab>/fields")
def fields(site: JiraState, screen: str, tab: str) -> list[Json]:
    """The fields of a tab."""
    need_admin()
    _screen(screen, tab)
    return [{"id": one.id, "name": one.name} for one in site.fields.values() if one.id in ON_SCREEN | site.placed]


@route("POST", "/screens/<screen>/tabs/<tab>/fields")
def add_field(site: JiraState, screen: str, tab: str) -> Json:
    """Put a field on a tab; 400 where it is on the screen."""
    need_admin()
    _screen(screen, tab)
    field = _field(site, body(required=["fieldId"])["fieldId"], 400)
    if field.id in ON_SCREEN | site.placed:
        raise Refusal(400, f"The field with id '{field.id}' already exists on the screen.")
    site.placed.add(field.id)
    return {"id": field.id, "name": field.name}


@route("POST", "/screens/addToDefault/<field_id>")
def add_to_default(site: JiraState, field_id: str) -> Json:
    """Put a field on the default tab of the default screen; 404 where it is there."""
    need_admin()
    field = _field(site, field_id, 404)
    if request.data or field.id in ON_SCREEN | site.placed:
        raise Refusal(404, "The field was not found or is already present.")
    site.placed.add(field.id)
    return {}


def _screen(screen: str, tab: str = str(TAB)) -> None:
    if (screen, tab) != (str(SCREEN), str(TAB)):
        raise Refusal(404, "The screen or its tab was not found.")


def _field(site: JiraState, field_id: object, status: int) -> Field:
    field = site.fields.get(str(field_id))
    if field is None:
        raise Refusal(status, f"The field with id '{field_id}' does not exist.")
    return field
