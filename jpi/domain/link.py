"""The row that ties one incident to one issue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Link:
    """One incident and, once there is one, its issue. `version` is None until it was first saved.

    `agreed`: values both sides had when last made equal; without an issue, PagerDuty's newest.
    `seen`: epoch seconds of the newest snapshot applied, by side.
    `holds`: work begun and not known to be done, with the epoch seconds before which nobody may look into it.
    `todo`: parts of the issue still to be made.
    `ended`: its issue is gone; nothing is created again by itself.
    `failed`: by event, what could not be applied: `{"reason", "at" (epoch seconds), "final", "times", "side"}`.
    `fields`: of title and priority, what either side was last known to have, and when that was changed (`at`).
    `talk`: by "note:<id>" or "comment:<id>", what was made of it: `{"there": id or None, "said": digest, "at"}`.
    `about`: what the status page says of the incident: title, url, when it began, when both were last made equal.
    `history`: what came of the newest events, newest last: `sync.history`.
    `issue_status`: what the issue was last seen or set to, in PagerDuty's words; it may be unable to follow.
    """

    incident_id: str
    version: int | None = None
    issue_key: str | None = None
    issue_id: str | None = None
    agreed: Mapping[str, str | None] = field(default_factory=dict)
    watermarks: Mapping[str, float] = field(default_factory=dict)
    leases: Mapping[str, float] = field(default_factory=dict)
    backlog: Mapping[str, Any] = field(default_factory=dict)
    issue_status: str | None = None
    failures: Mapping[str, Any] = field(default_factory=dict)
    ended: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    mirrors: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()

    @property
    def is_open(self) -> bool:
        """Whether the poll still has to look at it."""
        lives = bool(self.issue_key) and self.agreed.get("status") != "resolved"
        return not self.ended and (self.is_unfinished or lives)

    @property
    def is_unfinished(self) -> bool:
        """Whether its issue is not whole, or something ended here that no retry of the same event mends."""
        return bool(self.issue_key and self.backlog) or any(one["final"] for one in self.failures.values())
