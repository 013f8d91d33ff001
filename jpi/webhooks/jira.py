"""Jira Cloud's admin webhooks, and its issues, as our own values."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import get_args

from jpi.sync.drafts import LABEL
from jpi.sync.entities import Category, Comment, Issue, Person
from jpi.sync.events import Event, IssueCommented, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.sync.markup import readable
from jpi.webhooks.reading import Headers, Json, body, identifier, may, milliseconds, moment, need, objects

CATEGORIES = get_args(Category)
# By id: a field's name is only what a site calls it.
FIELDS = {"summary": "title", "priority": "priority", "assignee": "assignee"}
DELIVERY = "X-Atlassian-Webhook-Identifier"


def parse(raw: bytes, headers: Headers) -> list[Event]:
    """The event of a delivery; none where it is of a type we have no use for. Rejected if unreadable."""
    found = body(raw)
    kind = KINDS.get(need(found, "webhookEvent", str))
    if kind is None:
        return []
    at = milliseconds(found, "timestamp")
    there = issue(need(found, "issue", dict))
    # The identifier is the same on every retry of one delivery.
    delivery = headers.get(DELIVERY, "") or f"{there.key}-{found['webhookEvent']}-{at.timestamp()}"
    return [kind(found, delivery, at, there)]


def _updated(found: Json, delivery: str, at: datetime, there: Issue) -> IssueEvent:
    items = objects(may(found, "changelog", dict) or {}, "items")
    ids = {_field_id(item): item for item in items}
    changed = frozenset(name for field_id, name in FIELDS.items() if field_id in ids)
    left = may(ids.get("status", {}), "from", str)
    actor = person(may(found, "user", dict))
    # The key of an issue that moves to another project changes.
    old_key = next((may(item, "fromString", str) for item in items
                    if (item.get("field"), item.get("toString")) == ("Key", there.key)), None)
    return IssueUpdated(delivery, at, there, actor, moved="status" in ids, left=left, changed=changed, old_key=old_key)


def _field_id(item: Json) -> object:
    """Atlassian's documented example has names alone: good for Jira's own fields, and for no other."""
    return item.get("fieldId") or (None if item.get("fieldtype") == "custom" else item.get("field"))


def _commented(found: Json, delivery: str, at: datetime, there: Issue) -> IssueEvent:
    said = comment(need(found, "comment", dict))
    return IssueCommented(delivery, at, Issue(there.key, there.id), said.author, comment=said)


def _uncommented(found: Json, delivery: str, at: datetime, there: Issue) -> IssueEvent:
    # Who took it away is not told.
    said = comment(need(found, "comment", dict))
    return IssueCommented(delivery, at, Issue(there.key, there.id), comment=said, deleted=True)


def _created(found: Json, delivery: str, at: datetime, there: Issue) -> IssueEvent:
    labels = may(need(found["issue"], "fields", dict), "labels", list) or []
    ours = any(str(label).startswith(f"{LABEL}-") for label in labels)
    return IssueCreated(delivery, at, there, person(may(found, "user", dict)), ours=ours)


def _deleted(found: Json, delivery: str, at: datetime, there: Issue) -> IssueEvent:
    return IssueDeleted(delivery, at, Issue(there.key, there.id), person(may(found, "user", dict)))


KINDS: Mapping[str, Callable[[Json, str, datetime, Issue], IssueEvent]] = {
    "jira:issue_created": _created, "jira:issue_updated": _updated, "jira:issue_deleted": _deleted,
    "comment_created": _commented, "comment_updated": _commented, "comment_deleted": _uncommented,
}


def comment(found: Json) -> Comment:
    """A comment as a webhook (wiki markup) or the REST API (a document) shows it.

    `jsdPublic` false: internal, in a service project. `visibility`: for one role or group.
    """
    internal = found.get("jsdPublic") is False or bool(found.get("visibility"))
    at = moment(found, "updated" if found.get("updated") else "created")
    return Comment(identifier(found), readable(found.get("body")), at, person(may(found, "author", dict)), internal)


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
