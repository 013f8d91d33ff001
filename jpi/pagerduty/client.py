"""PagerDuty's REST API v2, through pdpyras.

pdpyras is deprecated since 2025-06-20 in favour of `pagerduty` (PyPI); this file is all there is to swap.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import requests
from requests.adapters import BaseAdapter

from jpi.domain.model import Incident, Status
from jpi.errors import Refused, as_documented
from jpi.http_client import Budget, Calls
from jpi.pagerduty.incidents import Opening
from jpi.pagerduty.notes import Notes
from jpi.pagerduty.payloads import Logged, Shown, readable_entry, readable_incident, shown
from jpi.pagerduty.subscriptions import Subscriptions
from jpi.pagerduty.users import Users

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    import pdpyras

log = logging.getLogger(__name__)

PAGE = 100
# The API answers 400 where offset + limit passes this (developer.pagerduty.com/docs/pagination).
DEEPEST = 10_000
# An account with more open incidents than this has its oldest read only where an issue of ours is open.
MOST_LISTED = 1_000
ALREADY_RESOLVED = 1001
BAD_REQUEST = 400
PAYMENT_REQUIRED = 402
SEAM = timedelta(seconds=1)
LOG_INCLUDES = ["incidents", "channels"]


@dataclass(frozen=True)
class Pages:
    """Entries by id; whether there are `more` than can be paged through, or fewer came than were announced."""

    entries: Mapping[str, Logged]
    more: bool = False
    short: bool = False


class PagerDuty:
    """The calls jpi makes, in its own values. Every method may raise what `Calls` does."""

    def __init__(self, url: str, token: str, email: str, budget: Budget, sleep: Callable[[float], None],
                 adapter: BaseAdapter | None = None) -> None:
        """`adapter`: in place of sockets."""
        self._email = email
        self._session = pdpyras.APISession(token, default_from=email)
        self._session.url = url
        if adapter:
            self._session.mount(url, adapter)
            # What the environment says of proxies is nothing to it.
            self._session.trust_env = False
        # pdpyras repeats 429 for ever unless told a number, and any POST three times; a negative one is no repeat.
        self._session.retry = {429: -2}
        self._session.max_network_attempts = 0
        self._session.log.disabled = True
        self.calls = self._call = Calls("PagerDuty", self._send, budget, sleep)
        self.notes = Notes(self._call)
        self.users = Users(self._call)
        self.subscriptions = Subscriptions(self._call)
        self.opening = Opening(self._call, lambda: self._priorities)

    def incident(self, incident_id: str) -> Incident:
        """The incident as it is now, with its first trigger's details."""
        return self.shown(incident_id).incident

    def shown(self, incident_id: str) -> Shown:
        """The same, and when it last changed."""
        includes = {"include[]": ["first_trigger_log_entries", "body"]}
        found = self._call("GET", f"/incidents/{incident_id}", includes)
        with as_documented(f"PagerDuty's incident {incident_id}"):
            return shown(found["incident"])

    def open_incidents(self) -> list[Shown]:
        """The account's open incidents, each once, the newest thousand of them."""
        asked = {"statuses[]": ["triggered", "acknowledged"], "date_range": "all", "sort_by": "created_at:desc",
                 "limit": PAGE}
        found: dict[str, Shown] = {}
        for offset in range(0, MOST_LISTED, PAGE):
            answer = self._call("GET", "/incidents", {**asked, "offset": offset})
            found |= {one.incident.id: one for one in map(readable_incident, answer["incidents"]) if one}
            if not answer.get("more"):
                break
        return list(found.values())

    def log_entries(self, since: datetime, until: datetime) -> tuple[list[Logged], bool]:
        """All entries of the account between two times, each once, in no order; and whether none is missing.

        Pages are pinned by `until`; a window too full to be paged through is read in halves.
        """
        window = {"since": _iso(since), "until": _iso(until)}
        pages = self._pages("/log_entries", window)
        if not pages.more or until - since <= 3 * SEAM:
            return list(pages.entries.values()), not pages.short
        middle = since + (until - since) / 2
        # Whether the ends of a window belong to it is documented nowhere.
        (first, whole), (second, also) = self.log_entries(since, middle), self.log_entries(middle - SEAM, until)
        return list({logged.entry.id: logged for logged in first + second}.values()), whole and also

    def incident_log(self, incident_id: str) -> list[Logged]:
        """All entries of one incident (the newest 10,000 at most), with the incident as it is now."""
        pages = self._pages(f"/incidents/{incident_id}/log_entries", {})
        if pages.short:
            # Once more; a service that counts otherwise than it lists must not keep an incident from its issue.
            log.warning("log entries are missing", extra={"incident": incident_id})
            pages = self._pages(f"/incidents/{incident_id}/log_entries", {})
        return list(pages.entries.values())

    def set_status(self, incident_id: str, status: Status, reopens: bool = False) -> tuple[bool, Shown | None]:
        """Bring the incident into this status; whether that took a write, and what it looks like, if that is known.

        Both triggered and acknowledged would reopen a resolved incident (documented since 2025-09-18), so that one is
        looked at first: only a resolved one is reopened, and only a triggered one acknowledged.
        """
        if status != "resolved":
            there = self.shown(incident_id)
            if there.incident.status != ("resolved" if reopens else "triggered"):
                return False, there
        body = {"incident": {"type": "incident_reference", "status": status}}
        try:
            answer = self._call("PUT", f"/incidents/{incident_id}", body=body)
        except Refused as refused:
            if refused.code != ALREADY_RESOLVED or status != "resolved":
                raise
            return False, None
        with as_documented(f"PagerDuty's incident {incident_id}"):
            return True, shown(answer["incident"])

    def edit(self, incident_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set title, priority and assignee by one call; those that cannot be, with the reason."""
        refused = self._unknown(values)
        sent = {name: value for name, value in values.items() if name not in refused}
        if not sent:
            return refused
        try:
            self._call("PUT", f"/incidents/{incident_id}", body=self._edited(sent))
        except Refused as error:
            if error.status != BAD_REQUEST:
                raise
            if len(sent) == 1:
                return refused | dict.fromkeys(sent, str(error))
            # PagerDuty does not say which of several it is: each by itself, then.
            for name, value in sent.items():
                refused |= self.edit(incident_id, {name: value})
        return refused

    def _edited(self, values: Mapping[str, str]) -> dict[str, Any]:
        sent: dict[str, Any] = {"type": "incident_reference"}
        if "title" in values:
            sent["title"] = values["title"]
        if "priority" in values:
            sent["priority"] = {"id": self._priorities[values["priority"]], "type": "priority_reference"}
        if "assignee" in values:
            sent["assignments"] = [{"assignee": {"id": values["assignee"], "type": "user_reference"}}]
        return {"incident": sent}

    def priority_names(self) -> list[str]:
        """What the account's priorities are called; none where its plan has none."""
        return list(self._priorities)

    def _unknown(self, values: Mapping[str, str]) -> dict[str, str]:
        name = values.get("priority")
        if name is None or name in self._priorities:
            return {}
        return {"priority": f"the account has no priority {name}" if self._priorities else "it has no priorities"}

    @cached_property
    def _priorities(self) -> dict[str, str]:
        """The account's priorities, id by name, once a process; none where its plan has none."""
        try:
            found = self._call("GET", "/priorities", {"limit": PAGE})["priorities"]
        except Refused as refused:
            if refused.status != PAYMENT_REQUIRED:
                raise
            log.warning("priorities are not kept in step: this PagerDuty account has none")
            return {}
        return {one["name"]: one["id"] for one in reversed(found)}

    def own_id(self) -> str | None:
        """The id of the user we write as, None where it cannot be found out."""
        return self.users.of(self._email)

    def _pages(self, path: str, params: Mapping[str, Any]) -> Pages:
        """All pages; `total` is asked for because a page that went missing looks like any other."""
        found: dict[str, Logged] = {}
        ids: set[str] = set()
        for offset in range(0, DEEPEST, PAGE):
            page = {**params, "include[]": LOG_INCLUDES, "limit": PAGE, "offset": offset, "total": "true"}
            answer = self._call("GET", path, page)
            ids |= {str(one.get("id")) for one in answer["log_entries"]}
            found |= {one.entry.id: one for one in map(readable_entry, answer["log_entries"]) if one}
            if not answer.get("more"):
                return Pages(found, short=len(ids) < (answer.get("total") or 0))
        return Pages(found, more=True)

    def _send(self, method: str, path: str, params: Mapping[str, Any], body: Any,
              timeout: tuple[float, float]) -> requests.Response:
        self._session.timeout = timeout
        try:
            answer: requests.Response = self._session.request(method, path, params=dict(params), json=body)
        except pdpyras.PDHTTPError as error:
            answer = error.response
        except pdpyras.PDClientError as error:
            # The network's own error: `Calls` tells what it means.
            raise error.__cause__ or error from error
        return answer


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
