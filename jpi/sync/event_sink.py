"""Hands events over to whoever applies them, now or from the queue, and groups those that must stay in order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

from jpi.domain.actions import Outcome
from jpi.domain.decide import can_open_incident, has_whole_log
from jpi.domain.events import Event, IncidentEvent, IncidentLogged, IssueCreated, IssueEvent, IssueUpdated
from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntrySnapshot
from jpi.domain.policy import Policy
from jpi.errors import JpiError
from jpi.sync.ports import Links, Log


class EventSink(Protocol):
    """Takes events in their order."""

    @property
    def http_status(self) -> int:
        """Return the HTTP answer for events that were taken; 200: applied, 202: stored."""

    def take(self, events: Sequence[Event]) -> list[Outcome | Exception]:
        """Return the outcome of each event; one that fails does not stop the others. Raise if none could be taken."""


class ImmediateSink:
    """Applies events at once."""

    http_status = 200

    def __init__(self, apply: Callable[[Event], Outcome], log: Log) -> None:
        self._apply = apply
        self._log = log

    def take(self, events: Sequence[Event]) -> list[Outcome | Exception]:
        """Apply each event; return its outcome, or why there is none."""
        return [self._apply_or_return_error(event) for event in events]

    def _apply_or_return_error(self, event: Event) -> Outcome | Exception:
        try:
            return self._apply(event)
        except JpiError as error:
            # The service has logged it.
            return error
        except Exception as error:
            self._log.error("an event failed", extra={"event": event.id, "reason": repr(error)}, exc_info=error)
            return error


def find_message_group(links: Links, policy: Policy, event: IssueEvent) -> str | None:
    """Return the issue's incident, or the key of a new issue that opens one; None if the event concerns no incident."""
    incident_id = None if isinstance(event, IssueCreated) else find_linked_incident(links, event)
    return incident_id or (event.issue.key if can_open_incident(event, policy) else None)


def find_linked_incident(links: Links, event: IssueEvent) -> str | None:
    """Return the incident that the event's issue is linked to."""
    return next(filter(None, map(links.find_incident_id, event.issue_keys)), None)


def convert_edit(links: Links, policy: Policy, event: Event) -> Event:
    """Return the event of an issue that was edited into a rule as that of a new one; any other as it is."""
    if not isinstance(event, IssueUpdated) or not can_open_incident(event, policy):
        return event
    if incident_id := find_linked_incident(links, event):
        # It was opened while the event was in the queue, under the issue's key.
        return replace(event, incident_id=incident_id)
    return IssueCreated(event.id, event.at, event.issue, event.actor, event.source, event.issue.key,
                        request=event.request, read_at=event.read_at)


AnyIncidentEvent = TypeVar("AnyIncidentEvent", bound=IncidentEvent)


def group_by_incident(snapshots: Iterable[LogEntrySnapshot], read_at: datetime) -> dict[str, IncidentLogged]:
    """Return one event for each incident: its entries, in order, with its newest state."""
    groups: dict[str, list[LogEntrySnapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault(snapshot.incident.id, []).append(snapshot)
    return {incident_id: _build_event(group, read_at) for incident_id, group in groups.items()}


def assign_event_id(event: IncidentLogged, link: Link) -> IncidentLogged:
    """Return the event with an id made of its content and of the link that it was compared with.

    SQS takes an id once in five minutes: the same event, before anybody acted on it, is not stored again.
    """
    last_entry_id = event.entries[-1].id if event.entries else ""
    version, changed_at = link.version or 0, event.at.timestamp()
    return replace(event, id=f"log:{event.incident.id}:{version}:{changed_at:.0f}:{last_entry_id}")


def sort_by_time(events: Iterable[AnyIncidentEvent]) -> list[AnyIncidentEvent]:
    """Return the events, oldest first."""
    return sorted(events, key=lambda event: (event.at, event.id))


def _build_event(group: Sequence[LogEntrySnapshot], read_at: datetime) -> IncidentLogged:
    newest = max(group, key=lambda snapshot: snapshot.changed_at)
    entries = sorted((snapshot.entry for snapshot in group), key=lambda entry: entry.at)
    detailed = next((snapshot.incident for snapshot in group if snapshot.incident.details), newest.incident)
    incident: Incident = replace(newest.incident, details=detailed.details, trigger=detailed.trigger)
    event = IncidentLogged(f"log:{incident.id}:{read_at.timestamp()}", newest.changed_at, incident,
                           entries=tuple(entries), read_at=read_at)
    return replace(event, whole=has_whole_log(event))
