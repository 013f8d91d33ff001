"""The site as JQL sees it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.jira.http import Refusal
from sandbox.jira.jql import parser as jql
from sandbox.jira.model import Issue, User
from sandbox.jira.state import JiraState
from sandbox.jira.view import CATEGORIES

SYSTEM = ("project", "issuetype", "labels", "key", "status", "statuscategory", "priority", "assignee", "reporter",
          "creator", "resolution")


def known(site: JiraState) -> dict[str, str]:
    """The fields that a query may name."""
    custom = [one for one in site.fields.values() if one.custom_type]
    return {**{name: name for name in SYSTEM}, **{one.name.lower(): one.id for one in custom},
            **{f"cf[{one.id.removeprefix('customfield_')}]": one.id for one in custom}}


def context(site: JiraState, user: User) -> jql.Context:
    """Who asks, and when; dates in a query are in that user's time zone."""
    zone: tzinfo = ZoneInfo(user.time_zone)
    return jql.Context(site.clock.now(), zone, user.account_id)


def parsed(site: JiraState, text: Any, user: User) -> jql.Query:
    """The query; 400 in Jira's words where it is none."""
    if not isinstance(text, str):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    try:
        return jql.parse(text, known(site), context(site, user))
    except jql.JqlError as error:
        raise Refusal(400, str(error)) from error


class IssueDocument(Mapping[str, Any]):
    """What a query is matched against: each value is worked out when the query asks for it."""

    def __init__(self, site: JiraState, issue: Issue) -> None:
        self._site = site
        self._issue = issue

    def __getitem__(self, name: str) -> Any:
        if name in VALUES:
            return VALUES[name](self._site, self._issue)
        value = self._issue.fields[name]
        if not isinstance(value, (str, int)):
            raise KeyError(name)
        return _folded(value)

    def __iter__(self) -> Iterator[str]:
        return iter([*VALUES, *self._issue.fields])

    def __len__(self) -> int:
        return len(list(iter(self)))


def _project(site: JiraState, issue: Issue) -> frozenset[str]:
    project = site.projects[issue.project]
    return _folded(project.key, project.name, project.id)


def _category(site: JiraState, issue: Issue) -> frozenset[str]:
    category = site.statuses[issue.status].category
    number, _, name, _ = CATEGORIES[category]
    return _folded(name, category, number)


def _type(site: JiraState, issue: Issue) -> frozenset[str]:
    return _folded(issue.type, *(one.id for one in site.types.values() if one.name == issue.type))


def _comments(site: JiraState, issue: Issue) -> str:
    return "\n".join(comment.text for comment in issue.comments)


def _person(site: JiraState, account_id: str | None) -> frozenset[str]:
    if account_id is None:
        return frozenset()
    return _folded(account_id, site.users[account_id].name, site.users[account_id].email)


def _folded(*values: Any) -> frozenset[str]:
    return frozenset(str(value).casefold() for value in values)


VALUES: dict[str, Callable[[JiraState, Issue], Any]] = {
    "project": _project, "issuetype": _type, "labels": lambda site, issue: _folded(*issue.labels),
    "key": lambda site, issue: _folded(issue.key, issue.id),
    "rank:key": lambda site, issue: (issue.project, int(issue.key.rpartition("-")[2])),
    "status": lambda site, issue: _folded(issue.status, site.statuses[issue.status].id), "statuscategory": _category,
    "priority": lambda site, issue: _folded(issue.priority, site.priorities[issue.priority].id),
    "rank:priority": lambda site, issue: -int(site.priorities[issue.priority].id),
    "resolution": lambda site, issue: _folded(issue.resolution or "unresolved"),
    "assignee": lambda site, issue: _person(site, issue.assignee),
    "reporter": lambda site, issue: _person(site, issue.reporter),
    "creator": lambda site, issue: _person(site, issue.creator),
    "summary": lambda site, issue: issue.summary, "description": lambda site, issue: issue.description_text,
    "comment": _comments,
    "text": lambda site, issue: "\n".join([issue.summary, issue.description_text, _comments(site, issue)]),
    "created": lambda site, issue: issue.created, "updated": lambda site, issue: issue.updated,
}
