"""The webhooks that Jira sends: which subscriptions get them, and their bodies, in the shape of REST version 2."""

import hashlib
import hmac
import json
import uuid
from typing import Any

from sandbox.jira.jql import parser as jql
from sandbox.jira.json_view import JsonView, format_time
from sandbox.jira.model import Comment, Issue, IssueLink, User
from sandbox.jira.outbox import Webhook
from sandbox.jira.query_context import IssueDocument, list_query_fields, make_query_context
from sandbox.jira.state import JiraState

Json = dict[str, Any]
EVENT_TYPES = frozenset({
    "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
    "comment_deleted", "issuelink_created", "issuelink_deleted", "issue_property_set", "issue_property_deleted",
    "worklog_created", "worklog_updated", "worklog_deleted", "attachment_created", "attachment_deleted",
    "project_created", "project_updated", "project_deleted", "user_created", "user_updated", "user_deleted",
    "issuetype_created", "issuetype_updated", "issuetype_deleted", "jira:version_created", "jira:version_updated",
    "jira:version_released", "sprint_created", "sprint_updated", "sprint_closed", "board_created", "board_updated",
})
SLIM_FIELDS = ("summary", "issuetype", "project", "assignee", "priority", "status")


def send_issue_event(site: JiraState, event: str, issue: Issue, actor: User, items: list[Json] | None = None,
                     kind: str | None = None) -> None:
    """Send `jira:issue_*`, and record the issue's history. Without items no changelog; a deletion has no `kind`."""
    view = JsonView(site, 2)
    if event == "jira:issue_updated" and items:
        issue.history.append({"id": site.make_id(), "author": view.to_user(actor.account_id),
                              "created": format_time(issue.updated), "items": items})
    # What nobody hears of, such as an issue of the timeline, is most of what happens, and its JSON is large.
    if not (hooks := _find_subscribers(site, event, issue)):
        return
    issue_json = view.to_issue(issue)
    # Captures show this address without `/issue/`.
    issue_json["self"] = view.make_url(issue.id)
    del issue_json["expand"]
    issue_json["fields"].pop("comment")
    _send_to_hooks(site, hooks, event, {**({"issue_event_type_name": kind} if kind else {}),
                                        "user": view.to_user(actor.account_id), "issue": issue_json,
                                        **({"changelog": {"id": site.make_id(), "items": items}} if items else {})})


def send_comment_event(site: JiraState, event: str, issue: Issue, comment: Comment, flow: str = "Primary") -> None:
    """Send `comment_*`: with a slim issue, and with no person but the comment's authors."""
    view = JsonView(site, 2)
    issue_json = {"id": issue.id, "self": view.make_url(f"issue/{issue.id}"), "key": issue.key,
                  "fields": view.to_fields(issue, SLIM_FIELDS)}
    comment_json = view.to_comment(issue, comment)
    if not site.sends_visibility:
        comment_json.pop("visibility", None)
    _send_to_hooks(site, _find_subscribers(site, event, issue), event,
                   {"comment": comment_json, "issue": issue_json, "eventType": "primaryAction"}, flow)


def send_link_event(site: JiraState, event: str, link: IssueLink, flow: str = "Primary") -> None:
    """Send `issuelink_*`: with ids only; no JQL filter stops it."""
    link_type = site.get_link_type(link.type)
    _send_to_hooks(site, _find_subscribers(site, event, None), event, {"issueLink": {
        "id": int(link.id), "sourceIssueId": int(site.issues[link.source].id),
        "destinationIssueId": int(site.issues[link.target].id),
        "issueLinkType": {"id": int(link_type.id), "name": link_type.name, "outwardName": link_type.outward,
                          "inwardName": link_type.inward, "isSubTaskLinkType": False, "isSystemLinkType": False},
        "systemLink": False,
    }}, flow)


def _find_subscribers(site: JiraState, event: str, issue: Issue | None) -> list[Webhook]:
    """Return the webhooks that get the event; no filter stops one that is of no issue."""
    hooks = [hook for hook in site.webhooks.values() if hook.enabled and event in hook.events]
    return [hook for hook in hooks
            if issue is None or (not site.is_hidden(issue) and _matches_filter(site, hook, issue))]


def _send_to_hooks(site: JiraState, hooks: list[Webhook], event: str, content: Json, flow: str = "Primary") -> None:
    body = {"timestamp": int(site.clock() * 1000), "webhookEvent": event, **content}
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    for hook in hooks:
        _enqueue(site, hook, b"" if hook.exclude_body else raw, flow)


def _matches_filter(site: JiraState, hook: Webhook, issue: Issue) -> bool:
    context = make_query_context(site, site.users[hook.owner])
    return not hook.jql or jql.parse(hook.jql, list_query_fields(site), context).is_met_by(
        IssueDocument(site, issue), context
    )


def _enqueue(site: JiraState, hook: Webhook, raw: bytes, flow: str) -> None:
    identifier = str(uuid.uuid4())
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Atlassian Webhook HTTP Client",
               "X-Atlassian-Webhook-Identifier": identifier, "X-Atlassian-Webhook-Flow": flow}
    if hook.secret:
        headers["X-Hub-Signature"] = f"sha256={hmac.new(hook.secret.encode(), raw, hashlib.sha256).hexdigest()}"
    site.outbox.add_delivery(hook.url, headers, raw, identifier, hook.id)
