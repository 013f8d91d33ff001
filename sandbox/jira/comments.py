"""The comments of issues, over REST; their properties too."""

from typing import Any

from flask import request

from sandbox.jira.field_values import parse_comment_body
from sandbox.jira.issue_changes import add_comment, mark_updated
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import Comment, Issue
from sandbox.jira.rest import (
    Refusal,
    Routes,
    check_property_value,
    get_actor,
    parse_properties,
    parse_property_key,
    read_body,
    read_json,
    read_list,
    read_number,
)
from sandbox.jira.state import JiraState
from sandbox.jira.webhook_events import send_comment_event

route = Routes()
COMMENT_KEYS = ("body", "properties", "visibility", "jsdPublic")
NO_COMMENT = "Can not find a comment for the id: {}."
MAX_COMMENT_IDS = 1000


@route("GET", "/issue/<ref>/comment")
def list_comments(site: JiraState, ref: str) -> Json:
    """A page of an issue's comments."""
    issue = site.get_issue(ref)
    order = request.args.get("orderBy", "created")
    if order not in ("created", "+created", "-created"):
        raise Refusal(400, f"The value '{order}' of 'orderBy' is not valid.")
    ordered = issue.comments[::-1] if order.startswith("-") else issue.comments
    start, size = read_number("startAt", 0), read_number("maxResults", 100)
    shown = [JsonView(site).to_comment(issue, one, "properties" in read_list("expand"))
             for one in ordered[start : start + size]]
    return {"startAt": start, "maxResults": size, "total": len(issue.comments), "comments": shown}


@route("POST", "/issue/<ref>/comment")
def post_comment(site: JiraState, ref: str) -> tuple[Json, int]:
    """Comment on an issue."""
    issue, asked = site.get_issue(ref), read_body(COMMENT_KEYS)
    properties = parse_properties(asked.get("properties") or [])
    made = add_comment(site, get_actor(), issue, parse_comment_body(asked), properties, _parse_visibility(asked))
    return JsonView(site).to_comment(issue, made), 201


@route("GET", "/issue/<ref>/comment/<one>")
def read_comment(site: JiraState, ref: str, one: str) -> Json:
    """One comment."""
    issue, found = _find_comment_on_issue(site, ref, one)
    return JsonView(site).to_comment(issue, found, "properties" in read_list("expand"))


@route("PUT", "/issue/<ref>/comment/<one>")
def edit_comment(site: JiraState, ref: str, one: str) -> Json:
    """Change a comment."""
    issue, found = _find_comment_on_issue(site, ref, one)
    asked = read_body(COMMENT_KEYS)
    found.body = parse_comment_body(asked)
    found.properties |= parse_properties(asked.get("properties") or [])
    found.visibility = _parse_visibility(asked) or found.visibility
    found.updated, found.update_author = site.now(), get_actor().account_id
    mark_updated(site, issue)
    send_comment_event(site, "comment_updated", issue, found)
    return JsonView(site).to_comment(issue, found)


@route("DELETE", "/issue/<ref>/comment/<one>")
def remove_comment(site: JiraState, ref: str, one: str) -> tuple[None, int]:
    """Delete a comment."""
    issue, found = _find_comment_on_issue(site, ref, one)
    issue.comments.remove(found)
    mark_updated(site, issue)
    send_comment_event(site, "comment_deleted", issue, found)
    return None, 204


def find_comment(site: JiraState, one: str) -> tuple[Issue, Comment]:
    """The comment of that id, and its issue."""
    for issue in site.issues.values():
        for found in issue.comments:
            if found.id == one and not issue.deleted:
                return issue, found
    raise Refusal(404, NO_COMMENT.format(one))


def _find_comment_on_issue(site: JiraState, ref: str, one: str) -> tuple[Issue, Comment]:
    issue = site.get_issue(ref)
    for found in issue.comments:
        if found.id == one:
            return issue, found
    raise Refusal(404, NO_COMMENT.format(one))


def _parse_visibility(asked: Json) -> Json | None:
    """Whom a comment is for; None: everybody who sees the issue."""
    said = asked.get("visibility")
    if said is None:
        return None
    if not isinstance(said, dict) or said.get("type") not in ("role", "group") or not (
            said.get("value") or said.get("identifier")):
        raise Refusal(400, errors={"visibility": "The visibility is not valid."})
    return dict(said)


@route("POST", "/comment/list")
def list_comments_by_id(site: JiraState) -> Json:
    """Those of these comments that are there, with their properties if asked."""
    ids = read_body(required=["ids"])["ids"]
    if not isinstance(ids, list) or len(ids) > MAX_COMMENT_IDS or not all(isinstance(one, int) for one in ids):
        raise Refusal(400, "A maximum of 1000 comment IDs can be specified.")
    there = [(issue, one) for issue in site.issues.values() if not issue.deleted for one in issue.comments
             if int(one.id) in ids]
    shown = [JsonView(site).to_comment(issue, one, "properties" in read_list("expand")) for issue, one in there]
    return {"startAt": 0, "maxResults": 1048576, "total": len(shown), "isLast": True, "values": shown}


@route("GET", "/comment/<number>/properties/<key>")
def read_comment_property(site: JiraState, number: str, key: str) -> Json:
    """One property of a comment."""
    return {"key": key, "value": get_property(find_comment(site, number)[1].properties, key)}


@route("PUT", "/comment/<number>/properties/<key>")
def set_comment_property(site: JiraState, number: str, key: str) -> tuple[Json, int]:
    """Set a property of a comment; 201 where it is new."""
    return {}, put_property(find_comment(site, number)[1].properties, key)


def get_property(properties: Json, key: str) -> Any:
    """The value of a property; 404 where it is not set."""
    if key not in properties:
        raise Refusal(404, f"The property with key '{key}' does not exist.")
    return properties[key]


def put_property(properties: Json, key: str) -> int:
    """Set the property to the request's JSON; the status that says whether it was new."""
    status = 200 if parse_property_key(key) in properties else 201
    properties[key] = check_property_value(read_json())
    return status
