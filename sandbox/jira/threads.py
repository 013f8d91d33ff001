"""Transitions, comments and links of issues."""

from typing import Any

from sandbox.jira.effects import NOT_VALID_NOW, add_link, comment, remove_link, transition
from sandbox.jira.fields import no_link_type
from sandbox.jira.http import Refusal, Routes, actor, body, page
from sandbox.jira.meta import field_meta
from sandbox.jira.model import Issue, Link
from sandbox.jira.state import JiraState
from sandbox.jira.values import comment_body
from sandbox.jira.view import Json, View

route = Routes()
NO_LINK = "No issue link with id '{}' exists."


def transitions(site: JiraState, issue: Issue, fields: bool) -> list[Json]:
    """What leads out of the issue's status, with the fields of each screen if asked."""
    return [
        {"id": one.id, "name": one.name, "to": View(site).status(one.to),
         "hasScreen": bool(one.required + one.optional), "isGlobal": not one.sources, "isInitial": False,
         "isAvailable": True, "isConditional": False, "looped": one.to == issue.status,
         **({"fields": {name: field_meta(site, site.fields[name], name in one.required)
                        for name in one.required + one.optional}} if fields else {})}
        for one in site.workflows[issue.project].transitions if one.leaves(issue.status)
    ]


def chosen_transition(site: JiraState, issue: Issue, asked: Json) -> None:
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
def list_changes(site: JiraState, ref: str) -> Json:
    """A page of what was changed since the issue was made, oldest first."""
    return page(site.issue(ref).history, most=100)


@route("POST", "/issueLink")
def link(site: JiraState) -> tuple[None, int]:
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


def _end(site: JiraState, said: Any) -> Issue:
    known = said if isinstance(said, dict) else {}
    return site.issue(known.get("key", known.get("id", "")))


@route("GET", "/issueLink/<one>")
def read_link(site: JiraState, one: str) -> Json:
    """One link, both ends."""
    found, view = _link(site, one), View(site)
    return {"id": found.id, "self": view.url(f"issueLink/{found.id}"), "type": view.link_type(found.type),
            "inwardIssue": view.linked_issue(found.source), "outwardIssue": view.linked_issue(found.target)}


@route("DELETE", "/issueLink/<one>")
def unlink(site: JiraState, one: str) -> tuple[None, int]:
    """Delete a link."""
    remove_link(site, _link(site, one))
    return None, 204


def _link(site: JiraState, one: str) -> Link:
    for issue in site.issues.values():
        for found in issue.links:
            if found.id == one:
                return found
    raise Refusal(404, NO_LINK.format(one))
