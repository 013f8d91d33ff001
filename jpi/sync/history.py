"""What came of each event, newest last, as its link remembers it for the status page and `tools.explain`. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jpi.domain.actions import Action
from jpi.domain.decide import stale
from jpi.domain.descriptions import advice, attempted, side_told
from jpi.domain.descriptions import done as told
from jpi.domain.events import Event, IncidentEvent
from jpi.domain.field_merge import known
from jpi.domain.link import Link
from jpi.domain.policy import Policy
from jpi.domain.retry_state import REASON_LIMIT
from jpi.domain.text_limits import cut
from jpi.errors import JpiError, Refused

# A link is one row of DynamoDB's, at most 400 KB of it, and holds more than this.
KEPT = 50
MOST_CHARACTERS = 100_000
STEPS_KEPT = 20
TITLE_LIMIT = 255


@dataclass
class Trail:
    """The steps of one event, filled as they are taken; `why`: why there was none."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""
    under_way: Action | None = None

    def begun(self, action: Action) -> None:
        """An action is about to be performed."""
        self.under_way = action

    def done(self, was: Action, link: Link, now: float) -> None:
        """It was, as `was` says."""
        if self.under_way:
            text, whole = told(self.under_way, was, link)
            self.steps.append({"what": text, "ok": whole, "at": now})
        self.under_way = None

    def failed(self, now: float, policy: Policy) -> None:
        """Whatever was under way failed."""
        if self.under_way:
            self.steps.append({"what": attempted(self.under_way, policy), "ok": False, "at": now})
        self.under_way = None


def recorded(link: Link, event: Event, outcome: str, trail: Trail, now: float, error: JpiError | None = None) -> Link:
    """The link with what came of the event as its newest entry, and what the event says of the incident itself."""
    entry = {
        "event": event.id, "type": type(event).__name__, "side": side_told(event), "source": event.source,
        "happened": event.at.timestamp(), "at": now, "outcome": outcome, "steps": trail.steps[-STEPS_KEPT:],
        **({"why": trail.why} if trail.why else {}), **({"request": event.request} if event.request else {}),
        **(_failure(error) if error else {}),
    }
    link = replace(link, history=_bounded(_with(link.history, entry)), about={**link.about, **_about(event, link, now)})
    whole = bool(trail.steps) and all(step["ok"] for step in trail.steps) and not error
    return _equal(link, entry) if whole else link


def _failure(error: JpiError) -> dict[str, Any]:
    status = {"status": error.status} if isinstance(error, Refused) else {}
    return {"reason": str(error)[:REASON_LIMIT], "advice": advice(error), "kind": type(error).__name__, **status}


def _with(history: Sequence[Mapping[str, Any]], entry: dict[str, Any]) -> list[Mapping[str, Any]]:
    """What came of the same event before is told by how often it came; a doubled delivery hides nothing of that."""
    before = next((one for one in history if _same(one, entry)), None)
    if before is None:
        return [*history, entry]
    others = [one for one in history if one is not before]
    again = entry if entry["steps"] or "reason" in entry or not before["steps"] else before
    done_before = [] if again is before or "reason" in before else before["steps"]
    return [*others, {**again, "steps": [*done_before, *again["steps"]][-STEPS_KEPT:],
                      "times": before.get("times", 1) + 1, "first": before.get("first", before["at"])}]


def _same(one: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    if one["event"] == entry["event"]:
        return True
    # The poll names what it reads anew each time: the same failure, again.
    failed = "reason" in entry and one.get("reason") == entry["reason"]
    return bool(failed and one["source"] == entry["source"] == "poll" and one["type"] == entry["type"])


def _bounded(history: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    kept = list(history[-KEPT:])
    while len(kept) > 1 and len(json.dumps(kept)) > MOST_CHARACTERS:
        kept = kept[1:]
    return tuple(kept)


def _about(event: Event, link: Link, now: float) -> dict[str, Any]:
    """What the status page calls the incident, and since when it is known."""
    began = {} if "began" in link.about else {"began": now}
    if not isinstance(event, IncidentEvent) or not event.shows_state:
        return began | {"title": title} if (title := known(link, "pagerduty", "title")) else began
    there = event.incident
    if there.created and "created" not in link.about:
        began = {"began": there.created.timestamp(), "created": True}
    title = known(link, "pagerduty", "title") or there.title
    said = {"title": cut(title, TITLE_LIMIT) if title else None, "url": there.url, "service": there.service,
            "number": there.number, "status": there.status, "priority": there.priority}
    return began | {name: value for name, value in said.items() if value is not None and (
        name not in link.about or name == "title" or not stale(event, link))}


def _equal(link: Link, entry: Mapping[str, Any]) -> Link:
    return replace(link, about={**link.about, "equal_at": entry["at"], "equal_by": entry["event"],
                                "equal_type": entry["type"]})
