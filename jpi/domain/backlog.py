"""What a link still has to do: parts of an issue to be created, and steps that a service refused. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from jpi.domain.model import Side
from jpi.errors import PermanentError, Refused

FIRST_PAUSE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 3_600.0
MAX_DOUBLINGS = 6
REASON_MAX_CHARACTERS, VALUE_MAX_CHARACTERS = 300, 2_000
# PagerDuty's errors about the address in the header "From": no such user, may not do it, no address.
REQUESTER_CODES = frozenset({1008, 1018, 2016})
# More than ever wait at once: a link must not outgrow its row.
MAX_REFUSED_STEPS = 50


class Part(StrEnum):
    """The issues that an incident's issue is linked to, by what they are for."""

    TIMELINE = "timeline"
    QUESTIONS = "questions"


class StepKind(StrEnum):
    """What a refused step writes or reads.

    `NOTE`: the copy of a note; `COMMENT`: the copy of a comment; `REMARK`: a comment in jpi's own name.
    """

    STATUS = "status"
    FIELD = "field"
    NOTE = "note"
    COMMENT = "comment"
    REMARK = "remark"
    MANAGER = "manager"
    PART = "part"
    ISSUE_LINK = "link"
    NOTES_READ = "notes"
    LOG_READ = "log"


@dataclass(frozen=True)
class StepId:
    """Names a step within its link. `subject`: which field, note, comment, remark, part or link; `side`: it writes to.

    Of a read, `side` is where what was read would have been written.
    """

    kind: StepKind
    side: Side
    subject: str = ""


@dataclass(frozen=True)
class RefusedStep:
    """A step that a service refused. It is tried again until it is done or no longer wanted.

    `value`: what it would have set or written; `service`: who refused it; times in epoch seconds.
    """

    id: StepId
    value: str
    service: str
    reason: str
    attempts: int
    first_at: float
    last_at: float

    @property
    def next_try_at(self) -> float:
        """Return when to try again, as `get_pause_seconds` says."""
        return self.last_at + get_pause_seconds(self.attempts)


@dataclass(frozen=True)
class PendingIssueLink:
    """A link between two issues that is still to be created."""

    from_key: str
    type: str
    to_key: str
    role: Literal["has", "of"] = "has"

    @property
    def step_id(self) -> StepId:
        """Return the id of the step that creates the link."""
        return StepId(StepKind.ISSUE_LINK, Side.JIRA, f"{self.from_key} {self.type} {self.to_key}")


@dataclass(frozen=True)
class Backlog:
    """What is still to be created of an issue, and what a service refused.

    `pending`: by part, the idempotency keys that were refused; none where the part was not tried yet.
    `refused_steps`: oldest first.
    """

    pending: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)
    issue_links: tuple[PendingIssueLink, ...] = ()
    refused_steps: tuple[RefusedStep, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing is left to be done."""
        return not self.pending and not self.issue_links and not self.refused_steps

    def find_step(self, step_id: StepId) -> RefusedStep | None:
        """Return the refused step with this id."""
        return next((step for step in self.refused_steps if step.id == step_id), None)

    def is_waiting(self, step_id: StepId, now: float) -> bool:
        """True if this step was refused and its pause is not over."""
        step = self.find_step(step_id)
        return step is not None and now < step.next_try_at

    def is_due(self, side: Side, now: float) -> bool:
        """True if there is something to try now that starts from what `side` shows."""
        steps = [step for step in self.refused_steps if get_source(step.id) is side]
        is_untried = bool(self.pending or self.issue_links) and side is Side.PAGERDUTY and not all(
            self.find_step(step_id) for step_id in [*map(get_part_step_id, self.pending),
                                                    *(link.step_id for link in self.issue_links)])
        return is_untried or any(step.next_try_at <= now for step in steps)

    def without_part(self, part: Part) -> "Backlog":
        """Return the backlog without a part and its refusal."""
        backlog = replace(self, pending={name: keys for name, keys in self.pending.items() if name != part})
        return backlog.without_steps([get_part_step_id(part)])

    def with_pending(self, part: Part, keys: Sequence[str]) -> "Backlog":
        """Return the backlog in which these keys of the part are left."""
        return replace(self, pending={**self.pending, part: tuple(keys)})

    def with_refused_step(self, step_id: StepId, value: str, service: str, reason: str, now: float) -> "Backlog":
        """Return the backlog once this step was refused again, or for the first time, at this time."""
        earlier = self.find_step(step_id)
        step = RefusedStep(step_id, value[:VALUE_MAX_CHARACTERS], service, reason[:REASON_MAX_CHARACTERS],
                           earlier.attempts + 1 if earlier else 1, earlier.first_at if earlier else now, now)
        others = [other for other in self.refused_steps if other.id != step_id]
        return replace(self, refused_steps=(*others, step)[-MAX_REFUSED_STEPS:])

    def without_steps(self, step_ids: Sequence[StepId]) -> "Backlog":
        """Return the backlog without these steps: they are done, or no longer wanted."""
        return replace(self, refused_steps=tuple(step for step in self.refused_steps if step.id not in step_ids))


def get_pause_seconds(attempts: int) -> float:
    """Return how long to wait after so many failed attempts: 1, 2, 4 ... 32 minutes, then an hour each time."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(max(attempts, 1) - 1, MAX_DOUBLINGS), LONGEST_PAUSE_SECONDS)


def get_part_step_id(part: Part) -> StepId:
    """Return the id of the step that creates a part."""
    return StepId(StepKind.PART, Side.JIRA, part)


def get_source(step_id: StepId) -> Side:
    """Return the side whose state says what the step has to do."""
    return step_id.side.other


def describe_step(step_id: StepId) -> str:
    """Return in a few words what a step writes or reads."""
    subject = step_id.subject
    words = {StepKind.STATUS: "status", StepKind.FIELD: subject, StepKind.NOTE: f"copy of note {subject}",
             StepKind.COMMENT: f"copy of comment {subject}", StepKind.REMARK: "comment by jpi",
             StepKind.MANAGER: "incident manager", StepKind.PART: subject, StepKind.ISSUE_LINK: f"link {subject}",
             StepKind.NOTES_READ: "copies of notes", StepKind.LOG_READ: "earlier lines of the timeline"}
    return f"{words[step_id.kind]} on {step_id.side.display_name}"


def describe_refusal(refused: PermanentError) -> str:
    """Return the refusal in the service's words, with the setting that is at fault where the service tells."""
    is_requester = (isinstance(refused, Refused) and refused.service == "PagerDuty"
                    and refused.vendor_code in REQUESTER_CODES)
    hint = "PAGERDUTY_USER_EMAIL names nobody whom PagerDuty lets do this: " if is_requester else ""
    return f"{hint}{refused}"
