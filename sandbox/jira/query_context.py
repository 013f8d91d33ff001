"""The site as JQL sees it."""

from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.jira import adf
from sandbox.jira.http import Refusal
from sandbox.jira.jql import parser as jql
from sandbox.jira.model import Issue, User
from sandbox.jira.state import Site
from sandbox.jira.view import CATEGORIES

SYSTEM = ("project", "issuetype", "labels", "key", "status", "statuscategory", "priority", "assignee", "reporter",
          "creator", "resolution")


def known(site: Site) -> dict[str, str]:
    """The fields that a query may name."""
    custom = [one for one in site.fields.values() if one.custom_type]
    return {**{name: name for name in SYSTEM}, **{one.name.lower(): one.id for one in custom},
            **{f"cf[{one.id.removeprefix('customfield_')}]": one.id for one in custom}}


def context(site: Site, user: User) -> jql.Context:
    """Who asks, and when; dates in a query are in that user's time zone."""
    zone: tzinfo = ZoneInfo(user.time_zone)
    return jql.Context(site.clock.now(), zone, user.account_id)


def parsed(site: Site, text: Any, user: User) -> jql.Query:
    """The query; 400 in Jira's words where it is none."""
    if not isinstance(text, str):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    try:
        return jql.parse(text, known(site), context(site, user))
    except jql.JqlError as error:
        raise Refusal(400, str(error)) from error


def document(site: Site, issue: Issue) -> dict[str, Any]:
    """What a query is matched against."""
    project, status = site.projects[issue.project], site.statuses[issue.status]
    number, _, name, _ = CATEGORIES[status.category]
    priority = site.priorities[issue.priority]
    types = [one.id for one in site.types.values() if one.name == issue.type]
    fields = {one: _folded(value) for one, value in issue.fields.items() if isinstance(value, (str, int))}
    comments = [one.text for one in issue.comments]
    return {
        **fields, "project": _folded(project.key, project.name, project.id), "issuetype": _folded(issue.type, *types),
        "labels": _folded(*issue.labels), "key": _folded(issue.key, issue.id),
        "rank:key": (issue.project, int(issue.key.rpartition("-")[2])), "status": _folded(status.name, status.id),
        "statuscategory": _folded(name, status.category, number), "priority": _folded(priority.name, priority.id),
        "rank:priority": -int(priority.id), "resolution": _folded(issue.resolution or "unresolved"),
        **{role: _person(site, getattr(issue, role)) for role in ("assignee", "reporter", "creator")},
        "summary": issue.summary, "description": adf.plain(issue.description), "comment": "\n".join(comments),
        "text": "\n".join([issue.summary, adf.plain(issue.description), *comments]),
        "created": issue.created, "updated": issue.updated,
    }


def _person(site: Site, account_id: str | None) -> frozenset[str]:
    if account_id is None:
        return frozenset()
    return _folded(account_id, site.users[account_id].name, site.users[account_id].email)


def _folded(*values: Any) -> frozenset[str]:
    return frozenset(str(value).casefold() for value in values)
