"""Issues of the simulated Jira: made, read, changed, refused."""

import pytest

from tests.sandbox.jira_client import API, OFF, SELECT, make_document, make_link_update, open_jira


@pytest.fixture
def site():
    with open_jira() as client:
        yield client


PREFIX = SELECT.removesuffix("select")
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document"


def test_an_issue_is_made_and_read(site):
    severity = site.add_severity_field()
    other = site.add_issue(summary="Other")
    created = site.expect_ok("POST", "/issue", site.make_details(
        {"update": {"issuelinks": [{"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": other.key}}}]},
         "properties": [{"key": "jpi", "value": {"mark": "Q1"}}]},
        description=make_document("One", "", "Two"), labels=["pagerduty", "x:y"], priority={"name": "Highest"},
        assignee={"accountId": site.me}, **{severity: {"value": "SEV-0"}}))
    issue = site.jira.issues[created["key"]]
    assert (issue.id, issue.project, issue.type, issue.status, issue.category) == (
        created["id"], "INC", "Incident", "To Do", "new")
    assert (issue.priority, issue.labels, issue.get_custom_value("Severity"), issue.description_text) == (
        "Highest", ["pagerduty", "x:y"], "SEV-0", "One\n\nTwo")
    shown_issue = site.expect_ok("GET", f"/issue/{issue.key}", properties="jpi")
    assert shown_issue == site.expect_ok("GET", f"/issue/{issue.id}", properties="*all")
    fields = shown_issue["fields"]
    assert shown_issue["properties"] == {"jpi": {"mark": "Q1"}}
    assert fields["description"] == make_document("One", "", "Two")
    assert fields[severity]["value"] == "SEV-0"
    assert fields["assignee"]["accountId"] == fields["reporter"]["accountId"] == site.me
    assert fields["status"]["statusCategory"]["key"] == "new"
    assert [link["outwardIssue"]["key"] for link in fields["issuelinks"]] == [other.key]
    assert set(site.expect_ok("GET", f"/issue/{issue.key}", fields="summary,status")["fields"]) == {"summary", "status"}
    assert "description" not in site.expect_ok("GET", f"/issue/{issue.key}", fields="-description")["fields"]


@pytest.mark.parametrize(("fields", "errors"), [
    ({"project": ...}, {"project": "Specify a valid project ID or key"}),
    ({"project": {"key": "NOPE"}}, {"project": "Specify a valid project ID or key"}),
    ({"issuetype": ...}, {"issuetype": "Specify an issue type"}),
    ({"issuetype": {"name": "Nope"}}, {"issuetype": "Specify a valid issue type"}),
    ({"issuetype": {"name": "Sub-task"}}, {"issuetype": "parent issue key or id not specified"}),
    ({"summary": ...}, {"summary": "You must specify a summary of the issue."}),
    ({"summary": "  "}, {"summary": "You must specify a summary of the issue."}),
    ({"summary": 7}, {"summary": "Operation value must be a string"}),
    ({"summary": "a\nb"}, {"summary": "The summary is invalid because it contains newline characters."}),
    ({"summary": "x" * 256}, {"summary": "Summary must be less than 255 characters."}),
    ({"description": "text"}, {"description": NOT_A_DOCUMENT}),
    ({"description": make_document("x" * 32768)}, {"description": "exceeds the allowed limit of 32,767 characters"}),
    ({"labels": ["x y"]}, {"labels": "The label 'x y' contains spaces which is invalid."}),
    ({"labels": "x"}, {"labels": "data was not an array"}),
    ({"labels": [1]}, {"labels": "string expected at index 0"}),
    ({"priority": {"name": "P1"}}, {"priority": "Priority name 'P1' is not valid"}),
    ({"priority": {"id": "9"}}, {"priority": "The priority selected is invalid."}),
    ({"priority": "Highest"}, {"priority": "Specify the Priority"}),
    ({"assignee": {"accountId": "nobody"}}, {"assignee": "User 'nobody' does not exist."}),
    ({"reporter": None}, {"reporter": "Reporter is required."}),
    ({"status": {"name": "Done"}}, {"status": OFF.format("status")}),
    ({"customfield_1": "x"}, {"customfield_1": OFF.format("customfield_1")}),
    ({"labels": ["x y"], "summary": ""}, {"labels": "contains spaces", "summary": "You must specify"}),
])
def test_refused_fields(site, fields, errors):
    messages = site.expect_refusal(400, "POST", "/issue", site.make_details(**fields))["errors"]
    assert set(messages) == set(errors)
    assert all(errors[name] in messages[name] for name in errors)
    assert site.jira.issues == {}


