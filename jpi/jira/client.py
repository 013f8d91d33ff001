"""Jira Cloud's REST API v3, called through the session of the `jira` package."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

import jira
import requests
from requests.adapters import BaseAdapter

from jpi.domain.issue_drafts import PAGERDUTY_LABEL, CreatedIssue, IssueDraft, IssueLink, build_incident_label
from jpi.domain.model import Category
from jpi.domain.policy import TransitionTarget
from jpi.errors import OutcomeUnknown, Refused, ServiceUnavailable
from jpi.http_client import ApiClient, Budget
from jpi.jira import payloads
from jpi.jira.admin import AdminWebhooks, JiraAdmin
from jpi.jira.comments import Comments
from jpi.jira.create_request import (
    LABELS_FIELD,
    LINKS_FIELD,
    REQUIRED_FIELDS,
    build_create_body,
    find_droppable_fields,
    parse_bulk_error,
)
from jpi.jira.create_screens import Cache, CreateScreens
from jpi.jira.link_directions import LinkDirections
from jpi.jira.queries import IssueQueries
from jpi.jira.site_reader import SiteReader
from jpi.jira.users import Accounts
from jpi.jira.workflow import TransitionOutcome, Workflow
from jpi.json_fields import Json

FIELD_ID_BY_NAME = {name: field_id for field_id, name in payloads.FIELD_NAME_BY_ID.items()}
FIELD_CONVERTERS: Mapping[str, Callable[[str], Any]] = {"title": lambda value: value,
                                                        "priority": lambda value: {"name": value},
                                                        "assignee": lambda value: {"accountId": value}}
API_PATH = "/rest/api/3"
ADDRESS_SETTING = "JIRA_SERVER_URL (and JIRA_API_URL, where that is set)"
# By then Jira has finished a request whose sender stopped waiting, and its search index has caught up as a rule.
SEARCH_LAG_SECONDS = 60.0


class JiraClient(IssueQueries):
    """Calls Jira with jpi's own values. Every method may raise what `ApiClient.request` raises."""

    def __init__(self, url: str, email: str, token: str, budget: Budget, sleep: Callable[[float], None],
                 fields: Collection[str], cache: Cache, adapter: BaseAdapter | None = None,
                 has_public_comments: bool = False) -> None:
        """`fields`: names or ids of the custom fields that drafts may set; `adapter`: replaces sockets."""
        # Without `max_retries=0` the library repeats any request that lost its connection, a POST too.
        self._jira = jira.JIRA(options={"server": url, "rest_api_version": "3"}, basic_auth=(email, token),
                               max_retries=0, get_server_info=False)
        if adapter:
            self._jira._session.mount(url.partition("://")[0] + "://", adapter)
            # An adapter needs no proxy from the environment.
            self._jira._session.trust_env = False
        self._url = url
        self.api = ApiClient("Jira", self._send_request, budget, sleep, ADDRESS_SETTING)
        self.api.identity.prove_account = self.fetch_own_id
        self._get_own_id = lambda: self.own_id
        self._workflow = Workflow(self.api)
        self.site = SiteReader(self.api, cache, {name.casefold() for name in fields})
        self.create_screens = CreateScreens(self.api, cache)
        self.link_directions = LinkDirections(self.api, cache)
        self.comments = Comments(self.api, has_public_comments)
        self.accounts = Accounts(self.api)
        self.admin = JiraAdmin(self.api)
        self.admin_webhooks = AdminWebhooks(self.api)
        self._statuses: dict[str, tuple[str, Category]] = {}

    def load_site_schema(self) -> None:
        """Read the names of this site now, unless this process has read them."""
        self.site.load()

    @cached_property
    def own_id(self) -> str | None:
        """Return the account id of our token, read once a process."""
        return self.fetch_own_id()

    def fetch_own_id(self) -> str:
        """Read the account id of our token; no anonymous caller gets one."""
        account = self.api.request("GET", "/myself")
        if not isinstance(account, dict) or not account.get("accountId"):
            raise self.api.identity.make_doubt("GET /myself names no account")
        self.api.identity.accept_account()
        return str(account["accountId"])

    def create(self, draft: IssueDraft) -> CreatedIssue:
        """Create one issue, without the fields that its create screen lacks."""
        draft = self.create_screens.request_types.fill_in_id(draft)
        dropped = self._find_missing_fields(draft)
        while True:
            body = self._build_body(draft, dropped)
            try:
                return self.link_directions.take_created(self.api.request("POST", "/issue", body=body), draft, dropped)
            except Refused as refused:
                droppable = find_droppable_fields(refused, body, dropped)
                if not droppable:
                    raise
                if LABELS_FIELD in droppable:
                    self.create_screens.save_unlabelled_project(draft.project)
                dropped |= droppable

    def create_all(self, drafts: Sequence[IssueDraft]) -> list[CreatedIssue | Refused]:
        """Create at most 50 issues by one call, those with a refused field by another; return each one's outcome.

        Raise OutcomeUnknown if some were created and the fate of the rest is unknown.
        """
        outcomes: list[CreatedIssue | Refused | None] = [None] * len(drafts)
        dropped = [self._find_missing_fields(draft) for draft in drafts]
        pending, is_repeat = list(range(len(drafts))), False
        while pending:
            bodies = {number: self._build_body(drafts[number], dropped[number]) for number in pending}
            to_retry = []
            for number, answer in zip(pending, self._create_bulk(list(bodies.values()), is_repeat), strict=True):
                if not isinstance(answer, Refused):
                    outcomes[number] = self.link_directions.take_created(answer, drafts[number], dropped[number])
                elif droppable := find_droppable_fields(answer, bodies[number], dropped[number]):
                    dropped[number] |= droppable
                    to_retry.append(number)
                else:
                    outcomes[number] = answer
            pending, is_repeat = to_retry, True
        return [outcome for outcome in outcomes if outcome is not None]

    def _build_body(self, draft: IssueDraft, dropped: Collection[str]) -> Json:
        return build_create_body(draft, self.site.schema, dropped,
                                 self.create_screens.get_known_fields(draft.project, draft.type),
                                 self.link_directions.get_reversed_types({link.type for link in draft.links}))

    def _find_missing_fields(self, draft: IssueDraft) -> set[str]:
        """Return the draft's fields that the create screen is known to lack, and its links if their types are not."""
        body = self._build_body(draft, ())
        names = {*body["fields"], *body.get("update", {})} - REQUIRED_FIELDS
        links = {LINKS_FIELD} if draft.links and not self.site.has_link_types else set()
        return links | self.create_screens.find_missing_fields(draft.project, draft.type, names)

    def add_link(self, key: str, link: IssueLink) -> None:
        """Link an existing issue; a repeated link has no effect."""
        self.api.request("POST", "/issueLink", body=self.site.require_link_types().build_link_between(key, link))

    def transition_issue(self, key: str, target: TransitionTarget) -> TransitionOutcome:
        """Move the issue to the target status, as `Workflow.transition_issue` does."""
        return self._workflow.transition_issue(key, target)

    def get_status(self, status_id: str) -> tuple[str, Category]:
        """Return the name and category of a status by its id or name; one call for each status in a process."""
        if status_id not in self._statuses:
            status = self.api.request("GET", f"/status/{quote(status_id, safe='')}")
            self._statuses[status_id] = status["name"], status["statusCategory"]["key"]
        return self._statuses[status_id]

    def edit(self, key: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set summary (`title`), priority and assignee by one call; return the refused ones with Jira's reasons."""
        if not values:
            return {}
        fields = {FIELD_ID_BY_NAME[name]: FIELD_CONVERTERS[name](value) for name, value in values.items()}
        try:
            self.api.request("PUT", f"/issue/{key}", body={"fields": fields})
            return {}
        except Refused as error:
            if not error.is_bad_request:
                raise
            refused = {name: error.field_errors[FIELD_ID_BY_NAME[name]] for name in values
                       if FIELD_ID_BY_NAME[name] in error.field_errors}
            if not refused and len(values) == 1:
                return dict.fromkeys(values, str(error))
        rest = {name: value for name, value in values.items() if name not in refused}
        # Where Jira does not say which of several values it refuses, set each by itself.
        for part in [rest] if refused else [{name: value} for name, value in values.items()]:
            refused |= self.edit(key, part)
        return refused

    def add_labels(self, key: str, incident_id: str) -> None:
        """Add the labels of an incident's issue, unless its screen has none or our account may not edit it."""
        labels = [{"add": PAGERDUTY_LABEL}, {"add": build_incident_label(incident_id)}]
        try:
            self.api.request("PUT", f"/issue/{key}", body={"update": {"labels": labels}})
        except Refused as refused:
            if not (refused.is_bad_request or refused.is_forbidden):
                raise
            self.create_screens.save_unlabelled_project(key.rpartition("-")[0])

    def delete_link(self, link_id: str) -> None:
        """Delete a link if it exists."""
        self.api.write_if_exists("DELETE", f"/issueLink/{link_id}")

    def _create_bulk(self, bodies: list[Json], is_repeat: bool) -> list[Json | Refused]:
        """Return the answer to each body. Jira numbers the failures only; the successes are the rest, in order."""
        try:
            answer = self.api.request("POST", "/issue/bulk", body={"issueUpdates": bodies})
        except (Refused, ServiceUnavailable, OutcomeUnknown) as error:
            answer = getattr(error, "answer", None)
            if not isinstance(answer, dict) or not isinstance(answer.get("errors"), list):
                if not is_repeat:
                    raise
                # The first call may have created some; only the search index shows those without links.
                raise OutcomeUnknown(str(error), retry_after_seconds=SEARCH_LAG_SECONDS) from error
        failures = {failure["failedElementNumber"]: failure for failure in answer["errors"]}
        issues = iter(answer.get("issues", []))
        return [parse_bulk_error(failures[number]) if number in failures else next(issues)
                for number in range(len(bodies))]

    def _send_request(self, method: str, path: str, params: Mapping[str, Any], body: Any,
                      timeout: tuple[float, float]) -> requests.Response:
        session = self._jira._session
        session.timeout = timeout
        try:
            base = self._url if path.startswith("/rest/") else self._url + API_PATH
            return session.request(method, path if "://" in path else base + path, params=dict(params), json=body,
                                   allow_redirects=False)
        except jira.JIRAError as error:
            if error.response is None:
                raise requests.RequestException(error.text) from error
            return error.response
