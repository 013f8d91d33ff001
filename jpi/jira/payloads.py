"""Parses Jira's issues, comments and people from webhooks and REST answers."""

from datetime import datetime
from typing import Any, get_args

from jpi.domain.model import Category, Comment, Issue, Person
from jpi.jira.adf import to_plain_text
from jpi.json_fields import (
    MAX_BODY_CHARACTERS,
    Json,
    cut_long_text,
    get_id,
    get_optional,
    get_optional_time,
    get_required,
    get_time,
    try_parse,
)

CATEGORIES = get_args(Category)
# By field id, since every site may rename a field.
FIELD_NAME_BY_ID = {"summary": "title", "priority": "priority", "assignee": "assignee"}
# The fields that the rules of opening incidents go by.
RULE_FIELD_IDS = frozenset({"project", "issuetype", "priority"})


def parse_comment(data: Json) -> Comment:
    """Return a comment. A webhook's text is wiki markup, kept as it came: the comment is read again as a document.

    It is internal if `jsdPublic` is false (service projects) or `visibility` limits it to a role or group.
    """
    is_internal = data.get("jsdPublic") is False or bool(data.get("visibility"))
    at = get_optional_time(data, "updated") or get_time(data, "created")
    text = cut_long_text(to_plain_text(data.get("body")), MAX_BODY_CHARACTERS)
    return Comment(get_id(data), text, at, parse_person(get_optional(data, "author", dict)), is_internal)


def parse_issue(data: Json) -> Issue:
    """Return an issue from a webhook or the REST API."""
    fields = get_optional(data, "fields", dict) or {}
    status = get_optional(fields, "status", dict) or {}
    category = get_optional(get_optional(status, "statusCategory", dict) or {}, "key", str)
    priority = get_optional(fields, "priority", dict) or {}
    issue_type = get_optional(fields, "issuetype", dict) or {}
    return Issue(
        get_id(data, "key"),
        get_optional(data, "id", str),
        category if category in CATEGORIES else None,  # type: ignore[arg-type]
        get_optional(fields, "summary", str),
        get_optional(priority, "name", str),
        get_optional(status, "name", str),
        get_optional(issue_type, "name", str),
        parse_person(get_optional(fields, "assignee", dict)),
    )


def is_issue(data: Any) -> bool:
    """True if an item of a list has what every issue has."""
    return isinstance(data, dict) and all(isinstance(data.get(name), str) for name in ("id", "key")) \
        and isinstance(data.get("fields"), dict)


def try_parse_comment(data: Any) -> Comment | None:
    """Return the comment, None if it is unreadable: one odd comment must not stop the others."""
    return try_parse(parse_comment, data, "a comment cannot be read")


def try_parse_state(data: Any, time_name: str) -> tuple[Issue, datetime] | None:
    """Return the issue with its time of this name, None if it is unreadable: one odd issue must not stop the others."""
    return try_parse(lambda issue: (parse_issue(issue), get_time(get_required(issue, "fields", dict), time_name)), data,
                     "an issue cannot be read")


def parse_person(user: Json | None) -> Person | None:
    """Return a user from a webhook or the REST API; None if there is no account id."""
    account = get_optional(user, "accountId", str) if user else None
    return Person(account, get_optional(user or {}, "displayName", str) or "") if account else None
