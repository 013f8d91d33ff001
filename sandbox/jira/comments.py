"""The comments of issues and their properties, over REST."""

from typing import Any

from sandbox.jira.field_values import parse_comment_body
from sandbox.jira.issue_changes import add_comment, mark_updated
from sandbox.jira.json_view import Json, JsonView
from sandbox.jira.model import Comment, Issue
from sandbox.jira.rest import (
    Refusal,
    Routes,
    check_order,
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

routes = Routes()
COMMENT_KEYS = ("body", "properties", "visibility", "jsdPublic")
NO_COMMENT = "Can not find a comment for the id: {}."
MAX_COMMENT_IDS = 1000


@routes.add("GET", "/issue/<ref>/comment")
def list_comments(site: JiraState, ref: str) -> Json:
    """Return a page of an issue's comments."""
    issue = site.get_issue(ref)
    order = check_order(["created"], "created")
    ordered = issue.comments[::-1] if order.startswith("-") else issue.comments
    start, size = read_number("startAt", 0), min(read_number("maxResults", 100), site.comment_page_limit)
    comments = [JsonView(site).to_comment(issue, comment, "properties" in read_list("expand"))
                for comment in ordered[start : start + size]]
    return {"startAt": start, "maxResults": size, "total": len(issue.comments), "comments": comments}


@routes.add("POST", "/issue/<ref>/comment")
def post_comment(site: JiraState, ref: str) -> tuple[Json, int]:
    """Comment on an issue."""
    issue, body = site.get_issue(ref), read_body(COMMENT_KEYS)
    properties = parse_properties(body.get("properties") or [])
    comment = add_comment(site, get_actor(), issue, parse_comment_body(body), properties, _parse_visibility(body))
    return JsonView(site).to_comment(issue, comment), 201


@routes.add("GET", "/issue/<ref>/comment/<comment_id>")
def read_comment(site: JiraState, ref: str, comment_id: str) -> Json:
    """Return one comment."""
    issue, comment = _find_comment_on_issue(site, ref, comment_id)
    return JsonView(site).to_comment(issue, comment, "properties" in read_list("expand"))


@routes.add("PUT", "/issue/<ref>/comment/<comment_id>")
def edit_comment(site: JiraState, ref: str, comment_id: str) -> Json:
    """Change a comment."""
    issue, comment = _find_comment_on_issue(site, ref, comment_id)
    body = read_body(COMMENT_KEYS)
    comment.body = parse_comment_body(body)
    comment.properties |= parse_properties(body.get("properties") or [])
    comment.visibility = _parse_visibility(body) or comment.visibility
    comment.updated, comment.update_author = site.get_time(), get_actor().account_id
    mark_updated(site, issue)
    send_comment_event(site, "comment_updated", issue, comment)
    return JsonView(site).to_comment(issue, comment)


@routes.add("DELETE", "/issue/<ref>/comment/<comment_id>")
def remove_comment(site: JiraState, ref: str, comment_id: str) -> tuple[None, int]:
    """Delete a comment."""
    issue, comment = _find_comment_on_issue(site, ref, comment_id)
    issue.comments.remove(comment)
    mark_updated(site, issue)
    send_comment_event(site, "comment_deleted", issue, comment)
    return None, 204


def find_comment(site: JiraState, comment_id: str) -> tuple[Issue, Comment]:
    """Return the comment with this id, and its issue."""
    for issue in site.issues.values():
        for comment in issue.comments:
            if comment.id == comment_id and not issue.deleted:
                return issue, comment
    raise Refusal(404, NO_COMMENT.format(comment_id))


def _find_comment_on_issue(site: JiraState, ref: str, comment_id: str) -> tuple[Issue, Comment]:
    issue = site.get_issue(ref)
    for comment in issue.comments:
        if comment.id == comment_id:
            return issue, comment
    raise Refusal(404, NO_COMMENT.format(comment_id))


def _parse_visibility(body: Json) -> Json | None:
    """Return whom a comment is for; None if everybody who sees the issue may see it."""
    visibility = body.get("visibility")
    if visibility is None:
        return None
    if not isinstance(visibility, dict) or visibility.get("type") not in ("role", "group") or not (
            visibility.get("value") or visibility.get("identifier")):
        raise Refusal(400, errors={"visibility": "The visibility is not valid."})
    return dict(visibility)


@routes.add("POST", "/comment/list")
def list_comments_by_id(site: JiraState) -> Json:
    """Return the comments that exist among these ids, with their properties if asked."""
    ids = read_body(required=["ids"])["ids"]
    if (not isinstance(ids, list) or len(ids) > MAX_COMMENT_IDS
        or not all(isinstance(comment_id, int) for comment_id in ids)):
        raise Refusal(400, "A maximum of 1000 comment IDs can be specified.")
    matches = [(issue, comment) for issue in site.issues.values() if not issue.deleted for comment in issue.comments
               if int(comment.id) in ids]
    values = [JsonView(site).to_comment(issue, comment, "properties" in read_list("expand")) for issue,
              comment in matches]
    return {"startAt": 0, "maxResults": 1048576, "total": len(values), "isLast": True, "values": values}


@routes.add("GET", "/comment/<number>/properties/<key>")
def read_comment_property(site: JiraState, number: str, key: str) -> Json:
    """Return one property of a comment."""
    return {"key": key, "value": get_property(find_comment(site, number)[1].properties, key)}


@routes.add("PUT", "/comment/<number>/properties/<key>")
def set_comment_property(site: JiraState, number: str, key: str) -> tuple[Json, int]:
    """Set a property of a comment; 201 if it is new."""
    return {}, put_property(find_comment(site, number)[1].properties, key)


def get_property(properties: Json, key: str) -> Any:
    """Return the value of a property; 404 if it is not set."""
    if key not in properties:
        raise Refusal(404, f"The property with key '{key}' does not exist.")
    return properties[key]


def put_property(properties: Json, key: str) -> int:
    """Set the property to the request's JSON; return 201 if it is new, else 200."""
    status = 200 if parse_property_key(key) in properties else 201
    properties[key] = check_property_value(read_json())
    return status
