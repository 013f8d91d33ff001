"""Administration and search of the simulated Jira."""

import pytest

from tests.sandbox.jira_client import SELECT, TEMPLATE, make_document, open_jira


@pytest.fixture
def site():
    with open_jira() as client:
        yield client


def test_a_new_site_is_as_atlassian_hands_it_out(site):
    assert [one["name"] for one in site.expect_ok("GET", "/issueLinkType")["issueLinkTypes"]] == [
        "Blocks", "Cloners", "Duplicate", "Relates"]
    assert [(one["id"], one["name"]) for one in site.expect_ok("GET", "/priority")] == [
        ("1", "Highest"), ("2", "High"), ("3", "Medium"), ("4", "Low"), ("5", "Lowest")]
    assert [one["name"] for one in site.expect_ok("GET", "/priority/search", onlyDefault="false",
                                                  id="2,3")["values"]] == ["High", "Medium"]
    assert {(one["id"], one["name"], one["statusCategory"]["key"]) for one in site.expect_ok("GET", "/status")} == {
        ("10000", "To Do", "new"), ("3", "In Progress", "indeterminate"), ("10001", "Done", "done")}
    assert {"Task", "Sub-task", "Epic"} < {one["name"] for one in site.expect_ok("GET", "/issuetype")}
    assert site.expect_ok("GET", "/myself")["accountId"] == site.me
    assert site.expect_ok("GET", "/serverInfo")["baseUrl"] == site.url


@pytest.mark.parametrize(("change",
                          "errors"), [({"key": "inc"}, {"projectKey"}), ({"key": "1NC"}, {"projectKey"}), ({
    "key": "A"}, {"projectKey"}), ({"key": "ABCDEFGHIJK"}, {"projectKey"}), ({"key": "INC"}, {"projectKey"}), ({
    "name": "incs"}, {"projectName"}), ({"name": ""}, {"projectName"}), ({"leadAccountId": "nobody"}, {
    "projectLead"}), ({"projectTemplateKey": "nope"}, {"projectTemplateKey"}), ({"projectTypeKey": "software"}, {
    "projectTemplateKey"}), ({"issueTypeScheme": 10000}, {"projectTemplateKey"}), ({"assigneeType": "ME"}, {
    "assigneeType"}), ({"key": "INC", "name": "Incs"}, {"projectKey", "projectName"})])
def test_refused_projects(site, change, errors):
    body = {"key": "NEW", "name": "New", "projectTypeKey": "business", "projectTemplateKey": TEMPLATE,
            "leadAccountId": site.me, **change}
    assert set(site.expect_refusal(400, "POST", "/project", body)["errors"]) == errors


def test_projects_and_issue_types(site):
    site.expect_ok("POST", "/issuetype", {"name": "Question", "description": "A question", "hierarchyLevel": 0})
    assert site.request("POST", "/issuetype", {"name": "question"}).status_code == 409
    site.expect_refusal(400, "POST", "/issuetype", {"name": "x" * 61})
    project = site.expect_ok("GET", "/project/INC")
    assert "Question" in {one["name"] for one in project["issueTypes"]}
    assert site.expect_ok("GET", f"/project/{project['id']}")["key"] == "INC"
    assert [one["key"] for one in site.expect_ok("GET", "/project/search")["values"]] == ["INC", "OTHER"]
    assert [one["key"] for one in site.expect_ok("GET", "/project/search", keys=["INC", "NOPE"])["values"]] == ["INC"]
    assert site.expect_refusal(404, "GET",
                               "/project/NOPE")["errorMessages"] == ["No project could be found with key 'NOPE'."]


