"""What the sync needs of Jira, PagerDuty and the store. `jpi.jira`, `jpi.pagerduty` and `jpi.store` implement it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from jpi.domain.issue_drafts import CreatedIssue, IssueDraft, IssueLink
from jpi.domain.link import Link
from jpi.domain.model import Category, Incident, IncidentSnapshot, Issue, IssueStates, LogEntrySnapshot, Status
from jpi.domain.policy import TransitionTarget
from jpi.errors import Refused
from jpi.sync.part_ports import Comments, CreateScreens, Directory, NewIncidents, Notes

Clock = Callable[[], float]
Value = TypeVar("Value")


class Jira(Protocol):
    """One Jira site."""

    @property
    def own_id(self) -> str | None:
        """Return the account id that jpi writes as."""

    @property
    def create_screens(self) -> CreateScreens:
        """Return the create screens of its projects."""

    @property
    def comments(self) -> Comments:
        """Return the comments on its issues."""

    @property
    def accounts(self) -> Directory:
        """Return its people."""

    def create(self, draft: IssueDraft) -> CreatedIssue:
        """Create one issue."""

    def create_all(self, drafts: Sequence[IssueDraft]) -> list[CreatedIssue | Refused]:
        """Create at most 50 issues; return the outcome of each."""

    def edit(self, key: str, values: Mapping[str, str]) -> dict[str, str]:
        """Set title, priority and assignee; return the refused fields with their reasons."""

    def transition_issue(self, key: str, target: TransitionTarget) -> Literal["moved", "there", "left"]:
        """Move the issue to the target. Raise NoTransition if its workflow does not allow that."""

    def add_labels(self, key: str, incident_id: str) -> None:
        """Add the labels that an incident's issue has."""

    def add_link(self, key: str, link: IssueLink) -> None:
        """Link an existing issue."""

    def delete_link(self, link_id: str) -> None:
        """Delete a link between two issues."""

    def get_linked_issues(self, key: str, link_type: str) -> dict[str, str]:
        """Return the links of this type: the link's id by the other issue's key."""

    def get_status(self, status_id: str) -> tuple[str, Category]:
        """Return the name and category of one of the site's statuses."""

    def get_issue_states(self, ids: Sequence[str]) -> IssueStates:
        """Return issues as they are now, each with the time of its last change."""

    def read_marks(self, key: str) -> tuple[bool, list[str]]:
        """Return whether jpi created the issue, and the ids of the incidents that its labels name."""

    def has_changed_status(self, key: str) -> bool:
        """True if the issue's status was ever changed."""

    def find_keys_by_summary(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Return issue keys by exact summary."""

    def find_created_issue(self, draft: IssueDraft) -> Issue | None:
        """Return the issue that was created from this draft."""

    def find_idempotency_keys(self, key: str, link_type: str, draft: IssueDraft) -> set[str]:
        """Return the idempotency keys of the linked issues that were created like this draft."""

    def find_recently_changed(self, label: str, minutes: int, issue_types: Sequence[tuple[str, str]]) -> list[str]:
        """Return the keys of the issues with this label that changed in the last minutes."""

    def find_recently_edited(self, projects: Sequence[str], minutes: int) -> list[tuple[Issue, datetime]]:
        """Return issues that changed in the last minutes, with when they were created; no project: of any project."""

    def find_reclassification(self, key: str, since: datetime) -> datetime | None:
        """Return when the project, type or priority of the issue was changed last, if that was since then."""

    def verify_identity(self) -> str:
        """Return the id of this invocation if Jira names our account in it; raise IdentityDoubt otherwise."""

    def has_issue(self, ref: str) -> bool:
        """True if the issue with this key or id is visible to us; raise IdentityDoubt if Jira may not know us."""

    def load_site_schema(self) -> None:
        """Read what creating an issue needs, so that no lease is held meanwhile."""


class PagerDuty(Protocol):
    """One PagerDuty account."""

    @property
    def notes(self) -> Notes:
        """Return the notes on its incidents."""

    @property
    def new_incidents(self) -> NewIncidents:
        """Return what opens incidents."""

    @property
    def users(self) -> Directory:
        """Return its people."""

    def verify_identity(self) -> str:
        """Return the id of this invocation if PagerDuty shows our user in it; raise IdentityDoubt otherwise."""

    def has_incident(self, incident_id: str, service: str | None) -> bool:
        """True if the incident is visible to us; raise IdentityDoubt if PagerDuty shows us not even its service."""

    def find_own_id(self) -> str | None:
        """Return the user id that jpi writes as."""

    def get_incident(self, incident_id: str) -> Incident:
        """Return the incident as it is now, with its trigger's details."""

    def get_snapshot(self, incident_id: str) -> IncidentSnapshot:
        """Return the incident as it is now, with the time of its last change."""

    def list_open_incidents(self) -> Sequence[IncidentSnapshot]:
        """Return the account's open incidents, newest first, 10,000 at most."""

    def list_incident_log_entries(self, incident_id: str) -> Sequence[LogEntrySnapshot]:
        """Return all log entries of one incident."""

    def list_log_entries(self, since: datetime, until: datetime) -> tuple[Sequence[LogEntrySnapshot], bool]:
        """Return the account's log entries between two times, and whether they are complete."""

    def edit(self, incident_id: str, values: Mapping[str, str], assignee_ids: Sequence[str] = ()) -> dict[str, str]:
        """Set title, priority and assignee, who is one of all `assignee_ids`; return why fields were refused."""

    def set_status(self, incident_id: str, status: Status, reopens: bool = False,
                   assignee_ids: Sequence[str] = ()) -> tuple[bool, IncidentSnapshot | None]:
        """Set the incident's status; return whether that took a write, and the incident afterwards if it is known.

        `assignee_ids`: those that it had when it last showed any. Afterwards it shows none where nothing changed them.
        """


class Links(Protocol):
    """The store of links."""

    def get(self, incident_id: str) -> Link:
        """Return the incident's link, a new one if there is none."""

    def get_all(self, incident_ids: Collection[str]) -> dict[str, Link]:
        """Return several incidents' links, by incident id."""

    def find_incident_id(self, issue_key: str) -> str | None:
        """Return the incident whose link holds this issue."""

    def list_open(self) -> list[Link]:
        """Return every link that the poll has to read."""

    def save(self, link: Link) -> Link:
        """Save over the version that was read. Raise LostRace if another worker saved first."""


class ProcessedIds(Protocol):
    """The ledger of what was carried over already."""

    def already_processed(self, ids: Collection[str]) -> set[str]:
        """Return the ids that were processed."""

    def mark_processed(self, ids: Collection[str]) -> None:
        """Remember these ids as processed."""


class Cache(Protocol):
    """Values that change rarely, kept for a day."""

    def get(self, name: str) -> Any:
        """Return the value; None if there is none of today."""

    def get_or_compute(self, name: str, compute: Callable[[], Value]) -> Value:
        """Return the value; compute it and keep it for a day if it is not known."""


class Log(Protocol):
    """The part of `logging.Logger` used here; `extra` holds the fields of the JSON line."""

    def info(self, msg: str, *, extra: dict[str, Any]) -> None:
        """Log what was done."""

    def warning(self, msg: str, *, extra: dict[str, Any]) -> None:
        """Log what was left out."""

    def error(self, msg: str, *, extra: dict[str, Any], exc_info: BaseException | None = None) -> None:
        """Log what failed; `exc_info`: with the traceback of this error."""
