"""Makes one event of each incident's log entries."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from jpi.domain.decide import has_whole_log
from jpi.domain.events import IncidentEvent, IncidentLogged
from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntrySnapshot

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
