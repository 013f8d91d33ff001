"""What is still to be created of an issue. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal


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
