"""PagerDuty's REST API v2, through pdpyras.

pdpyras is deprecated since 2025-06-20 in favour of `pagerduty` (PyPI); this file is all there is to swap.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import BaseAdapter

from jpi.domain.model import Incident, IncidentSnapshot, LogEntrySnapshot, Status
from jpi.errors import Refused, translate_parse_errors
from jpi.http_client import ApiClient, Budget
from jpi.pagerduty.incidents import NewIncidents
from jpi.pagerduty.notes import Notes
from jpi.pagerduty.payloads import (
    parse_incident_snapshot,
    try_parse_incident_snapshot,
    try_parse_log_entry_snapshot,
)
from jpi.pagerduty.subscriptions import WebhookSubscriptions
from jpi.pagerduty.users import Users

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    import pdpyras

log = logging.getLogger(__name__)

PAGE_SIZE = 100
# The API answers 400 where offset + limit passes this (developer.pagerduty.com/docs/pagination).
MAX_OFFSET = 10_000
# An account with more open incidents than this has its oldest read only where an issue of ours is open.
MAX_OPEN_INCIDENTS = 1_000
ALREADY_RESOLVED_CODE = 1001
WINDOW_OVERLAP = timedelta(seconds=1)
LOG_INCLUDES = ["incidents", "channels"]


@dataclass(frozen=True)
class LogPages:
    """Entries by id; whether there are `more` than can be paged through, or fewer came than were announced."""

    entries: Mapping[str, LogEntrySnapshot]
    has_more: bool = False
    is_incomplete: bool = False


class PagerDutyClient:
    """The calls jpi makes, in its own values. Every method may raise what `Calls` does."""

    def __init__(self, url: str, token: str, email: str, budget: Budget, sleep: Callable[[float], None],
                 adapter: BaseAdapter | None = None) -> None:
        """`adapter`: in place of sockets."""
        self._own_email = email
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
        self.api = ApiClient("PagerDuty", self._send_request, budget, sleep)
        self.notes = Notes(self.api)
        self.users = Users(self.api)
        self.subscriptions = WebhookSubscriptions(self.api)
        self.new_incidents = NewIncidents(self.api, lambda: self._priority_ids)

    def get_incident(self, incident_id: str) -> Incident:
        """The incident as it is now, with its first trigger's details."""
        return self.get_snapshot(incident_id).incident

    def get_snapshot(self, incident_id: str) -> IncidentSnapshot:
        """The same, and when it last changed."""
        includes = {"include[]": ["first_trigger_log_entries", "body"]}
        found = self.api.request("GET", f"/incidents/{incident_id}", includes)
        with translate_parse_errors(f"PagerDuty's incident {incident_id}"):
            return parse_incident_snapshot(found["incident"])

    def list_open_incidents(self) -> list[IncidentSnapshot]:
        """The account's open incidents, each once, the newest thousand of them."""
        asked = {"statuses[]": ["triggered", "acknowledged"], "date_range": "all", "sort_by": "created_at:desc",
                 "limit": PAGE_SIZE}
        found: dict[str, IncidentSnapshot] = {}
        for offset in range(0, MAX_OPEN_INCIDENTS, PAGE_SIZE):
            answer = self.api.request("GET", "/incidents", {**asked, "offset": offset})
            found |= {one.incident.id: one for one in map(try_parse_incident_snapshot, answer["incidents"]) if one}
            if not answer.get("more"):
                break
        return list(found.values())

    def list_log_entries(self, since: datetime, until: datetime) -> tuple[list[LogEntrySnapshot], bool]:
        """All entries of the account between two times, each once, in no order; and whether none is missing.

        Pages are pinned by `until`; a window too full to be paged through is read in halves.
        """
        window = {"since": _to_iso_utc(since), "until": _to_iso_utc(until)}
        pages = self._read_log_pages("/log_entries", window)
        if not pages.has_more or until - since <= 3 * WINDOW_OVERLAP:
            return list(pages.entries.values()), not pages.is_incomplete
        middle = since + (until - since) / 2
        # Whether the ends of a window belong to it is documented nowhere.
        (first, whole), (second, also) = (self.list_log_entries(since, middle),
                                          self.list_log_entries(middle - WINDOW_OVERLAP, until))
        return list({logged.entry.id: logged for logged in first + second}.values()), whole and also

    def list_incident_log_entries(self, incident_id: str) -> list[LogEntrySnapshot]:
        """All entries of one incident (the newest 10,000 at most), with the incident as it is now."""
        pages = self._read_log_pages(f"/incidents/{incident_id}/log_entries", {})
        if pages.is_incomplete:
            # Once more; a service that counts otherwise than it lists must not keep an incident from its issue.
            log.warning("log entries are missing", extra={"incident": incident_id})
            pages = self._read_log_pages(f"/incidents/{incident_id}/log_entries", {})
        return list(pages.entries.values())

    def set_status(self, incident_id: str, status: Status, reopens: bool = False) -> tuple[bool, IncidentSnapshot
                                                                                           | None]:
        """Bring the incident into this status; whether that took a write, and what it looks like, if that is known.

        Both triggered and acknowledged would reopen a resolved incident (documented since 2025-09-18), so that one is
        looked at first: only a resolved one is reopened, and only a triggered one acknowledged.
        """
        if status != "resolved":
            there = self.get_snapshot(incident_id)
            if there.incident.status != ("resolved" if reopens else "triggered"):
                return False, there
        body = {"incident": {"type": "incident_reference", "status": status}}
        try:
            answer = self.api.request("PUT", f"/incidents/{incident_id}", body=body)
        except Refused as refused:
            if refused.vendor_code != ALREADY_RESOLVED_CODE or status != "resolved":
                raise
            return False, None
        with translate_parse_errors(f"PagerDuty's incident {incident_id}"):
            return True, parse_incident_snapshot(answer["incident"])

    def edit(self, incident_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set title, priority and assignee by one call; those that cannot be, with the reason."""
        refused = self._find_unknown_priority(values)
        sent = {name: value for name, value in values.items() if name not in refused}
        if not sent:
            return refused
        try:
            self.api.request("PUT", f"/incidents/{incident_id}", body=self._build_edit_body(sent))
        except Refused as error:
            if not error.is_bad_request:
                raise
            if len(sent) == 1:
                return refused | dict.fromkeys(sent, str(error))
            # PagerDuty does not say which of several it is: each by itself, then.
            for name, value in sent.items():
                refused |= self.edit(incident_id, {name: value})
        return refused

    def _build_edit_body(self, values: Mapping[str, str]) -> dict[str, Any]:
        sent: dict[str, Any] = {"type": "incident_reference"}
        if "title" in values:
            sent["title"] = values["title"]
        if "priority" in values:
            sent["priority"] = {"id": self._priority_ids[values["priority"]], "type": "priority_reference"}
        if "assignee" in values:
            sent["assignments"] = [{"assignee": {"id": values["assignee"], "type": "user_reference"}}]
        return {"incident": sent}

    def get_priority_names(self) -> list[str]:
        """What the account's priorities are called; none where its plan has none."""
        return list(self._priority_ids)

    def _find_unknown_priority(self, values: Mapping[str, str]) -> dict[str, str]:
        name = values.get("priority")
        if name is None or name in self._priority_ids:
            return {}
        return {"priority": f"the account has no priority {name}" if self._priority_ids else "it has no priorities"}

    @cached_property
    def _priority_ids(self) -> dict[str, str]:
        """The account's priorities, id by name, once a process; none where its plan has none."""
        try:
            found = self.api.request("GET", "/priorities", {"limit": PAGE_SIZE})["priorities"]
        except Refused as refused:
            if refused.status != HTTPStatus.PAYMENT_REQUIRED:
                raise
            log.warning("priorities are not kept in step: this PagerDuty account has none")
            return {}
        return {one["name"]: one["id"] for one in reversed(found)}

    def find_own_id(self) -> str | None:
        """The id of the user we write as, None where it cannot be found out."""
        return self.users.find_id_by_email(self._own_email)

    def _read_log_pages(self, path: str, params: Mapping[str, Any]) -> LogPages:
        """All pages; `total` is asked for because a page that went missing looks like any other."""
        found: dict[str, LogEntrySnapshot] = {}
        ids: set[str] = set()
        for offset in range(0, MAX_OFFSET, PAGE_SIZE):
            page = {**params, "include[]": LOG_INCLUDES, "limit": PAGE_SIZE, "offset": offset, "total": "true"}
            answer = self.api.request("GET", path, page)
            ids |= {str(one.get("id")) for one in answer["log_entries"]}
            found |= {one.entry.id: one for one in map(try_parse_log_entry_snapshot, answer["log_entries"]) if one}
            if not answer.get("more"):
                return LogPages(found, is_incomplete=len(ids) < (answer.get("total") or 0))
        return LogPages(found, has_more=True)

    def _send_request(self, method: str, path: str, params: Mapping[str, Any], body: Any,
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


def _to_iso_utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
