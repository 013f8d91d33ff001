"""Search issues by JQL, in an index that lags behind the site."""

import uuid
from typing import Any

from flask import request

from sandbox.jira.json_view import SYSTEM_FIELD_VIEWS, Json, JsonView
from sandbox.jira.model import Issue
from sandbox.jira.query_context import IssueDocument, make_query_context, parse_query
from sandbox.jira.rest import BAD_PAYLOAD, Refusal, Routes, get_actor, parse_strings, read_body, read_list, read_number
from sandbox.jira.state import JiraState

routes = Routes()
REMOVED_TEXT = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
    "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
UNBOUNDED_TEXT = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
BAD_TOKEN_TEXT = "The provided next page token is invalid or expired."
SEARCH_KEYS = ("jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys",
               "reconcileIssues")
PAGE_TOKEN_SECONDS = 7 * 24 * 3600.0


@routes.add("GET", "/search")
def get_removed_search(site: JiraState) -> Json:
    """Answer 410: Jira removed this path."""
    raise Refusal(410, REMOVED_TEXT)


@routes.add("POST", "/search")
def post_removed_search(site: JiraState) -> Json:
    """Answer 410: Jira removed this path."""
    raise Refusal(410, REMOVED_TEXT)


@routes.add("GET", "/search/jql")
def get_search(site: JiraState) -> Json:
    """Return a page of the issues that a query matches."""
    return _make_search_page(site, {"jql": request.args.get("jql"), "nextPageToken": request.args.get("nextPageToken"),
                                    "maxResults": read_number("maxResults", 50), "fields": read_list("fields"),
                                    "properties": read_list("properties"),
                                    "reconcileIssues": read_list("reconcileIssues")})


@routes.add("POST", "/search/jql")
def post_search(site: JiraState) -> Json:
    """Return a page of the issues that a query matches."""
    return _make_search_page(site, read_body(SEARCH_KEYS))


@routes.add("POST", "/search/approximate-count")
def count_matches(site: JiraState) -> Json:
    """Return how many issues a query matches."""
    return {"count": len(_find_issues(site, read_body(["jql"]).get("jql"), frozenset()))}


def _make_search_page(site: JiraState, body: Json) -> Json:
    size = body.get("maxResults", 50)
    if not isinstance(size, int) or isinstance(size, bool):
        raise Refusal(400, BAD_PAYLOAD)
    if not 1 <= size <= 5000:
        raise Refusal(400, "The max results parameter has to be between 1 and 5,000.")
    issues = _find_remaining_issues(site, body)
    fields, properties = parse_strings(body.get("fields") or []), parse_property_names(body.get("properties") or [])
    # Pages of more than ids are cut short, whatever was asked for: github.com/pycontribs/jira/issues/805.
    size = min(size, site.search_page_limit) if set(fields) - {"id", "key"} or properties else min(size, 5000)
    part, rest = issues[:size], issues[size:]
    page: Json = {"issues": [_to_issue_json(site, issue, fields, properties) for issue in part], "isLast": not rest}
    if rest:
        page["nextPageToken"] = uuid.uuid4().hex
        site.search_pages[page["nextPageToken"]] = (site.clock() + PAGE_TOKEN_SECONDS, str(body["jql"]), rest)
    return page


def _find_remaining_issues(site: JiraState, body: Json) -> list[Issue]:
    """Return the issues that the query matches, or the rest of them if the body holds a page token."""
    token = body.get("nextPageToken")
    current = frozenset(str(issue_id) for issue_id in body.get("reconcileIssues") or [])
    issues = _find_issues(site, body.get("jql"), current)
    if not token:
        return issues
    until, query, rest = site.search_pages.get(token, (0.0, "", []))
    if until < site.clock() or query != body["jql"]:
        raise Refusal(400, BAD_TOKEN_TEXT)
    return rest


def _find_issues(site: JiraState, text: Any, current: frozenset[str]) -> list[Issue]:
    query = parse_query(site, text or "", get_actor())
    if query.where is None:
        raise Refusal(400, UNBOUNDED_TEXT)
    context = make_query_context(site, get_actor())
    issues = sorted(site.list_indexed_issues(current), key=lambda issue: -int(issue.id))
    matching = [issue for issue in issues if query.is_met_by(IssueDocument(site, issue), context)]
    return query.sort_issues(matching, lambda issue: IssueDocument(site, issue))


def _to_issue_json(site: JiraState, issue: Issue, fields: list[str], properties: list[str]) -> Json:
    if not properties and set(fields) <= {"id"}:
        return {"id": issue.id}
    return JsonView(site).to_issue(issue, select_field_ids(site, fields), properties)


def parse_property_names(properties: Any) -> list[str]:
    """Return the names of the requested properties; 400 for more than five."""
    if len(parse_strings(properties)) > 5:
        raise Refusal(400, "The maximum number of properties that can be requested is 5.")
    return parse_strings(properties)


def select_field_ids(site: JiraState, value: Any) -> set[str]:
    """Return the ids of the fields that names, `*all`, `*navigable` and `-names` select."""
    every = {*SYSTEM_FIELD_VIEWS, *(field.id for field in site.fields.values() if field.custom_type)}
    names = parse_strings(value)
    field_ids = set(names) & every
    if "*all" in names or all(name.startswith("-") for name in names):
        field_ids |= every
    if "*navigable" in names:
        field_ids |= every - {"comment"}
    return field_ids - {name[1:] for name in names if name.startswith("-")}
