"""Jira Cloud's REST API v3, through `jira`: its session and sign-in; what it cannot send goes through that session."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import jira
import requests

from jpi.clients.calls import Budget, Calls
from jpi.clients.drafts import MARK, Site, body, created, to_drop
from jpi.clients.workflow import Outcome, Workflow
from jpi.errors import OutcomeUnknown, Permanent, Refused, Rejected, Unavailable
from jpi.sync import jql
from jpi.sync.drafts import Created, Draft, LinkTo
from jpi.sync.events import Category, Issue
from jpi.sync.policy import Way
from jpi.sync.text import document, plain
from jpi.webhooks import jira as webhooks

FIELD_IDS = {name: field_id for field_id, name in webhooks.FIELDS.items()}
BAD_REQUEST = 400
# Most that one call takes: shared contract, `POST /issue/bulkfetch`.
BULK_FETCH = 100
# `/search/jql`: its answer has at most 5,000 issues, fewer with many fields.
MOST_LABELLED = 1000
# Longer than a request whose sender has stopped waiting goes on, and than the search index needs as a rule.
SEARCH_LAG_SECONDS = 60.0


class Jira:
    """The calls jpi makes, in its own values. Every method may raise what `Calls` does."""

    def __init__(self, url: str, email: str, token: str, budget: Budget, sleep: Callable[[float], None],
                 fields: Collection[str]) -> None:
        """`fields`: the names or ids of those that drafts may set besides Jira's own."""
        # The library repeats any request that lost its connection, a POST too, unless told 0.
        self._jira = jira.JIRA(options={"server": url, "rest_api_version": "3"}, basic_auth=(email, token),
                               max_retries=0, get_server_info=False)
        self._url = f"{url}/rest/api/3"
        self._wanted = {name.casefold() for name in fields}
        self._call = Calls("Jira", self._send, budget, sleep)
        self._workflow = Workflow(self._call)
        self._categories: dict[str, Category] = {}

    @cached_property
    def site(self) -> Site:
        """What this site calls things; two calls, once a process."""
        found = self._call("GET", "/field")
        # Of several fields of one name, the first.
        known = {name.casefold(): {"id": one["id"], "schema": one.get("schema", {})} for one in reversed(found)
                 for name in (one["name"], one["id"])}
        types = self._call("GET", "/issueLinkType")["issueLinkTypes"]
        inward = {one["name"]: "inward" for one in types if one["inward"].casefold().startswith("has ")}
        return Site({name: one for name, one in known.items() if name in self._wanted}, inward)

    def learn_site(self) -> None:
        """Ask for `site` now, if it was not asked for yet."""
        _ = self.site

    @cached_property
    def own_id(self) -> str | None:
        """The account id that we write as."""
        found: str = self._call("GET", "/myself")["accountId"]
        return found

    def create(self, draft: Draft) -> Created:
        """Make one issue, without what its screen lacks."""
        dropped: set[str] = set()
        while True:
            sent = body(draft, self.site, dropped)
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
        dropped: list[set[str]] = [set() for _ in drafts]
        left = list(range(len(drafts)))
        while left:
            bodies = {number: body(drafts[number], self.site, dropped[number]) for number in left}
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

    def link(self, key: str, link: LinkTo) -> None:
        """Link an existing issue; a link that is there already is made again without effect."""
        self._call("POST", "/issueLink", body=self.site.link_between(key, link))

    def transition(self, key: str, way: Way) -> Outcome:
        """Bring the issue to where `way` leads, as `Workflow.bring` does."""
        return self._workflow.bring(key, way)

    def category_of_status(self, status_id: str) -> Category:
        """The category of one of the site's statuses; one call each, once a process."""
        if status_id not in self._categories:
            self._categories[status_id] = self._call("GET", f"/status/{status_id}")["statusCategory"]["key"]
        return self._categories[status_id]

    def edit(self, key: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set the summary (`title`) and the priority by one call; those that Jira refuses by name, with its reason."""
        refused: dict[str, str] = {}
        while left := {name: value for name, value in values.items() if name not in refused}:
            fields = {FIELD_IDS[name]: {"name": value} if name == "priority" else value for name, value in left.items()}
            try:
                self._call("PUT", f"/issue/{key}", body={"fields": fields})
                break
            except Refused as error:
                named = {name: error.fields[FIELD_IDS[name]] for name in left if FIELD_IDS[name] in error.fields}
                if error.status != BAD_REQUEST or not named:
                    raise
                refused |= named
        return refused

    def comment(self, key: str, text: str, mark: str) -> None:
        """Comment on the issue, with a property by which the comment is known as ours."""
        properties = [{"key": MARK, "value": {"mark": mark}}]
        self._call("POST", f"/issue/{key}/comment", body={"body": document(text), "properties": properties})

    def has_comment(self, key: str, text: str) -> bool:
        """Whether one of the issue's newest hundred comments says just this."""
        found = self._call("GET", f"/issue/{key}/comment", {"orderBy": "-created", "maxResults": BULK_FETCH})
        return any(plain(one["body"]) == plain(document(text)) for one in found["comments"])

    def people(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Key by summary of the issues in `project` that are called exactly like one of `names`; the oldest of each."""
        asked = {"jql": jql.people(project, list(names)), "fields": ["summary"], "maxResults": BULK_FETCH}
        found = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        keys = {one["fields"]["summary"]: one["key"] for one in reversed(found)}
        return {name: keys[name] for name in names if name in keys}

    def labelled(self, project: str, label: str) -> Issue | None:
        """The oldest issue of a project with this label that the search index knows of; it lags behind."""
        asked = {"jql": jql.labelled(project, label), "fields": ["status"], "maxResults": 1}
        found = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        return _issue(found[0]) if found else None

    def marks(self, key: str, link_type: str, like: Draft) -> set[str]:
        """What the issues linked to `key` by this type stand for, read directly; and those with the label of `like`.

        The search index is asked only for what was made without links, and after it had its time.
        """
        asked = {"jql": jql.labelled(like.project, like.found_by), "fields": ["summary"], "properties": [MARK],
                 "maxResults": MOST_LABELLED}
        unlinked = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        found = self._call("GET", f"/issue/{key}", {"fields": "issuelinks"})["fields"].get("issuelinks", [])
        ends = [link.get("outwardIssue") or link["inwardIssue"] for link in found if link["type"]["name"] == link_type]
        read = self._fetch([end["key"] for end in ends], fields=["summary"], properties=[MARK])
        return {one["properties"][MARK]["mark"] for one in [*read, *unlinked] if MARK in one.get("properties", {})}

    def states(self, keys: Sequence[str]) -> list[tuple[Issue, datetime]]:
        """The status of each issue that is there, read directly, and when the issue was last changed."""
        read = self._fetch(keys, fields=["status", "summary", "priority", "updated"])
        return [(_issue(one), datetime.fromisoformat(one["fields"]["updated"])) for one in read]

    def recent(self, label: str, minutes: int) -> list[str]:
        """The keys of the issues with this label that changed within so many minutes, a thousand at most."""
        asked = {"jql": jql.recent(label, minutes), "fields": ["status"], "maxResults": MOST_LABELLED}
        return [one["key"] for one in self._call("POST", "/search/jql", body=asked, read=True)["issues"]]

    def moved(self, key: str) -> bool:
        """Whether the issue's status was changed since it was made, as its first hundred changes tell."""
        changes = self._call("GET", f"/issue/{key}/changelog", {"maxResults": BULK_FETCH})["values"]
        return any(item.get("fieldId") == "status" for change in changes for item in change["items"])

    def _fetch(self, keys: Sequence[str], **wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(keys), BULK_FETCH):
            asked = {"issueIdsOrKeys": keys[start : start + BULK_FETCH], **wanted}
            yield from self._call("POST", "/issue/bulkfetch", body=asked, read=True)["issues"]

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
            return session.request(method, self._url + path, params=dict(params), json=body)
        except jira.JIRAError as error:
            if error.response is None:
                raise requests.RequestException(error.text) from error
            return error.response


def _issue(found: dict[str, Any]) -> Issue:
    try:
        return webhooks.issue(found)
    except Rejected as odd:
        raise Permanent(f"Jira's issue {found.get('key')} is not as documented: {odd}") from odd


def _element(call: str, failed: Mapping[str, Any]) -> Refused:
    said = failed.get("elementErrors") or {}
    return Refused(call, failed.get("status", 400), said.get("errorMessages") or [], said.get("errors") or {})
