"""Issues, comments and people of Jira, from webhooks and REST answers, as our own values."""

from typing import get_args

from jpi.domain.model import Category, Comment, Issue, Person
from jpi.jira.adf import readable
from jpi.json_fields import Json, identifier, may, moment

CATEGORIES = get_args(Category)
# By id: a field's name is only what a site calls it.
FIELDS = {"summary": "title", "priority": "priority", "assignee": "assignee"}


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
