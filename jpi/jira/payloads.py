"""Issues, comments and people of Jira, from webhooks and REST answers, as our own values."""

from typing import get_args

from jpi.domain.model import Category, Comment, Issue, Person
from jpi.jira.adf import to_plain_text
from jpi.json_fields import Json, get_id, get_optional, get_time

CATEGORIES = get_args(Category)
# By id: a field's name is only what a site calls it.
FIELD_NAME_BY_ID = {"summary": "title", "priority": "priority", "assignee": "assignee"}


def parse_comment(found: Json) -> Comment:
    """Return a comment. A webhook's text is wiki markup, kept as it came: the comment is read again as a document.

    `jsdPublic` false: internal, in a service project. `visibility`: for one role or group.
    """
    internal = found.get("jsdPublic") is False or bool(found.get("visibility"))
    at = get_time(found, "updated" if found.get("updated") else "created")
    return Comment(get_id(found), to_plain_text(found.get("body")), at,
                   parse_person(get_optional(found, "author", dict)), internal)


def parse_issue(found: Json) -> Issue:
    """An issue as a webhook or the REST API shows it."""
    fields = get_optional(found, "fields", dict) or {}
    status = get_optional(fields, "status", dict) or {}
    category = get_optional(get_optional(status, "statusCategory", dict) or {}, "key", str)
    known = category if category in CATEGORIES else None
    priority = get_optional(fields, "priority", dict) or {}
    kind = get_optional(fields, "issuetype", dict) or {}
    return Issue(
        get_id(found, "key"),
        get_optional(found, "id", str),
        known,  # type: ignore[arg-type]
        get_optional(fields, "summary", str),
        get_optional(priority, "name", str),
        get_optional(status, "name", str),
        get_optional(kind, "name", str),
        parse_person(get_optional(fields, "assignee", dict)),
    )


def parse_person(user: Json | None) -> Person | None:
    """A user as webhooks and the REST API show one."""
    account = get_optional(user, "accountId", str) if user else None
    return Person(account, get_optional(user or {}, "displayName", str) or "") if account else None
