"""Transitions, comments and links of issues."""

from typing import Any

from sandbox.jira.field_values import parse_comment_body
from sandbox.jira.issue_changes import NOT_VALID_NOW, add_comment, add_link, remove_link, transition_issue
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.metadata import make_field_meta
from sandbox.jira.model import Issue, IssueLink
from sandbox.jira.rest import Refusal, Routes, get_actor, make_page, read_body
from sandbox.jira.state import JiraState
from sandbox.jira.update_plan import describe_unknown_link_type

route = Routes()
NO_LINK_TEXT = "No issue link with id '{}' exists."


def to_transitions_json(site: JiraState, issue: Issue, fields: bool) -> list[Json]:
    """What leads out of the issue's status, with the fields of each screen if asked."""
    return [{"id": one.id, "name": one.name, "to": JsonView(site).to_status(one.target_status),
             "hasScreen": bool(one.required + one.optional), "isGlobal": not one.sources, "isInitial": False,
             "isAvailable": True, "isConditional": False, "looped": one.target_status == issue.status,
             **({"fields": {name: make_field_meta(site, site.fields[name], name in one.required)
                            for name in one.required + one.optional}} if fields else {})}
            for one in site.workflows[issue.project].transitions if one.is_allowed_from(issue.status)]


def take_requested_transition(site: JiraState, issue: Issue, asked: Json) -> None:
    """Take the transition that the body names; 400 where the status does not allow it."""
    said = asked.get("transition")
    wanted = str(said["id"]) if isinstance(said, dict) and said.get("id") else None
    if wanted is None:
        raise Refusal(400, "Missing 'transition' identifier")
    every = {one.id: one for one in site.workflows[issue.project].transitions}
    if wanted not in every:
        raise Refusal(400, f"Transition id '{wanted}' is not valid for this issue.")
    if not every[wanted].is_allowed_from(issue.status):
        raise Refusal(400, NOT_VALID_NOW.format(name=every[wanted].name, key=issue.key))
    transition_issue(site, get_actor(), issue, every[wanted], asked)


@route("GET", "/issue/<ref>/changelog")
def list_changes(site: JiraState, ref: str) -> Json:
    """A page of what was changed since the issue was made, oldest first."""
    return make_page(site.get_issue(ref).history, most=100)


@route("POST", "/issueLink")
def post_link(site: JiraState) -> tuple[None, int]:
    """Link two issues: the inward issue's page shows the outward issue as that. Repeating it is harmless."""
    asked = read_body(["comment"], required=["type", "inwardIssue", "outwardIssue"])
    kind = site.find_link_type(asked["type"])
    if kind is None:
        raise Refusal(404, describe_unknown_link_type(asked["type"]))
    source, target = _find_link_end(site, asked["inwardIssue"]), _find_link_end(site, asked["outwardIssue"])
    if source is target:
        raise Refusal(400, "You cannot link an issue to itself.")
    said = parse_comment_body(asked["comment"]) if asked.get("comment") else None
    add_link(site, get_actor(), IssueLink(site.make_id(), kind.name, source.key, target.key))
    if said:
        add_comment(site, get_actor(), target, said)
    return None, 201


def _find_link_end(site: JiraState, said: Any) -> Issue:
    known = said if isinstance(said, dict) else {}
    return site.get_issue(known.get("key", known.get("id", "")))


@route("GET", "/issueLink/<one>")
def read_link(site: JiraState, one: str) -> Json:
    """One link, both ends."""
    found, view = _find_link(site, one), JsonView(site)
    return {"id": found.id, "self": view.make_url(f"issueLink/{found.id}"), "type": view.to_link_type(found.type),
            "inwardIssue": view.to_linked_issue(found.source), "outwardIssue": view.to_linked_issue(found.target)}


@route("DELETE", "/issueLink/<one>")
def delete_issue_link(site: JiraState, one: str) -> tuple[None, int]:
    """Delete a link."""
    remove_link(site, _find_link(site, one))
    return None, 204


def _find_link(site: JiraState, one: str) -> IssueLink:
    for issue in site.issues.values():
        for found in issue.links:
            if found.id == one:
                return found
    raise Refusal(404, NO_LINK_TEXT.format(one))
