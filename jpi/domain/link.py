"""The row that ties one incident to one issue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from jpi.domain.model import Side, SourceId, Status

# Of older ones it is only known that they were carried over; edits of those are not followed.
MAX_MIRRORS = 200


@dataclass(frozen=True)
class IssueRef:
    """The incident's issue; its id stays when it moves to another project, its key does not."""

    key: str
    id: str | None = None


@dataclass(frozen=True)
class StatusState:
    """The status that both sides had when last made equal, and where the issue was last seen or set, if it is known.

    Without an issue, `agreed` is PagerDuty's newest status.
    """

    agreed: Status | None = None
    on_jira: Status | None = None


class Part(StrEnum):
    """The issues that an incident's issue is linked to, by what they are for."""

    TIMELINE = "timeline"
    QUESTIONS = "questions"


@dataclass(frozen=True)
class PendingIssueLink:
    """A link between two issues that is still to be created."""

    from_key: str
    type: str
    to_key: str
    role: Literal["has", "of"] = "has"


@dataclass(frozen=True)
class Backlog:
    """What is still to be created of an issue.

    `pending`: by part, the idempotency keys that were refused; none where the part was not tried yet.
    `attempts`: how often a part was refused.
    """

    pending: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)
    issue_links: tuple[PendingIssueLink, ...] = ()
    attempts: Mapping[Part, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True if nothing is left to be created."""
        return not self.pending and not self.issue_links

    def without_part(self, part: Part) -> "Backlog":
        """Return the backlog without a part and its attempts."""
        return replace(self, pending={name: keys for name, keys in self.pending.items() if name != part},
                       attempts={name: count for name, count in self.attempts.items() if name != part})

    def with_attempt(self, part: Part, refused_keys: Sequence[str]) -> "Backlog":
        """Return the backlog after one more attempt, in which these keys of the part were refused."""
        return replace(self, pending={**self.pending, part: tuple(refused_keys)},
                       attempts={**self.attempts, part: self.attempts.get(part, 0) + 1})


@dataclass(frozen=True)
class Mirror:
    """The copy of a note or comment on the other side; `copy_id` is None once it was deleted."""

    copy_id: str | None
    digest: str
    source_changed_at: float


@dataclass(frozen=True)
class Failure:
    """Why an event could not be applied the last time, and how often it was tried; `at` in epoch seconds."""

    side: Side
    reason: str
    at: float
    permanent: bool
    attempts: int


@dataclass(frozen=True)
class Link:
    """One incident and, once there is one, its issue. `version` is None until it was first saved.

    `seen`: epoch seconds of the newest snapshot applied, by side.
    `leases`: by the work's idempotency key, the epoch seconds before which no other worker may look into it.
    `ended`: its issue is gone; nothing is created again by itself.
    `failures`: by event id, what could not be applied, newest last.
    `fields`: of title and priority, what either side was last known to have, and when that was changed (`at`).
    `mirrors`: by its source, what was made of a note or comment, newest last.
    `about`: what the status page says of the incident: title, url, when it began, when both were last made equal.
    `history`: what came of the newest events, newest last: `sync.history`.
    """

    incident_id: str
    version: int | None = None
    issue: IssueRef | None = None
    status: StatusState = StatusState()
    watermarks: Mapping[str, float] = field(default_factory=dict)
    leases: Mapping[str, float] = field(default_factory=dict)
    backlog: Backlog = Backlog()
    failures: Mapping[str, Failure] = field(default_factory=dict)
    ended: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    mirrors: Mapping[SourceId, Mirror] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()

    @property
    def issue_key(self) -> str | None:
        """Return the issue's key; None while there is no issue."""
        return self.issue.key if self.issue else None

    @property
    def issue_id(self) -> str | None:
        """Return the issue's id; None while there is no issue, or its id is not known."""
        return self.issue.id if self.issue else None

    @property
    def is_open(self) -> bool:
        """True if the poll still has to look at it."""
        is_live = self.issue is not None and self.status.agreed != "resolved"
        return not self.ended and (self.is_unfinished or is_live)

    @property
    def is_unfinished(self) -> bool:
        """True if its issue lacks parts, or a failure is permanent, so that no retry of the same event mends it."""
        return (self.issue is not None and not self.backlog.is_empty) or any(failure.permanent
                                                                             for failure in self.failures.values())

    def with_agreed_status(self, status: Status) -> "Link":
        """Return the link once both sides have this status."""
        return replace(self, status=replace(self.status, agreed=status))

    def with_issue_status(self, status: Status) -> "Link":
        """Return the link once its issue was seen in this status, or set to it."""
        return replace(self, status=replace(self.status, on_jira=status))

    def with_lease(self, key: str, until: float = 0.0) -> "Link":
        """Return the link with a lease on this work; one without an end may be looked into at once."""
        return replace(self, leases={**self.leases, key: until})

    def without_lease(self, key: str) -> "Link":
        """Return the link without a lease on this work."""
        return replace(self, leases={name: until for name, until in self.leases.items() if name != key})

    def with_mirror(self, source: SourceId, mirror: Mirror) -> "Link":
        """Return the link with this mirror as its newest; the oldest of too many are forgotten."""
        others = [(key, value) for key, value in self.mirrors.items() if key != source]
        return replace(self, mirrors=dict([*others, (source, mirror)][-MAX_MIRRORS:]))
