"""Opens incidents, each once by its incident key, and reads and writes their notes."""

import logging
from collections.abc import Callable, Mapping
from urllib.parse import quote

from jpi.domain.model import Incident, IncidentNotes
from jpi.errors import PermanentError, Refused
from jpi.http_client import ApiClient
from jpi.json_fields import Json
from jpi.pagerduty.paging import read_pages
from jpi.pagerduty.payloads import try_parse_incident_snapshot, try_parse_note

log = logging.getLogger(__name__)

# By default PagerDuty searches the last month only.
ALL_DATES = {"date_range": "all"}


class NewIncidents:
    """Opens the incidents of one account."""

    def __init__(self, api: ApiClient, get_priority_ids: Callable[[], Mapping[str, str]]) -> None:
        self._api = api
        self._get_priority_ids = get_priority_ids

    def list_by_key(self, key: str) -> list[Incident]:
        """Return the incidents with this key, newest first, open or resolved; none only if PagerDuty knows us."""
        params = {"incident_key": key, **ALL_DATES, "sort_by": "created_at:desc"}
        snapshots = map(try_parse_incident_snapshot, read_pages(self._api, "/incidents", "incidents", params))
        # An account that ignores the filter returns other incidents too.
        incidents = [snapshot.incident for snapshot in snapshots if snapshot and snapshot.incident.key == key]
        if not incidents:
            self._api.identity.verify_account()
        return incidents

    def get_service_id(self, name: str) -> str:
        """Return the id of the service with this name; a name that no service has is taken for an id."""
        # PagerDuty matches parts of names too.
        services = read_pages(self._api, "/services", "services", {"query": name})
        return next((str(service["id"]) for service in services if service["name"] == name), name)

    def has_service(self, service: str) -> bool:
        """True if there is a service with this name or id."""
        is_name = self.get_service_id(service) != service
        return is_name or bool(self._api.read_if_exists(f"/services/{quote(service, safe='')}"))

    def find_service(self, service: str) -> tuple[str, str]:
        """Return the id and the name of the service with this name or id; raise PermanentError if there is none."""
        answer = self._api.read_if_exists(f"/services/{quote(self.get_service_id(service), safe='')}")
        if not answer:
            raise PermanentError(f"PagerDuty has no service '{service}'.")
        return str(answer["service"]["id"]), str(answer["service"]["name"])

    def open_incident(self, service_id: str, key: str, title: str, details: str, urgency: str,
                      priority: str | None) -> Incident:
        """Open an incident; raise Refused if the service has an open one with this key.

        Where PagerDuty refuses to list its priorities, the incident gets none.
        """
        priority_id = self._find_priority_id(priority) if priority else None
        body = {"type": "incident", "title": title, "incident_key": key,
                "service": {"id": service_id, "type": "service_reference"},
                "body": {"type": "incident_body", "details": details}, **({"urgency": urgency} if urgency else {}),
                **({"priority": {"id": priority_id, "type": "priority_reference"}} if priority_id else {})}
        answer = self._api.request("POST", "/incidents", body={"incident": body})
        snapshot = try_parse_incident_snapshot(answer["incident"])
        if snapshot is None:
            raise PermanentError("PagerDuty's answer is not as documented")
        return snapshot.incident

    def has_priorities(self) -> bool:
        """True unless the account's plan has no priorities; also where PagerDuty refuses to list them."""
        try:
            return bool(self._get_priority_ids())
        except Refused:
            return True

    def _find_priority_id(self, name: str) -> str | None:
        try:
            return self._get_priority_ids().get(name)
        except Refused as refused:
            log.warning("an incident is opened without its priority", extra={"priority": name, "reason": str(refused)})
            return None


class Notes:
    """The notes of an account's incidents."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_for_incident(self, incident_id: str) -> IncidentNotes:
        """Return the readable notes of an incident."""
        notes = [try_parse_note(data) for data in self._api.request("GET", f"/incidents/{incident_id}/notes")["notes"]]
        readable_notes = sorted(filter(None, notes), key=lambda note: (note.at, note.id))
        return IncidentNotes(readable_notes, is_whole=len(readable_notes) == len(notes))

    def add(self, incident_id: str, text: str) -> str:
        """Add a note; return its id."""
        return str(self._api.request("POST", f"/incidents/{incident_id}/notes", body=_build_body(text))["note"]["id"])

    def edit(self, incident_id: str, note_id: str, text: str) -> bool:
        """Change a note; return False if it does not exist."""
        return self._api.write_if_exists("PUT", f"/incidents/{incident_id}/notes/{note_id}", _build_body(text))

    def delete(self, incident_id: str, note_id: str) -> bool:
        """Delete a note; return False if it does not exist."""
        return self._api.write_if_exists("DELETE", f"/incidents/{incident_id}/notes/{note_id}")


def _build_body(text: str) -> Json:
    return {"note": {"content": text}}
