"""Set up both services for jpi over their own APIs, as JIRA_CONFIGURATION.md and the README tell a person to."""

from collections.abc import Mapping, Sequence
from typing import Any

import requests
from requests.adapters import BaseAdapter

from jpi.jira import webhooks as jira_webhooks
from jpi.jira.admin import CUSTOM_FIELD_TYPE_PREFIX, PROJECT_TEMPLATE
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.tools.jira_configuration import LINK_TYPES, SEVERITY_OPTIONS

JIRA_EVENTS, PAGERDUTY_EVENTS = list(jira_webhooks.EVENT_PARSERS), list(pagerduty_webhooks.V3_EVENT_TYPES)
PROJECTS = ("INCIDENT", "PERSON", "QUESTION", "TIMELINE")
SELECT_FIELD_TYPE, SELECT_FIELD_SEARCHER = (f"{CUSTOM_FIELD_TYPE_PREFIX}select",
                                            f"{CUSTOM_FIELD_TYPE_PREFIX}multiselectsearcher")


class ApiError(RuntimeError):
    """Raised when a service does not answer with success."""

    def __init__(self, method: str, path: str, status: int, text: str) -> None:
        super().__init__(f"{method} {path}: {status} {text}")
        self.status = status
        self.text = text


class ApiUser:
    """One person's access to a service."""

    def __init__(self, url: str, auth: tuple[str, str] | None = None, headers: Mapping[str, str] | None = None,
                 session: requests.Session | None = None) -> None:
        """Keep how to sign in. `session` carries the requests, by default over sockets."""
        self.url = url
        self._session = session or requests.Session()
        self._auth = auth
        self._headers = dict(headers or {})

    @property
    def adapter(self) -> BaseAdapter:
        """Return the adapter that carries this person's requests."""
        return self._session.get_adapter(self.url)

    def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Make a request and return the decoded answer; raise ApiError if it is no success."""
        answer = self._session.request(method, self.url + path, json=body, params=params, auth=self._auth,
                                       headers=self._headers, timeout=30)
        if not answer.ok:
            raise ApiError(method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None


def set_up_jira(admin: ApiUser, lead: str, people: Sequence[str]) -> None:
    """Add projects, issue types, link types, the Severity field, and an issue for each person."""
    api = "/rest/api/3"
    for key in PROJECTS:
        admin.request("POST", f"{api}/issuetype", {"name": key.title(), "description": f"{key.title()} of an incident"})
        admin.request("POST", f"{api}/project", {"key": key, "name": f"{key.title()}s", "projectTypeKey": "business",
                                                 "projectTemplateKey": PROJECT_TEMPLATE, "leadAccountId": lead,
                                                 "assigneeType": "UNASSIGNED"})
    for name, (inward, outward) in LINK_TYPES.items():
        admin.request("POST", f"{api}/issueLinkType", {"name": name, "inward": inward, "outward": outward})
    field = admin.request("POST", f"{api}/field", {"name": "Severity", "type": SELECT_FIELD_TYPE,
                                                   "searcherKey": SELECT_FIELD_SEARCHER})["id"]
    context = admin.request("GET", f"{api}/field/{field}/context")["values"][0]["id"]
    options = {"options": [{"value": value} for value in SEVERITY_OPTIONS]}
    admin.request("POST", f"{api}/field/{field}/context/{context}/option", options)
    admin.request("POST", f"{api}/screens/addToDefault/{field}")
    for name in people:
        make_issue(admin, "PERSON", name)


def make_issue(person: ApiUser, project: str, summary: str) -> str:
    """Make an issue of the project's own type; return its key."""
    fields = {"project": {"key": project}, "issuetype": {"name": project.title()}, "summary": summary}
    key: str = person.request("POST", "/rest/api/3/issue", {"fields": fields})["key"]
    return key


def add_webhooks(site: ApiUser, account: ApiUser, endpoint: str, jira_secret: str) -> str:
    """Add both services' webhooks to this endpoint; return PagerDuty's secret, which only this answer shows."""
    site.request("POST", "/rest/webhooks/1.0/webhook", {
        "name": "jpi", "url": f"{endpoint}/jira-webhook", "events": JIRA_EVENTS, "secret": jira_secret,
        "filters": {"issue-related-events-section": "project = INCIDENT"}, "excludeBody": False,
    })
    subscription = account.request("POST", "/webhook_subscriptions", {"webhook_subscription": {
        "type": "webhook_subscription", "description": "jpi", "events": PAGERDUTY_EVENTS,
        "delivery_method": {"type": "http_delivery_method", "url": f"{endpoint}/pagerduty-webhook"},
        "filter": {"type": "account_reference"},
    }})
    secret: str = subscription["webhook_subscription"]["delivery_method"]["secret"]
    return secret
