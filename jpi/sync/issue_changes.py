"""What the poll reads of issues, as events. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jpi.domain.events import IssueCreated, IssueEvent
from jpi.domain.model import Issue


@dataclass(frozen=True)
class IssueChanges:
    """Events of issues. `is_whole`: the searches were read to their end.

    `unread_ids`: the incidents whose issue, or its comments, could not be read, and that no poll reads by itself.
    """

    events: Sequence[IssueEvent]
    is_whole: bool
    unread_ids: frozenset[str] = frozenset()


def build_issue_created(issue: Issue, at: datetime, opening_version: int | None = None) -> IssueCreated:
    """Return the event of an issue that opens an incident; its id is another one after each failure."""
    return IssueCreated(f"created:{issue.id}:{opening_version or 0}", at, issue, source="poll", incident_id=issue.key)
