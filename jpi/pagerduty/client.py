"""PagerDuty's REST API v2, called through the session of the `pdpyras` package.

pdpyras is deprecated since 2025-06-20 in favour of `pagerduty` (PyPI); only this file uses it.
"""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from itertools import islice
from typing import Any

import requests
from requests.adapters import BaseAdapter

from jpi.domain.backlog import REQUESTER_CODES, describe_refusal
from jpi.domain.model import Incident, IncidentSnapshot, LogEntrySnapshot, Status
from jpi.errors import Refused, translate_parse_errors
from jpi.http_client import ApiClient, Budget
from jpi.json_fields import Json
from jpi.pagerduty.incidents import NewIncidents, Notes
from jpi.pagerduty.log_entries import LogEntries
from jpi.pagerduty.paging import MAX_OFFSET, read_pages
from jpi.pagerduty.payloads import parse_incident_snapshot, try_parse_incident_snapshot
from jpi.pagerduty.subscriptions import WebhookSubscriptions
from jpi.pagerduty.users import OwnIdentity, Users

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    import pdpyras

log = logging.getLogger(__name__)

ALREADY_RESOLVED_CODE = 1001


class PagerDutyClient:
    """Calls PagerDuty with jpi's own values. Every method may raise what `ApiClient.request` raises."""

    def __init__(self, url: str, token: str, email: str, budget: Budget, sleep: Callable[[float], None],
                 adapter: BaseAdapter | None = None) -> None:
        """`adapter`: replaces sockets."""
        self._session = pdpyras.APISession(token, default_from=email)
        self._session.url = url
        if adapter:
            self._session.mount(url, adapter)
            # An adapter needs no proxy from the environment.
            self._session.trust_env = False
        # By default pdpyras repeats 429 for ever and any POST three times; a negative number means never.
        self._session.retry = {429: -2}
        self._session.max_network_attempts = 0
        self._session.log.disabled = True
        self.api = ApiClient("PagerDuty", self._send_request, budget, sleep, "PAGERDUTY_API_URL")
        self._identity = OwnIdentity(self.api, email)
        self._log_entries = LogEntries(self.api)
        self.notes = Notes(self.api)
        self.users = Users(self.api)
        self.subscriptions = WebhookSubscriptions(self.api)
        self.new_incidents = NewIncidents(self.api, lambda: self._priority_ids)

    def get_incident(self, incident_id: str) -> Incident:
        """Return the incident as it is now, with its first trigger's details."""
        return self.get_snapshot(incident_id).incident

    def get_snapshot(self, incident_id: str) -> IncidentSnapshot:
        """Return the incident as it is now, with its first trigger's details and the time of its last change."""
        includes = {"include[]": ["first_trigger_log_entries", "body"]}
        answer = self.api.request("GET", f"/incidents/{incident_id}", includes)
        with translate_parse_errors(f"PagerDuty's incident {incident_id}"):
            return parse_incident_snapshot(answer["incident"])

    def list_open_incidents(self) -> list[IncidentSnapshot]:
        """Return the open incidents of the account, each once; of more than 10,000, the newest."""
        params = {"statuses[]": ["triggered", "acknowledged"], "date_range": "all", "sort_by": "created_at:desc"}
        incidents = list(islice(read_pages(self.api, "/incidents", "incidents", params), MAX_OFFSET))
        if len(incidents) == MAX_OFFSET:
            log.warning("older open incidents are read only if they have an issue", extra={"incidents": MAX_OFFSET})
        snapshots = {snapshot.incident.id: snapshot for snapshot in map(try_parse_incident_snapshot, incidents)
                     if snapshot}
        return list(snapshots.values())

    def list_log_entries(self, since: datetime, until: datetime) -> tuple[list[LogEntrySnapshot], bool]:
        """Return the account's log entries between two times, oldest first, and whether they are complete."""
        return self._log_entries.list_between(since, until)

    def list_incident_log_entries(self, incident_id: str) -> list[LogEntrySnapshot]:
        """Return the newest 10,000 log entries of one incident, each with the incident as it is now."""
        return self._log_entries.list_for_incident(incident_id)

    def set_status(self, incident_id: str, status: Status, reopens: bool = False,
                   assignee_ids: Sequence[str] = ()) -> tuple[bool, IncidentSnapshot | None]:
        """Set the status; return whether that took a write, and the incident's snapshot if it is known.

        Triggered and acknowledged both reopen a resolved incident (documented since 2025-09-18). So read it first:
        reopen only a resolved incident, and acknowledge only a triggered one. `assignee_ids`: those of before; the
        snapshot shows none where they stay, since whoever assigned them may not have been heard of yet.
        """
        if status != "resolved":
            snapshot = self.get_snapshot(incident_id)
            if snapshot.incident.status != ("resolved" if reopens else "triggered"):
                return False, snapshot
            assignee_ids = [person.id for person in snapshot.incident.assignees] or assignee_ids
        # By itself an acknowledgement makes our own user the only assignee.
        kept_ids = assignee_ids if status == "acknowledged" else ()
        try:
            written = self._write_status(incident_id, status, kept_ids)
        except Refused as refused:
            if status == "resolved" and refused.vendor_code == ALREADY_RESOLVED_CODE:
                return False, None
            if not (kept_ids and refused.is_bad_request) or refused.vendor_code in REQUESTER_CODES:
                raise
            return True, self._write_status(incident_id, status)
        if written.incident.status != status:
            # It is not documented what an assignment does to the status.
            written = self._write_status(incident_id, status)
        is_kept = {person.id for person in written.incident.assignees} <= set(kept_ids)
        return True, replace(written, incident=replace(written.incident, assignees=())) if is_kept else written

    def _write_status(self, incident_id: str, status: Status, assignee_ids: Sequence[str] = ()) -> IncidentSnapshot:
        assignments = {"assignments": _build_assignments(assignee_ids)} if assignee_ids else {}
        body = {"incident": {"type": "incident_reference", "status": status, **assignments}}
        answer = self.api.request("PUT", f"/incidents/{incident_id}", body=body)
        with translate_parse_errors(f"PagerDuty's incident {incident_id}"):
            return parse_incident_snapshot(answer["incident"])

    def edit(self, incident_id: str, values: Mapping[str, str], assignee_ids: Sequence[str] = ()) -> dict[str, str]:
        """Set title, priority and all assignees by one call; return the refused ones with the reasons."""
        refused = self._find_unknown_priority(values)
        accepted = {name: value for name, value in values.items() if name not in refused}
        if not accepted:
            return refused
        try:
            self.api.request("PUT", f"/incidents/{incident_id}", body=self._build_edit_body(accepted, assignee_ids))
        except Refused as error:
            if not error.is_bad_request or error.vendor_code in REQUESTER_CODES:
                raise
            if len(accepted) == 1:
                return refused | dict.fromkeys(accepted, str(error))
            # PagerDuty does not say which of several values it refuses: set each by itself.
            for name, value in accepted.items():
                refused |= self.edit(incident_id, {name: value}, assignee_ids)
        return refused

    def _build_edit_body(self, values: Mapping[str, str], assignee_ids: Sequence[str]) -> Json:
        incident: Json = {"type": "incident_reference", **({"title": values["title"]} if "title" in values else {})}
        if "priority" in values:
            incident["priority"] = {"id": self._priority_ids[values["priority"]], "type": "priority_reference"}
        if "assignee" in values:
            # PagerDuty removes whoever is not named.
            incident["assignments"] = _build_assignments(assignee_ids or [values["assignee"]])
        return {"incident": incident}

    def get_priority_names(self) -> list[str]:
        """Return the names of the account's priorities; empty if its plan has none."""
        return list(self._priority_ids)

    def _find_unknown_priority(self, values: Mapping[str, str]) -> dict[str, str]:
        name = values.get("priority")
        try:
            if name is None or name in self._priority_ids:
                return {}
            reason = f"the account has no priority {name}" if self._priority_ids else "it has no priorities"
        except Refused as refused:
            reason = describe_refusal(refused)
        return {"priority": reason}

    @cached_property
    def _priority_ids(self) -> dict[str, str]:
        """Read the account's priorities, id by name, once a process; empty if its plan has none."""
        try:
            priorities = list(read_pages(self.api, "/priorities", "priorities"))
        except Refused as refused:
            if refused.status != HTTPStatus.PAYMENT_REQUIRED:
                raise
            log.warning("priorities are not kept in step: this PagerDuty account has none")
            return {}
        return {priority["name"]: priority["id"] for priority in reversed(priorities)}

    def find_own_id(self) -> str | None:
        """Return the id of the user that jpi writes as; None if PagerDuty knows none with that e-mail."""
        return self._identity.find_own_id()

    def verify_identity(self) -> str:
        """Return the id of this invocation once PagerDuty has shown our user in it; raise IdentityDoubt otherwise."""
        return self.api.identity.verify_account()

    def has_visible_service(self) -> bool:
        """True if the key shows any service, or may not ask."""
        try:
            return self._identity.has_visible_service()
        except Refused as refused:
            if not refused.is_forbidden:
                raise
            return True

    def has_incident(self, incident_id: str, service: str | None) -> bool:
        """True if it exists; raise IdentityDoubt if its service (None: no service at all) is not visible either."""
        try:
            self.api.request("GET", f"/incidents/{incident_id}")
        except Refused as refused:
            if not refused.is_not_found:
                raise
            self._identity.require_visible_service(service)
            return False
        return True

    def _send_request(self, method: str, path: str, params: Mapping[str, Any], body: Any,
                      timeout: tuple[float, float]) -> requests.Response:
        self._session.timeout = timeout
        try:
            answer: requests.Response = self._session.request(
                method, path, params=dict(params), json=body, allow_redirects=False
            )
        except pdpyras.PDHTTPError as error:
            answer = error.response
        except pdpyras.PDClientError as error:
            # `ApiClient` classifies the network's own error.
            raise error.__cause__ or error from error
        return answer


def _build_assignments(user_ids: Sequence[str]) -> list[Json]:
    return [{"assignee": {"id": user_id, "type": "user_reference"}} for user_id in user_ids]
