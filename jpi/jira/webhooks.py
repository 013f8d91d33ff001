"""Parses the deliveries of Jira Cloud's admin webhooks into events."""

from collections.abc import Callable, Mapping
from datetime import datetime

from jpi.domain.events import Event, IssueCommented, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.issue_drafts import PAGERDUTY_LABEL
from jpi.domain.model import Issue
from jpi.jira.payloads import FIELD_NAME_BY_ID, parse_comment, parse_issue, parse_person
from jpi.json_fields import Headers, Json, get_epoch_time, get_objects, get_optional, get_required, parse_json_object

DELIVERY_ID_HEADER = "X-Atlassian-Webhook-Identifier"


def parse_delivery(raw: bytes, headers: Headers) -> list[Event]:
    """Return the event of a delivery, none for a type that jpi ignores; raise RejectedDelivery if unreadable."""
    data = parse_json_object(raw)
    parse_event = EVENT_PARSERS.get(get_required(data, "webhookEvent", str))
    if parse_event is None:
        return []
    at = get_epoch_time(data, "timestamp")
    issue = parse_issue(get_required(data, "issue", dict))
    # All retries of a delivery have the same identifier.
    delivery_id = headers.get(DELIVERY_ID_HEADER, "") or f"{issue.key}-{data['webhookEvent']}-{at.timestamp()}"
    return [parse_event(data, delivery_id, at, issue)]


def _parse_update(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    items = get_objects(get_optional(data, "changelog", dict) or {}, "items")
    ids = {_get_field_id(item): item for item in items}
    changed = frozenset(name for field_id, name in FIELD_NAME_BY_ID.items() if field_id in ids)
    left = get_optional(ids.get("status", {}), "from", str)
    actor = parse_person(get_optional(data, "user", dict))
    # An issue that moves to another project gets a new key.
    old_key = next((get_optional(item, "fromString", str) for item in items
                    if (item.get("field"), item.get("toString")) == ("Key", issue.key)), None)
    return IssueUpdated(delivery_id, at, issue, actor, moved="status" in ids, left=left, changed=changed,
                        old_key=old_key)


def _get_field_id(item: Json) -> object:
    """Return the field's id, else the name of one of Jira's own fields: Atlassian's example has names only."""
    return item.get("fieldId") or (None if item.get("fieldtype") == "custom" else item.get("field"))


def _parse_comment_change(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    comment = parse_comment(get_required(data, "comment", dict))
    return IssueCommented(delivery_id, at, Issue(issue.key, issue.id), comment.author, comment=comment)


def _parse_comment_deletion(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    # The delivery does not say who deleted the comment.
    comment = parse_comment(get_required(data, "comment", dict))
    return IssueCommented(delivery_id, at, Issue(issue.key, issue.id), comment=comment, deleted=True)


def _parse_creation(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    labels = get_optional(get_required(data["issue"], "fields", dict), "labels", list) or []
    is_own = any(str(label).startswith(f"{PAGERDUTY_LABEL}-") for label in labels)
    return IssueCreated(delivery_id, at, issue, parse_person(get_optional(data, "user", dict)), ours=is_own)


def _parse_deletion(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    return IssueDeleted(delivery_id, at, Issue(issue.key, issue.id), parse_person(get_optional(data, "user", dict)))


EVENT_PARSERS: Mapping[str, Callable[[Json, str, datetime, Issue],
                                     IssueEvent]] = {"jira:issue_created": _parse_creation,
                                                     "jira:issue_updated": _parse_update,
                                                     "jira:issue_deleted": _parse_deletion,
                                                     "comment_created": _parse_comment_change,
                                                     "comment_updated": _parse_comment_change,
                                                     "comment_deleted": _parse_comment_deletion}