@pytest.mark.parametrize("document", [
    {"type": "doc", "version": 1, "content": [{"type": "text", "text": "no paragraph"}]},
    {"type": "doc", "version": 2, "content": []},
    {"type": "doc", "version": 1},
    make_document("a\nb"),
    {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]},
    {"type": "doc", "version": 1, "content": [{"type": "para", "content": []}]},
    {"type": "doc", "version": 1, "content": [{"type": "heading", "content": []}]},
    {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
        {"type": "text", "text": "x", "marks": [{"type": "link"}]}]}]},
    {"type": "doc", "version": 1, "content": [{"type": "bulletList", "content": [{"type": "paragraph"}]}]},
    {"type": "doc", "version": 1, "content": ["x"]},
])
def test_refused_documents(site, document):
    assert site.expect_refusal(400, "POST", "/issue",
                               site.make_details(description=document))["errorMessages"] == ["INVALID_INPUT"]
    key = site.add_issue().key
    assert site.request("POST", f"/issue/{key}/comment", {"body": document}).status_code == 400


def test_the_longest_that_is_taken(site):
    issue = site.add_issue(summary="x" * 255, description=make_document("x" * 32767))
    assert len(issue.summary) == 255


def test_select_fields_take_only_their_options(site):
    severity = site.add_severity_field()
    for value, message in [
        ({"value": "SEV-9"}, "Option value 'SEV-9' is not valid"),
        ({"id": "1"}, "Option id '1'"),
        ({"value": "Old"}, "Option value 'Old'"),
        ("SEV-0", "Specify a valid"),
    ]:
        assert (message in site.expect_refusal(400, "POST", "/issue",
                                               site.make_details(**{severity: value}))["errors"][severity])
    assert site.add_issue(**{severity: None}).get_custom_value("Severity") is None


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("textfield", "one line", make_document("x")),
        ("textarea", make_document("x"), "text"),
        ("url", "https://x", 1),
        ("float", 1.5, "x"),
    ],
)
def test_other_custom_fields(site, kind, good, bad):
    field = site.expect_ok("POST", "/field", {"name": "Mine", "type": f"{PREFIX}{kind}"})
    site.expect_ok(
        "POST", f"/screens/1/tabs/{site.expect_ok('GET', '/screens/1/tabs')[0]['id']}/fields", {"fieldId": field["id"]}
    )
    assert field["searchable"] is False
    assert site.add_issue(**{field["id"]: good}).get_custom_value("Mine") == good
    assert site.expect_ok("GET", "/issue/INC-1")["fields"][field["id"]] == good
    assert field["id"] in site.expect_refusal(400, "POST", "/issue", site.make_details(**{field["id"]: bad}))["errors"]


