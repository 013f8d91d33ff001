"""What a caller with a dead token gets of the simulated Jira: nothing, but not always a 401."""

import pytest

from tests.sandbox.jira_client import open_jira

DETAILS = {"fields": {"project": {"key": "INC"}, "issuetype": {"name": "Incident"}, "summary": "Down"}}


@pytest.fixture
def stranger():
    """Open a site with one issue, INC-1; sign in with a revoked token."""
    with open_jira() as client:
        client.add_issue()
        client.clock.advance(60)
        client.auth = ("ada@example.com", "revoked")
        yield client


@pytest.mark.parametrize(("method", "path", "body", "status", "text"), [
    ("GET", "/myself", None, 401, "not authenticated"),
    ("GET", "/issue/INC-1", None, 404, "or you do not have permission to see it"),
    ("PUT", "/issue/INC-1", {"fields": {"summary": "Up"}}, 404, "or you do not have permission to see it"),
    ("POST", "/issue/INC-1/comment", {"body": {}}, 404, "or you do not have permission to see it"),
    ("POST", "/search/jql", {"jql": "project = INC"}, 200, '"issues":[]'),
    ("POST", "/search/jql", {"jql": "project = NOPE AND status = Nope"}, 200, '"issues":[]'),
    ("POST", "/search/jql", {"jql": "order by key"}, 400, "Unbounded"),
    ("POST", "/search/jql", {"jql": "project ="}, 400, "Expecting either a value"),
    ("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["INC-1"]}, 200, '"issueErrors":[]'),
    ("POST", "/comment/list", {"ids": [1]}, 200, '"total":0'),
    ("POST", "/issue", DETAILS, 400, "Specify a valid project ID or key"),
    ("POST", "/issue/bulk", {"issueUpdates": [DETAILS]}, 400, "failedElementNumber"),
    ("GET", "/issue/createmeta/INC/issuetypes", None, 400, "Specify a valid project ID or key"),
    ("GET", "/project/INC", None, 404, "No project"), ("GET", "/project/search", None, 200, '"total":0'),
    ("GET", "/user/search?query=ada", None, 200, "[]"), ("GET", "/field", None, 200, "Summary"),
    ("POST", "/issueLink", {}, 404, "or you do not have permission"), ("POST", "/project", {}, 401, "authenticated"),
    ("GET", "/rest/webhooks/1.0/webhook", None, 401, "authenticated"),
])
def test_a_dead_token_sees_what_the_public_sees(stranger, method, path, body, status, text):
    answer = stranger.request(method, path, body)
    assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) == (status, "AUTHENTICATED_FAILED")
    assert text in answer.text
    assert (len(stranger.jira.issues), stranger.jira.issues["INC-1"].summary) == (1, "Down")


def test_a_site_may_refuse_a_dead_token_everywhere(stranger):
    stranger.jira.takes_bad_tokens_as_anonymous = False
    for method, path in (("GET", "/issue/INC-1"), ("GET", "/field"), ("POST", "/search/jql")):
        assert stranger.request(method, path, {}).status_code == 401