def test_schemes_decide_the_types_of_a_project(site):
    ids = {one["name"]: one["id"] for one in site.expect_ok("GET", "/issuetype")}
    body = {"name": "Only tasks", "issueTypeIds": [ids["Task"]], "defaultIssueTypeId": ids["Task"]}
    scheme = site.expect_ok("POST", "/issuetypescheme", body)["issueTypeSchemeId"]
    assert site.request("POST", "/issuetypescheme", body).status_code == 409
    site.expect_refusal(400, "POST", "/issuetypescheme", {**body, "name": "B", "defaultIssueTypeId": ids["Bug"]})
    site.expect_refusal(400, "POST", "/issuetypescheme", {"name": "C", "issueTypeIds": ["1"]})
    created = site.request("POST", "/project", {"key": "OWN", "name": "Own", "leadAccountId": site.me,
                                                "issueTypeScheme": int(scheme)}).json()
    assert [one["name"] for one in site.expect_ok("GET", "/project/OWN")["issueTypes"]] == ["Task"]
    wrong = site.make_details(project={"key": "OWN"})
    assert site.expect_refusal(400, "POST", "/issue",
                               wrong)["errors"] == {"issuetype": "The issue type selected is invalid."}
    site.expect_ok("PUT", f"/issuetypescheme/{scheme}/issuetype", {"issueTypeIds": [ids["Incident"]]})
    site.expect_refusal(400, "PUT", f"/issuetypescheme/{scheme}/issuetype", {"issueTypeIds": [ids["Incident"]]})
    assert site.expect_ok("POST", "/issue", wrong)["key"] == "OWN-1"
    answer = site.expect_ok("GET", "/issuetypescheme/project", projectId=created["id"])["values"]
    assert [(one["issueTypeScheme"]["id"], one["projectIds"]) for one in answer] == [(scheme, [str(created["id"])])]
    tasks = site.expect_ok("POST", "/issuetypescheme", {**body, "name": "Tasks again"})["issueTypeSchemeId"]
    use = {"issueTypeSchemeId": tasks, "projectId": str(created["id"])}
    assert "can't be assigned" in site.expect_refusal(400, "PUT", "/issuetypescheme/project", use)["errorMessages"][0]
    site.expect_ok("DELETE", "/issue/OWN-1")
    site.expect_ok("PUT", "/issuetypescheme/project", use)
    site.expect_refusal(404, "PUT", "/issuetypescheme/project", {**use, "issueTypeSchemeId": "1"})
    site.expect_refusal(404, "PUT", "/issuetypescheme/project", {**use, "projectId": "1"})
    assert len(site.expect_ok("GET", "/issuetypescheme")["values"]) == 3


def test_link_types(site):
    body = {"name": "Question", "inward": "is question of", "outward": "has question"}
    assert site.expect_ok("POST", "/issueLinkType", body)["outward"] == "has question"
    site.expect_refusal(404, "POST", "/issueLinkType", body)
    site.expect_refusal(400, "POST", "/issueLinkType", {"name": "X"})


def test_fields(site):
    severity = site.add_severity_field()
    listed = {one["id"]: one for one in site.expect_ok("GET", "/field")}
    assert (listed[severity]["name"], listed[severity]["schema"]["type"]) == ("Severity", "option")
    assert listed["summary"]["schema"] == {"type": "string", "system": "summary"}
    answer = site.expect_ok("GET", "/field/search", query="sever", type="custom")["values"]
    assert [one["id"] for one in answer] == [severity]
    context = site.expect_ok("GET", f"/field/{severity}/context")["values"][0]["id"]
    options = f"/field/{severity}/context/{context}/option"
    assert [one["value"] for one in site.expect_ok("GET", options)["values"]] == ["SEV-0", "SEV-1", "Old"]
    site.expect_refusal(400, "POST", options, {"options": [{"value": "SEV-0"}]})
    site.expect_refusal(404, "POST", f"/field/{severity}/context/1/option", {"options": [{"value": "x"}]})
    site.expect_refusal(404, "GET", "/field/summary/context")
    site.expect_refusal(400, "POST", "/field", {"name": "X", "type": "nope"})
    site.expect_refusal(400, "POST", "/field", {"name": "X", "type": SELECT, "searcherKey": f"{SELECT}searcher"})


def test_createmeta(site):
    severity = site.add_severity_field()
    types = {one["name"]: one["id"] for one in site.expect_ok("GET", "/issue/createmeta/INC/issuetypes")["issueTypes"]}
    site.jira.off_screen.add(("INC", "labels"))
    where = f"/issue/createmeta/INC/issuetypes/{types['Incident']}"
    fields = {one["fieldId"]: one for one in site.expect_ok("GET", where)["fields"]}
    assert set(fields) == {"project", "issuetype", "summary", "description", "priority", "assignee", "reporter",
                           "issuelinks", severity}
    assert fields["issuelinks"]["operations"] == ["add"]
    assert [one["value"] for one in fields[severity]["allowedValues"]] == ["SEV-0", "SEV-1"]
    assert next(one["name"] for one in fields["priority"]["allowedValues"]) == "Highest"
    assert [name for name, one in fields.items() if one["required"]] == ["summary", "project", "issuetype"]
    site.expect_refusal(400, "GET", where, maxResults=201)
    site.expect_refusal(400, "GET", "/issue/createmeta/NOPE/issuetypes")


