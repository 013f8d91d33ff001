"""Transitions, comments and links of issues."""

from typing import Any

from flask import request

from sandbox.jira_effects import NOT_VALID_NOW, add_link, comment, remove_link, touch, transition
from sandbox.jira_fields import no_link_type
from sandbox.jira_hooks import comment_event
from sandbox.jira_http import Refusal, Routes, actor, body, listed, named_properties, number, page
from sandbox.jira_meta import field_meta
from sandbox.jira_model import Comment, Issue, Link
from sandbox.jira_state import Site
from sandbox.jira_values import comment_body
from sandbox.jira_view import Json, View

route = Routes()
COMMENT = ("body", "properties", "visibility", "jsdPublic")
NO_COMMENT = "Can not find a comment for the id: {}."
NO_LINK = "No issue link with id '{}' exists."


def transitions(site: Site, issue: Issue, fields: bool) -> list[Json]:
    """What leads out of the issue's status, with the fields of each screen if asked."""
    return [
        {"id": one.id, "name": one.name, "to": View(site).status(one.to),
         "hasScreen": bool(one.required + one.optional), "isGlobal": not one.sources, "isInitial": False,
         "isAvailable": True, "isConditional": False, "looped": one.to == issue.status,
         **({"fields": {name: field_meta(site, site.fields[name], name in one.required)
                        for name in one.required + one.optional}} if fields else {})}
        for one in site.workflows[issue.project].transitions if one.leaves(issue.status)
    ]


def chosen_transition(site: Site, issue: Issue, asked: Json) -> None:
    """Take the transition that the body names; 400 where the status does not allow it."""
    said = asked.get("transition")
    wanted = str(said["id"]) if isinstance(said, dict) and said.get("id") else None
    if wanted is None:
        raise Refusal(400, "Missing 'transition' identifier")
    every = {one.id: one for one in site.workflows[issue.project].transitions}
    if wanted not in every:
        raise Refusal(400, f"Transition id '{wanted}' is not valid for this issue.")
    if not every[wanted].leaves(issue.status):
        raise Refusal(400, NOT_VALID_NOW.format(name=every[wanted].name, key=issue.key))
    transition(site, actor(), issue, every[wanted], asked)


@route("GET", "/issue/<ref>/changelog")
def list_changes(site: Site, ref: str) -> Json:
    """A page of what was changed since the issue was made, oldest first."""
    return page(site.issue(ref).history, most=100)


@route("GET", "/issue/<ref>/comment")
def list_comments(site: Site, ref: str) -> Json:
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
def add_comment(site: Site, ref: str) -> tuple[Json, int]:
    """Comment on an issue."""
    issue, asked = site.issue(ref), body(COMMENT)
    properties = named_properties(asked.get("properties") or [])
    made = comment(site, actor(), issue, comment_body(asked), properties)
    return View(site).comment(issue, made), 201


@route("GET", "/issue/<ref>/comment/<one>")
def read_comment(site: Site, ref: str, one: str) -> Json:
    """One comment."""
    issue, found = _comment_on(site, ref, one)
    return View(site).comment(issue, found, "properties" in listed("expand"))


@route("PUT", "/issue/<ref>/comment/<one>")
def edit_comment(site: Site, ref: str, one: str) -> Json:
    """Change a comment."""
    issue, found = _comment_on(site, ref, one)
    asked = body(COMMENT)
    found.body = comment_body(asked)
    found.properties |= named_properties(asked.get("properties") or [])
    found.updated, found.update_author = site.now(), actor().account_id
    touch(site, issue)
    comment_event(site, "comment_updated", issue, found)
    return View(site).comment(issue, found)


@route("DELETE", "/issue/<ref>/comment/<one>")
def remove_comment(site: Site, ref: str, one: str) -> tuple[None, int]:
    """Delete a comment."""
    issue, found = _comment_on(site, ref, one)
    issue.comments.remove(found)
    touch(site, issue)
    comment_event(site, "comment_deleted", issue, found)
    return None, 204


def comment_of(site: Site, one: str) -> tuple[Issue, Comment]:
    """The comment of that id, and its issue."""
    for issue in site.issues.values():
        for found in issue.comments:
            if found.id == one and not issue.deleted:
                return issue, found
    raise Refusal(404, NO_COMMENT.format(one))


def _comment_on(site: Site, ref: str, one: str) -> tuple[Issue, Comment]:
    issue = site.issue(ref)
    for found in issue.comments:
        if found.id == one:
            return issue, found
    raise Refusal(404, NO_COMMENT.format(one))


@route("POST", "/issueLink")
def link(site: Site) -> tuple[None, int]:
    """Link two issues: the inward issue's page shows the outward issue as that. Repeating it is harmless."""
    asked = body(["comment"], required=["type", "inwardIssue", "outwardIssue"])
    kind = site.link_type(asked["type"])
    if kind is None:
        raise Refusal(404, no_link_type(asked["type"]))
    source, target = _end(site, asked["inwardIssue"]), _end(site, asked["outwardIssue"])
    if source is target:
        raise Refusal(400, "You cannot link an issue to itself.")
    said = comment_body(asked["comment"]) if asked.get("comment") else None
    add_link(site, actor(), Link(site.new_id(), kind.name, source.key, target.key))
    if said:
        comment(site, actor(), target, said)
    return None, 201


def _end(site: Site, said: Any) -> Issue:
    known = said if isinstance(said, dict) else {}
    return site.issue(known.get("key", known.get("id", "")))


@route("GET", "/issueLink/<one>")
def read_link(site: Site, one: str) -> Json:
    """One link, both ends."""
    found, view = _link(site, one), View(site)
    return {"id": found.id, "self": view.url(f"issueLink/{found.id}"), "type": view.link_type(found.type),
            "inwardIssue": view.linked_issue(found.source), "outwardIssue": view.linked_issue(found.target)}


@route("DELETE", "/issueLink/<one>")
def unlink(site: Site, one: str) -> tuple[None, int]:
    """Delete a link."""
    remove_link(site, _link(site, one))
    return None, 204


def _link(site: Site, one: str) -> Link:
    for issue in site.issues.values():
        for found in issue.links:
            if found.id == one:
                return found
    raise Refusal(404, NO_LINK.format(one))
