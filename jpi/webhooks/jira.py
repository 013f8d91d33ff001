"""Jira Cloud's admin webhooks, and its issues, as our own values."""

from typing import get_args

from jpi.sync.events import Category, Event, Issue, IssueUpdated, Person
from jpi.webhooks.reading import Headers, Json, body, identifier, may, milliseconds, need, objects

CATEGORIES = get_args(Category)
# By id: a field's name is only what a site calls it.
FIELDS = {"summary": "title", "priority": "priority"}
DELIVERY = "X-Atlassian-Webhook-Identifier"


def parse(raw: bytes, headers: Headers) -> list[Event]:
    """The event of a delivery; none where it is of a type we have no use for. Rejected if unreadable."""
    found = body(raw)
    if need(found, "webhookEvent", str) != "jira:issue_updated":
        return []
    at = milliseconds(found, "timestamp")
    there = issue(need(found, "issue", dict))
    # The identifier is the same on every retry of one delivery.
    delivery = headers.get(DELIVERY, "") or f"{there.key}-{at.timestamp()}"
    items = objects(may(found, "changelog", dict) or {}, "items")
    # Atlassian's documented example has names alone.
    ids = {item.get("fieldId", item.get("field")): item for item in items}
    changed = frozenset(name for field_id, name in FIELDS.items() if field_id in ids)
    left = may(ids.get("status", {}), "from", str)
    actor = person(may(found, "user", dict))
    return [IssueUpdated(delivery, at, there, actor, moved="status" in ids, left=left, changed=changed)]


def issue(found: Json) -> Issue:
    """An issue as a webhook or the REST API shows it."""
    fields = may(found, "fields", dict) or {}
    status = may(fields, "status", dict) or {}
    category = may(may(status, "statusCategory", dict) or {}, "key", str)
    known = category if category in CATEGORIES else None
    priority = may(fields, "priority", dict) or {}
    kind = may(fields, "issuetype", dict) or {}
    return Issue(identifier(found, "key"), may(found, "id", str), known,  # type: ignore[arg-type]
                 may(fields, "summary", str), may(priority, "name", str), may(status, "name", str),
                 may(kind, "name", str), person(may(fields, "assignee", dict)))


def person(user: Json | None) -> Person | None:
    """A user as webhooks and the REST API show one."""
    account = may(user, "accountId", str) if user else None
    return Person(account, may(user or {}, "displayName", str) or "") if account else None
