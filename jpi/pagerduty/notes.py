"""The notes of PagerDuty's incidents."""

from typing import Any

from jpi.domain.model import Note
from jpi.errors import as_documented
from jpi.http_client import Calls
from jpi.pagerduty.payloads import note


class Notes:
    """The notes of one account's incidents."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def of(self, incident_id: str) -> list[Note]:
        """All of them, the oldest first."""
        found = self._call("GET", f"/incidents/{incident_id}/notes")["notes"]
        with as_documented(f"a note of PagerDuty's incident {incident_id}"):
            return sorted(map(note, found), key=lambda one: (one.at, one.id))

    def add(self, incident_id: str, text: str) -> str:
        """Make a note; its id."""
        return str(self._call("POST", f"/incidents/{incident_id}/notes", body=_body(text))["note"]["id"])

    def edit(self, incident_id: str, note_id: str, text: str) -> bool:
        """Change a note; False where it is gone."""
        return self._call.unless_gone("PUT", f"/incidents/{incident_id}/notes/{note_id}", _body(text))

    def delete(self, incident_id: str, note_id: str) -> bool:
        """Take a note away; False where it was."""
        return self._call.unless_gone("DELETE", f"/incidents/{incident_id}/notes/{note_id}")


def _body(text: str) -> dict[str, Any]:
    return {"note": {"content": text}}
