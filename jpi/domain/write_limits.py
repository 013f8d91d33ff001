"""Limits how much jpi writes for one link, so that nobody else's answers to that keep it busy for ever. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from jpi.domain.actions import (
    Action,
    EditComment,
    EditIncident,
    EditIssue,
    EditNote,
    MirrorComment,
    MirrorNote,
    ReplaceManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.events import Event, IncidentLogged
from jpi.domain.model import Person, Side

WINDOW_SECONDS = 600.0
PAUSE_SECONDS = 3600.0


class WriteKind(StrEnum):
    """What is limited by itself; the values are what people are told."""

    CONVERSATION = "notes and comments"
    FIELDS = "fields and status"


MAX_WRITES: Mapping[WriteKind, int] = {WriteKind.CONVERSATION: 30, WriteKind.FIELDS: 20}
# What is not listed is made once, by its idempotency key or by its processed id.
_WRITE_BY_ACTION: Mapping[type, tuple[WriteKind, Side]] = {
    MirrorNote: (WriteKind.CONVERSATION, Side.JIRA), EditComment: (WriteKind.CONVERSATION, Side.JIRA),
    MirrorComment: (WriteKind.CONVERSATION, Side.PAGERDUTY), EditNote: (WriteKind.CONVERSATION, Side.PAGERDUTY),
    TransitionIssue: (WriteKind.FIELDS, Side.JIRA), EditIssue: (WriteKind.FIELDS, Side.JIRA),
    ReplaceManager: (WriteKind.FIELDS, Side.JIRA), SetIncidentStatus: (WriteKind.FIELDS, Side.PAGERDUTY),
    EditIncident: (WriteKind.FIELDS, Side.PAGERDUTY)}


@dataclass(frozen=True)
class RecentWrite:
    """A write of jpi's own; `at` in epoch seconds of our own clock."""

    kind: WriteKind
    side: Side
    at: float


@dataclass(frozen=True)
class Pause:
    """Why nothing is written for a link until a time, in epoch seconds.

    `counts`: how much jpi had written to each side; `answered_on`: where `answered_by` answered it, as far as known.
    `unread_sides`: those whose whole state is to be read and applied after the pause.
    """

    kind: WriteKind
    counts: Mapping[Side, int]
    answered_on: Side
    answered_by: str
    until: float
    unread_sides: tuple[Side, ...] = tuple(Side)


@dataclass(frozen=True)
class WriteLog:
    """What jpi wrote for a link within the window, newest last, and the pause that followed too much of it."""

    recent: tuple[RecentWrite, ...] = ()
    pause: Pause | None = None

    def is_paused(self, now: float) -> bool:
        """True if the link is paused now; a pause that is over stays until both sides were read."""
        return self.pause is not None and now < self.pause.until

    def must_wait(self, action: Action, now: float) -> bool:
        """True if the action would be one too many, or the link is paused: then only the end of the incident passes."""
        if self.pause and self.is_paused(now) and (
                self.pause.kind is not WriteKind.CONVERSATION or not _is_resolution(action)):
            return type(action) in _WRITE_BY_ACTION
        kind, _ = _WRITE_BY_ACTION.get(type(action), (None, None))
        return kind is not None and self._count_writes(kind, now) >= MAX_WRITES[kind]

    def with_write(self, action: Action, now: float) -> "WriteLog":
        """Return the log once this action was performed."""
        if type(action) not in _WRITE_BY_ACTION or _writes_nothing_new(action, now - WINDOW_SECONDS):
            return self
        recent = [write for write in self.recent if write.at > now - WINDOW_SECONDS]
        return replace(self, recent=(*recent, RecentWrite(*_WRITE_BY_ACTION[type(action)], now)))

    def build_pause(self, action: Action, event: Event, now: float) -> Pause:
        """Return the pause because of this action, which would have been one too many."""
        kind, _ = _WRITE_BY_ACTION[type(action)]
        counts = {side: self._count_writes(kind, now, side) for side in Side}
        return Pause(kind, counts, event.side, _get_author(action, event), now + PAUSE_SECONDS)

    def without_unread_side(self, event: Event, now: float) -> "WriteLog":
        """Return the log once `event` was applied: the pause is over when both sides were read whole after it."""
        if self.pause is None or self.is_paused(now) or not _brings_all(event):
            return self
        unread_sides = tuple(side for side in self.pause.unread_sides if side is not event.side)
        return replace(self, pause=replace(self.pause, unread_sides=unread_sides) if unread_sides else None)

    def _count_writes(self, kind: WriteKind, now: float, side: Side | None = None) -> int:
        return sum(write.kind is kind and side in (None, write.side) and write.at > now - WINDOW_SECONDS
                   for write in self.recent)


def _is_resolution(action: Action) -> bool:
    return ((isinstance(action, TransitionIssue) and action.category == "done")
            or (isinstance(action, SetIncidentStatus) and action.status == "resolved"))


def _writes_nothing_new(action: Action, at: float) -> bool:
    """True if it has no value to write, or copies a text from before, which answers nothing: it was in a backlog."""
    if isinstance(action, EditIssue | EditIncident):
        return not action.values
    source = (action.note if isinstance(action, MirrorNote)
              else action.comment if isinstance(action, MirrorComment) else None)
    return source is not None and source.at.timestamp() < at


def _brings_all(event: Event) -> bool:
    is_whole = event.whole if isinstance(event, IncidentLogged) else event.side is Side.JIRA
    return event.read_at is not None and is_whole


def _get_author(action: Action, event: Event) -> str:
    if isinstance(action, MirrorNote):
        return action.note.author or ""
    author: Person | None = action.comment.author if isinstance(action, MirrorComment) else event.actor
    return author.name if author else ""