@pytest.mark.parametrize(("update", "status", "message"), [
    ({"fields": {"issuelinks": []}}, 400, "Field does not support update 'issuelinks'"),
    (make_link_update(name="Haunts"), 400, "No issue link type with name 'Haunts' found."),
    (make_link_update(id="9"), 400, "No issue link type with id '9' found."),
    (make_link_update(key="INC-99"), 400, "Issue does not exist"),
    ({"update": {"issuelinks": [{"add": {"type": {"name": "Blocks"}}}]}}, 400, "either an inwardIssue or"),
    ({"update": {"issuelinks": [{"remove": {}}]}}, 400, "Field does not support update 'issuelinks'"),
    ({"update": {"labels": [{"add": "a", "remove": "b"}]}}, 400, "Operations must be"),
    ({"update": {"labels": [{"add": "a b"}]}}, 400, "contains spaces"),
    ({"fields": {"labels": []}, "update": {"labels": [{"add": "a"}]}}, 400, "in both 'fields' and 'update'"),
    ({"update": {"status": [{"set": {"name": "Done"}}]}}, 400, "appropriate screen"),
    ({"properties": [{"key": "k", "value": "x" * 32767}]}, 400, "32768"),
    ({"properties": {"k": 1}}, 400, "Invalid request payload"),
    ({"nonsense": 1}, 400, "Invalid request payload"),
])
def test_refused_updates_and_properties(site, update, status, message):
    site.add_issue()
    create_body = {**update, "fields": {**site.make_details()["fields"], **update.get("fields", {})}}
    assert message in str(site.expect_refusal(status, "POST", "/issue", create_body))
    assert message in str(site.expect_refusal(status, "PUT", "/issue/INC-1", update))
    assert list(site.jira.issues) == ["INC-1"]


@pytest.mark.parametrize(("off",
                          "update"), [("priority", {"fields": {"priority": {"name": "High"}}}), (
    "labels", {"update": {"labels": [{"add": "a"}]}}), ("issuelinks", make_link_update())])
def test_fields_that_the_screen_lacks(site, off, update):
    site.add_issue()
    site.jira.off_screen.add(("INC", off))
    create_body = {**update, "fields": {**site.make_details()["fields"], **update.get("fields", {})}}
    assert site.expect_refusal(400, "POST", "/issue", create_body)["errors"] == {off: OFF.format(off)}
    assert site.expect_ok("POST", "/issue", site.make_details())
    site.jira.required_fields.add(("INC", "assignee"))
    assert site.expect_refusal(400, "POST", "/issue",
                               site.make_details())["errors"] == {"assignee": "Assignee is required."}


def test_bulk_creates_what_it_can(site):
    bodies = [site.make_details(), site.make_details(summary=""), site.make_details(summary="Second"),
              site.make_details(labels=["x y"])]
    answer = site.request("POST", "/issue/bulk", {"issueUpdates": bodies})
    assert answer.status_code == 201
    assert [one["key"] for one in answer.json()["issues"]] == ["INC-1", "INC-2"]
    errors = answer.json()["errors"]
    assert [one["failedElementNumber"] for one in errors] == [1, 3]
    assert errors[1]["elementErrors"]["errors"] == {"labels": "The label 'x y' contains spaces which is invalid."}
    failed = site.request("POST", "/issue/bulk", {"issueUpdates": bodies[1:2]})
    assert (failed.status_code, failed.json()["issues"], len(failed.json()["errors"])) == (400, [], 1)
    for count, status in ((0, 400), (50, 201), (51, 400)):
        assert (site.request("POST",
                             "/issue/bulk", {"issueUpdates": [site.make_details()] * count}).status_code == status)


def test_bulkfetch_reads_directly(site):
    site.add_issue({"properties": [{"key": "jpi", "value": 1}]})
    site.add_issue(summary="Second")
    body = {"issueIdsOrKeys": ["INC-2", "INC-1", "INC-9"], "fields": ["summary"], "properties": ["jpi"]}
    answer = site.expect_ok("POST", "/issue/bulkfetch", body)
    assert [(issue["key"], issue["fields"], issue["properties"]) for issue in answer["issues"]] == [
        ("INC-1", {"summary": "Down"}, {"jpi": 1}), ("INC-2", {"summary": "Second"}, {})]
    assert answer["issueErrors"] == [], "an issue that does not exist is not listed"
    second_id = answer["issues"][1]["id"]
    site.jira.unreadable_ids = {second_id}
    answer = site.expect_ok("POST", "/issue/bulkfetch", body)
    assert ([issue["key"] for issue in answer["issues"]], [error["id"] for error in answer["issueErrors"]]) == (
        ["INC-1"], [second_id])
    for wrong in ({"issueIdsOrKeys": ["INC-1"] * 101}, {"issueIdsOrKeys": []}, {}, {"issueIdsOrKeys": ["A"], "x": 1}):
        site.expect_refusal(400, "POST", "/issue/bulkfetch", wrong)


