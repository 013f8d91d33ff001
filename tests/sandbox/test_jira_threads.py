"""Links, transitions and comments of the simulated Jira."""

import pytest

from sandbox.jira.model import Transition, Workflow
from tests.sandbox.jira_client import OFF, make_document, make_link_update, open_jira


@pytest.fixture
def site():
    with open_jira() as client:
        yield client


def test_links_read_from_both_ends(site):
    for _ in range(4):
        site.add_issue()
    site.expect_ok("POST", "/issueLinkType", {"name": "Question", "inward": "is question of",
                                              "outward": "has question"})
    body = {"type": {"name": "Question"}, "inwardIssue": {"key": "INC-1"}, "outwardIssue": {"key": "INC-2"}}
    for _ in range(2):
        assert site.request("POST", "/issueLink", body).status_code == 201
    for role, other in (("outwardIssue", "INC-3"), ("inwardIssue", "INC-4")):
        site.expect_ok("PUT", "/issue/INC-1", make_link_update(role, other, name="Question"))
    answer = {key: [(role, one[role]["key"]) for one in site.expect_ok("GET", f"/issue/{key}")["fields"]["issuelinks"]
                    for role in ("inwardIssue", "outwardIssue") if role in one] for key in site.jira.issues}
    assert answer == {
        "INC-1": [("outwardIssue", "INC-2"), ("outwardIssue", "INC-3"), ("inwardIssue", "INC-4")],
        "INC-2": [("inwardIssue", "INC-1")], "INC-3": [("inwardIssue", "INC-1")], "INC-4": [("outwardIssue", "INC-1")]}
    assert [one.key for one in site.jira.list_linked_issues("INC-1", "Question")] == ["INC-2", "INC-3", "INC-4"]
    assert site.jira.list_link_phrases("INC-2") == {"is question of"}
    assert site.jira.list_link_phrases("INC-1") == {"is question of", "has question"}
    number = site.jira.issues["INC-1"].links[0].id
    assert site.expect_ok("GET", f"/issueLink/{number}")["outwardIssue"]["key"] == "INC-2"
    site.expect_ok("DELETE", f"/issueLink/{number}")
    assert site.jira.issues["INC-2"].links == []
    for change, status in (({"type": {"name": "Haunts"}}, 404), ({"outwardIssue": {"key": "INC-9"}}, 404),
                           ({"outwardIssue": {"key": "INC-1"}}, 400), ({"nonsense": 1}, 400)):
        site.expect_refusal(status, "POST", "/issueLink", {**body, **change})


def test_transitions_by_the_default_workflow(site):
    issue, other = site.add_issue(), site.add_issue(project={"key": "OTHER"})
    page = site.expect_ok("GET", f"/issue/{issue.key}/transitions")["transitions"]
    ids = {one["id"] for one in page}
    assert {one["to"]["statusCategory"]["key"] for one in page} == {"new", "indeterminate", "done"}
    assert not ids & {one["id"] for one in site.expect_ok("GET", f"/issue/{other.key}/transitions")["transitions"]}
    for status, category, resolution in (("In Progress", "indeterminate", None), ("Done", "done", "Done"),
                                         ("To Do", "new", None), ("Done", "done", "Done")):
        assert site.move(issue.key, status).status_code == 204
        assert (issue.status, issue.category, issue.resolution) == (status, category, resolution)
    answer = site.expect_ok("GET", f"/issue/{issue.key}", fields="status", expand="transitions")
    assert {one["id"] for one in answer["transitions"]} == ids
    transition_id = ids.pop()
    assert len(site.expect_ok("GET", f"/issue/{issue.key}/transitions", transitionId=transition_id)["transitions"]) == 1
    assert site.expect_ok("GET", f"/issue/{issue.key}/transitions", transitionId="9")["transitions"] == []
    path = f"/issue/{issue.key}/transitions"
    assert site.expect_refusal(400, "POST", path, {})["errorMessages"] == ["Missing 'transition' identifier"]
    assert site.expect_refusal(400, "POST", path, {"transition": {"id": "9"}})
    assert site.expect_refusal(400, "POST", path, {"transition": {"id": transition_id}, "fields": {"summary": "x"}})[
        "errors"
    ] == {"summary": OFF.format("summary")}