def test_people(site):
    rita = site.jira.add_user("rita@example.com", "t", "Rita Responder")
    site.jira.users[rita].hides_email = True
    for query, expected in (("rit", [rita]), ("RESP", [rita]), ("rita@example.com", [rita]), ("ada@", [site.me]), (
        "rita@", []), ("nobody", []), ("ita", [])):
        assert [one["accountId"] for one in site.expect_ok("GET", "/user/search", query=query)] == expected
    assert "emailAddress" not in site.expect_ok("GET", "/user", accountId=rita)
    assert site.expect_ok("GET", "/user", accountId=site.me)["emailAddress"] == "ada@example.com"
    assert len(site.expect_ok("GET", "/user/assignable/search", project="INC")) == 2
    site.expect_refusal(400, "GET", "/user/search")
    site.expect_refusal(404, "GET", "/user", accountId="nobody")


def test_only_administrators_administer(site):
    site.jira.users[site.me].admin = False
    answer = site.expect_ok("GET", "/mypermissions", permissions="ADMINISTER,CREATE_ISSUES")["permissions"]
    assert {key: one["havePermission"] for key, one in answer.items()} == {"ADMINISTER": False, "CREATE_ISSUES": True}
    site.expect_refusal(400, "GET", "/mypermissions")
    site.expect_refusal(400, "GET", "/mypermissions", permissions="NONSENSE")
    for status, method, path in ((403, "POST", "/project"), (400, "POST", "/field"), (403, "POST", "/issuetype"),
                                 (404, "POST", "/issueLinkType"), (403, "GET", "/issuetypescheme"),
                                 (403, "GET", "/rest/webhooks/1.0/webhook")):
        site.expect_refusal(status, method, path, {})


def test_the_index_lags_behind(site):
    site.add_issue(labels=["pagerduty"])
    assert site.search_keys("labels = pagerduty") == []
    site.clock.advance(4.5)
    assert site.search_keys("project = INC") == []
    assert [one["id"] for one in site.search_issues("project = INC", reconcileIssues=[
        int(site.jira.issues["INC-1"].id)])["issues"]] == [site.jira.issues["INC-1"].id]
    site.clock.advance(0.6)
    assert site.search_keys("labels = pagerduty") == ["INC-1"]
    site.expect_ok("PUT", "/issue/INC-1", {"fields": {"labels": ["other"], "summary": "Up"}})
    assert site.search_issues("labels = pagerduty", fields=["summary"])["issues"][0]["fields"] == {"summary": "Down"}
    site.clock.advance(6)
    assert (site.search_keys("labels = pagerduty"), site.search_keys("labels = other")) == ([], ["INC-1"])
    site.expect_ok("DELETE", "/issue/INC-1")
    assert site.search_keys("labels = other") == ["INC-1"]
    site.clock.advance(6)
    assert site.search_keys("labels = other") == []


def test_search_pages_and_shows_what_is_asked(site):
    site.jira.index_lag_seconds = 0
    for number in range(5):
        site.add_issue({"properties": [{"key": "jpi", "value": number}]}, summary=f"Number {number}")
    page = site.search_issues("project = INC ORDER BY created ASC", maxResults=2)
    assert [list(one) for one in page["issues"]] == [["id"], ["id"]]
    pages = [page["issues"]]
    while not page["isLast"]:
        page = site.search_issues("project = INC ORDER BY created ASC", maxResults=2,
                                  nextPageToken=page["nextPageToken"])
        pages.append(page["issues"])
    assert [len(one) for one in pages] == [2, 2, 1]
    assert "nextPageToken" not in page
    answer = site.expect_ok("GET", "/search/jql", jql="key in (INC-2)", fields="summary,status",
                            properties="jpi")["issues"][0]
    assert (answer["key"], answer["properties"], set(answer["fields"])) == ("INC-2", {"jpi": 1}, {"summary", "status"})
    assert site.expect_ok("POST", "/search/approximate-count", {"jql": "project = INC"}) == {"count": 5}
    assert site.search_keys(r'summary ~ "\"Number 3\""') == ["INC-4"]
    assert site.search_keys('statusCategory != Done AND updated >= -5m AND text ~ "number" ORDER BY key')[0] == "INC-1"


