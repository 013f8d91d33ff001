"""The site as JQL sees it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.jira.jql import parser as jql
from sandbox.jira.json_view import STATUS_CATEGORIES
from sandbox.jira.model import Issue, User
from sandbox.jira.rest import Refusal
from sandbox.jira.state import NO_ISSUE_TEXT, JiraState

SYSTEM_FIELDS = ("project", "issuetype", "labels", "key", "status", "statuscategory", "priority", "assignee",
                 "reporter", "creator", "resolution")


def list_query_fields(site: JiraState) -> dict[str, str]:
    """Return the fields that a query may name."""
    custom = [field for field in site.fields.values() if field.custom_type]
    return {**{name: name for name in SYSTEM_FIELDS}, **{field.name.lower(): field.id for field in custom},
            **{f"cf[{field.id.removeprefix('customfield_')}]": field.id for field in custom}}


def make_query_context(site: JiraState, user: User) -> jql.Context:
    """Return who asks, and when; dates in a query are in that user's time zone."""
    zone: tzinfo = ZoneInfo(user.time_zone)
    return jql.Context(site.clock.now(), zone, user.account_id)


def parse_query(site: JiraState, text: Any, user: User, knows_values: bool = True) -> jql.Query:
    """Parse the query; answer 400 in Jira's words if it is invalid, or (`knows_values`) names what is not there."""
    if not isinstance(text, str):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    try:
        query = jql.parse(text, list_query_fields(site), make_query_context(site, user))
    except jql.JqlError as error:
        raise Refusal(400, str(error)) from error
    for clause in jql.list_clauses(query.where) if knows_values else ():
        for value in clause.values:
            if value is not None and value not in clause.functions:
                _check_value(site, clause.name, value)
    return query


def _check_value(site: JiraState, field_name: str, value: str) -> None:
    """Refuse a value that the site does not have, as Jira does for somebody who is signed in."""
    if field_name == "key" and site.find_issue(value) is None:
        raise Refusal(400, NO_ISSUE_TEXT)
    if field_name in VALUE_LISTS and value.casefold() not in VALUE_LISTS[field_name](site):
        raise Refusal(400, f"The value '{value}' does not exist for the field '{field_name}'.")


class IssueDocument(Mapping[str, Any]):
    """An issue as JQL matches it; each value is computed when the query asks for it."""

    def __init__(self, site: JiraState, issue: Issue) -> None:
        self._site = site
        self._issue = issue

    def __getitem__(self, name: str) -> Any:
        if name in VALUE_READERS:
            return VALUE_READERS[name](self._site, self._issue)
        value = self._issue.fields[name]
        if not isinstance(value, (str, int)):
            raise KeyError(name)
        return _fold_case(value)

    def __iter__(self) -> Iterator[str]:
        return iter([*VALUE_READERS, *self._issue.fields])

    def __len__(self) -> int:
        return len(list(iter(self)))


def _read_project(site: JiraState, issue: Issue) -> frozenset[str]:
    project = site.projects[issue.project]
    return _fold_case(project.key, project.name, project.id)


def _read_category(site: JiraState, issue: Issue) -> frozenset[str]:
    category = site.statuses[issue.status].category
    number, _, name, _ = STATUS_CATEGORIES[category]
    return _fold_case(name, category, number)


def _read_type(site: JiraState, issue: Issue) -> frozenset[str]:
    return _fold_case(issue.type, *(issue_type.id for issue_type in site.issue_types.values()
                                    if issue_type.name == issue.type))


def _read_comments(site: JiraState, issue: Issue) -> str:
    return "\n".join(comment.text for comment in issue.comments)


def _read_person(site: JiraState, account_id: str | None) -> frozenset[str]:
    if account_id is None:
        return frozenset()
    return _fold_case(account_id, site.users[account_id].name, site.users[account_id].email)


def _read_former_values(field_name: str) -> Callable[[JiraState, Issue], frozenset[str]]:
    """Return the reader of the values that a field has or had."""
    def read_values(site: JiraState, issue: Issue) -> frozenset[str]:
        present: frozenset[str] = VALUE_READERS[field_name](site, issue)
        items = [item for change in issue.history for item in change["items"] if item["field"] == field_name]
        former: list[str | None] = [item.get(name) for item in items
                                    for name in ("from", "fromString", "to", "toString")]
        return present | _fold_case(*(value for value in former if value))
    return read_values


def _fold_case(*values: Any) -> frozenset[str]:
    return frozenset(str(value).casefold() for value in values)


VALUE_READERS: dict[str, Callable[[JiraState, Issue], Any]] = {
    "project": _read_project,
    "issuetype": _read_type,
    "labels": lambda site, issue: _fold_case(*issue.labels),
    "key": lambda site, issue: _fold_case(issue.key, issue.id),
    "rank:key": lambda site, issue: (issue.project, int(issue.key.rpartition("-")[2])),
    "status": lambda site, issue: _fold_case(issue.status, site.statuses[issue.status].id),
    "statuscategory": _read_category,
    "priority": lambda site, issue: _fold_case(issue.priority, site.priorities[issue.priority].id),
    "rank:priority": lambda site, issue: -int(site.priorities[issue.priority].id),
    "resolution": lambda site, issue: _fold_case(issue.resolution or "unresolved"),
    "assignee": lambda site, issue: _read_person(site, issue.assignee),
    "reporter": lambda site, issue: _read_person(site, issue.reporter),
    "creator": lambda site, issue: _read_person(site, issue.creator),
    "summary": lambda site, issue: issue.summary,
    "description": lambda site, issue: issue.description_text,
    "comment": _read_comments,
    "text": lambda site, issue: "\n".join([issue.summary, issue.description_text, _read_comments(site, issue)]),
    "created": lambda site, issue: issue.created,
    "updated": lambda site, issue: issue.updated,
    **{f"was:{name}": _read_former_values(name) for name in jql.HISTORY_FIELDS},
}
# The names and ids that the values of a field may have in a query, by field.
VALUE_LISTS: dict[str, Callable[[JiraState], frozenset[str]]] = {
    "project": lambda site: _fold_case(*(name for project in site.projects.values()
                                         if project.key not in site.hidden_keys
                                         for name in (project.key, project.name, project.id))),
    "issuetype": lambda site: _fold_case(*(name for issue_type in site.issue_types.values()
                                           for name in (issue_type.name, issue_type.id))),
    "status": lambda site: _fold_case(*(name for status in site.statuses.values() for name in (status.name,
                                                                                               status.id))),
    "priority": lambda site: _fold_case(*(name for priority in site.priorities.values()
                                          for name in (priority.name, priority.id))),
    "resolution": lambda site: _fold_case("unresolved", *site.resolutions, *site.resolutions.values()),
    "statuscategory": lambda site: _fold_case(*(text for category, names in STATUS_CATEGORIES.items()
                                                for text in (category, names[0], names[2]))),
}
