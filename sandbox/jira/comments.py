"""The comments of issues, over REST; their properties too."""

from typing import Any

from flask import request

from sandbox.jira.effects import comment, touch
from sandbox.jira.hooks import comment_event
from sandbox.jira.http import (
    Refusal,
    Routes,
    actor,
    any_body,
    body,
    listed,
    named_properties,
    number,
    property_key,
    storable,
)
from sandbox.jira.model import Comment, Issue
from sandbox.jira.state import JiraState
from sandbox.jira.values import comment_body
from sandbox.jira.view import Json, View

route = Routes()
COMMENT = ("body", "properties", "visibility", "jsdPublic")
NO_COMMENT = "Can not find a comment for the id: {}."
MOST_LISTED = 1000


@route("GET", "/issue/<ref>/comment")
def list_comments(site: JiraState, ref: str) -> Json:
    """A page of an issue's comments."""
    issue = site.issue(ref)
    order = request.args.get("orderBy", "created")
    if order not in ("created", "+created", "-created"):
        raise Refusal(400, f"The value '{order}' of 'orderBy' is not valid.")
    ordered = issue.comments[::-1] if order.startswith("-") else issue.comments
    start, size = number("startAt", 0), number("maxResults", 100)
    shown = [View(site).comment(issue, one, "properties" in listed("expand")) for one in ordered[start : start + size]]
    return {"startAt": start, "maxResults": size, "total": len(issue.comments), "comments": shown}


@route("POST", "/issue/<ref>/comment")
def add_comment(site: JiraState, ref: str) -> tuple[Json, int]:
    """Comment on an issue."""
    issue, asked = site.issue(ref), body(COMMENT)
    properties = named_properties(asked.get("properties") or [])
    made = comment(site, actor(), issue, comment_body(asked), properties, _visibility(asked))
    return View(site).comment(issue, made), 201


@route("GET", "/issue/<ref>/comment/<one>")
def read_comment(site: JiraState, ref: str, one: str) -> Json:
    """One comment."""
    issue, found = _comment_on(site, ref, one)
    return View(site).comment(issue, found, "properties" in listed("expand"))


@route("PUT", "/issue/<ref>/comment/<one>")
def edit_comment(site: JiraState, ref: str, one: str) -> Json:
    """Change a comment."""
    issue, found = _comment_on(site, ref, one)
    asked = body(COMMENT)
    found.body = comment_body(asked)
    found.properties |= named_properties(asked.get("properties") or [])
    found.visibility = _visibility(asked) or found.visibility
    found.updated, found.update_author = site.now(), actor().account_id
    touch(site, issue)
    comment_event(site, "comment_updated", issue, found)
    return View(site).comment(issue, found)


@route("DELETE", "/issue/<ref>/comment/<one>")
def remove_comment(site: JiraState, ref: str, one: str) -> tuple[None, int]:
    """Delete a comment."""
    issue, found = _comment_on(site, ref, one)
    issue.comments.remove(found)
    touch(site, issue)
    comment_event(site, "comment_deleted", issue, found)
    return None, 204


def comment_of(site: JiraState, one: str) -> tuple[Issue, Comment]:
    """The comment of that id, and its issue."""
    for issue in site.issues.values():
        for found in issue.comments:
            if found.id == one and not issue.deleted:
                return issue, found
    raise Refusal(404, NO_COMMENT.format(one))


def _comment_on(site: JiraState, ref: str, one: str) -> tuple[Issue, Comment]:
    issue = site.issue(ref)
    for found in issue.comments:
        if found.id == one:
            return issue, found
    raise Refusal(404, NO_COMMENT.format(one))


def _visibility(asked: Json) -> Json | None:
    """Whom a comment is for; None: everybody who sees the issue."""
    said = asked.get("visibility")
    if said is None:
        return None
    if not isinstance(said, dict) or said.get("type") not in ("role", "group") or not (
            said.get("value") or said.get("identifier")):
        raise Refusal(400, errors={"visibility": "The visibility is not valid."})
    return dict(said)


@route("POST", "/comment/list")
def list_by_id(site: JiraState) -> Json:
    """Those of these comments that are there, with their properties if asked."""
    ids = body(required=["ids"])["ids"]
    if not isinstance(ids, list) or len(ids) > MOST_LISTED or not all(isinstance(one, int) for one in ids):
        raise Refusal(400, "A maximum of 1000 comment IDs can be specified.")
    there = [(issue, one) for issue in site.issues.values() if not issue.deleted for one in issue.comments
             if int(one.id) in ids]
    shown = [View(site).comment(issue, one, "properties" in listed("expand")) for issue, one in there]
    return {"startAt": 0, "maxResults": 1048576, "total": len(shown), "isLast": True, "values": shown}


@route("GET", "/comment/<number>/properties/<key>")
def read_comment_property(site: JiraState, number: str, key: str) -> Json:
    """One property of a comment."""
    return {"key": key, "value": kept(comment_of(site, number)[1].properties, key)}


@route("PUT", "/comment/<number>/properties/<key>")
def set_comment_property(site: JiraState, number: str, key: str) -> tuple[Json, int]:
    """Set a property of a comment; 201 where it is new."""
    return {}, keep(comment_of(site, number)[1].properties, key)


def kept(properties: Json, key: str) -> Any:
    """The value of a property; 404 where it is not set."""
    if key not in properties:
        raise Refusal(404, f"The property with key '{key}' does not exist.")
    return properties[key]


def keep(properties: Json, key: str) -> int:
    """Set the property to the request's JSON; the status that says whether it was new."""
    status = 200 if property_key(key) in properties else 201
    properties[key] = storable(any_body())
    return status
