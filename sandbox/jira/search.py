"""Search, by JQL over an index that lags behind."""

import uuid
from typing import Any

from flask import request

from sandbox.jira.http import BAD_PAYLOAD, Refusal, Routes, actor, body, listed, number, strings
from sandbox.jira.model import Issue
from sandbox.jira.query_context import IssueDocument, context, parsed
from sandbox.jira.state import JiraState
from sandbox.jira.view import SYSTEM, Json, View

route = Routes()
REMOVED = ("The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
           "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046")
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
BAD_TOKEN = "The provided next page token is invalid or expired."
ASKED = ("jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys", "reconcileIssues")
TOKEN_LIFE = 7 * 24 * 3600.0


@route("GET", "/search")
def removed_get(site: JiraState) -> Json:
    """Gone."""
    raise Refusal(410, REMOVED)


@route("POST", "/search")
def removed_post(site: JiraState) -> Json:
    """Gone."""
    raise Refusal(410, REMOVED)


@route("GET", "/search/jql")
def search_get(site: JiraState) -> Json:
    """A page of what a query finds."""
    return _found(site, {
        "jql": request.args.get("jql"), "nextPageToken": request.args.get("nextPageToken"),
        "maxResults": number("maxResults", 50), "fields": listed("fields"), "properties": listed("properties"),
        "reconcileIssues": listed("reconcileIssues"),
    })


@route("POST", "/search/jql")
def search_post(site: JiraState) -> Json:
    """A page of what a query finds."""
    return _found(site, body(ASKED))


@route("POST", "/search/approximate-count")
def count(site: JiraState) -> Json:
    """How many issues a query finds."""
    return {"count": len(_search(site, body(["jql"]).get("jql"), frozenset()))}


def _found(site: JiraState, asked: Json) -> Json:
    size = asked.get("maxResults", 50)
    if not isinstance(size, int) or isinstance(size, bool) or not size > 0:
        raise Refusal(400, BAD_PAYLOAD)
    found = _rest(site, asked)
    fields, properties = strings(asked.get("fields") or []), at_most_five(asked.get("properties") or [])
    part, rest = found[: min(size, 5000)], found[min(size, 5000) :]
    page: Json = {"issues": [_shown(site, issue, fields, properties) for issue in part], "isLast": not rest}
    if rest:
        page["nextPageToken"] = uuid.uuid4().hex
        site.pages[page["nextPageToken"]] = (site.clock() + TOKEN_LIFE, str(asked["jql"]), rest)
    return page


def _rest(site: JiraState, asked: Json) -> list[Issue]:
    """What the query finds, or what is left of it where the body holds a page token."""
    token = asked.get("nextPageToken")
    current = frozenset(str(one) for one in asked.get("reconcileIssues") or [])
    found = _search(site, asked.get("jql"), current)
    if not token:
        return found
    until, query, rest = site.pages.get(token, (0.0, "", []))
    if until < site.clock() or query != asked["jql"]:
        raise Refusal(400, BAD_TOKEN)
    return rest


def _search(site: JiraState, text: Any, current: frozenset[str]) -> list[Issue]:
    query = parsed(site, text or "", actor())
    if query.where is None:
        raise Refusal(400, UNBOUNDED)
    seen = context(site, actor())
    known = sorted(site.searched(current), key=lambda issue: -int(issue.id))
    matching = [issue for issue in known if query.matches(IssueDocument(site, issue), seen)]
    return query.sort(matching, lambda issue: IssueDocument(site, issue))


def _shown(site: JiraState, issue: Issue, fields: list[str], properties: list[str]) -> Json:
    if not properties and set(fields) <= {"id"}:
        return {"id": issue.id}
    return View(site).issue(issue, wanted_fields(site, fields), properties)


def at_most_five(properties: Any) -> list[str]:
    """The properties asked for; 400 for more than five."""
    if len(strings(properties)) > 5:
        raise Refusal(400, "The maximum number of properties that can be requested is 5.")
    return strings(properties)


def wanted_fields(site: JiraState, said: Any) -> set[str]:
    """The ids of the fields meant by names, `*all`, `*navigable` and `-names`."""
    every = {*SYSTEM, *(one.id for one in site.fields.values() if one.custom_type)}
    names = strings(said)
    found = set(names) & every
    if "*all" in names or all(name.startswith("-") for name in names):
        found |= every
    if "*navigable" in names:
        found |= every - {"comment"}
    return found - {name[1:] for name in names if name.startswith("-")}
