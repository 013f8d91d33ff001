"""What came of an event. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from jpi.domain.actions import Action


class Result(StrEnum):
    """The kind of an outcome; metrics are kept by it."""

    APPLIED = "applied"
    NOTHING_TO_DO = "nothing to do"
    IGNORED = "ignored"
    FAILED = "failed"
    QUEUED = "queued"


@dataclass(frozen=True)
class Outcome:
    """What came of an event; `str()` of it stands in log lines and histories.

    `action_names`: the actions that were performed. `detail`: why it was ignored, or what else was done.
    """

    result: Result
    action_names: tuple[str, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        if self.result is Result.IGNORED:
            return f"{self.result}: {self.detail}"
        return ", ".join(self.action_names) or self.detail or self.result


NOTHING_TO_DO = Outcome(Result.NOTHING_TO_DO)
FAILED = Outcome(Result.FAILED)
QUEUED = Outcome(Result.QUEUED)
INCIDENT_IS_OPEN = Outcome(Result.APPLIED, detail="an incident is open for it")
NO_LINKED_INCIDENT = Outcome(Result.IGNORED, detail="no incident is linked to this issue")
LINK_IS_PAUSED = Outcome(Result.IGNORED, detail="the link is paused")
OWN_ECHO = Outcome(Result.IGNORED, detail="done by our own account")


def build_outcome(actions: Sequence[Action]) -> Outcome:
    """Return the outcome of an event whose actions were performed."""
    return Outcome(Result.APPLIED, tuple(type(action).__name__ for action in actions)) if actions else NOTHING_TO_DO
