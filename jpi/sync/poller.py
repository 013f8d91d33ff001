"""The scheduled poll: reads what happened on both sides since the last one, and hands over what is new."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from jpi.domain.decide import drop_processed_entries, needs_applying
from jpi.domain.events import Event, IncidentEvent, IncidentLogged
from jpi.domain.model import LogEntrySnapshot
from jpi.domain.policy import Policy
from jpi.domain.retry_state import has_unread_log, is_backed_off, needs_whole_log_now
from jpi.errors import JpiError, OutOfTime, PermanentError, Refused
from jpi.sync.event_sink import EventSink, assign_event_id, group_by_incident, sort_by_time
from jpi.sync.issue_changes import LinksById
from jpi.sync.poll_errors import PollErrors
from jpi.sync.ports import Clock, Links, Log, PagerDuty, ProcessedIds
from jpi.sync.reconciler import Reconciler

# PagerDuty may list an entry late, and says nothing of whether `since` includes its second.
POLL_OVERLAP = timedelta(minutes=5)
MAX_WINDOW = timedelta(hours=6)
# A window of which fewer entries came than were announced is read this often before it is taken as it is.
MAX_INCOMPLETE_READS = 3


@dataclass(frozen=True)
class PollPosition:
    """Where the next poll begins: at `read_until`, with `retry_incident_ids`, whose logs are to be read whole.

    `ignore_before`: where the first poll began; older incidents that jpi never heard of stay without an issue.
    `incomplete_reads`: how often in a row the window that begins here came with entries missing.
    `max_window`: how long a window may be, since a longer one could not be read in time; None: as long as any.
    `last_polled_at`: when the last poll succeeded.
    `issues_read_until`: until when every change of an issue was read; `unread_issue_ids`: the incidents whose issue
    is to be read again. `version`: the store's own.
    """

    read_until: datetime
    ignore_before: datetime
    retry_incident_ids: tuple[str, ...] = ()
    incomplete_reads: int = 0
    max_window: timedelta | None = None
    last_polled_at: datetime | None = None
    issues_read_until: datetime | None = None
    unread_issue_ids: tuple[str, ...] = ()
    version: int | None = None


class Cursor(Protocol):
    """The store of the position."""

    def load(self) -> PollPosition | None:
        """Return the last position; None before the first poll."""

    def save(self, position: PollPosition) -> None:
        """Save over the position of this version. Raise LostRace if another poll saved first."""


@dataclass(frozen=True)
class LogWindow:
    """PagerDuty's log entries between two times; not complete if fewer came than were announced."""

    since: datetime
    until: datetime
    entries: Sequence[LogEntrySnapshot]
    is_complete: bool


