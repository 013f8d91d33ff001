"""What the sync needs of the parts of Jira and PagerDuty; `jpi.sync.ports` has the wholes."""

from collections.abc import Sequence
from typing import Protocol

from jpi.domain.model import Comment, Incident, IncidentNotes, IssueComments


class CreateScreens(Protocol):
    """The create screens of Jira's projects."""

    def load(self, project: str, issue_type: str) -> None:
        """Read the screen's fields, unless they are cached."""

    def get_known_fields(self, project: str, issue_type: str) -> Sequence[str]:
        """Return the ids of the screen's fields; empty if they are not known."""


class Comments(Protocol):
    """The comments on Jira's issues."""

    def add(self, key: str, text: str, idempotency_key: str) -> str:
        """Add a comment to the issue; return its id."""

    def find_by_text(self, key: str, text: str) -> str | None:
        """Return the id of the comment with exactly this text."""

    def read(self, comment_id: str) -> tuple[Comment, bool] | None:
        """Return the comment, and whether jpi wrote it; None if it is gone."""

    def edit(self, key: str, comment_id: str, text: str) -> bool:
        """Change a comment; return False if it is gone."""

    def delete(self, key: str, comment_id: str) -> bool:
        """Delete a comment; return False if it was gone."""

    def list_for_issues(self, ids: Sequence[str]) -> IssueComments:
        """Return the readable comments of the issues with these ids."""


class Notes(Protocol):
    """The notes on PagerDuty's incidents."""

    def list_for_incident(self, incident_id: str) -> IncidentNotes:
        """Return the readable notes of the incident, oldest first."""

    def add(self, incident_id: str, text: str) -> str:
        """Add a note to the incident; return its id."""

    def edit(self, incident_id: str, note_id: str, text: str) -> bool:
        """Change a note; return False if it is gone."""

    def delete(self, incident_id: str, note_id: str) -> bool:
        """Delete a note; return False if it was gone."""


class NewIncidents(Protocol):
    """Opens PagerDuty's incidents."""

    def list_by_key(self, key: str) -> list[Incident]:
        """Return the incidents with this key, newest first, whether they are open or not."""

    def get_service_id(self, name: str) -> str:
        """Return the id of the service with this name or id."""

    def open_incident(self, service_id: str, key: str, title: str, details: str, urgency: str,
                      priority: str | None) -> Incident:
        """Open an incident, without a priority where PagerDuty refuses to list them."""

    def has_priorities(self) -> bool:
        """True unless the account's plan has no priorities."""


class Directory(Protocol):
    """The people of one side."""

    def find_id_by_email(self, email: str) -> str | None:
        """Return the id of the person with this e-mail."""

    def find_email_by_id(self, person_id: str, /) -> str | None:
        """Return the e-mail of the person with this id."""
