"""Transitions, comments and links of issues."""

from typing import Any

from sandbox.jira.field_values import parse_comment_body
from sandbox.jira.issue_changes import NOT_VALID_NOW, add_comment, add_link, remove_link, transition_issue
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.metadata import make_field_meta
from sandbox.jira.model import Issue, IssueLink, Transition
from sandbox.jira.rest import Refusal, Routes, get_actor, make_page, read_body
from sandbox.jira.state import JiraState
from sandbox.jira.update_plan import describe_unknown_link_type

routes = Routes()
NO_LINK_TEXT = "No issue link with id '{}' exists."


def to_transitions_json(site: JiraState, issue: Issue, fields: bool) -> list[Json]:
    """Return the transitions out of the issue's status, with the fields of each screen if `fields`."""
    return [{"id": transition.id, "name": transition.name, "to": JsonView(site).to_status(transition.target_status),
             "hasScreen": bool(transition.required + transition.optional), "isGlobal": not transition.sources,
             "isInitial": False, "isAvailable": True, "isConditional": False,
             "looped": transition.target_status == issue.status,
             **({"fields": {name: make_field_meta(site, site.fields[name], name in transition.required)
                            for name in transition.required + transition.optional}} if fields else {})}
            for transition in site.workflows[issue.project].transitions if transition.is_allowed_from(issue.status)]


def take_requested_transition(site: JiraState, issue: Issue, body: Json) -> None:
    """Take the transition that the body names; 400 if the status does not allow it."""
    reference = body.get("transition")
    transition_id = str(reference["id"]) if isinstance(reference, dict) and reference.get("id") else None
    if transition_id is None:
        raise Refusal(400, "Missing 'transition' identifier")
    every = {transition.id: transition for transition in site.workflows[issue.project].transitions}
    if transition_id not in every:
        raise Refusal(400, f"Transition id '{transition_id}' is not valid for this issue.")
    if not every[transition_id].is_allowed_from(issue.status):
        raise Refusal(400, NOT_VALID_NOW.format(name=every[transition_id].name, key=issue.key))
    before = issue.status
    transition_issue(site, get_actor(), issue, every[transition_id], body)
    if issue.status in site.undone_statuses:
        transition_issue(site, site.get_automation_user(), issue, Transition("", "Undo", before), {})


@routes.add("GET", "/issue/<ref>/changelog")
def list_changes(site: JiraState, ref: str) -> Json:
    """Return a page of the issue's changes, oldest first."""
    return make_page(site.get_issue(ref).history, most=100)


@routes.add("POST", "/issueLink")
def post_link(site: JiraState) -> tuple[None, int]:
    """Link two issues: the inward issue's page shows the outward one by that role. Repeating it is harmless."""
    body = read_body(["comment"], required=["type", "inwardIssue", "outwardIssue"])
    link_type = site.find_link_type(body["type"])
    if link_type is None:
        raise Refusal(404, describe_unknown_link_type(body["type"]))
    source, target = _find_link_end(site, body["inwardIssue"]), _find_link_end(site, body["outwardIssue"])
    if source is target:
        raise Refusal(400, "You cannot link an issue to itself.")
    comment = parse_comment_body(body["comment"]) if body.get("comment") else None
    add_link(site, get_actor(), IssueLink(site.make_id(), link_type.name, source.key, target.key))
    if comment:
        add_comment(site, get_actor(), target, comment)
    return None, 201


def _find_link_end(site: JiraState, value: Any) -> Issue:
    reference = value if isinstance(value, dict) else {}
    return site.get_issue(reference.get("key", reference.get("id", "")))


@routes.add("GET", "/issueLink/<link_id>")
def read_link(site: JiraState, link_id: str) -> Json:
    """Return one link with both ends."""
    link, view = _find_link(site, link_id), JsonView(site)
    return {"id": link.id, "self": view.make_url(f"issueLink/{link.id}"), "type": view.to_link_type(link.type),
            "inwardIssue": view.to_linked_issue(link.source), "outwardIssue": view.to_linked_issue(link.target)}


@routes.add("DELETE", "/issueLink/<link_id>")
def delete_issue_link(site: JiraState, link_id: str) -> tuple[None, int]:
    """Delete a link."""
    remove_link(site, _find_link(site, link_id))
    return None, 204


def _find_link(site: JiraState, link_id: str) -> IssueLink:
    for issue in site.issues.values():
        for link in issue.links:
            if link.id == link_id:
                return link
    raise Refusal(404, NO_LINK_TEXT.format(link_id))
