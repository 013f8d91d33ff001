"""Parses the deliveries of Jira Cloud's admin webhooks, and of workflows' post functions, into events."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime

from jpi.domain.events import Event, IssueCommented, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.model import Issue
from jpi.errors import UselessDelivery
from jpi.jira.payloads import FIELD_NAME_BY_ID, RULE_FIELD_IDS, parse_comment, parse_issue, parse_person
from jpi.json_fields import Json, get_epoch_time, get_objects, get_optional, get_required, parse_json_object

# What stands for the event's name where a workflow's post function sends a delivery, which names none.
POST_FUNCTION = "post function"
EXCLUDED_BODY_ADVICE = ("Jira's delivery has no body: in the webhook's settings, switch \"Exclude body\" off "
                        "(Jira settings, System, WebHooks).")
NO_ISSUE_ADVICE = {
    "comment": "Jira's delivery of a comment names no issue, as Jira Data Center sends it: jpi works with Jira Cloud; "
               "take this address out of that webhook.",
    POST_FUNCTION: "A workflow's post function sent no issue: take this address out of the post function; jpi's own "
                   "webhook (jpi webhooks) tells of every transition."}


def parse_delivery(raw: bytes) -> list[Event]:
    """Return the event of a delivery, none for a type that jpi ignores.

    Raise RejectedDelivery if it is unreadable, UselessDelivery if it is of no use.
    """
    if not raw:
        raise UselessDelivery("excluded body", EXCLUDED_BODY_ADVICE)
    data = parse_json_object(raw)
    name = POST_FUNCTION if _is_from_post_function(data) else get_required(data, "webhookEvent", str)
    parse_event = _parse_transition if name == POST_FUNCTION else EVENT_PARSERS.get(name)
    if parse_event is None:
        return []
    kind = name.partition("_")[0]
    if data.get("issue") is None and kind in NO_ISSUE_ADVICE:
        raise UselessDelivery(f"{kind} without issue", NO_ISSUE_ADVICE[kind])
    issue = parse_issue(get_required(data, "issue", dict))
    # All retries of a delivery have the same body, which is signed; the identifier in its header is not.
    delivery_id = f"{issue.key}-{name}-{hashlib.sha256(raw).hexdigest()[:32]}"
    return [parse_event(data, delivery_id, get_epoch_time(data, "timestamp"), issue)]


def _is_from_post_function(data: Json) -> bool:
    return "webhookEvent" not in data and isinstance(data.get("transition"), dict)


def _parse_transition(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    """Return what a workflow's post function sends: the issue, and the status that it left, by name."""
    left = get_optional(data["transition"], "from_status", str)
    return IssueUpdated(delivery_id, at, issue, parse_person(get_optional(data, "user", dict)), moved=True, left=left)


def _parse_update(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    items = get_objects(get_optional(data, "changelog", dict) or {}, "items")
    ids = {field_id: item for item in items if isinstance(field_id := _get_field_id(item), str)}
    changed = frozenset(name for field_id, name in FIELD_NAME_BY_ID.items() if field_id in ids)
    left = get_optional(ids.get("status", {}), "from", str)
    actor = parse_person(get_optional(data, "user", dict))
    # An issue that moves to another project gets a new key. A custom field may have any name and any value.
    old_key = next((get_optional(item, "fromString", str) for item in items if item.get("fieldtype") == "jira"
                    and (_get_field_id(item), item.get("toString")) == ("Key", issue.key)), None)
    return IssueUpdated(delivery_id, at, issue, actor, moved="status" in ids, left=left, changed=changed,
                        old_key=old_key, is_reclassified=not RULE_FIELD_IDS.isdisjoint(ids))


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
    return IssueCreated(delivery_id, at, issue, parse_person(get_optional(data, "user", dict)))


def _parse_deletion(data: Json, delivery_id: str, at: datetime, issue: Issue) -> IssueEvent:
    return IssueDeleted(delivery_id, at, Issue(issue.key, issue.id), parse_person(get_optional(data, "user", dict)))


EVENT_PARSERS: Mapping[str, Callable[[Json, str, datetime, Issue], IssueEvent]] = {
    "jira:issue_created": _parse_creation, "jira:issue_updated": _parse_update, "jira:issue_deleted": _parse_deletion,
    "comment_created": _parse_comment_change, "comment_updated": _parse_comment_change,
    "comment_deleted": _parse_comment_deletion}
