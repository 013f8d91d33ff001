"""The scheduled poll: reads what happened on both sides since the last one, and hands over what is news."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from jpi.domain.decide import is_news, without
from jpi.domain.events import Event, IncidentLogged
from jpi.domain.policy import Policy
from jpi.domain.retry_state import due, ended
from jpi.errors import OutOfTime, Permanent, Refused
from jpi.sync.event_sink import HandOver
from jpi.sync.ports import Clock, Ledger, Links, Log, Logged, PagerDuty
from jpi.sync.reconciler import OpenLinks, Reconcile, by_incident, in_order, named

# PagerDuty may list an entry late, and says nothing of whether `since` includes its second.
OVERLAP = timedelta(minutes=5)
LONGEST_WINDOW = timedelta(hours=6)
# A window of which fewer entries came than were announced is read this often before it is taken as it is.
READS_OF_A_GAP = 3
NOT_FOUND = 404


@dataclass(frozen=True)
class Position:
    """Read up to `until`; the incidents in `again` failed and are to be read whole. `version` is the store's own.

    `began`: where the first poll did; what is older and was never heard of is left alone.
    `short`: how often in a row the window that begins here came with entries missing.
    `polled`: when the last poll succeeded.
    `step`: how long a window may be, since a longer one could not be read in time; None: as long as any.
    """

    until: datetime
    began: datetime
    again: tuple[str, ...] = ()
    short: int = 0
    step: timedelta | None = None
    polled: datetime | None = None
    version: int | None = None


class Cursor(Protocol):
    """Where the position is kept, as `jpi.store.cursor.Cursor` documents it."""

    def load(self) -> Position | None:
        """The last position; None before the first poll."""

    def save(self, position: Position) -> None:
        """Save over the position of this version; LostRace where another poll did."""


class Poll:
    """One run reads all new log entries and the state of both sides, and hands over what is news."""

    def __init__(self, pagerduty: PagerDuty, links: Links, ledger: Ledger, cursor: Cursor, reconcile: Reconcile,
                 hand_over: HandOver, policy: Policy, clock: Clock, log: Log, past_hours: int) -> None:
        self._pagerduty = pagerduty
        self._links = links
        self._ledger = ledger
        self._cursor = cursor
        self._reconcile = reconcile
        self._hand_over = hand_over
        self._policy = policy
        self._clock = clock
        self._log = log
        self._past = timedelta(hours=past_hours)

    def run(self, request: str = "") -> dict[str, int]:
        """Poll once; how many log entries were read, events handed over, and incidents left for the next poll.

        `request`: the poll's id, which the events keep.

        The cursor moves when everything read is applied, stored, or noted down to be read again.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        position = self._cursor.load() or Position(now - self._past + OVERLAP, began=now - self._past)
        since = position.until - OVERLAP
        # After a long outage, in steps.
        until = min(now, since + (position.step or max(self._past, LONGEST_WINDOW)))
        open_links = {link.incident_id: link for link in self._links.open()}
        found, whole = self._read(position, since, until)
        events = by_incident(found, now)
        unfinished = (one for one, link in open_links.items() if link.unfinished and due(link, now.timestamp()))
        again = {*position.again, *unfinished}
        whole_ones = {one for one, event in events.items() if event.whole}
        unread = {one for one in sorted(again - whole_ones) if not self._read_again(one, events, now)}
        untold, gone = self._reconcile.incidents(events, open_links, now, position.began)
        news = in_order([*self._news(events, open_links, again), *untold])
        found_out: list[Event] = [*news, *gone, *self._reconcile.issues(open_links, since),
                                  *self._reconcile.created(since)]
        failed = self._handed_over([replace(event, request=request) for event in found_out])
        self._cursor.save(replace(self._moved(position, until, whole, unread | failed), polled=now))
        self._reconcile.learn()
        return {"entries": len(found), "events": len(news), "again": len(unread | failed)}

    def _read(self, position: Position, since: datetime, until: datetime) -> tuple[Sequence[Logged], bool]:
        """The window's entries; one too long for the time there is is halved, or the next poll would fail as well."""
        try:
            return self._pagerduty.log_entries(since, until)
        except OutOfTime:
            self._cursor.save(replace(position, step=max((until - since) / 2, 2 * OVERLAP)))
            raise

    def _read_again(self, incident_id: str, events: dict[str, IncidentLogged], now: datetime) -> bool:
        """Whether its whole log was read, or the incident is gone and there is nothing more to read."""
        try:
            found = by_incident(self._pagerduty.incident_log(incident_id), now)
            events |= {one: replace(event, whole=True) for one, event in found.items()}
        except Exception as error:
            self._log.error("an incident's log was not read", extra={"incident": incident_id, "reason": repr(error)})
            return isinstance(error, Refused) and error.status == NOT_FOUND
        return True

    def _news(self, events: Mapping[str, IncidentLogged], open_links: OpenLinks,
              again: Collection[str]) -> list[IncidentLogged]:
        """Those that would change anything; most of what an overlapping window holds was heard of before."""
        links = {**self._links.get_all(events.keys() - open_links.keys()), **open_links}
        known = self._ledger.known([entry.id for one, event in events.items() if links[one].issue_key
                                    for entry in event.entries])
        fresh = [without(event, known) for one, event in events.items() if one not in again]
        news = [event for event in fresh if is_news(event, links[event.incident.id], self._policy)
                and not ended(links[event.incident.id], event, self._clock())]
        # What is to be done again needs its log from the beginning.
        news += [event for one, event in events.items() if one in again]
        return [named(event, links[event.incident.id]) for event in news]

    def _handed_over(self, events: Sequence[Event]) -> set[str]:
        """The incidents whose log was read and not taken, but for what ended: that the link remembers.

        An issue's state is read anew by every poll.
        """
        outcomes = zip(events, self._hand_over(events), strict=True)
        return {event.incident.id for event, outcome in outcomes
                if isinstance(outcome, Exception) and not isinstance(outcome, Permanent)
                and isinstance(event, IncidentLogged)}

    def _moved(self, position: Position, until: datetime, whole: bool, failed: set[str]) -> Position:
        """Where the next poll begins: here again, where entries that were announced did not come."""
        again = tuple(sorted(failed))
        if whole or position.short + 1 >= READS_OF_A_GAP:
            longer = 2 * position.step if position.step else None
            step = longer if longer and longer < LONGEST_WINDOW else None
            return replace(position, until=until, again=again, short=0, step=step)
        self._log.warning("log entries are missing", extra={"until": until.isoformat()})
        return replace(position, again=again, short=position.short + 1)
