"""Keeps on a link what came of each event, for the status page and `jpi explain`. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jpi.domain.actions import Action, Outcome
from jpi.domain.descriptions import describe_failed_action, describe_performed_action
from jpi.domain.events import Event, IncidentEvent, IssueCreated
from jpi.domain.link import Link, LinkSummary
from jpi.domain.link_parts import FieldName, HistoryEntry, HistoryFailure, HistoryStep
from jpi.domain.policy import Policy
from jpi.domain.retry_state import REASON_MAX_CHARACTERS
from jpi.domain.status_rules import is_stale
from jpi.domain.templates import cut_text
from jpi.errors import JpiError, Refused

# A row of DynamoDB holds at most 400 KB, and a link holds more than its history.
MAX_HISTORY_ENTRIES = 50
MAX_HISTORY_CHARACTERS = 100_000
MAX_STEPS = 20
MAX_TITLE_CHARACTERS = 255


@dataclass
class ActionTrace:
    """The steps of one event, added as they are taken; `no_action_reason`: why there was none."""

    steps: list[HistoryStep] = field(default_factory=list)
    no_action_reason: str = ""
    current_action: Action | None = None

    def start_action(self, action: Action) -> None:
        """Remember the action that is about to be performed."""
        self.current_action = action

    def finish_action(self, performed_action: Action, link: Link, now: float) -> None:
        """Add the current action as a step, as it was performed."""
        if self.current_action:
            text, is_done = describe_performed_action(self.current_action, performed_action, link)
            self.steps.append(HistoryStep(text, is_done, now))
        self.current_action = None

    def add_step(self, text: str, now: float, is_done: bool = True) -> None:
        """Add a step that is no action of a decision."""
        self.steps.append(HistoryStep(text, is_done, now))

    def fail_action(self, now: float, policy: Policy, reason: str = "") -> None:
        """Add the current action, if any, as a step that failed."""
        if self.current_action:
            text = describe_failed_action(self.current_action, policy, reason)
            self.steps.append(HistoryStep(text, is_done=False, at=now))
        self.current_action = None


def append_history(link: Link, event: Event, outcome: Outcome, trace: ActionTrace, now: float,
                   error: JpiError | None = None, differences: Sequence[str] = ()) -> Link:
    """Return the link with what came of the event as its newest entry, and what the event says of the incident.

    `differences`: the synced fields that still differ.
    """
    entry = HistoryEntry(event.id, type(event).__name__, event.side, event.source, event.at.timestamp(), now,
                         str(outcome), tuple(trace.steps[-MAX_STEPS:]), trace.no_action_reason, event.request,
                         describe_error(error) if error else None)
    summary = _update_summary(event, link, now)
    if entry.is_whole and not link.backlog.refused_steps and not differences:
        summary = replace(summary, in_step_at=now, in_step_event=entry.event_id, in_step_event_type=entry.event_type)
    return replace(link, history=_trim_history(_merge_entry(link.history, entry)), summary=summary)


def describe_error(error: JpiError) -> HistoryFailure:
    """Return the error as a link keeps it."""
    kind = Refused if isinstance(error, Refused) else type(error)
    failure = HistoryFailure(kind.__name__, str(error)[:REASON_MAX_CHARACTERS])
    if not isinstance(error, Refused):
        return failure
    return replace(failure, service=error.service, status=int(error.status), field_names=tuple(error.field_errors))


def _merge_entry(history: Sequence[HistoryEntry], entry: HistoryEntry) -> list[HistoryEntry]:
    """Merge repeated deliveries of one event into one entry: count them and keep the earlier steps."""
    earlier = next((other for other in history if _is_same_event(other, entry)), None)
    if earlier is None:
        return [*history, entry]
    kept = entry if entry.steps or entry.failure or not earlier.steps else earlier
    # What a failed attempt has done is not done again.
    kept_texts = {step.text for step in kept.steps} if earlier.failure else set()
    earlier_steps = () if kept is earlier else [step for step in earlier.steps if step.text not in kept_texts
                                                and (step.is_done or not earlier.failure)]
    merged = replace(kept, steps=(*earlier_steps, *kept.steps)[-MAX_STEPS:], count=earlier.count + 1,
                     first_at=earlier.at if earlier.first_at is None else earlier.first_at)
    return [*(other for other in history if other is not earlier), merged]


def _is_same_event(earlier: HistoryEntry, entry: HistoryEntry) -> bool:
    if earlier.event_id == entry.event_id:
        return True
    # The poll gives what it reads a new id each time: the same failure is the same event.
    failed_alike = earlier.failure and entry.failure and earlier.failure.reason == entry.failure.reason
    return bool(failed_alike and earlier.source == entry.source == "poll" and earlier.event_type == entry.event_type)


def _trim_history(history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    kept = list(history[-MAX_HISTORY_ENTRIES:])
    sizes = [len(json.dumps(entry, default=vars)) for entry in kept]
    while len(kept) > 1 and sum(sizes) > MAX_HISTORY_CHARACTERS:
        del kept[0], sizes[0]
    return tuple(kept)


def _update_summary(event: Event, link: Link, now: float) -> LinkSummary:
    """Return what the status page calls the incident, and since when it is known."""
    summary = link.summary if link.summary.began is not None else replace(link.summary, began=now)
    title = link.fields[FieldName.TITLE].pagerduty.value
    if isinstance(event, IssueCreated):
        title = title or cut_text(event.issue.title or "", MAX_TITLE_CHARACTERS)
    if not isinstance(event, IncidentEvent) or event.snapshot is None:
        return replace(summary, title=title) if title else summary
    incident = event.incident
    if incident.created and not summary.began_is_creation:
        summary = replace(summary, began=incident.created.timestamp(), began_is_creation=True)
    title = title or incident.title
    values: dict[str, Any] = {"title": cut_text(title, MAX_TITLE_CHARACTERS) if title else None, "url": incident.url,
                              "service": incident.service, "number": incident.number, "status": incident.status,
                              "priority": incident.priority}
    is_new = not is_stale(event, link)
    return replace(summary, **{name: value for name, value in values.items() if value is not None and (
        name == "title" or is_new or getattr(summary, name) is None)})
