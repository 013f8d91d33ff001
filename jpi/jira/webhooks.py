"""Deliveries of Jira Cloud's admin webhooks, as events."""

from collections.abc import Callable, Mapping
from datetime import datetime

from jpi.domain.events import Event, IssueCommented, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.issue_drafts import LABEL
from jpi.domain.model import Issue
from jpi.jira.payloads import FIELDS, comment, issue, person
from jpi.json_fields import Headers, Json, body, may, milliseconds, need, objects

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
