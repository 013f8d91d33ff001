"""A simulated Jira Cloud site: stateful, strict, and as empty at first as Atlassian hands one out."""

from typing import Any

from flask import g, request
from werkzeug.exceptions import HTTPException

from sandbox.clock import Clock
from sandbox.jira import admin as jira_site
from sandbox.jira import comments as jira_comments
from sandbox.jira import meta as jira_meta
from sandbox.jira import search as jira_search
from sandbox.jira import threads as jira_threads
from sandbox.jira import webhooks as jira_webhooks
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
from sandbox.jira.model import Transition, User, Workflow
from sandbox.jira.state import Site
from sandbox.jira.threads import chosen_transition, transitions
from sandbox.jira.view import Json, View
from sandbox.web import Simulation

__all__ = ["Jira", "Transition", "Workflow"]

route = Routes()
UPDATE_DETAILS = ("fields", "update", "properties", "transition", "historyMetadata")
# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-serverinfo/ may be read by anybody.
ANONYMOUS = frozenset({f"{REST}/serverInfo"})


class Jira(Site, Simulation):
    """The site as a WSGI application.

    Knobs: `add_user`, `add_status`, `off_screen` {(project key, field id)}, `required` (the same),
    `index_lag` seconds, `refused_summaries`, `java_lengths` (summaries are measured in UTF-16),
    `conflicts`: so many transitions are refused with 409; `hidden` {issue or project key}: not for those who ask;
    `tells_visibility` False: webhooks do not say whom a comment is for (no capture shows whether they do);
    `workflows` {project key: Workflow}, `also_updated` ({"comment", "link"}: these raise `jira:issue_updated` too).
    To read: `issues` by key, `linked`, `phrases`, `outbox`, `calls`.
    """

    def __init__(self, clock: Clock) -> None:
        Simulation.__init__(self, "jira", clock)
        Site.__init__(self, clock)
        self.app.before_request(self._sign_in)
        self.app.register_error_handler(Refusal, refused)
        self.app.register_error_handler(HTTPException, lost)
        for routes in (route, jira_comments.route, jira_threads.route, jira_search.route, jira_meta.route,
                       jira_site.route, jira_webhooks.route):
            routes.serve(self, self.app)

    def _sign_in(self) -> None:
        self.base = request.host_url.rstrip("/")
        said = request.authorization
        if said is None and request.path in ANONYMOUS:
            return
        g.user = self._user(said.username, said.password) if said is not None and said.type == "basic" else None
        if g.user is None:
            raise Refusal(401, NOT_SIGNED_IN)

    def _user(self, email: str | None, token: str | None) -> User | None:
        return next((one for one in self.users.values()
                     if one.active and (one.email, one.token) == (email, token)), None)


@route("POST", "/issue")
def create_one(site: Site) -> tuple[Json, int]:
    """Make an issue."""
    return _created(site, body(UPDATE_DETAILS)), 201


def _created(site: Site, asked: Any) -> Json:
    if not isinstance(asked, dict) or "transition" in asked:
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    issue = create(site, actor(), asked)
    return {"id": issue.id, "key": issue.key, "self": View(site).url(f"issue/{issue.id}")}


@route("POST", "/issue/bulk")
def create_many(site: Site) -> tuple[Json, int]:
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
def fetch_many(site: Site) -> Json:
    """Read up to 100 issues directly."""
    asked = body(["fields", "properties", "fieldsByKeys", "expand"], required=["issueIdsOrKeys"])
    refs = asked["issueIdsOrKeys"]
    if not isinstance(refs, list) or not 0 < len(refs) <= 100:
        raise Refusal(400, "The number of issues to fetch must be between 1 and 100.")
    found = {issue.id: issue for issue in map(site.find_issue, refs) if issue}
    absent = [str(ref) for ref in refs if site.find_issue(ref) is None]
    fields = jira_search.wanted_fields(site, asked.get("fields") or ["*navigable"])
    shown = [View(site).issue(one, fields, jira_search.at_most_five(asked.get("properties") or []))
             for one in sorted(found.values(), key=lambda one: int(one.id))]
    errors = [{"id": ref, "errorMessage": "The issue no longer exists."} for ref in absent]
    return {"issues": shown, "issueErrors": errors}


@route("GET", "/issue/<ref>")
def read(site: Site, ref: str) -> Json:
    """Read an issue directly."""
    issue = site.issue(ref)
    fields = jira_search.wanted_fields(site, listed("fields") or ["*all"])
    shown = View(site).issue(issue, fields, listed("properties"))
    if "transitions" in listed("expand"):
        shown["transitions"] = transitions(site, issue, False)
    return shown


@route("PUT", "/issue/<ref>")
def change(site: Site, ref: str) -> tuple[Any, int]:
    """Edit an issue; a transition in the body is ignored, as Jira does."""
    issue = site.issue(ref)
    edit(site, actor(), issue, body(UPDATE_DETAILS))
    return (View(site).issue(issue), 200) if request.args.get("returnIssue") == "true" else (None, 204)


@route("DELETE", "/issue/<ref>")
def remove(site: Site, ref: str) -> tuple[None, int]:
    """Delete an issue."""
    delete(site, actor(), site.issue(ref))
    return None, 204


@route("PUT", "/issue/<ref>/assignee")
def set_assignee(site: Site, ref: str) -> tuple[None, int]:
    """Assign an issue."""
    issue = site.issue(ref)
    assign(site, actor(), issue, body(required=["accountId"]))
    return None, 204


@route("GET", "/issue/<ref>/transitions")
def list_transitions(site: Site, ref: str) -> Json:
    """The transitions that the issue's status allows."""
    found = transitions(site, site.issue(ref), "transitions.fields" in listed("expand"))
    only = request.args.get("transitionId")
    return {"expand": "transitions", "transitions": [one for one in found if only in (None, one["id"])]}


@route("POST", "/issue/<ref>/transitions")
def take_transition(site: Site, ref: str) -> tuple[None, int]:
    """Move an issue to another status."""
    if site.conflicts:
        site.conflicts -= 1
        raise Refusal(409, "The issue is being changed by another request.")
    chosen_transition(site, site.issue(ref), body(UPDATE_DETAILS))
    return None, 204


@route("GET", "/issue/<ref>/properties")
def list_properties(site: Site, ref: str) -> Json:
    """The names of an issue's properties."""
    issue = site.issue(ref)
    return {"keys": [{"key": key, "self": View(site).url(f"issue/{issue.id}/properties/{key}")}
                     for key in issue.properties]}


@route("GET", "/issue/<ref>/properties/<key>")
def read_property(site: Site, ref: str, key: str) -> Json:
    """One property of an issue."""
    return {"key": key, "value": kept(site.issue(ref).properties, key)}


@route("PUT", "/issue/<ref>/properties/<key>")
def set_property(site: Site, ref: str, key: str) -> tuple[Json, int]:
    """Set a property of an issue; 201 where it is new."""
    issue = site.issue(ref)
    status = keep(issue.properties, key)
    site.indexed(issue)
    return {}, status


@route("DELETE", "/issue/<ref>/properties/<key>")
def remove_property(site: Site, ref: str, key: str) -> tuple[None, int]:
    """Delete a property of an issue."""
    issue = site.issue(ref)
    kept(issue.properties, key)
    del issue.properties[key]
    site.indexed(issue)
    return None, 204
