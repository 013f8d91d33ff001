"""What happens to the simulated Jira's issues later: moved, hidden, spoken of to some, changed by two at once."""

import pytest

from sandbox.jira.issue_changes import move_issue
from tests.sandbox.jira_client import make_document, make_link_update, open_jira


@pytest.fixture
def site():
    with open_jira() as client:
        yield client


def test_a_moved_issue_has_another_key_and_is_found_by_both(site):
    site.add_webhook("jira:issue_updated")
    issue, other = site.add_issue(), site.add_issue()
    site.expect_ok("PUT", f"/issue/{issue.key}", make_link_update(key=other.key))
    move_issue(site.jira, site.jira.users[site.me], issue, "OTHER")
    assert issue.key == "OTHER-1"
    for ref in ("INC-1", "OTHER-1", issue.id):
        assert site.expect_ok("GET", f"/issue/{ref}")["key"] == "OTHER-1"
    fetched = site.expect_ok("POST", "/issue/bulkfetch", {"issueIdsOrKeys": [issue.id], "fields": ["summary"]})
    assert [one["key"] for one in fetched["issues"]] == ["OTHER-1"]
    ends = site.expect_ok("GET", f"/issue/{other.key}")["fields"]["issuelinks"]
    assert [one.get("inwardIssue", one.get("outwardIssue"))["key"] for one in ends] == ["OTHER-1"]
    site.clock.advance(60)
    assert site.search_keys("project = OTHER") == ["OTHER-1"]
    [key, _] = site.read_events()[-1]["changelog"]["items"]
    assert (key["field"], key["fromString"], key["toString"]) == ("Key", "INC-1", "OTHER-1")


@pytest.mark.parametrize("key", ["INC", "INC-1"])
def test_what_is_hidden_is_not_there_and_not_told_of(site, key):
    site.add_webhook("jira:issue_updated")
    site.add_issue()
    site.jira.hidden_keys.add(key)
    assert "permission" in site.expect_refusal(404, "GET", "/issue/INC-1")["errorMessages"][0]
    answer = site.expect_ok("POST", "/issue/bulkfetch", {"issueIdsOrKeys": ["INC-1"]})
    assert (answer["issues"], answer["issueErrors"]) == ([], [])
    site.jira.hidden_keys.clear()
    site.expect_ok("PUT", "/issue/INC-1", {"fields": {"summary": "Seen"}})
    assert len(site.read_events()) == 1


def test_a_comment_may_be_for_some_only(site):
    site.add_webhook("comment_created")
    site.add_issue()
    role = {"type": "role", "value": "Administrators"}
    some = site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document("Quiet"), "visibility": role})
    inside = site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document("Inside"), "properties": [
        {"key": "sd.public.comment", "value": {"internal": True}}]})
    assert (some["visibility"], some["jsdPublic"], inside["jsdPublic"]) == (role, True, False)
    assert [one["comment"].get("visibility") for one in site.read_events()] == [role, None]
    site.expect_refusal(400, "POST", "/issue/INC-1/comment", {"body": make_document("x"), "visibility": {"type": "me"}})
    listed = site.expect_ok("POST", "/comment/list", {"ids": [int(inside["id"]), 999]}, expand="properties")["values"]
    assert [(one["id"], len(one["properties"])) for one in listed] == [(inside["id"], 1)]
    site.expect_refusal(400, "POST", "/comment/list", {"ids": ["x"]})


def test_of_two_transitions_at_once_one_is_refused(site):
    site.add_issue()
    site.jira.pending_conflicts = 1
    assert site.move("INC-1", "Done").status_code == 409
    assert site.move("INC-1", "Done").status_code == 204


def test_statuses_by_id_by_name_and_by_project(site):
    done = site.jira.statuses["Done"]
    for ref in (done.id, "Done"):
        assert site.expect_ok("GET", f"/status/{ref}")["statusCategory"]["key"] == "done"
    site.expect_refusal(404, "GET", "/status/Nothing")
    kinds = {one["name"]: [status["name"] for status in one["statuses"]]
             for one in site.expect_ok("GET", "/project/INC/statuses")}
    assert kinds["Incident"] == ["To Do", "In Progress", "Done"]