class Poller:
    """Reads all new log entries and the state of both sides, and hands over what is new."""

    def __init__(self, pagerduty: PagerDuty, links: Links, processed_ids: ProcessedIds, cursor: Cursor,
                 reconciler: Reconciler, event_sink: EventSink, policy: Policy, clock: Clock, log: Log,
                 errors: PollErrors, lookback_hours: int) -> None:
        self._pagerduty = pagerduty
        self._links = links
        self._processed_ids = processed_ids
        self._cursor = cursor
        self._reconciler = reconciler
        self._event_sink = event_sink
        self._policy = policy
        self._clock = clock
        self._log = log
        self._errors = errors
        self._lookback = timedelta(hours=lookback_hours)

    def run(self, request: str = "") -> dict[str, int]:
        """Poll once; return how many log entries were read, events handed over, and incidents left for the next poll.

        `request` is the poll's id, which its events keep. The cursor moves when everything read is applied, stored,
        or noted to be read again. A mistake of ours is raised after that.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        position = self._cursor.load() or self._make_first_position(now)
        window = self._read_window(position, now)
        links = self._links.list_open()
        open_links = {link.incident_id: link for link in links if not link.is_opening}
        logged = group_by_incident(window.entries, now)
        retry_ids = self._list_retry_ids(position, open_links, now)
        unread_ids = self._read_whole_logs(retry_ids, logged, now)
        changes = self._find_incident_changes(logged, open_links, retry_ids, now, position.ignore_before)
        issues_since = position.issues_read_until - POLL_OVERLAP if position.issues_read_until else window.since
        issue_changes = self._reconciler.reconcile_issues(open_links, issues_since, position.unread_issue_ids)
        created = self._reconciler.openings.find_created_issues(issues_since)
        retried = self._reconciler.openings.retry_openings([link for link in links if link.is_opening])
        events: list[Event] = [*changes, *issue_changes.events, *created.events, *retried]
        failed_ids = unread_ids | self._hand_over_events(events, request)
        polled_at = position.last_polled_at if self._errors.has_mistakes else now
        is_whole = issue_changes.is_whole and created.is_whole
        self._cursor.save(replace(
            self._advance_position(position, window, failed_ids), last_polled_at=polled_at,
            issues_read_until=now if is_whole else issues_since + POLL_OVERLAP,
            unread_issue_ids=tuple(sorted(issue_changes.unread_ids))))
        self._reconciler.warm_site_cache()
        self._errors.raise_mistakes()
        return {"entries": len(window.entries), "again": len(failed_ids),
                "events": sum(isinstance(event, IncidentLogged) for event in changes)}

    def _make_first_position(self, now: datetime) -> PollPosition:
        return PollPosition(now - self._lookback + POLL_OVERLAP, ignore_before=now - self._lookback)

    def _read_window(self, position: PollPosition, now: datetime) -> LogWindow:
        """Read the next window. One too long for the time there is gets halved, or the next poll would fail as well."""
        since = position.read_until - POLL_OVERLAP
        # After a long outage, in steps.
        until = min(now, since + (position.max_window or max(self._lookback, MAX_WINDOW)))
        try:
            return LogWindow(since, until, *self._pagerduty.list_log_entries(since, until))
        except OutOfTime:
            self._cursor.save(replace(position, max_window=max((until - since) / 2, 2 * POLL_OVERLAP)))
            raise

    def _list_retry_ids(self, position: PollPosition, open_links: LinksById, now: datetime) -> set[str]:
        """Return the incidents that failed or are unfinished: their logs are read from the beginning.

        A log that PagerDuty refused to show is read again with the incident's next event.
        """
        unread_ids = {incident_id for incident_id, link in open_links.items() if has_unread_log(link)}
        unfinished_ids = {incident_id for incident_id, link in open_links.items()
                          if needs_whole_log_now(link, now.timestamp())}
        return {*position.retry_incident_ids, *unfinished_ids} - unread_ids

    def _read_whole_logs(self, incident_ids: Collection[str], logged: dict[str, IncidentLogged],
                         now: datetime) -> set[str]:
        """Put whole logs into `logged`, unless they are whole; return the incidents that are still to be read."""
        missing = sorted(incident_id for incident_id in incident_ids
                         if incident_id not in logged or not logged[incident_id].whole)
        return {incident_id for incident_id in missing if not self._read_whole_log(incident_id, logged, now)}

    def _read_whole_log(self, incident_id: str, logged: dict[str, IncidentLogged], now: datetime) -> bool:
        """True if the whole log was read, or the incident is gone and there is nothing left to read."""
        is_gone = False
        with self._errors.contain_errors("an incident's log was not read", incident=incident_id):
            try:
                events = group_by_incident(self._pagerduty.list_incident_log_entries(incident_id), now)
            except Refused as refused:
                is_gone = refused.is_not_found
                raise
            logged |= {group_id: replace(event, whole=True) for group_id, event in events.items()}
            return True
        return is_gone

    def _find_incident_changes(self, logged: Mapping[str, IncidentLogged], open_links: LinksById,
                               retry_ids: Collection[str], now: datetime,
                               ignore_before: datetime) -> list[IncidentEvent]:
        """Return what is new of the incidents, from their logs and from their state, oldest first."""
        drifted = self._reconciler.reconcile_incidents(logged.keys(), open_links, now, ignore_before)
        return sort_by_time([*self._select_news(logged, open_links, retry_ids), *drifted])

    def _select_news(self, logged: Mapping[str, IncidentLogged], open_links: LinksById,
                     retry_ids: Collection[str]) -> list[IncidentLogged]:
        """Return the events that would change anything; most of an overlapping window was processed before."""
        links = {**self._links.get_all(logged.keys() - open_links.keys()), **open_links}
        processed_ids = self._processed_ids.already_processed([
            entry.id for incident_id, event in logged.items() if links[incident_id].issue_key
            for entry in event.entries])
        fresh = [drop_processed_entries(event, processed_ids) for incident_id, event in logged.items()
                 if incident_id not in retry_ids]
        news = [event for event in fresh if needs_applying(event, links[event.incident.id], self._policy)
                and not is_backed_off(links[event.incident.id], event, self._clock())]
        # A retry needs its log from the beginning.
        news += [event for incident_id, event in logged.items() if incident_id in retry_ids]
        return [assign_event_id(event, links[event.incident.id]) for event in news]

    def _hand_over_events(self, events: Sequence[Event], request: str) -> set[str]:
        """Hand events over; return the incidents whose log was read and not taken, and may be taken later.

        What failed for good is on its link, and an issue's state is read anew by every poll.
        """
        outcomes = self._event_sink.take([replace(event, request=request) for event in events])
        failures = [(event, outcome) for event, outcome in zip(events, outcomes, strict=True)
                    if isinstance(outcome, Exception)]
        for _, error in failures:
            if not isinstance(error, JpiError):
                self._errors.add_mistake(error)
        return {event.incident.id for event, error in failures
                if isinstance(event, IncidentLogged) and not isinstance(error, PermanentError)}

    def _advance_position(self, position: PollPosition, window: LogWindow, failed_ids: set[str]) -> PollPosition:
        """Return where the next poll begins: at the same place if announced entries are missing."""
        retry_ids = tuple(sorted(failed_ids))
        if window.is_complete or position.incomplete_reads + 1 >= MAX_INCOMPLETE_READS:
            longer = 2 * position.max_window if position.max_window else None
            return replace(position, read_until=window.until, retry_incident_ids=retry_ids, incomplete_reads=0,
                           max_window=longer if longer and longer < MAX_WINDOW else None)
        self._log.warning("log entries are missing", extra={"until": window.until.isoformat()})
        return replace(position, retry_incident_ids=retry_ids, incomplete_reads=position.incomplete_reads + 1)
