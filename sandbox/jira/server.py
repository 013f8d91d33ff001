"""A simulated Jira Cloud site: it keeps state, is as strict as Jira, and starts as empty as a new site."""

from functools import cache
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.jira import admin, comments, metadata, search, transitions_and_links, webhook_admin
from sandbox.jira.anonymous_access import LOGIN_REASON, answer_anonymously
from sandbox.jira.comments import get_property, put_property
from sandbox.jira.issue_changes import assign_issue, create_issue, delete_issue, edit_issue
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import User
from sandbox.jira.rest import (
    NOT_SIGNED_IN,
    REST,
    Refusal,
    Routes,
    answer_refusal,
    answer_unknown_path,
    get_actor,
    read_body,
    read_list,
)
from sandbox.jira.state import JiraState
from sandbox.jira.transitions_and_links import take_requested_transition, to_transitions_json
from sandbox.simulated_service import SimulatedService, get_served_state, make_flask_app

routes = Routes()
ISSUE_UPDATE_KEYS = ("fields", "update", "properties", "transition", "historyMetadata")


class JiraServer(SimulatedService):
    """Serves a site's state over Jira's REST API."""

    def __init__(self, state: JiraState) -> None:
        super().__init__("jira", make_app(), state, state.clock)


@cache
def make_app() -> Flask:
    """Make the Flask app with all routes; it serves whichever site a request's environment names."""
    app = make_flask_app("jira")
    app.before_request(_sign_in)
    app.after_request(_add_login_reason)
    app.register_error_handler(Refusal, answer_refusal)
    app.register_error_handler(HTTPException, answer_unknown_path)
    for module_routes in (routes, comments.routes, transitions_and_links.routes, search.routes, metadata.routes,
                          admin.routes, webhook_admin.routes):
        module_routes.register_on(app)
    return app


def _sign_in() -> Response | None:
    site = get_served_state()
    site.base_url = request.host_url.rstrip("/")
    authorization = request.authorization
    if authorization is None and request.path == f"{REST}/serverInfo":
        return None
    g.user = (_find_user(site, authorization.username, authorization.password) if authorization is not None
              and authorization.type == "basic" else None)
    if g.user is None and not site.takes_bad_tokens_as_anonymous:
        raise Refusal(401, NOT_SIGNED_IN)
    return answer_anonymously(site) if g.user is None else None


def _add_login_reason(response: Response) -> Response:
    """Say on each answer to bad credentials that they failed, as Jira does also on a 200."""
    if request.authorization is not None and g.get("user") is None:
        response.headers[LOGIN_REASON] = "AUTHENTICATED_FAILED"
    return response


def _find_user(site: JiraState, email: str | None, token: str | None) -> User | None:
    return next((user for user in site.users.values()
                 if user.active and (user.email, user.token) == (email, token)), None)


@routes.add("POST", "/issue")
def post_issue(site: JiraState) -> tuple[Json, int]:
    """Make an issue."""
    if not request.get_data():
        raise Refusal(400, "No Issue Create payload supplied")
    return _create_from_request(site, read_body(ISSUE_UPDATE_KEYS)), 201


def _create_from_request(site: JiraState, body: Any) -> Json:
    if not isinstance(body, dict) or "transition" in body:
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    issue = create_issue(site, get_actor(), body)
    return {"id": issue.id, "key": issue.key, "self": JsonView(site).make_url(f"issue/{issue.id}")}


@routes.add("POST", "/issue/bulk")
def post_issues(site: JiraState) -> tuple[Json, int]:
    """Make up to 50 issues; each succeeds or fails by itself."""
    updates = read_body(["issueUpdates"]).get("issueUpdates")
    if not isinstance(updates, list) or not 0 < len(updates) <= 50:
        raise Refusal(400, "The number of issues to create must be between 1 and 50.")
    issues, failed = [], []
    for number, update in enumerate(updates):
        try:
            issues.append(_create_from_request(site, update))
        except Refusal as error:
            failed.append({"status": error.status, "elementErrors": error.body, "failedElementNumber": number})
    return {"issues": issues, "errors": failed}, 201 if issues else 400


