"""What the engine needs of the outside, and no more. `jpi.jira` and `jpi.store` fit; so would others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from jpi.domain.issue_drafts import CreatedIssue, IssueDraft, IssueLink
from jpi.domain.link import Link
from jpi.domain.model import Category, Incident, Issue, LogEntry, Status
from jpi.domain.policy import TransitionTarget
from jpi.errors import Refused
from jpi.sync.service_parts import Comments, CreateScreens, Directory, NewIncidents, Notes

Clock = Callable[[], float]
Found = TypeVar("Found")


class Jira(Protocol):
    """Jira, as `jpi.jira.client.Jira` documents it."""

    @property
    def own_id(self) -> str | None:
        """The account id that we write as."""

    def create(self, draft: IssueDraft) -> CreatedIssue:
        """Make one issue."""

    def create_all(self, drafts: Sequence[IssueDraft]) -> list[CreatedIssue | Refused]:
        """Make at most 50 issues; each one's outcome."""

    def add_link(self, key: str, link: IssueLink) -> None:
        """Link an existing issue."""

    def transition_issue(self, key: str, target: TransitionTarget) -> Literal["moved", "there", "left"]:
        """Bring the issue to where `way` leads. NoWay: it cannot get there."""

    def get_status(self, status_id: str) -> tuple[str, Category]:
        """The name and category of one of the site's statuses."""

    def edit(self, key: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set title and priority; those that were refused, with the reason."""

    @property
    def create_screens(self) -> CreateScreens:
        """The create screens of its projects."""

    @property
    def comments(self) -> Comments:
        """The issues' comments."""

    @property
    def accounts(self) -> Directory:
        """The site's people."""

    def get_linked_issues(self, key: str, link_type: str) -> dict[str, str]:
        """The issues linked by this type: the link's id by the other issue's key."""

    def is_own_issue(self, key: str) -> bool:
        """Whether we made this issue."""

    def add_labels(self, key: str, incident_id: str) -> None:
        """Give the issue the labels that an incident's issue has."""

    def delete_link(self, link_id: str) -> None:
        """Take a link away."""

    def find_keys_by_summary(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Key by exact summary."""

    def load_site_schema(self) -> None:
        """Ask what creating an issue needs to know, before the work is claimed."""

    def find_issue_by_label(self, project: str, label: str) -> Issue | None:
        """The oldest issue of a project with this label."""

    def find_idempotency_keys(self, key: str, link_type: str, draft: IssueDraft) -> set[str]:
        """What the issues stand for that were made like this one."""

    def has_changed_status(self, key: str) -> bool:
        """Whether its status was ever changed."""

    def find_recently_changed(self, label: str, minutes: int) -> list[str]:
        """The keys of the issues with this label that changed within so many minutes."""

    def find_recently_created(self, projects: Sequence[str], minutes: int) -> list[tuple[Issue, datetime]]:
        """The issues made in these projects, or any, within so many minutes, and when."""

    def get_issue_states(self, ids: Sequence[str]) -> list[tuple[Issue, datetime]]:
        """The present status of issues, and when each last changed."""


class Cache(Protocol):
    """What was asked for and changes rarely, as `jpi.store.cache.Cache` documents it."""

    def get(self, name: str) -> Any:
        """The value, None where there is none of today's."""

    def get_or_compute(self, name: str, compute: Callable[[], Found]) -> Found:
        """The value, found and remembered until tomorrow where it is not known."""


class IncidentSnapshot(Protocol):
    """An incident's present state, and when that last changed."""

    @property
    def incident(self) -> Incident:
        """The incident as it is now."""

    @property
    def changed_at(self) -> datetime:
        """When the incident last changed."""


class LogEntrySnapshot(IncidentSnapshot, Protocol):
    """A log entry with the present state of its incident."""

    @property
    def entry(self) -> LogEntry:
        """The entry."""


class PagerDuty(Protocol):
    """PagerDuty, as `jpi.pagerduty.client.PagerDuty` documents it."""

    @property
    def notes(self) -> Notes:
        """The incidents' notes."""

    @property
    def new_incidents(self) -> NewIncidents:
        """New incidents."""

    @property
    def users(self) -> Directory:
        """The account's people."""

    def find_own_id(self) -> str | None:
        """The user id that we write as."""

    def get_incident(self, incident_id: str) -> Incident:
        """The incident as it is now, with its trigger's details."""

    def list_incident_log_entries(self, incident_id: str) -> Sequence[LogEntrySnapshot]:
        """All entries of one incident."""

    def get_snapshot(self, incident_id: str) -> IncidentSnapshot:
        """The incident as it is now, and when it last changed."""

    def list_open_incidents(self) -> Sequence[IncidentSnapshot]:
        """The account's open incidents, the newest first; a thousand at most."""

    def list_log_entries(self, since: datetime, until: datetime) -> tuple[Sequence[LogEntrySnapshot], bool]:
        """All entries of the account between two times, and whether none is missing."""

    def edit(self, incident_id: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set title, priority and assignee; those that were refused, with the reason."""

    def set_status(self, incident_id: str, status: Status, reopens: bool = False) -> tuple[bool, IncidentSnapshot
                                                                                           | None]:
        """Bring the incident into this status; whether that took a write, and what it looks like, if that is known."""


class Links(Protocol):
    """Where links are kept, as `jpi.store.links.Links` documents it."""

    def get(self, incident_id: str) -> Link:
        """The incident's link, new where there is none."""

    def get_all(self, incident_ids: Collection[str]) -> dict[str, Link]:
        """Several incidents' links, by id."""

    def find_incident_id(self, issue_key: str) -> str | None:
        """The incident whose link holds this issue."""

    def list_open(self) -> list[Link]:
        """Every link the poll still has to look at."""

    def save(self, link: Link) -> Link:
        """Save over the version read; LostRace otherwise."""


class ProcessedIds(Protocol):
    """What has been carried over already."""

    def already_processed(self, ids: Collection[str]) -> set[str]:
        """Which of these were."""

    def mark_processed(self, ids: Collection[str]) -> None:
        """These are now."""


class Log(Protocol):
    """The part of `logging.Logger` used here; `extra` are fields of the JSON line."""

    def info(self, msg: str, *, extra: dict[str, Any]) -> None:
        """Something done."""

    def warning(self, msg: str, *, extra: dict[str, Any]) -> None:
        """Something left out."""

    def error(self, msg: str, *, extra: dict[str, Any]) -> None:
        """Something failed."""
