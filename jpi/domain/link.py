"""The row that ties one incident to one issue."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from jpi.domain.backlog import Backlog, StepId
from jpi.domain.link_parts import FieldName, HistoryEntry, Replica, SyncedField
from jpi.domain.model import Issue, Side, SourceId, Status
from jpi.domain.write_limits import WriteLog

# Of older ones it is only known that they were carried over; edits of those are not followed.
MAX_MIRRORS = 200
# A read replica that lags, or a site that moves, is seen through by then.
SECOND_LOOK_SECONDS = 120.0
# PagerDuty's ids have no hyphen.
ISSUE_KEY_PATTERN = re.compile(r"[A-Z][A-Z0-9_]+-\d+")


@dataclass(frozen=True)
class IssueRef:
    """The incident's issue; its id stays when it moves to another project, its key does not."""

    key: str
    id: str | None = None


@dataclass(frozen=True)
class StatusState:
    """The status that both sides had when last made equal, and where the issue was last seen or set, if it is known.

    Without an issue, `agreed` is PagerDuty's newest status. `resolved_at`: when people did what last resolved both;
    `reopened_at`: when they last reopened the incident, as PagerDuty told.
    """

    agreed: Status | None = None
    on_jira: Status | None = None
    resolved_at: float = 0.0
    reopened_at: float = 0.0


@dataclass(frozen=True)
class Watermark:
    """How new the newest applied snapshot of a side is, and what jpi did there itself, in epoch seconds.

    `status_checked_at`: when jpi last set or read the status to set it, by our own clock, as reads are dated.
    """

    snapshot_at: float = 0.0
    status_write_at: float = 0.0
    status_checked_at: float = 0.0
    comments_read_until: float = 0.0


@dataclass(frozen=True)
class FirstLook:
    """When a side first said that what it had is gone, in epoch seconds, and in which invocation."""

    at: float
    invocation: str

    def get_wait_seconds(self, second: "FirstLook") -> float:
        """Return how long to wait until another look may confirm this one; 0 if the second one does."""
        wait = self.at + SECOND_LOOK_SECONDS - second.at
        return max(wait, 1.0) if wait > 0 or self.invocation == second.invocation else 0.0


@dataclass(frozen=True)
class Mirror:
    """The copy of a note or comment on the other side; `copy_id` is None once it was deleted.

    `missing_since`: the first look that did not find it.
    """

    copy_id: str | None
    digest: str
    source_changed_at: float
    missing_since: FirstLook | None = None


@dataclass(frozen=True)
class Failure:
    """Why an event could not be applied the last time, and how often it was tried; `at` in epoch seconds."""

    side: Side
    reason: str
    at: float
    permanent: bool
    attempts: int


@dataclass(frozen=True)
class LinkSummary:
    """What people are shown of an incident, as far as it is known.

    `began`: when it was created or, without `began_is_creation`, first heard of.
    `in_step_at`: when an event last made both sides equal, and which event that was.
    """

    title: str | None = None
    url: str | None = None
    service: str | None = None
    number: int | None = None
    status: str | None = None
    priority: str | None = None
    began: float | None = None
    began_is_creation: bool = False
    in_step_at: float | None = None
    in_step_event: str | None = None
    in_step_event_type: str | None = None


