"""A simulated Jira with a project, and a person who works on it."""

import json
from contextlib import contextmanager

from sandbox.clock import Clock
from sandbox.jira.server import JiraServer
from sandbox.jira.state import JiraState
from sandbox.wsgi_transport import make_wsgi_session

API = "/rest/api/3"
TEMPLATE = "com.atlassian.jira-core-project-templates:jira-core-simplified-project-management"
SELECT = "com.atlassian.jira.plugin.system.customfieldtypes:select"
SEARCHER = "com.atlassian.jira.plugin.system.customfieldtypes:multiselectsearcher"
OFF = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


def make_document(*lines):
    return {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in lines]}


def make_link_update(role="outwardIssue", key="INC-1", **kind):
    return {"update": {"issuelinks": [{"add": {"type": kind or {"name": "Blocks"}, role: {"key": key}}}]}}


class JiraClient:
    """A person's session on the site, with short names for what tests do."""

    def __init__(self):
        self.clock = Clock()
        self.jira = JiraState(self.clock)
        self.me = self.jira.add_user("ada@example.com", "token", "Ada Admin")
        self.server = JiraServer(self.jira)
        self.url = "http://jira.localhost"
        self.session = make_wsgi_session({self.url: self.server}, self.clock)
        self.auth = ("ada@example.com", "token")

    def request(self, method, path, body=None, **params):
        url = self.url + (path if path.startswith("/rest") else API + path)
        return self.session.request(method, url, json=body, params=params, auth=self.auth, timeout=5)

    def expect_ok(self, method, path, body=None, **params):
        answer = self.request(method, path, body, **params)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def expect_refusal(self, status, method, path, body=None, **params):
        answer = self.request(method, path, body, **params)
        assert answer.status_code == status, answer.text
        assert set(answer.json()) - {"errors"} == {"errorMessages"}
        return answer.json()

    def add_project(self, key, **more):
        return self.request("POST", "/project", {"key": key, "name": f"{key.title()}s", "projectTypeKey": "business",
                                                 "leadAccountId": self.me, "projectTemplateKey": TEMPLATE, **more})

    def make_details(self, more=None, **fields):
        base = {"project": {"key": "INC"}, "issuetype": {"name": "Incident"}, "summary": "Down"}
        kept = {name: value for name, value in {**base, **fields}.items() if value is not ...}
        return {"fields": kept, **(more or {})}

    def add_issue(self, more=None, **fields):
        return self.jira.issues[self.expect_ok("POST", "/issue", self.make_details(more, **fields))["key"]]

    def add_severity_field(self):
        field = self.expect_ok("POST", "/field", {"name": "Severity", "type": SELECT, "searcherKey": SEARCHER})["id"]
        self.expect_ok("POST", f"/screens/addToDefault/{field}")
        context = self.expect_ok("GET", f"/field/{field}/context")["values"][0]["id"]
        options = {"options": [{"value": "SEV-0"}, {"value": "SEV-1"}, {"value": "Old", "disabled": True}]}
        self.expect_ok("POST", f"/field/{field}/context/{context}/option", options)
        return field

    def search_issues(self, jql, **more):
        return self.expect_ok("POST", "/search/jql", {"jql": jql, **more})

    def search_keys(self, jql):
        return [issue["key"] for issue in self.search_issues(jql, fields=["key"])["issues"]]

    def add_webhook(self, *events, **more):
        return self.expect_ok(
            "POST",
            "/rest/webhooks/1.0/webhook",
            {"name": "jpi", "url": "http://127.0.0.1:9/hook", "events": list(events), **more},
        )

    def read_events(self):
        return [json.loads(delivery.body) for delivery in self.jira.outbox.pending]

    def move(self, key, status):
        transitions = self.expect_ok("GET", f"/issue/{key}/transitions")["transitions"]
        number = next(transition["id"] for transition in transitions if transition["to"]["name"] == status)
        return self.request("POST", f"/issue/{key}/transitions", {"transition": {"id": number}})


@contextmanager
def open_jira():
    """Open a site with the projects INC and OTHER and the issue type Incident; yield a client."""
    client = JiraClient()
    client.expect_ok("POST", "/issuetype", {"name": "Incident"})
    for key in ("INC", "OTHER"):
        assert client.add_project(key).status_code == 201
    yield client
