"""Deliveries of Jira Cloud's admin webhooks, as events."""

from collections.abc import Callable, Mapping
from datetime import datetime

from jpi.domain.events import Event, IssueCommented, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.issue_drafts import PAGERDUTY_LABEL
from jpi.domain.model import Issue
from jpi.jira.payloads import FIELD_NAME_BY_ID, parse_comment, parse_issue, parse_person
from jpi.json_fields import Headers, Json, get_epoch_time, get_objects, get_optional, get_required, parse_json_object

DELIVERY_ID_HEADER = "X-Atlassian-Webhook-Identifier"


def parse_delivery(raw: bytes, headers: Headers) -> list[Event]:
    """The event of a delivery; none where it is of a type we have no use for. Rejected if unreadable."""
    found = parse_json_object(raw)
    kind = EVENT_PARSERS.get(get_required(found, "webhookEvent", str))
    if kind is None:
        return []
    at = get_epoch_time(found, "timestamp")
    there = parse_issue(get_required(found, "issue", dict))
    # The identifier is the same on every retry of one delivery.
    delivery = headers.get(DELIVERY_ID_HEADER, "") or f"{there.key}-{found['webhookEvent']}-{at.timestamp()}"
    return [kind(found, delivery, at, there)]


def _parse_update(found: Json, delivery: str, at: datetime, issue: Issue) -> IssueEvent:
    items = get_objects(get_optional(found, "changelog", dict) or {}, "items")
    ids = {_get_field_id(item): item for item in items}
    changed = frozenset(name for field_id, name in FIELD_NAME_BY_ID.items() if field_id in ids)
    left = get_optional(ids.get("status", {}), "from", str)
    actor = parse_person(get_optional(found, "user", dict))
    # The key of an issue that moves to another project changes.
    old_key = next((get_optional(item, "fromString", str) for item in items
                    if (item.get("field"), item.get("toString")) == ("Key", issue.key)), None)
    return IssueUpdated(delivery, at, issue, actor, moved="status" in ids, left=left, changed=changed, old_key=old_key)


def _get_field_id(item: Json) -> object:
    """Atlassian's documented example has names alone: good for Jira's own fields, and for no other."""
    return item.get("fieldId") or (None if item.get("fieldtype") == "custom" else item.get("field"))


def _parse_comment_change(found: Json, delivery: str, at: datetime, issue: Issue) -> IssueEvent:
    said = parse_comment(get_required(found, "comment", dict))
    return IssueCommented(delivery, at, Issue(issue.key, issue.id), said.author, comment=said)


def _parse_comment_deletion(found: Json, delivery: str, at: datetime, issue: Issue) -> IssueEvent:
    # Who took it away is not told.
    said = parse_comment(get_required(found, "comment", dict))
    return IssueCommented(delivery, at, Issue(issue.key, issue.id), comment=said, deleted=True)


def _parse_creation(found: Json, delivery: str, at: datetime, issue: Issue) -> IssueEvent:
    labels = get_optional(get_required(found["issue"], "fields", dict), "labels", list) or []
    ours = any(str(label).startswith(f"{PAGERDUTY_LABEL}-") for label in labels)
    return IssueCreated(delivery, at, issue, parse_person(get_optional(found, "user", dict)), ours=ours)


def _parse_deletion(found: Json, delivery: str, at: datetime, issue: Issue) -> IssueEvent:
    return IssueDeleted(delivery, at, Issue(issue.key, issue.id), parse_person(get_optional(found, "user", dict)))


EVENT_PARSERS: Mapping[str, Callable[[Json, str, datetime, Issue],
                                     IssueEvent]] = {"jira:issue_created": _parse_creation,
                                                     "jira:issue_updated": _parse_update,
                                                     "jira:issue_deleted": _parse_deletion,
                                                     "comment_created": _parse_comment_change,
                                                     "comment_updated": _parse_comment_change,
                                                     "comment_deleted": _parse_comment_deletion}
