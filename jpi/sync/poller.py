"""The scheduled poll: reads what happened on both sides since the last one, and hands over what is news."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from jpi.domain.decide import drop_processed_entries, needs_applying
from jpi.domain.events import Event, IncidentLogged
from jpi.domain.model import LogEntrySnapshot
from jpi.domain.policy import Policy
from jpi.domain.retry_state import is_backed_off, retry_is_due
from jpi.errors import OutOfTime, PermanentError, Refused
from jpi.sync.event_sink import EventSink
from jpi.sync.ports import Clock, Links, Log, PagerDuty, ProcessedIds
from jpi.sync.reconciler import LinksById, Reconciler, assign_event_id, group_by_incident, sort_by_time

# PagerDuty may list an entry late, and says nothing of whether `since` includes its second.
POLL_OVERLAP = timedelta(minutes=5)
MAX_WINDOW = timedelta(hours=6)
# A window of which fewer entries came than were announced is read this often before it is taken as it is.
MAX_INCOMPLETE_READS = 3
NOT_FOUND = 404


@dataclass(frozen=True)
class PollPosition:
    """Read up to `until`; the incidents in `again` failed and are to be read whole. `version` is the store's own.

    `began`: where the first poll did; what is older and was never heard of is left alone.
    `short`: how often in a row the window that begins here came with entries missing.
    `polled`: when the last poll succeeded.
    `step`: how long a window may be, since a longer one could not be read in time; None: as long as any.
    """

    read_until: datetime
    ignore_before: datetime
    retry_incident_ids: tuple[str, ...] = ()
    incomplete_reads: int = 0
    max_window: timedelta | None = None
    last_polled_at: datetime | None = None
    version: int | None = None


class Cursor(Protocol):
    """Where the position is kept, as `jpi.store.cursor.Cursor` documents it."""

    def load(self) -> PollPosition | None:
        """The last position; None before the first poll."""

    def save(self, position: PollPosition) -> None:
        """Save over the position of this version; LostRace where another poll did."""


class Poller:
    """One run reads all new log entries and the state of both sides, and hands over what is news."""

    def __init__(self, pagerduty: PagerDuty, links: Links, processed_ids: ProcessedIds, cursor: Cursor,
                 reconciler: Reconciler, event_sink: EventSink, policy: Policy, clock: Clock, log: Log,
                 lookback_hours: int) -> None:
        self._pagerduty = pagerduty
        self._links = links
        self._processed_ids = processed_ids
        self._cursor = cursor
        self._reconciler = reconciler
        self._event_sink = event_sink
        self._policy = policy
        self._clock = clock
        self._log = log
        self._lookback = timedelta(hours=lookback_hours)

    def run(self, request: str = "") -> dict[str, int]:
        """Poll once; how many log entries were read, events handed over, and incidents left for the next poll.

        `request`: the poll's id, which the events keep.

        The cursor moves when everything read is applied, stored, or noted down to be read again.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        position = self._cursor.load() or PollPosition(now - self._lookback + POLL_OVERLAP,
                                                       ignore_before=now - self._lookback)
        since = position.read_until - POLL_OVERLAP
        # After a long outage, in steps.
        until = min(now, since + (position.max_window or max(self._lookback, MAX_WINDOW)))
        open_links = {link.incident_id: link for link in self._links.list_open()}
        found, whole = self._read_window(position, since, until)
        events = group_by_incident(found, now)
        unfinished = (one for one, link in open_links.items() if link.is_unfinished
                      and retry_is_due(link, now.timestamp()))
        again = {*position.retry_incident_ids, *unfinished}
        whole_ones = {one for one, event in events.items() if event.whole}
        unread = {one for one in sorted(again - whole_ones) if not self._read_whole_log(one, events, now)}
        untold, gone = self._reconciler.reconcile_incidents(events, open_links, now, position.ignore_before)
        news = sort_by_time([*self._select_news(events, open_links, again), *untold])
        found_out: list[Event] = [*news, *gone, *self._reconciler.reconcile_issues(open_links, since),
                                  *self._reconciler.find_created_issues(since)]
        failed = self._hand_over_events([replace(event, request=request) for event in found_out])
        self._cursor.save(replace(self._advance_position(position, until, whole, unread | failed), last_polled_at=now))
        self._reconciler.warm_site_cache()
        return {"entries": len(found), "events": len(news), "again": len(unread | failed)}

    def _read_window(self, position: PollPosition, since: datetime,
                     until: datetime) -> tuple[Sequence[LogEntrySnapshot], bool]:
        """The window's entries; one too long for the time there is is halved, or the next poll would fail as well."""
        try:
            return self._pagerduty.list_log_entries(since, until)
        except OutOfTime:
            self._cursor.save(replace(position, max_window=max((until - since) / 2, 2 * POLL_OVERLAP)))
            raise

    def _read_whole_log(self, incident_id: str, events: dict[str, IncidentLogged], now: datetime) -> bool:
        """Whether its whole log was read, or the incident is gone and there is nothing more to read."""
        try:
            found = group_by_incident(self._pagerduty.list_incident_log_entries(incident_id), now)
            events |= {one: replace(event, whole=True) for one, event in found.items()}
        except Exception as error:
            self._log.error("an incident's log was not read", extra={"incident": incident_id, "reason": repr(error)})
            return isinstance(error, Refused) and error.status == NOT_FOUND
        return True

    def _select_news(self, events: Mapping[str, IncidentLogged], open_links: LinksById,
                     retry_incident_ids: Collection[str]) -> list[IncidentLogged]:
        """Those that would change anything; most of what an overlapping window holds was heard of before."""
        links = {**self._links.get_all(events.keys() - open_links.keys()), **open_links}
        known = self._processed_ids.already_processed([entry.id for one,
                                                       event in events.items() if links[one].issue_key
                                                       for entry in event.entries])
        fresh = [drop_processed_entries(event, known) for one, event in events.items() if one not in retry_incident_ids]
        news = [event for event in fresh if needs_applying(event, links[event.incident.id], self._policy)
                and not is_backed_off(links[event.incident.id], event, self._clock())]
        # What is to be done again needs its log from the beginning.
        news += [event for one, event in events.items() if one in retry_incident_ids]
        return [assign_event_id(event, links[event.incident.id]) for event in news]

    def _hand_over_events(self, events: Sequence[Event]) -> set[str]:
        """The incidents whose log was read and not taken, but for what ended: that the link remembers.

        An issue's state is read anew by every poll.
        """
        outcomes = zip(events, self._event_sink(events), strict=True)
        return {event.incident.id for event, outcome in outcomes
                if isinstance(outcome, Exception) and not isinstance(outcome, PermanentError)
                and isinstance(event, IncidentLogged)}

    def _advance_position(self, position: PollPosition, until: datetime, is_complete: bool,
                          failed: set[str]) -> PollPosition:
        """Where the next poll begins: here again, where entries that were announced did not come."""
        again = tuple(sorted(failed))
        if is_complete or position.incomplete_reads + 1 >= MAX_INCOMPLETE_READS:
            longer = 2 * position.max_window if position.max_window else None
            step = longer if longer and longer < MAX_WINDOW else None
            return replace(position, read_until=until, retry_incident_ids=again, incomplete_reads=0, max_window=step)
        self._log.warning("log entries are missing", extra={"until": until.isoformat()})
        return replace(position, retry_incident_ids=again, incomplete_reads=position.incomplete_reads + 1)