@routes.add("POST", "/issue/bulkfetch")
def fetch_issues(site: JiraState) -> Json:
    """Read up to 100 issues directly."""
    body = read_body(["fields", "properties", "fieldsByKeys", "expand"], required=["issueIdsOrKeys"])
    refs = body["issueIdsOrKeys"]
    if not isinstance(refs, list) or not 0 < len(refs) <= 100:
        raise Refusal(400, "The number of issues to fetch must be between 1 and 100.")
    issues = {issue.id: issue for issue in map(site.find_issue, refs) if issue}
    # An issue that does not exist or is hidden is in neither list: BulkIssueResults in Jira's OpenAPI file.
    unreadable_ids = issues.keys() & site.unreadable_ids
    fields = search.select_field_ids(site, body.get("fields") or ["*navigable"])
    views = [JsonView(site).to_issue(issue, fields, search.parse_property_names(body.get("properties") or []))
             for issue in sorted(issues.values(), key=lambda issue: int(issue.id)) if issue.id not in unreadable_ids]
    errors = [{"id": issue_id, "errorMessage": "The issue could not be read."} for issue_id in sorted(unreadable_ids)]
    return {"issues": views, "issueErrors": errors}


@routes.add("GET", "/issue/<ref>")
def read_issue(site: JiraState, ref: str) -> Json:
    """Read an issue directly."""
    issue = site.get_issue(ref)
    fields = search.select_field_ids(site, read_list("fields") or ["*all"])
    content = JsonView(site).to_issue(issue, fields, read_list("properties"))
    if "transitions" in read_list("expand"):
        content["transitions"] = to_transitions_json(site, issue, False)
    return content


@routes.add("PUT", "/issue/<ref>")
def put_issue(site: JiraState, ref: str) -> tuple[Any, int]:
    """Edit an issue; ignore a transition in the body, as Jira does."""
    issue = site.get_issue(ref)
    edit_issue(site, get_actor(), issue, read_body(ISSUE_UPDATE_KEYS))
    return (JsonView(site).to_issue(issue), 200) if request.args.get("returnIssue") == "true" else (None, 204)


@routes.add("DELETE", "/issue/<ref>")
def remove_issue(site: JiraState, ref: str) -> tuple[None, int]:
    """Delete an issue."""
    delete_issue(site, get_actor(), site.get_issue(ref))
    return None, 204


@routes.add("PUT", "/issue/<ref>/assignee")
def set_assignee(site: JiraState, ref: str) -> tuple[None, int]:
    """Assign an issue."""
    issue = site.get_issue(ref)
    assign_issue(site, get_actor(), issue, read_body(required=["accountId"]))
    return None, 204


@routes.add("GET", "/issue/<ref>/transitions")
def list_transitions(site: JiraState, ref: str) -> Json:
    """Return the transitions that the issue's status allows."""
    transitions = to_transitions_json(site, site.get_issue(ref), "transitions.fields" in read_list("expand"))
    only = request.args.get("transitionId")
    return {"expand": "transitions", "transitions": [transition for transition in transitions
                                                     if only in (None, transition["id"])]}


@routes.add("POST", "/issue/<ref>/transitions")
def take_transition(site: JiraState, ref: str) -> tuple[None, int]:
    """Move an issue to another status."""
    if site.pending_conflicts:
        site.pending_conflicts -= 1
        raise Refusal(409, "The issue is being changed by another request.")
    take_requested_transition(site, site.get_issue(ref), read_body(ISSUE_UPDATE_KEYS))
    return None, 204


@routes.add("GET", "/issue/<ref>/properties")
def list_properties(site: JiraState, ref: str) -> Json:
    """Return the names of an issue's properties."""
    issue = site.get_issue(ref)
    return {"keys": [{"key": key, "self": JsonView(site).make_url(f"issue/{issue.id}/properties/{key}")}
                     for key in issue.properties]}


@routes.add("GET", "/issue/<ref>/properties/<key>")
def read_property(site: JiraState, ref: str, key: str) -> Json:
    """Return one property of an issue."""
    return {"key": key, "value": get_property(site.get_issue(ref).properties, key)}


@routes.add("PUT", "/issue/<ref>/properties/<key>")
def set_property(site: JiraState, ref: str, key: str) -> tuple[Json, int]:
    """Set a property of an issue; 201 if it is new."""
    issue = site.get_issue(ref)
    status = put_property(issue.properties, key)
    site.index_issue(issue)
    return {}, status


@routes.add("DELETE", "/issue/<ref>/properties/<key>")
def remove_property(site: JiraState, ref: str, key: str) -> tuple[None, int]:
    """Delete a property of an issue."""
    issue = site.get_issue(ref)
    get_property(issue.properties, key)
    del issue.properties[key]
    site.index_issue(issue)
    return None, 204