def test_transitions_by_workflows_of_tests(site):
    site.jira.add_status("Review", "indeterminate")
    site.jira.workflows["INC"] = Workflow.from_hops(
        [("To Do", "In Progress"), ("In Progress", "Review"), ("Review", "Done")],
        required={"Done": ("resolution", "comment")})
    issue = site.add_issue()
    offered = site.expect_ok("GET", "/issue/INC-1/transitions")["transitions"]
    assert [(one["to"]["name"], one["isGlobal"], one["hasScreen"]) for one in offered] == [
        ("In Progress", False, False)]
    message = site.expect_refusal(400, "POST",
                                  "/issue/INC-1/transitions", {"transition": {"id": "21"}})["errorMessages"][0]
    assert message.startswith(
        "It seems that you have tried to perform a workflow operation (To Done) that is not valid"
    )
    for status in ("In Progress", "Review"):
        assert site.move("INC-1", status).status_code == 204
    screen = site.expect_ok("GET", "/issue/INC-1/transitions", expand="transitions.fields")["transitions"][0]["fields"]
    assert {name: one["required"] for name, one in screen.items()} == {"resolution": True, "comment": True}
    assert site.move("INC-1", "Done").json()["errors"] == {
        "resolution": "Resolution is required.", "comment": "Comment is required."}
    site.expect_ok("POST", "/issue/INC-1/transitions", {
        "transition": {"id": "21"}, "fields": {"resolution": {"name": "Won't Do"}},
        "update": {"comment": [{"add": {"body": make_document("Never mind")}}]}})
    assert (issue.status, issue.resolution, issue.comments[0].text) == ("Done", "Won't Do", "Never mind")
    assert site.expect_ok("GET", "/issue/INC-1/transitions")["transitions"] == []
    site.jira.workflows["INC"] = Workflow("Review", (Transition("5", "Back", "To Do"),))
    assert site.add_issue().status == "Review"


def test_comments(site):
    site.add_issue()
    for number in range(3):
        site.clock.advance(1)
        site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document(f"Comment {number}"), "properties": [
            {"key": "jpi", "value": {"mark": number}}]})
    page = site.expect_ok("GET", "/issue/INC-1/comment", orderBy="-created", maxResults=2, expand="properties")
    assert [one["body"] for one in page["comments"]] == [make_document("Comment 2"), make_document("Comment 1")]
    assert (page["total"], page["comments"][0]["properties"]) == (3, [{"key": "jpi", "value": {"mark": 2}}])
    number = page["comments"][0]["id"]
    assert site.expect_ok("GET", f"/comment/{number}/properties/jpi")["value"] == {"mark": 2}
    assert site.request("PUT", f"/comment/{number}/properties/new", [1]).status_code == 201
    assert site.expect_ok("PUT", f"/issue/INC-1/comment/{number}", {"body": make_document("Changed")})[
        "body"
    ] == make_document("Changed")
    site.expect_ok("DELETE", f"/issue/INC-1/comment/{number}")
    assert [one.text for one in site.jira.issues["INC-1"].comments] == ["Comment 0", "Comment 1"]
    site.expect_refusal(404, "PUT", f"/issue/INC-1/comment/{number}", {"body": make_document("x")})
    site.expect_refusal(404, "GET", f"/comment/{number}/properties/jpi")
    for body, message in (
        ("text", "Comment body is not valid!"),
        (make_document(""), "Comment body can not be empty!"),
        (make_document("x" * 32768), "The entered text is too long"),
    ):
        assert message in site.expect_refusal(400, "POST", "/issue/INC-1/comment", {"body": body})["errors"]["comment"]
