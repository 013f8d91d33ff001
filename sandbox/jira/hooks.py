"""The webhooks that Jira sends: which subscription wants what, and the bodies, in the shape of REST version 2."""

import hashlib
import hmac
import json
import uuid
from typing import Any

from sandbox.jira.jql import parser as jql
from sandbox.jira.model import Comment, Issue, Link, User
from sandbox.jira.outbox import Webhook
from sandbox.jira.query_context import IssueDocument, context, known
from sandbox.jira.state import JiraState
from sandbox.jira.view import View, stamp

Json = dict[str, Any]
EVENTS = frozenset({
    "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
    "comment_deleted", "issuelink_created", "issuelink_deleted", "issue_property_set", "issue_property_deleted",
    "worklog_created", "worklog_updated", "worklog_deleted", "attachment_created", "attachment_deleted",
    "project_created", "project_updated", "project_deleted", "user_created", "user_updated", "user_deleted",
    "issuetype_created", "issuetype_updated", "issuetype_deleted", "jira:version_created", "jira:version_updated",
    "jira:version_released", "sprint_created", "sprint_updated", "sprint_closed", "board_created", "board_updated",
})
SLIM = ("summary", "issuetype", "project", "assignee", "priority", "status")


def issue_event(site: JiraState, event: str, issue: Issue, actor: User, items: list[Json] | None = None,
                kind: str | None = None) -> None:
    """`jira:issue_*`, and the issue's history. Without items there is no changelog; a deletion has no `kind` either."""
    view = View(site, 2)
    if event == "jira:issue_updated" and items:
        issue.history.append({"id": site.new_id(), "author": view.user(actor.account_id),
                              "created": stamp(issue.updated), "items": items})
    shown = view.issue(issue)
    # Captures show this address without `/issue/`.
    shown["self"] = view.url(issue.id)
    del shown["expand"]
    shown["fields"].pop("comment")
    _announce(site, event, {
        **({"issue_event_type_name": kind} if kind else {}), "user": view.user(actor.account_id), "issue": shown,
        **({"changelog": {"id": site.new_id(), "items": items}} if items else {}),
    }, issue)


def comment_event(site: JiraState, event: str, issue: Issue, comment: Comment, flow: str = "Primary") -> None:
    """`comment_*`: a slim issue, and nobody but the comment's authors."""
    view = View(site, 2)
    slim = {"id": issue.id, "self": view.url(f"issue/{issue.id}"), "key": issue.key, "fields": view.fields(issue, SLIM)}
    shown = view.comment(issue, comment)
    if not site.tells_visibility:
        shown.pop("visibility", None)
    _announce(site, event, {"comment": shown, "issue": slim, "eventType": "primaryAction"},
              issue, flow)


def link_event(site: JiraState, event: str, link: Link, flow: str = "Primary") -> None:
    """`issuelink_*`: ids only; no JQL filter keeps it away."""
    kind = site.link_type_named(link.type)
    _announce(site, event, {"issueLink": {
        "id": int(link.id), "sourceIssueId": int(site.issues[link.source].id),
        "destinationIssueId": int(site.issues[link.target].id),
        "issueLinkType": {"id": int(kind.id), "name": kind.name, "outwardName": kind.outward,
                          "inwardName": kind.inward, "isSubTaskLinkType": False, "isSystemLinkType": False},
        "systemLink": False,
    }}, None, flow)


def _announce(site: JiraState, event: str, content: Json, issue: Issue | None, flow: str = "Primary") -> None:
    body = {"timestamp": int(site.clock() * 1000), "webhookEvent": event, **content}
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    for hook in site.webhooks.values():
        if hook.enabled and event in hook.events and (
                issue is None or (not site.is_hidden(issue) and _passes(site, hook, issue))):
            _send(site, hook, b"" if hook.exclude_body else raw, flow)


def _passes(site: JiraState, hook: Webhook, issue: Issue) -> bool:
    seen = context(site, site.users[hook.owner])
    return not hook.jql or jql.parse(hook.jql, known(site), seen).matches(IssueDocument(site, issue), seen)


def _send(site: JiraState, hook: Webhook, raw: bytes, flow: str) -> None:
    identifier = str(uuid.uuid4())
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Atlassian Webhook HTTP Client",
               "X-Atlassian-Webhook-Identifier": identifier, "X-Atlassian-Webhook-Flow": flow}
    if hook.secret:
        headers["X-Hub-Signature"] = f"sha256={hmac.new(hook.secret.encode(), raw, hashlib.sha256).hexdigest()}"
    site.outbox.push(hook.url, headers, raw, identifier, hook.id)
