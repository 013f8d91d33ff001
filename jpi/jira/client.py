"""Jira Cloud's REST API v3, through `jira`: its session and sign-in; what it cannot send goes through that session."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import jira
import requests
from requests.adapters import BaseAdapter

from jpi.domain.issue_drafts import (
    MANAGER_LINK_TYPE,
    PAGERDUTY_LABEL,
    QUESTION_LINK_TYPE,
    STAKEHOLDER_LINK_TYPE,
    TIMELINE_LINK_TYPE,
    CreatedIssue,
    IssueDraft,
    IssueLink,
    build_incident_label,
)
from jpi.domain.model import Category
from jpi.domain.policy import TransitionTarget
from jpi.errors import OutcomeUnknown, Refused, ServiceUnavailable
from jpi.http_client import ApiClient, Budget
from jpi.jira import payloads
from jpi.jira.admin import JiraAdmin
from jpi.jira.admin_webhooks import AdminWebhooks
from jpi.jira.comments import Comments
from jpi.jira.create_request import REQUIRED_FIELDS, SiteSchema, build_create_body, find_droppable_fields, parse_created
from jpi.jira.create_screens import CreateScreens
from jpi.jira.queries import IssueQueries
from jpi.jira.users import Accounts
from jpi.jira.workflow import TransitionOutcome, Workflow
from jpi.sync.ports import Cache

FIELD_ID_BY_NAME = {name: field_id for field_id, name in payloads.FIELD_NAME_BY_ID.items()}
FIELD_CONVERTERS: Mapping[str, Callable[[str], Any]] = {"title": lambda value: value,
                                                        "priority": lambda value: {"name": value},
                                                        "assignee": lambda value: {"accountId": value}}
LINK_TYPES = {QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, MANAGER_LINK_TYPE, TIMELINE_LINK_TYPE}
API_PATH = "/rest/api/3"
# Longer than a request whose sender has stopped waiting goes on, and than the search index needs as a rule.
SEARCH_LAG_SECONDS = 60.0


class JiraClient(IssueQueries):
    """The calls jpi makes, in its own values. Every method may raise what `Calls` does."""

    def __init__(self, url: str, email: str, token: str, budget: Budget, sleep: Callable[[float], None],
                 fields: Collection[str], cache: Cache, adapter: BaseAdapter | None = None) -> None:
        """`fields`: names or ids of those that drafts may set besides Jira's own; `adapter`: in place of sockets."""
        # The library repeats any request that lost its connection, a POST too, unless told 0.
        self._jira = jira.JIRA(options={"server": url, "rest_api_version": "3"}, basic_auth=(email, token),
                               max_retries=0, get_server_info=False)
        if adapter:
            self._jira._session.mount(url, adapter)
            # What the environment says of proxies is nothing to it.
            self._jira._session.trust_env = False
        self._url = url
        self._wanted_fields = {name.casefold() for name in fields}
        self.api = ApiClient("Jira", self._send_request, budget, sleep)
        self._workflow = Workflow(self.api)
        self._cache = cache
        self.create_screens = CreateScreens(self.api, cache)
        self.comments = Comments(self.api)
        self.accounts = Accounts(self.api)
        self.admin = JiraAdmin(self.api)
        self.admin_webhooks = AdminWebhooks(self.api)
        self._statuses: dict[str, tuple[str, Category]] = {}

    @cached_property
    def site_schema(self) -> SiteSchema:
        """What this site calls things; two calls a process, or where nothing is missing, a day."""
        known = self._cache.get_or_compute(f"called:{','.join(sorted(self._wanted_fields))}",
                                           self._read_complete_schema)
        return SiteSchema(**known) if known else self._fetched_schema

    def _read_complete_schema(self) -> dict[str, Any] | None:
        # A site that is being set up must not be taken for as poor as that for a day.
        there = self._fetched_schema
        return (asdict(there) if self._wanted_fields <= there.fields.keys() and there.has_side.keys() >= LINK_TYPES
                else None)

    @cached_property
    def _fetched_schema(self) -> SiteSchema:
        known: dict[str, list[dict[str, Any]]] = {}
        for one in self.api.request("GET", "/field"):
            for name in {one["name"].casefold(), one["id"].casefold()} & self._wanted_fields:
                known.setdefault(name, []).append({"id": one["id"], "schema": one.get("schema", {})})
        types = self.api.request("GET", "/issueLinkType")["issueLinkTypes"]
        sides = {one["name"]: "inward" if one["inward"].casefold().startswith("has ") else "outward" for one in types}
        return SiteSchema(known, sides)

    def load_site_schema(self) -> None:
        """Ask for `site` now, if it was not asked for yet."""
        _ = self.site_schema

    @cached_property
    def own_id(self) -> str | None:
        """The account id that we write as, asked for once a process."""
        return self.fetch_own_id()

    def fetch_own_id(self) -> str:
        """The account id whose token this is, asked for now."""
        found: str = self.api.request("GET", "/myself")["accountId"]
        return found

    def create(self, draft: IssueDraft) -> CreatedIssue:
        """Make one issue, without what its screen lacks."""
        dropped = self._find_missing_fields(draft)
        while True:
            sent = self._build_body(draft, dropped)
            try:
                return parse_created(self.api.request("POST", "/issue", body=sent), draft, dropped)
            except Refused as refused:
                lacking = find_droppable_fields(refused, sent, dropped)
                if not lacking:
                    raise
                dropped |= lacking

    def create_all(self, drafts: Sequence[IssueDraft]) -> list[CreatedIssue | Refused]:
        """Make at most 50 issues by one call, and another for those that a field was refused for; each one's outcome.

        OutcomeUnknown where some were made and nothing is known of the rest.
        """
        outcomes: list[CreatedIssue | Refused | None] = [None] * len(drafts)
        dropped = [self._find_missing_fields(draft) for draft in drafts]
        left = list(range(len(drafts)))
        while left:
            bodies = {number: self._build_body(drafts[number], dropped[number]) for number in left}
            again = []
            for number, answer in zip(left, self._create_bulk(list(bodies.values()), dropped), strict=True):
                if not isinstance(answer, Refused):
                    outcomes[number] = parse_created(answer, drafts[number], dropped[number])
                elif lacking := find_droppable_fields(answer, bodies[number], dropped[number]):
                    dropped[number] |= lacking
                    again.append(number)
                else:
                    outcomes[number] = answer
            left = again
        return [outcome for outcome in outcomes if outcome is not None]

    def _build_body(self, draft: IssueDraft, dropped: Collection[str]) -> dict[str, Any]:
        return build_create_body(draft, self.site_schema, dropped,
                                 self.create_screens.get_known_fields(draft.project, draft.type))

    def _find_missing_fields(self, draft: IssueDraft) -> set[str]:
        """Which of its fields the create screen is known to lack."""
        sent = self._build_body(draft, ())
        names = {*sent["fields"], *sent.get("update", {})} - REQUIRED_FIELDS
        return self.create_screens.find_missing_fields(draft.project, draft.type, names)

    def add_link(self, key: str, link: IssueLink) -> None:
        """Link an existing issue; a link that is there already is made again without effect."""
        self.api.request("POST", "/issueLink", body=self.site_schema.build_link_between(key, link))

    def transition_issue(self, key: str, target: TransitionTarget) -> TransitionOutcome:
        """Bring the issue to where `way` leads, as `Workflow.bring` does."""
        return self._workflow.transition_issue(key, target)

    def get_status(self, status_id: str) -> tuple[str, Category]:
        """The name and category of one of the site's statuses; one call each, once a process."""
        if status_id not in self._statuses:
            found = self.api.request("GET", f"/status/{status_id}")
            self._statuses[status_id] = found["name"], found["statusCategory"]["key"]
        return self._statuses[status_id]

    def edit(self, key: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set the summary (`title`), priority and assignee by one call; those that Jira refuses, with its reasons."""
        refused: dict[str, str] = {}
        while left := {name: value for name, value in values.items() if name not in refused}:
            fields = {FIELD_ID_BY_NAME[name]: FIELD_CONVERTERS[name](value) for name, value in left.items()}
            try:
                self.api.request("PUT", f"/issue/{key}", body={"fields": fields})
                break
            except Refused as error:
                named = {name: error.field_errors[FIELD_ID_BY_NAME[name]] for name in left
                         if FIELD_ID_BY_NAME[name] in error.field_errors}
                if not error.is_bad_request or not named:
                    raise
                refused |= named
        return refused

    def add_labels(self, key: str, incident_id: str) -> None:
        """Give the issue the labels that an incident's issue has; where its screen has none, it does without."""
        labels = [{"add": PAGERDUTY_LABEL}, {"add": build_incident_label(incident_id)}]
        try:
            self.api.request("PUT", f"/issue/{key}", body={"update": {"labels": labels}})
        except Refused as refused:
            if not refused.is_bad_request:
                raise

    def delete_link(self, link_id: str) -> None:
        """Take a link away; one that is gone is."""
        self.api.write_if_exists("DELETE", f"/issueLink/{link_id}")

    def _create_bulk(self, bodies: list[dict[str, Any]], dropped: list[set[str]]) -> list[Mapping[str, Any] | Refused]:
        """The answer to each body. Successes come unnumbered: they are what the failures leave."""
        try:
            found = self.api.request("POST", "/issue/bulk", body={"issueUpdates": bodies})
        except (Refused, ServiceUnavailable, OutcomeUnknown) as error:
            found = getattr(error, "answer", None)
            if not isinstance(found, dict) or not isinstance(found.get("errors"), list):
                if not any(dropped):
                    raise
                # After the first call some may be there, and those without links only the search index can show.
                raise OutcomeUnknown(str(error), retry_after_seconds=SEARCH_LAG_SECONDS) from error
        failed = {one["failedElementNumber"]: one for one in found["errors"]}
        made = iter(found.get("issues", []))
        return [_parse_bulk_error(failed[number]) if number in failed else next(made)
                for number in range(len(bodies))]

    def _send_request(self, method: str, path: str, params: Mapping[str, Any], body: Any,
                      timeout: tuple[float, float]) -> requests.Response:
        session = self._jira._session
        session.timeout = timeout
        try:
            base = self._url if path.startswith("/rest/") else self._url + API_PATH
            return session.request(method, base + path, params=dict(params), json=body)
        except jira.JIRAError as error:
            if error.response is None:
                raise requests.RequestException(error.text) from error
            return error.response


def _parse_bulk_error(failed: Mapping[str, Any]) -> Refused:
    said = failed.get("elementErrors") or {}
    return Refused("Jira", "POST", "/issue/bulk", failed.get("status", 400), said.get("errorMessages") or [],
                   said.get("errors") or {})