@dataclass(frozen=True)
class Link:
    """One incident and, once there is one, its issue. `version` is None until it was first saved.

    While an issue opens an incident that has no id yet, its link has the issue's key in place of the incident's id,
    and ends when the incident has a link of its own.
    `leases`: by the work's idempotency key, the epoch seconds before which no other worker may look into it.
    `missing_since`: by side, the first look that did not find its incident or issue; kept once the link has ended.
    `ended`: its incident or issue is gone; nothing is created again by itself.
    `failures`: by event id, what could not be applied, newest last.
    `responders`: the ids of all of PagerDuty's assignees as it last showed them; None if it never did.
    `mirrors`: by its source, what was made of a note or comment, newest last.
    `history`: what came of the newest events, newest last.
    """

    incident_id: str
    version: int | None = None
    issue: IssueRef | None = None
    status: StatusState = StatusState()
    fields: Mapping[FieldName, SyncedField] = field(default_factory=lambda: dict.fromkeys(FieldName, SyncedField()))
    watermarks: Mapping[Side, Watermark] = field(default_factory=lambda: dict.fromkeys(Side, Watermark()))
    responders: tuple[str, ...] | None = None
    leases: Mapping[str, float] = field(default_factory=dict)
    backlog: Backlog = field(default_factory=Backlog)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    missing_since: Mapping[Side, FirstLook] = field(default_factory=dict)
    ended: bool = False
    mirrors: Mapping[SourceId, Mirror] = field(default_factory=dict)
    summary: LinkSummary = LinkSummary()
    history: tuple[HistoryEntry, ...] = ()
    write_log: WriteLog = field(default_factory=WriteLog)

    @property
    def issue_key(self) -> str | None:
        """Return the issue's key; None while there is no issue."""
        return self.issue.key if self.issue else None

    @property
    def issue_id(self) -> str | None:
        """Return the issue's id; None while there is no issue, or its id is not known."""
        return self.issue.id if self.issue else None

    def holds_issue(self, issue: Issue) -> bool:
        """True if this is the link's issue: by its id, which nobody can choose; by its key if the link has no id."""
        return self.issue_id == issue.id if self.issue_id else self.issue_key == issue.key

    @property
    def is_opening(self) -> bool:
        """True if it is of an issue that opens an incident."""
        return bool(ISSUE_KEY_PATTERN.fullmatch(self.incident_id))

    @property
    def is_open(self) -> bool:
        """True if the poll still has to look at it."""
        if self.is_opening:
            return not self.ended and bool(self.failures or self.leases)
        is_live = self.issue is not None and self.status.agreed != "resolved"
        return not self.ended and (self.is_unfinished or is_live or bool(self.missing_since))

    @property
    def is_unfinished(self) -> bool:
        """True if its issue lacks parts, events wait for its pause, or no retry of a failed event mends it."""
        return self.write_log.pause is not None or (self.issue is not None and not self.backlog.is_empty) or any(
            failure.permanent for failure in self.failures.values()
        )

    def with_agreed_status(self, status: Status, changed_at: float = 0.0) -> "Link":
        """Return the link once both sides have this status, which a side got at `changed_at`."""
        resolved_at = changed_at if status == "resolved" and changed_at else self.status.resolved_at
        return replace(self, status=replace(self.status, agreed=status, resolved_at=resolved_at))

    def with_issue_status(self, status: Status) -> "Link":
        """Return the link once its issue was seen in this status, or set to it."""
        return replace(self, status=replace(self.status, on_jira=status))

    def with_watermark(self, side: Side, *, snapshot_at: float = 0.0, status_write_at: float = 0.0,
                       status_checked_at: float = 0.0, comments_read_until: float = 0.0) -> "Link":
        """Return the link with these times of a side's watermark moved forward, never back."""
        old = self.watermarks[side]
        watermark = Watermark(max(old.snapshot_at, snapshot_at), max(old.status_write_at, status_write_at),
                              max(old.status_checked_at, status_checked_at),
                              max(old.comments_read_until, comments_read_until))
        return replace(self, watermarks={**self.watermarks, side: watermark})

    def with_value(self, name: FieldName, side: Side, value: str, changed_at: float) -> "Link":
        """Return the link once a side has shown this value."""
        replica = replace(self.fields[name].on(side), value=value)
        return self._with_replica(name, side, replica, changed_at)

    def with_own_write(self, name: FieldName, side: Side, value: str, at: float, changed_at: float) -> "Link":
        """Return the link once jpi has set this value, at this time of our own clock."""
        return self._with_replica(name, side, self.fields[name].on(side).with_own_write(value, at), changed_at)

    def _with_replica(self, name: FieldName, side: Side, replica: Replica, changed_at: float) -> "Link":
        return replace(self, fields={**self.fields, name: self.fields[name].with_replica(side, replica, changed_at)})

    def with_first_look(self, side: Side, look: FirstLook) -> "Link":
        """Return the link once a side did not show its incident or issue."""
        return replace(self, missing_since={**self.missing_since, side: look})

    def without_issue(self) -> "Link":
        """Return the link as one that never had an issue, so that the incident gets a new one; the history stays."""
        return Link(self.incident_id, self.version, summary=self.summary, history=self.history)

    def with_seen(self, side: Side) -> "Link":
        """Return the link once a side has shown its incident or issue: it goes on if it had ended for that."""
        others = {other: look for other, look in self.missing_since.items() if other is not side}
        has_ended = self.ended and (side not in self.missing_since or bool(others))
        return replace(self, missing_since=others, ended=has_ended)

    def with_lease(self, key: str, until: float = 0.0) -> "Link":
        """Return the link with a lease on this work; one without an end may be looked into at once."""
        return replace(self, leases={**self.leases, key: until})

    def without_lease(self, key: str) -> "Link":
        """Return the link without a lease on this work."""
        return replace(self, leases={name: until for name, until in self.leases.items() if name != key})

    def with_refused_step(self, step_id: StepId, value: str, service: str, reason: str, now: float) -> "Link":
        """Return the link once a service refused this step."""
        return replace(self, backlog=self.backlog.with_refused_step(step_id, value, service, reason, now))

    def without_steps(self, step_ids: Sequence[StepId]) -> "Link":
        """Return the link without these refused steps: they are done, or no longer wanted."""
        return replace(self, backlog=self.backlog.without_steps(step_ids))

    def with_mirror(self, source: SourceId, mirror: Mirror) -> "Link":
        """Return the link with this mirror as its newest; the oldest of too many are forgotten."""
        others = [(key, value) for key, value in self.mirrors.items() if key != source]
        return replace(self, mirrors=dict([*others, (source, mirror)][-MAX_MIRRORS:]))