@pytest.mark.parametrize(("body", "message"), [
    ({}, "Unbounded JQL"), ({"jql": ""}, "Unbounded JQL"), ({"jql": "ORDER BY created"}, "Unbounded JQL"),
    ({"jql": "nope = 1"}, "Field 'nope' does not exist"), ({"jql": 7}, "Invalid request payload"),
    ({"jql": "project = INC", "startAt": 0}, "Invalid request payload"),
    ({"jql": "project = INC", "maxResults": 0}, "between 1 and 5,000"),
    ({"jql": "project = INC", "maxResults": 5001}, "between 1 and 5,000"),
    ({"jql": "project = NOPE"}, "The value 'NOPE' does not exist for the field 'project'."),
    ({"jql": "NOT (project = INC AND status = Nope)"}, "The value 'Nope' does not exist for the field 'status'."),
    ({"jql": "key in (INC-1, INC-99)"}, "Issue does not exist or you do not have permission to see it."),
    ({"jql": "priority = now()"}, "A value provided by the function 'now' is invalid for the field 'priority'."),
    ({"jql": "project = INC", "fields": "summary"}, "Invalid request payload"),
    ({"jql": "project = INC", "properties": list("abcdef")}, "maximum number of properties"),
    ({"jql": "project = INC", "nextPageToken": "x"}, "The provided next page token is invalid or expired."),
])
def test_refused_searches(site, body, message):
    assert message in site.expect_refusal(400, "POST", "/search/jql", body)["errorMessages"][0]


def test_search_finds_former_values(site):
    site.jira.index_lag_seconds = 0
    for _ in range(3):
        site.add_issue()
    for key, statuses in (("INC-1", ["In Progress", "Done"]), ("INC-2", ["In Progress"])):
        for status in statuses:
            assert site.move(key, status).status_code == 204
    assert site.search_keys('project = INC AND status WAS "In Progress" ORDER BY key') == ["INC-1", "INC-2"]
    assert site.search_keys('project = INC AND status WAS NOT IN (Done, "In Progress")') == ["INC-3"]
    assert site.search_keys('project = INC AND NOT status was in ("In Progress")') == ["INC-3"]


def test_an_answer_without_a_body_has_no_content_type(site):
    site.add_issue()
    answer = site.request("PUT", "/issue/INC-1", {"fields": {"summary": "Up"}})
    assert (answer.status_code, answer.content, answer.headers.get("Content-Type")) == (204, b"", None)


def test_the_old_search_is_gone(site):
    for method in ("GET", "POST"):
        message = site.expect_refusal(410, method, "/search", {"jql": "project = INC"})["errorMessages"][0]
        assert message.startswith(
            "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
        )


def test_words_are_found_in_descriptions_and_comments(site):
    site.jira.index_lag_seconds = 0
    site.add_issue(description=make_document("Nobody can pay."))
    site.expect_ok("POST", "/issue/INC-1/comment", {"body": make_document("Looking at it")})
    assert site.search_keys("description ~ pay AND comment ~ looking AND text ~ 'pay looking'") == ["INC-1"]


def test_a_field_is_put_on_a_screen_once(site):
    severity = site.add_severity_field()
    [tab] = site.expect_ok("GET", "/screens/1/tabs")
    fields = f"/screens/1/tabs/{tab['id']}/fields"
    assert severity in [one["id"] for one in site.expect_ok("GET", fields)]
    site.expect_refusal(400, "POST", fields, {"fieldId": severity})
    site.expect_refusal(400, "POST", fields, {"fieldId": "customfield_1"})
    site.expect_refusal(404, "POST", f"/screens/addToDefault/{severity}")
    site.expect_refusal(404, "GET", "/screens/2/tabs")
    assert [screen["id"] for screen in site.expect_ok("GET", "/screens")["values"]] == [1]
