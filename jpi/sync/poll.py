"""The scheduled poll: reads what happened on both sides since the last one, and has it applied."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from jpi.errors import JpiError, Refused
from jpi.sync.events import Event, Incident, IncidentLogged, IssueUpdated
from jpi.sync.link import Link
from jpi.sync.policy import Policy
from jpi.sync.ports import Clock, Jira, Links, Log, Logged, PagerDuty
from jpi.sync.rules import decide

# PagerDuty may list an entry late, and says nothing of whether `since` includes its second.
OVERLAP = timedelta(minutes=5)
LONGEST_WINDOW = timedelta(hours=6)
NOT_FOUND = 404


@dataclass(frozen=True)
class Position:
    """Read up to `until`; the incidents in `again` failed and are to be read whole. `version` is the store's own."""

    until: datetime
    again: tuple[str, ...] = ()
    version: int | None = None


class Cursor(Protocol):
    """Where the position is kept, as `jpi.store.cursor.Cursor` documents it."""

    def load(self) -> Position | None:
        """The last position; None before the first poll."""

    def save(self, until: datetime, again: Collection[str], over: Position | None) -> None:
        """Move on; LostRace where another poll did."""


class Poll:
    """One run reads all new log entries, the state of open issues, and hands both over."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, cursor: Cursor, apply: Callable[[Event], str],
                 policy: Policy, clock: Clock, log: Log, past_hours: int) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._cursor = cursor
        self._apply = apply
        self._policy = policy
        self._clock = clock
        self._log = log
        self._past = timedelta(hours=past_hours)

    def run(self) -> dict[str, int]:
        """Poll once; how many log entries were read, events applied, and incidents left for the next poll.

        The cursor moves when everything read is applied or noted down to be read again.
        """
        now, position = datetime.fromtimestamp(self._clock(), UTC), self._cursor.load()
        since = position.until - OVERLAP if position else now - self._past
        # After a long outage, in steps: a window that cannot be read in the time there is would never be.
        until = min(now, since + max(self._past, LONGEST_WINDOW))
        open_links = list(self._links.open())
        found = self._pagerduty.log_entries(since, until)
        again = {*(position.again if position else ()), *(link.incident_id for link in open_links if link.todo)}
        events = by_incident(found, now)
        failed = {one for one in sorted(again - events.keys()) if not self._read_again(one, events)}
        failed |= {one.incident.id for one in in_order(events.values()) if not self._applied(one)}
        states = self._changed_issues(open_links)
        for state in states:
            self._applied(state)
        self._cursor.save(until, failed, over=position)
        return {"entries": len(found), "events": len(events) + len(states), "again": len(failed)}

    def _read_again(self, incident_id: str, events: dict[str, IncidentLogged]) -> bool:
        """Whether its whole log was read, or the incident is gone and there is nothing more to read."""
        try:
            now = datetime.fromtimestamp(self._clock(), UTC)
            events |= by_incident(self._pagerduty.incident_log(incident_id), now)
        except Exception as error:
            self._log.error("an incident's log was not read", extra={"incident": incident_id, "reason": repr(error)})
            return isinstance(error, Refused) and error.status == NOT_FOUND
        return True

    def _applied(self, event: Event) -> bool:
        """Whether it worked; one that fails must not stop the others, whatever it is."""
        try:
            self._apply(event)
        except JpiError:
            # Said in the log by the engine.
            return False
        except Exception as error:
            self._log.error("an event failed", extra={"event": event.id, "reason": repr(error)})
            return False
        return True

    def _changed_issues(self, links: Sequence[Link]) -> list[IssueUpdated]:
        """What Jira's webhooks should have told: open issues whose state is not the agreed one."""
        by_key, now = {str(link.issue_key): link for link in links}, datetime.fromtimestamp(self._clock(), UTC)
        try:
            states = self._jira.states(list(by_key)) if by_key else []
        except Exception as error:
            self._log.error("the open issues were not read", extra={"reason": repr(error)})
            return []
        events = [IssueUpdated(f"read:{issue.key}:{at.timestamp()}", at, issue, source="poll", read_at=now)
                  for issue, at in states if issue.key in by_key]
        return [event for event in events if decide(event, by_key[event.issue.key], self._policy)]


def by_incident(found: Iterable[Logged], read_at: datetime) -> dict[str, IncidentLogged]:
    """One event an incident: its entries, in order, with its newest state."""
    groups: dict[str, list[Logged]] = {}
    for one in found:
        groups.setdefault(one.incident.id, []).append(one)
    return {incident_id: _event(group, read_at) for incident_id, group in groups.items()}


def in_order(events: Iterable[IncidentLogged]) -> list[IncidentLogged]:
    """The oldest first."""
    return sorted(events, key=lambda event: (event.at, event.id))


def _event(group: Sequence[Logged], read_at: datetime) -> IncidentLogged:
    newest = max(group, key=lambda one: one.at)
    entries = sorted((one.entry for one in group), key=lambda entry: (entry.at, entry.id))
    details = next((one.incident.details for one in group if one.incident.details), None)
    incident: Incident = replace(newest.incident, details=details)
    event_id = f"log:{incident.id}:{entries[-1].id}"
    return IncidentLogged(event_id, newest.at, incident, entries=tuple(entries), read_at=read_at)
