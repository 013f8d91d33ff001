"""A simulated Jira with a project, and somebody who works on it."""

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


def doc(*lines):
    return {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in lines]}


def link(role="outwardIssue", key="INC-1", **kind):
    return {"update": {"issuelinks": [{"add": {"type": kind or {"name": "Blocks"}, role: {"key": key}}}]}}


class Client:
    """What a person may do, with short words for it."""

    def __init__(self):
        self.clock = Clock()
        self.jira = JiraState(self.clock)
        self.me = self.jira.add_user("ada@example.com", "token", "Ada Admin")
        self.server = JiraServer(self.jira)
        self.url = "http://jira.localhost"
        self.session = make_wsgi_session({self.url: self.server}, self.clock)
        self.auth = ("ada@example.com", "token")

    def __call__(self, method, path, body=None, **params):
        where = self.url + (path if path.startswith("/rest") else API + path)
        return self.session.request(method, where, json=body, params=params, auth=self.auth, timeout=5)

    def ok(self, method, path, body=None, **params):
        answer = self(method, path, body, **params)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def refused(self, status, method, path, body=None, **params):
        answer = self(method, path, body, **params)
        assert answer.status_code == status, answer.text
        assert set(answer.json()) == {"errorMessages", "errors"}
        return answer.json()

    def project(self, key, **more):
        return self("POST", "/project", {"key": key, "name": f"{key.title()}s", "projectTypeKey": "business",
                                         "leadAccountId": self.me, "projectTemplateKey": TEMPLATE, **more})

    def details(self, more=None, **fields):
        base = {"project": {"key": "INC"}, "issuetype": {"name": "Incident"}, "summary": "Down"}
        kept = {name: value for name, value in {**base, **fields}.items() if value is not ...}
        return {"fields": kept, **(more or {})}

    def issue(self, more=None, **fields):
        return self.jira.issues[self.ok("POST", "/issue", self.details(more, **fields))["key"]]

    def severity(self):
        field = self.ok("POST", "/field", {"name": "Severity", "type": SELECT, "searcherKey": SEARCHER})["id"]
        self.ok("POST", f"/screens/addToDefault/{field}")
        context = self.ok("GET", f"/field/{field}/context")["values"][0]["id"]
        options = {"options": [{"value": "SEV-0"}, {"value": "SEV-1"}, {"value": "Old", "disabled": True}]}
        self.ok("POST", f"/field/{field}/context/{context}/option", options)
        return field

    def search(self, jql, **more):
        return self.ok("POST", "/search/jql", {"jql": jql, **more})

    def keys(self, jql):
        return [one["key"] for one in self.search(jql, fields=["key"])["issues"]]

    def webhook(self, *events, **more):
        return self.ok("POST", "/rest/webhooks/1.0/webhook",
                       {"name": "jpi", "url": "http://127.0.0.1:9/hook", "events": list(events), **more})

    def events(self):
        return [json.loads(one.body) for one in self.jira.outbox.pending]

    def move(self, key, status):
        found = self.ok("GET", f"/issue/{key}/transitions")["transitions"]
        chosen = next(one["id"] for one in found if one["to"]["name"] == status)
        return self("POST", f"/issue/{key}/transitions", {"transition": {"id": chosen}})


@contextmanager
def running():
    """A client of a site with the projects INC and OTHER and the issue type Incident."""
    client = Client()
    client.ok("POST", "/issuetype", {"name": "Incident"})
    for key in ("INC", "OTHER"):
        assert client.project(key).status_code == 201
    yield client
