"""Jira Cloud's REST API v3, through `jira`: its session and sign-in; what it cannot send goes through that session."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import jira
import requests
from requests.adapters import BaseAdapter

from jpi.domain.issue_drafts import (
    LABEL,
    MANAGER,
    QUESTION,
    STAKEHOLDER,
    TIMELINE,
    Created,
    Draft,
    LinkTo,
    incident_label,
)
from jpi.domain.model import Category
from jpi.domain.policy import Way
from jpi.errors import OutcomeUnknown, Refused, Unavailable
from jpi.http_client import Budget, Calls
from jpi.jira import payloads
from jpi.jira.admin import Setup
from jpi.jira.admin_webhooks import AdminWebhooks
from jpi.jira.comments import Comments
from jpi.jira.create_request import INDISPENSABLE, Site, body, created, to_drop
from jpi.jira.create_screens import Screens
from jpi.jira.queries import Looks
from jpi.jira.users import Accounts
from jpi.jira.workflow import Outcome, Workflow
from jpi.sync.ports import Cache

FIELD_IDS = {name: field_id for field_id, name in payloads.FIELDS.items()}
VALUED: Mapping[str, Callable[[str], Any]] = {
    "title": lambda value: value, "priority": lambda value: {"name": value},
    "assignee": lambda value: {"accountId": value},
}
LINK_TYPES = {QUESTION, STAKEHOLDER, MANAGER, TIMELINE}
API = "/rest/api/3"
BAD_REQUEST = 400
# Longer than a request whose sender has stopped waiting goes on, and than the search index needs as a rule.
SEARCH_LAG_SECONDS = 60.0


class Jira(Looks):
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
        self._wanted = {name.casefold() for name in fields}
        self.calls = self._call = Calls("Jira", self._send, budget, sleep)
        self._workflow = Workflow(self._call)
        self._cache = cache
        self.screens = Screens(self._call, cache)
        self.comments = Comments(self._call)
        self.accounts = Accounts(self._call)
        self.setup = Setup(self._call)
        self.hooks = AdminWebhooks(self._call)
        self._statuses: dict[str, tuple[str, Category]] = {}

    @cached_property
    def site(self) -> Site:
        """What this site calls things; two calls a process, or where nothing is missing, a day."""
        known = self._cache.remembered(f"called:{','.join(sorted(self._wanted))}", self._complete)
        return Site(**known) if known else self._there

    def _complete(self) -> dict[str, Any] | None:
        # A site that is being set up must not be taken for as poor as that for a day.
        there = self._there
        return asdict(there) if self._wanted <= there.fields.keys() and there.has_side.keys() >= LINK_TYPES else None

    @cached_property
    def _there(self) -> Site:
        known: dict[str, list[dict[str, Any]]] = {}
        for one in self._call("GET", "/field"):
            for name in {one["name"].casefold(), one["id"].casefold()} & self._wanted:
                known.setdefault(name, []).append({"id": one["id"], "schema": one.get("schema", {})})
        types = self._call("GET", "/issueLinkType")["issueLinkTypes"]
        sides = {one["name"]: "inward" if one["inward"].casefold().startswith("has ") else "outward" for one in types}
        return Site(known, sides)

    def learn_site(self) -> None:
        """Ask for `site` now, if it was not asked for yet."""
        _ = self.site

    @cached_property
    def own_id(self) -> str | None:
        """The account id that we write as, asked for once a process."""
        return self.signed_in()

    def signed_in(self) -> str:
        """The account id whose token this is, asked for now."""
        found: str = self._call("GET", "/myself")["accountId"]
        return found

    def create(self, draft: Draft) -> Created:
        """Make one issue, without what its screen lacks."""
        dropped = self._lacking(draft)
        while True:
            sent = self._body(draft, dropped)
            try:
                return created(self._call("POST", "/issue", body=sent), draft, dropped)
            except Refused as refused:
                lacking = to_drop(refused, sent, dropped)
                if not lacking:
                    raise
                dropped |= lacking

    def create_all(self, drafts: Sequence[Draft]) -> list[Created | Refused]:
        """Make at most 50 issues by one call, and another for those that a field was refused for; each one's outcome.

        OutcomeUnknown where some were made and nothing is known of the rest.
        """
        outcomes: list[Created | Refused | None] = [None] * len(drafts)
        dropped = [self._lacking(draft) for draft in drafts]
        left = list(range(len(drafts)))
        while left:
            bodies = {number: self._body(drafts[number], dropped[number]) for number in left}
            again = []
            for number, answer in zip(left, self._bulk(list(bodies.values()), dropped), strict=True):
                if not isinstance(answer, Refused):
                    outcomes[number] = created(answer, drafts[number], dropped[number])
                elif lacking := to_drop(answer, bodies[number], dropped[number]):
                    dropped[number] |= lacking
                    again.append(number)
                else:
                    outcomes[number] = answer
            left = again
        return [outcome for outcome in outcomes if outcome is not None]

    def _body(self, draft: Draft, without: Collection[str]) -> dict[str, Any]:
        return body(draft, self.site, without, self.screens.known(draft.project, draft.type))

    def _lacking(self, draft: Draft) -> set[str]:
        """Which of its fields the create screen is known to lack."""
        sent = self._body(draft, ())
        names = {*sent["fields"], *sent.get("update", {})} - INDISPENSABLE
        return self.screens.lacks(draft.project, draft.type, names)

    def link(self, key: str, link: LinkTo) -> None:
        """Link an existing issue; a link that is there already is made again without effect."""
        self._call("POST", "/issueLink", body=self.site.link_between(key, link))

    def transition(self, key: str, way: Way) -> Outcome:
        """Bring the issue to where `way` leads, as `Workflow.bring` does."""
        return self._workflow.bring(key, way)

    def status(self, status_id: str) -> tuple[str, Category]:
        """The name and category of one of the site's statuses; one call each, once a process."""
        if status_id not in self._statuses:
            found = self._call("GET", f"/status/{status_id}")
            self._statuses[status_id] = found["name"], found["statusCategory"]["key"]
        return self._statuses[status_id]

    def edit(self, key: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set the summary (`title`), priority and assignee by one call; those that Jira refuses, with its reasons."""
        refused: dict[str, str] = {}
        while left := {name: value for name, value in values.items() if name not in refused}:
            fields = {FIELD_IDS[name]: VALUED[name](value) for name, value in left.items()}
            try:
                self._call("PUT", f"/issue/{key}", body={"fields": fields})
                break
            except Refused as error:
                named = {name: error.fields[FIELD_IDS[name]] for name in left if FIELD_IDS[name] in error.fields}
                if error.status != BAD_REQUEST or not named:
                    raise
                refused |= named
        return refused

    def label(self, key: str, incident_id: str) -> None:
        """Give the issue the labels that an incident's issue has; where its screen has none, it does without."""
        labels = [{"add": LABEL}, {"add": incident_label(incident_id)}]
        try:
            self._call("PUT", f"/issue/{key}", body={"update": {"labels": labels}})
        except Refused as refused:
            if refused.status != BAD_REQUEST:
                raise

    def unlink(self, link_id: str) -> None:
        """Take a link away; one that is gone is."""
        self._call.unless_gone("DELETE", f"/issueLink/{link_id}")

    def _bulk(self, bodies: list[dict[str, Any]], dropped: list[set[str]]) -> list[Mapping[str, Any] | Refused]:
        """The answer to each body. Successes come unnumbered: they are what the failures leave."""
        call = "Jira POST /issue/bulk"
        try:
            found = self._call("POST", "/issue/bulk", body={"issueUpdates": bodies})
        except (Refused, Unavailable, OutcomeUnknown) as error:
            found = getattr(error, "answer", None)
            if not isinstance(found, dict) or not isinstance(found.get("errors"), list):
                if not any(dropped):
                    raise
                # After the first call some may be there, and those without links only the search index can show.
                raise OutcomeUnknown(str(error), after=SEARCH_LAG_SECONDS) from error
        failed = {one["failedElementNumber"]: one for one in found["errors"]}
        made = iter(found.get("issues", []))
        return [_element(call, failed[number]) if number in failed else next(made) for number in range(len(bodies))]

    def _send(self, method: str, path: str, params: Mapping[str, Any], body: Any,
              timeout: tuple[float, float]) -> requests.Response:
        session = self._jira._session
        session.timeout = timeout
        try:
            base = self._url if path.startswith("/rest/") else self._url + API
            return session.request(method, base + path, params=dict(params), json=body)
        except jira.JIRAError as error:
            if error.response is None:
                raise requests.RequestException(error.text) from error
            return error.response


def _element(call: str, failed: Mapping[str, Any]) -> Refused:
    said = failed.get("elementErrors") or {}
    return Refused(call, failed.get("status", 400), said.get("errorMessages") or [], said.get("errors") or {})
