"""What came of each event, newest last, as its link remembers it for the status page and `tools.explain`. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jpi.domain.actions import Action
from jpi.domain.descriptions import describe_failed_action, remediation_for
from jpi.domain.descriptions import describe_performed_action as told
from jpi.domain.events import Event, IncidentEvent
from jpi.domain.field_merge import get_known_value
from jpi.domain.link import Link
from jpi.domain.model import Side
from jpi.domain.outcome import Outcome
from jpi.domain.policy import Policy
from jpi.domain.retry_state import REASON_MAX_CHARACTERS
from jpi.domain.status_rules import is_stale
from jpi.domain.text_limits import cut_text
from jpi.errors import JpiError, Refused

# A link is one row of DynamoDB's, at most 400 KB of it, and holds more than this.
MAX_HISTORY_ENTRIES = 50
MAX_HISTORY_CHARACTERS = 100_000
MAX_STEPS = 20
MAX_TITLE_CHARACTERS = 255


@dataclass
class ActionTrace:
    """The steps of one event, filled as they are taken; `why`: why there was none."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    no_action_reason: str = ""
    current_action: Action | None = None

    def start_action(self, action: Action) -> None:
        """An action is about to be performed."""
        self.current_action = action

    def finish_action(self, performed_action: Action, link: Link, now: float) -> None:
        """It was, as `was` says."""
        if self.current_action:
            text, whole = told(self.current_action, performed_action, link)
            self.steps.append({"what": text, "ok": whole, "at": now})
        self.current_action = None

    def fail_action(self, now: float, policy: Policy) -> None:
        """Whatever was under way failed."""
        if self.current_action:
            self.steps.append({"what": describe_failed_action(self.current_action, policy), "ok": False, "at": now})
        self.current_action = None


def append_history(link: Link, event: Event, outcome: Outcome, trace: ActionTrace, now: float,
                   error: JpiError | None = None) -> Link:
    """The link with what came of the event as its newest entry, and what the event says of the incident itself."""
    entry = {"event": event.id, "type": type(event).__name__, "side": event.side.display_name, "source": event.source,
             "happened": event.at.timestamp(), "at": now, "outcome": str(outcome), "steps": trace.steps[-MAX_STEPS:],
             **({"why": trace.no_action_reason} if trace.no_action_reason else {}),
             **({"request": event.request} if event.request else {}), **(_build_failure_fields(error) if error else {})}
    link = replace(link, history=_trim_history(_merge_entry(link.history, entry)),
                   summary={**link.summary, **_build_summary_fields(event, link, now)})
    whole = bool(trace.steps) and all(step["ok"] for step in trace.steps) and not error
    return _mark_in_step(link, entry) if whole else link


def _build_failure_fields(error: JpiError) -> dict[str, Any]:
    status = {"status": error.status} if isinstance(error, Refused) else {}
    return {"reason": str(error)[:REASON_MAX_CHARACTERS], "advice": remediation_for(error),
            "kind": type(error).__name__, **status}


def _merge_entry(history: Sequence[Mapping[str, Any]], entry: dict[str, Any]) -> list[Mapping[str, Any]]:
    """What came of the same event before is told by how often it came; a doubled delivery hides nothing of that."""
    before = next((one for one in history if _is_same_event(one, entry)), None)
    if before is None:
        return [*history, entry]
    others = [one for one in history if one is not before]
    again = entry if entry["steps"] or "reason" in entry or not before["steps"] else before
    done_before = [] if again is before or "reason" in before else before["steps"]
    return [*others, {**again, "steps": [*done_before, *again["steps"]][-MAX_STEPS:],
                      "times": before.get("times", 1) + 1, "first": before.get("first", before["at"])}]


def _is_same_event(one: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    if one["event"] == entry["event"]:
        return True
    # The poll names what it reads anew each time: the same failure, again.
    failed = "reason" in entry and one.get("reason") == entry["reason"]
    return bool(failed and one["source"] == entry["source"] == "poll" and one["type"] == entry["type"])


def _trim_history(history: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    kept = list(history[-MAX_HISTORY_ENTRIES:])
    while len(kept) > 1 and len(json.dumps(kept)) > MAX_HISTORY_CHARACTERS:
        kept = kept[1:]
    return tuple(kept)


def _build_summary_fields(event: Event, link: Link, now: float) -> dict[str, Any]:
    """What the status page calls the incident, and since when it is known."""
    began = {} if "began" in link.summary else {"began": now}
    if not isinstance(event, IncidentEvent) or event.snapshot is None:
        return began | {"title": title} if (title := get_known_value(link, Side.PAGERDUTY, "title")) else began
    there = event.incident
    if there.created and "created" not in link.summary:
        began = {"began": there.created.timestamp(), "created": True}
    title = get_known_value(link, Side.PAGERDUTY, "title") or there.title
    said = {"title": cut_text(title, MAX_TITLE_CHARACTERS) if title else None, "url": there.url,
            "service": there.service, "number": there.number, "status": there.status, "priority": there.priority}
    return began | {name: value for name, value in said.items() if value is not None and (
        name not in link.summary or name == "title" or not is_stale(event, link))}


def _mark_in_step(link: Link, entry: Mapping[str, Any]) -> Link:
    return replace(link, summary={**link.summary, "equal_at": entry["at"], "equal_by": entry["event"],
                                  "equal_type": entry["type"]})