def test_editing(site):
    issue = site.add_issue(labels=["a", "b"])
    before = issue.updated
    site.clock.advance(60)
    site.expect_ok("PUT", "/issue/INC-1", {"fields": {"summary": "Down"}})
    assert issue.updated == before
    site.expect_ok("PUT", "/issue/INC-1", {"fields": {"summary": "Up", "description": None}, "update": {
        "labels": [{"add": "c"}, {"remove": "a"}], "comment": [{"add": {"body": make_document("Said")}}]}})
    assert (issue.summary, issue.labels, issue.comments[0].text) == ("Up", ["b", "c"], "Said")
    assert issue.updated > before
    site.expect_ok("PUT", "/issue/INC-1", {"transition": {"id": "111"}, "fields": {}})
    assert site.expect_refusal(400, "PUT", "/issue/INC-1", {"fields": {"project": {"key": "OTHER"}}})["errors"]
    site.expect_ok("PUT", "/issue/INC-1/assignee", {"accountId": site.me})
    assert issue.assignee == site.me
    site.expect_ok("PUT", "/issue/INC-1/assignee", {"accountId": None})
    assert issue.assignee is None
    gone = site.jira.add_user("gone@example.com", "t", "Gone", active=False)
    assert "cannot be assigned" in site.expect_refusal(400, "PUT", "/issue/INC-1/assignee", {"accountId": gone})[
        "errors"]["assignee"]


def test_the_default_assignee(site):
    assert site.add_issue().assignee is None
    assert site.add_project("LEAD", assigneeType="PROJECT_LEAD").status_code == 201
    assert site.add_issue(project={"key": "LEAD"}).assignee == site.me


def test_deleting(site):
    site.add_issue()
    site.add_issue(make_link_update())
    site.expect_ok("DELETE", "/issue/INC-1")
    assert site.jira.issues["INC-1"].deleted
    assert site.jira.issues["INC-2"].links == []
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/transitions"), ("GET", "/comment")):
        answer = site.expect_refusal(404, method, f"/issue/INC-1{path}", {})
        assert answer["errorMessages"] == ["Issue does not exist or you do not have permission to see it."]
    assert site.add_issue().key == "INC-3"


def test_properties(site):
    site.add_issue()
    path = "/issue/INC-1/properties/jpi"
    assert [site.request("PUT", path, value).status_code for value in ({"a": 1}, {"a": 2}, "x" * 32767)] == [
        201,
        200,
        400,
    ]
    assert site.expect_ok("GET", path) == {"key": "jpi", "value": {"a": 2}}
    assert [one["key"] for one in site.expect_ok("GET", "/issue/INC-1/properties")["keys"]] == ["jpi"]
    site.expect_ok("DELETE", path)
    assert (site.request("GET", path).status_code, site.request("DELETE", path).status_code) == (404, 404)
    site.expect_refusal(400, "PUT", f"/issue/INC-1/properties/{'k' * 256}", 1)


@pytest.mark.parametrize(("auth", "status"), [
    (("ada@example.com", "wrong"), 401), (("ada", "token"), 401), (None, 401), (("ada@example.com", "token"), 200)])
def test_signing_in(site, auth, status):
    answer = site.session.get(f"{site.url}{API}/myself", auth=auth, timeout=5)
    assert answer.status_code == status
    assert site.session.get(f"{site.url}{API}/serverInfo", timeout=5).status_code == 200


def test_bodies_must_be_json_objects(site):
    where = f"{site.url}{API}/issue"
    for data, kind, status in (("[]", "application/json", 400), ("{", "application/json", 400), ("{}", None, 415)):
        headers = {"Content-Type": kind} if kind else {}
        assert site.session.post(where, data, headers=headers, auth=site.auth, timeout=5).status_code == status
    assert site.request("GET", "/nonsense").status_code == 404
    assert site.request("PATCH", "/issue/INC-1").status_code == 405
