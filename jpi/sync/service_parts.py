"""The parts of the services that `ports` names, each as its class in `jpi.jira` documents it."""

from collections.abc import Sequence
from typing import Protocol

from jpi.domain.model import Comment, Incident, Note


class CreateScreens(Protocol):
    """Create screens, as `jpi.jira.create_screens.Screens` documents them."""

    def load(self, project: str, issue_type: str) -> None:
        """Ask what it has, unless it is known."""


class Comments(Protocol):
    """Comments, as `jpi.jira.comments.Comments` documents them."""

    def add(self, key: str, text: str, idempotency_key: str) -> str:
        """Comment on the issue; the comment's id."""

    def find_by_text(self, key: str, text: str) -> str | None:
        """The id of the comment that says just this."""

    def read(self, comment_id: str) -> tuple[Comment, bool] | None:
        """The comment, and whether we made it; None where it is gone."""

    def edit(self, key: str, comment_id: str, text: str) -> bool:
        """Change a comment; False where it is gone."""

    def delete(self, key: str, comment_id: str) -> bool:
        """Take a comment away; False where it was."""

    def list_for_issues(self, ids: Sequence[str]) -> dict[str, list[Comment]]:
        """The comments of several issues, by the issue's id."""


class Notes(Protocol):
    """Notes, as `jpi.pagerduty.notes.Notes` documents them."""

    def list_for_incident(self, incident_id: str) -> list[Note]:
        """All of an incident's, the oldest first."""

    def add(self, incident_id: str, text: str) -> str:
        """Make a note; its id."""

    def edit(self, incident_id: str, note_id: str, text: str) -> bool:
        """Change a note; False where it is gone."""

    def delete(self, incident_id: str, note_id: str) -> bool:
        """Take a note away; False where it was."""


class NewIncidents(Protocol):
    """Opening incidents, as `jpi.pagerduty.incidents.Opening` documents it."""

    def find_by_key(self, key: str) -> Incident | None:
        """The newest incident with this key, open or not."""

    def get_service_id(self, name: str) -> str:
        """The id of the service of this name or id."""

    def open_incident(self, service_id: str, key: str, title: str, details: str, urgency: str,
                      priority: str | None) -> Incident:
        """Open an incident."""


class Directory(Protocol):
    """People, as `jpi.jira.users` documents them."""

    def find_id_by_email(self, email: str) -> str | None:
        """The id of the one with this e-mail."""

    def find_email_by_id(self, person_id: str, /) -> str | None:
        """The e-mail of the one with this id."""
