"""Search, by JQL over an index that lags behind."""

import uuid
from typing import Any

from flask import request

from sandbox.jira.json_view import SYSTEM_FIELD_VIEWS, Json, JsonView
from sandbox.jira.model import Issue
from sandbox.jira.query_context import IssueDocument, make_query_context, parse_query
from sandbox.jira.rest import BAD_PAYLOAD, Refusal, Routes, get_actor, parse_strings, read_body, read_list, read_number
from sandbox.jira.state import JiraState

route = Routes()
REMOVED_TEXT = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
    "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
UNBOUNDED_TEXT = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
BAD_TOKEN_TEXT = "The provided next page token is invalid or expired."
SEARCH_KEYS = ("jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys",
               "reconcileIssues")
PAGE_TOKEN_SECONDS = 7 * 24 * 3600.0


@route("GET", "/search")
def get_removed_search(site: JiraState) -> Json:
    """Gone."""
    raise Refusal(410, REMOVED_TEXT)


@route("POST", "/search")
def post_removed_search(site: JiraState) -> Json:
    """Gone."""
    raise Refusal(410, REMOVED_TEXT)


@route("GET", "/search/jql")
def get_search(site: JiraState) -> Json:
    """A page of what a query finds."""
    return _make_search_page(site, {"jql": request.args.get("jql"), "nextPageToken": request.args.get("nextPageToken"),
                                    "maxResults": read_number("maxResults", 50), "fields": read_list("fields"),
                                    "properties": read_list("properties"),
                                    "reconcileIssues": read_list("reconcileIssues")})


@route("POST", "/search/jql")
def post_search(site: JiraState) -> Json:
    """A page of what a query finds."""
    return _make_search_page(site, read_body(SEARCH_KEYS))


@route("POST", "/search/approximate-count")
def count_matches(site: JiraState) -> Json:
    """How many issues a query finds."""
    return {"count": len(_find_issues(site, read_body(["jql"]).get("jql"), frozenset()))}


def _make_search_page(site: JiraState, asked: Json) -> Json:
    size = asked.get("maxResults", 50)
    if not isinstance(size, int) or isinstance(size, bool) or not size > 0:
        raise Refusal(400, BAD_PAYLOAD)
    found = _find_remaining_issues(site, asked)
    fields, properties = parse_strings(asked.get("fields") or []), parse_property_names(asked.get("properties") or [])
    part, rest = found[: min(size, 5000)], found[min(size, 5000) :]
    page: Json = {"issues": [_to_issue_json(site, issue, fields, properties) for issue in part], "isLast": not rest}
    if rest:
        page["nextPageToken"] = uuid.uuid4().hex
        site.search_pages[page["nextPageToken"]] = (site.clock() + PAGE_TOKEN_SECONDS, str(asked["jql"]), rest)
    return page


def _find_remaining_issues(site: JiraState, asked: Json) -> list[Issue]:
    """What the query finds, or what is left of it where the body holds a page token."""
    token = asked.get("nextPageToken")
    current = frozenset(str(one) for one in asked.get("reconcileIssues") or [])
    found = _find_issues(site, asked.get("jql"), current)
    if not token:
        return found
    until, query, rest = site.search_pages.get(token, (0.0, "", []))
    if until < site.clock() or query != asked["jql"]:
        raise Refusal(400, BAD_TOKEN_TEXT)
    return rest


def _find_issues(site: JiraState, text: Any, current: frozenset[str]) -> list[Issue]:
    query = parse_query(site, text or "", get_actor())
    if query.where is None:
        raise Refusal(400, UNBOUNDED_TEXT)
    seen = make_query_context(site, get_actor())
    known = sorted(site.list_indexed_issues(current), key=lambda issue: -int(issue.id))
    matching = [issue for issue in known if query.matches(IssueDocument(site, issue), seen)]
    return query.sort(matching, lambda issue: IssueDocument(site, issue))


def _to_issue_json(site: JiraState, issue: Issue, fields: list[str], properties: list[str]) -> Json:
    if not properties and set(fields) <= {"id"}:
        return {"id": issue.id}
    return JsonView(site).to_issue(issue, select_field_ids(site, fields), properties)


def parse_property_names(properties: Any) -> list[str]:
    """The properties asked for; 400 for more than five."""
    if len(parse_strings(properties)) > 5:
        raise Refusal(400, "The maximum number of properties that can be requested is 5.")
    return parse_strings(properties)


def select_field_ids(site: JiraState, said: Any) -> set[str]:
    """The ids of the fields meant by names, `*all`, `*navigable` and `-names`."""
    every = {*SYSTEM_FIELD_VIEWS, *(one.id for one in site.fields.values() if one.custom_type)}
    names = parse_strings(said)
    found = set(names) & every
    if "*all" in names or all(name.startswith("-") for name in names):
        found |= every
    if "*navigable" in names:
        found |= every - {"comment"}
    return found - {name[1:] for name in names if name.startswith("-")}
