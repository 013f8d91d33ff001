"""What Jira answers to somebody whom it does not know: a call whose token expired or was revoked is one of these.

"Invalid credentials are treated as anonymous access": jira.atlassian.com/browse/JRACLOUD-93811. Nothing of the site is
public, so an anonymous caller finds no issue, no project and nobody, by 200 or 404; the rest answers 401.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Response, request

from sandbox.jira.query_context import parse_query
from sandbox.jira.rest import NOT_SIGNED_IN, REST, Refusal, answer_refusal, make_json_response
from sandbox.jira.state import NO_ISSUE_TEXT, JiraState

LOGIN_REASON = "X-Seraph-LoginReason"
# Anybody may read these: developer.atlassian.com, Jira's OpenAPI file, "This operation can be accessed anonymously".
PUBLIC_PATHS = frozenset({"/serverInfo", "/field", "/issueLinkType", "/priority"})
NO_PROJECT = {"project": "Specify a valid project ID or key"}


def answer_anonymously(site: JiraState) -> Response | None:
    """Answer a caller whom the site does not know; None where the operation answers everybody alike."""
    path = request.path.removeprefix(REST)
    if path in PUBLIC_PATHS and request.method == "GET":
        return None
    for method, pattern, answer in ANSWERS:
        if method in ("", request.method) and re.fullmatch(pattern, path):
            try:
                return make_json_response(answer(site), 200)
            except Refusal as refusal:
                return answer_refusal(refusal)
    return answer_refusal(Refusal(401, NOT_SIGNED_IN))


def _refuse(status: int, *messages: str, **errors: str) -> Callable[[JiraState], Any]:
    def raise_refusal(site: JiraState) -> Any:
        raise Refusal(status, *messages, errors=errors)
    return raise_refusal


def _find_nothing(site: JiraState) -> Any:
    text = request.args.get("jql") or (request.get_json(silent=True) or {}).get("jql", "")
    if parse_query(site, text, next(iter(site.users.values())), knows_values=False).where is None:
        raise Refusal(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    return {"count": 0} if request.path.endswith("count") else {"issues": [], "isLast": True}


def _refuse_each(site: JiraState) -> Any:
    updates = (request.get_json(silent=True) or {}).get("issueUpdates", [])
    refusal = Refusal(400, errors=NO_PROJECT)
    refusal.body = {"issues": [], "errors": [{"status": 400, "elementErrors": refusal.body,
                                              "failedElementNumber": number} for number in range(len(updates))]}
    raise refusal


def _make_empty_page(site: JiraState) -> Any:
    return {"startAt": 0, "maxResults": 50, "total": 0, "isLast": True, "values": []}


ANSWERS: tuple[tuple[str, str, Callable[[JiraState], Any]], ...] = (
    ("", "/search/(jql|approximate-count)", _find_nothing),
    ("POST", "/issue", _refuse(400, **NO_PROJECT)),
    ("POST", "/issue/bulk", _refuse_each),
    ("POST", "/issue/bulkfetch", lambda site: {"issues": [], "issueErrors": []}),
    ("POST", "/comment/list", _make_empty_page),
    ("GET", "/issue/createmeta/.*", _refuse(400, **NO_PROJECT)),
    ("", "/issue/[^/]+(/.*)?", _refuse(404, NO_ISSUE_TEXT)),
    ("", "/issueLink(/.*)?", _refuse(404, NO_ISSUE_TEXT)),
    ("GET", "/project/search", _make_empty_page),
    ("GET", "/project/.*", _refuse(404, "No project could be found.")),
    ("GET", "/user/search|/status", lambda site: []),
)
