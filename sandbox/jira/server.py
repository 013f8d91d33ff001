"""A simulated Jira Cloud site: stateful, strict, and as empty at first as Atlassian hands one out."""

from functools import cache
from typing import Any

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException

from sandbox.jira import admin, comments, meta, search, threads, webhooks
from sandbox.jira.comments import keep, kept
from sandbox.jira.effects import assign, create, delete, edit
from sandbox.jira.http import (
    NOT_SIGNED_IN,
    REST,
    Refusal,
    Routes,
    actor,
    body,
    listed,
    lost,
    refused,
)
from sandbox.jira.model import User
from sandbox.jira.state import JiraState
from sandbox.jira.threads import chosen_transition, transitions
from sandbox.jira.view import Json, View
from sandbox.web import Simulation, new_app, served_state

route = Routes()
UPDATE_DETAILS = ("fields", "update", "properties", "transition", "historyMetadata")
# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-serverinfo/ may be read by anybody.
ANONYMOUS = frozenset({f"{REST}/serverInfo"})


class JiraServer(Simulation):
    """Serves a site's state over Jira's REST API."""

    def __init__(self, state: JiraState) -> None:
        super().__init__("jira", make_app(), state, state.clock)


@cache
def make_app() -> Flask:
    """Make the Flask app with all routes; it serves whichever site a request's environment names."""
    app = new_app("jira")
    app.before_request(_sign_in)
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, lost)
    for routes in (route, comments.route, threads.route, search.route, meta.route, admin.route, webhooks.route):
        routes.serve(app)
    return app


def _sign_in() -> None:
    site = served_state()
    site.base = request.host_url.rstrip("/")
    said = request.authorization
    if said is None and request.path in ANONYMOUS:
        return
    g.user = _user(site, said.username, said.password) if said is not None and said.type == "basic" else None
    if g.user is None:
        raise Refusal(401, NOT_SIGNED_IN)


def _user(site: JiraState, email: str | None, token: str | None) -> User | None:
    return next((user for user in site.users.values()
                 if user.active and (user.email, user.token) == (email, token)), None)


@route("POST", "/issue")
def create_one(site: JiraState) -> tuple[Json, int]:
    """Make an issue."""
    return _created(site, body(UPDATE_DETAILS)), 201


def _created(site: JiraState, asked: Any) -> Json:
    if not isinstance(asked, dict) or "transition" in asked:
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    issue = create(site, actor(), asked)
    return {"id": issue.id, "key": issue.key, "self": View(site).url(f"issue/{issue.id}")}


@route("POST", "/issue/bulk")
def create_many(site: JiraState) -> tuple[Json, int]:
    """Make up to 50 issues; each succeeds or fails by itself."""
    asked = body(["issueUpdates"]).get("issueUpdates")
    if not isinstance(asked, list) or not 0 < len(asked) <= 50:
        raise Refusal(400, "The number of issues to create must be between 1 and 50.")
    made, failed = [], []
    for number, one in enumerate(asked):
        try:
            made.append(_created(site, one))
        except Refusal as error:
            failed.append({"status": error.status, "elementErrors": error.body, "failedElementNumber": number})
    return {"issues": made, "errors": failed}, 201 if made else 400


@route("POST", "/issue/bulkfetch")
def fetch_many(site: JiraState) -> Json:
    """Read up to 100 issues directly."""
    asked = body(["fields", "properties", "fieldsByKeys", "expand"], required=["issueIdsOrKeys"])
    refs = asked["issueIdsOrKeys"]
    if not isinstance(refs, list) or not 0 < len(refs) <= 100:
        raise Refusal(400, "The number of issues to fetch must be between 1 and 100.")
    found = {issue.id: issue for issue in map(site.find_issue, refs) if issue}
    absent = [str(ref) for ref in refs if site.find_issue(ref) is None]
    fields = search.wanted_fields(site, asked.get("fields") or ["*navigable"])
    shown = [View(site).issue(one, fields, search.at_most_five(asked.get("properties") or []))
             for one in sorted(found.values(), key=lambda one: int(one.id))]
    errors = [{"id": ref, "errorMessage": "The issue no longer exists."} for ref in absent]
    return {"issues": shown, "issueErrors": errors}


@route("GET", "/issue/<ref>")
def read(site: JiraState, ref: str) -> Json:
    """Read an issue directly."""
    issue = site.issue(ref)
    fields = search.wanted_fields(site, listed("fields") or ["*all"])
    shown = View(site).issue(issue, fields, listed("properties"))
    if "transitions" in listed("expand"):
        shown["transitions"] = transitions(site, issue, False)
    return shown


@route("PUT", "/issue/<ref>")
def change(site: JiraState, ref: str) -> tuple[Any, int]:
    """Edit an issue; a transition in the body is ignored, as Jira does."""
    issue = site.issue(ref)
    edit(site, actor(), issue, body(UPDATE_DETAILS))
    return (View(site).issue(issue), 200) if request.args.get("returnIssue") == "true" else (None, 204)


@route("DELETE", "/issue/<ref>")
def remove(site: JiraState, ref: str) -> tuple[None, int]:
    """Delete an issue."""
    delete(site, actor(), site.issue(ref))
    return None, 204


@route("PUT", "/issue/<ref>/assignee")
def set_assignee(site: JiraState, ref: str) -> tuple[None, int]:
    """Assign an issue."""
    issue = site.issue(ref)
    assign(site, actor(), issue, body(required=["accountId"]))
    return None, 204


@route("GET", "/issue/<ref>/transitions")
def list_transitions(site: JiraState, ref: str) -> Json:
    """The transitions that the issue's status allows."""
    found = transitions(site, site.issue(ref), "transitions.fields" in listed("expand"))
    only = request.args.get("transitionId")
    return {"expand": "transitions", "transitions": [one for one in found if only in (None, one["id"])]}


@route("POST", "/issue/<ref>/transitions")
def take_transition(site: JiraState, ref: str) -> tuple[None, int]:
    """Move an issue to another status."""
    if site.conflicts:
        site.conflicts -= 1
        raise Refusal(409, "The issue is being changed by another request.")
    chosen_transition(site, site.issue(ref), body(UPDATE_DETAILS))
    return None, 204


@route("GET", "/issue/<ref>/properties")
def list_properties(site: JiraState, ref: str) -> Json:
    """The names of an issue's properties."""
    issue = site.issue(ref)
    return {"keys": [{"key": key, "self": View(site).url(f"issue/{issue.id}/properties/{key}")}
                     for key in issue.properties]}


@route("GET", "/issue/<ref>/properties/<key>")
def read_property(site: JiraState, ref: str, key: str) -> Json:
    """One property of an issue."""
    return {"key": key, "value": kept(site.issue(ref).properties, key)}


@route("PUT", "/issue/<ref>/properties/<key>")
def set_property(site: JiraState, ref: str, key: str) -> tuple[Json, int]:
    """Set a property of an issue; 201 where it is new."""
    issue = site.issue(ref)
    status = keep(issue.properties, key)
    site.indexed(issue)
    return {}, status


@route("DELETE", "/issue/<ref>/properties/<key>")
def remove_property(site: JiraState, ref: str, key: str) -> tuple[None, int]:
    """Delete a property of an issue."""
    issue = site.issue(ref)
    kept(issue.properties, key)
    del issue.properties[key]
    site.indexed(issue)
    return None, 204
