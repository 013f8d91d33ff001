"""Reads and writes the notes of PagerDuty incidents."""


from jpi.domain.model import Note
from jpi.http_client import ApiClient
from jpi.json_fields import Json
from jpi.pagerduty.payloads import try_parse_note


class Notes:
    """The notes of an account's incidents."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_for_incident(self, incident_id: str) -> list[Note]:
        """Return all readable notes of an incident, the oldest first."""
        notes = self._api.request("GET", f"/incidents/{incident_id}/notes")["notes"]
        return sorted(filter(None, map(try_parse_note, notes)), key=lambda note: (note.at, note.id))

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
