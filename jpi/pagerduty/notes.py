"""The notes of PagerDuty's incidents."""

from typing import Any

from jpi.domain.model import Note
from jpi.errors import translate_parse_errors
from jpi.http_client import ApiClient
from jpi.pagerduty.payloads import parse_note


class Notes:
    """The notes of one account's incidents."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_for_incident(self, incident_id: str) -> list[Note]:
        """All of them, the oldest first."""
        found = self._api.request("GET", f"/incidents/{incident_id}/notes")["notes"]
        with translate_parse_errors(f"a note of PagerDuty's incident {incident_id}"):
            return sorted(map(parse_note, found), key=lambda one: (one.at, one.id))

    def add(self, incident_id: str, text: str) -> str:
        """Make a note; its id."""
        return str(self._api.request("POST", f"/incidents/{incident_id}/notes", body=_build_body(text))["note"]["id"])

    def edit(self, incident_id: str, note_id: str, text: str) -> bool:
        """Change a note; False where it is gone."""
        return self._api.write_if_exists("PUT", f"/incidents/{incident_id}/notes/{note_id}", _build_body(text))

    def delete(self, incident_id: str, note_id: str) -> bool:
        """Take a note away; False where it was."""
        return self._api.write_if_exists("DELETE", f"/incidents/{incident_id}/notes/{note_id}")


def _build_body(text: str) -> dict[str, Any]:
    return {"note": {"content": text}}
