"""Applies an event: load the link, decide, perform, save. The same for webhooks, the queue and the poll."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jpi.errors import JpiError, LostRace, Refused
from jpi.sync.actions import Action, AddTimeline, CreateIncidentIssue
from jpi.sync.claims import Claims
from jpi.sync.events import (
    Event,
    Incident,
    IncidentEvent,
    IncidentLogged,
    IssueUpdated,
    LogEntry,
    Person,
    incident_of,
)
from jpi.sync.failures import forgotten, noted, worth_noting
from jpi.sync.intake import NOBODYS
from jpi.sync.link import Link
from jpi.sync.maker import Maker
from jpi.sync.merge import side_of
from jpi.sync.policy import Policy
from jpi.sync.ports import Clock, Jira, Ledger, Links, Log, PagerDuty
from jpi.sync.rules import decide, performed, settle, stale, wants_whole_log, without
from jpi.sync.writer import Writer

RACES = 3


class Engine:
    """Performs what the rules decide."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, ledger: Ledger, policy: Policy, clock: Clock,
                 log: Log, index_lag: float) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._ledger = ledger
        self._policy = policy
        self._clock = clock
        self._log = log
        claims = Claims(links, clock)
        self._maker = Maker(jira, links, ledger, claims, policy, log, index_lag)
        self._writer = Writer(jira, pagerduty, ledger, claims, policy, clock, log)
        self._own: dict[str, str | None] = {}

    def apply(self, event: Event) -> str:
        """Carry the event over; a word or two on what came of it. Raises JpiError where it should be tried again."""
        started = self._clock()
        try:
            link, outcome = self._applied(event)
        except JpiError as error:
            self._log.warning("not applied", extra=self._line(event, started, None, "failed") | {"reason": str(error)})
            self._note(event, error)
            raise
        self._log.info(outcome, extra=self._line(event, started, link, outcome))
        return outcome

    def plan(self, event: Event) -> str:
        """What applying the event would do, in a word or two; reads, and writes nothing."""
        link = self._link(event)
        if link is None:
            return NOBODYS
        actions = decide(self._complete(event, link), link, self._policy)
        return _named(actions)

    def _note(self, event: Event, error: JpiError) -> None:
        """Have the link remember why, if it can."""
        try:
            link = self._link(event) if worth_noting(error) else None
            if link:
                self._links.save(noted(link, event, error, self._clock()))
        except JpiError as another:
            self._log.warning("a failure was not noted", extra={"event": event.id, "reason": str(another)})

    def _line(self, event: Event, started: float, link: Link | None, outcome: str) -> dict[str, Any]:
        """The fields of an event's line in the log."""
        issue = event.issue.key if isinstance(event, IssueUpdated) else None
        return {
            "event": event.id, "type": type(event).__name__, "source": event.source, "outcome": outcome,
            "incident": link.incident_id if link else incident_of(event),
            "issue": (link.issue_key if link else None) or issue,
            "duration_ms": round((self._clock() - started) * 1000),
        }

    def _applied(self, event: Event) -> tuple[Link | None, str]:
        for _ in range(RACES - 1):
            try:
                return self._apply(event)
            except LostRace:
                # Somebody else moved on: decide again on what they left.
                continue
        return self._apply(event)

    def _apply(self, event: Event) -> tuple[Link | None, str]:
        link = self._link(event)
        if link is None:
            return None, NOBODYS
        event = self._complete(event, link)
        actions = decide(event, link, self._policy)
        if actions and self._is_ours(event, link):
            return link, "ignored: done by our own account"
        outcome, loaded = _named(actions), link
        try:
            for action in actions:
                link, done = self._perform(action, link, event)
                link = performed(done, link)
            link = self._maker.finish(link)
        except Refused as refused:
            if not refused.of_missing_issue(link.issue_key):
                raise
            # It was deleted, or hidden from us: no retry brings it back, and nothing is made again by itself.
            link, outcome = replace(link, todo={}, failed={}, ended=True), "ignored: its issue is gone"
        link = forgotten(settle(event, link), event)
        if link != loaded:
            # Also where nothing but the version is new: what was saved last is a claim, which is over.
            link = self._links.save(link)
        return link, outcome

    def _link(self, event: Event) -> Link | None:
        incident_id = incident_of(event)
        if incident_id is None and isinstance(event, IssueUpdated):
            incident_id = self._links.incident_of(event.issue.key)
        return self._links.get(incident_id) if incident_id else None

    def _complete(self, event: Event, link: Link) -> Event:
        """The event with what the poll did not bring along, and without what was carried over already."""
        if isinstance(event, IssueUpdated):
            return self._understood(event, link)
        if not isinstance(event, IncidentLogged):
            return event
        if event.incident.status is None:
            event = replace(event, incident=self._pagerduty.incident(event.incident.id))
        if wants_whole_log(event, link, self._policy):
            entries = tuple(logged.entry for logged in self._pagerduty.incident_log(event.incident.id))
            event = replace(event, entries=entries, whole=True)
        if not link.issue_key:
            return event
        return without(event, self._ledger.known([entry.id for entry in event.entries]))

    def _understood(self, event: IssueUpdated, link: Link) -> IssueUpdated:
        """The event with its status as the team has it; whether it was done before is asked only where that matters."""
        event = replace(event, issue=self._policy.read(event.issue))
        if not event.left or event.issue.category == "done" or link.agreed.get("status") != "resolved":
            return event
        try:
            return replace(event, reopens=self._jira.category_of_status(event.left) == "done")
        except Refused as refused:
            # Such a status was deleted; the next poll sees where the issue is.
            self._log.warning("a status is not known", extra={"status": event.left, "reason": str(refused)})
            return event

    def _is_ours(self, event: Event, link: Link) -> bool:
        """Whether this is the echo of something we did; only what is linked already can echo."""
        actor: Person | None = event.actor
        if not link.issue_key or actor is None:
            return False
        side = side_of(event)
        if side not in self._own:
            self._own[side] = self._own_id(side)
        return actor.id == self._own[side]

    def _own_id(self, side: str) -> str | None:
        try:
            return self._jira.own_id if side == "jira" else self._pagerduty.own_id()
        except Refused as refused:
            # Equality and the ledger alone keep echoes out as well.
            self._log.warning("our own account is not known", extra={"side": side, "reason": str(refused)})
            return None

    def _perform(self, action: Action, link: Link, event: Event) -> tuple[Link, Action]:
        """The link, and what was done of the action: fields that a service refuses stay as they are there."""
        if isinstance(action, CreateIncidentIssue) and isinstance(event, IncidentEvent):
            return self._maker.incident_issue(link, self._present(event, link), action.agent), action
        if isinstance(action, AddTimeline) and isinstance(event, IncidentLogged):
            return self._maker.timeline(link, event.entries), action
        return self._writer(link, action)

    def _present(self, event: IncidentEvent, link: Link) -> Incident:
        """The incident with its trigger's details, asked for only where the event does not bring them."""
        entries = event.entries if isinstance(event, IncidentLogged) else ()
        told: list[Incident | LogEntry] = [event.incident, *entries]
        said = next((one for one in told if one.details), event.incident)
        triggered = any(entry.is_trigger for entry in entries)
        there = replace(event.incident, details=said.details, trigger=said.trigger)
        if not stale(event, link) and (said.details or triggered):
            return there
        try:
            return self._pagerduty.incident(event.incident.id)
        except Refused as refused:
            # What the event says makes an issue too: better one without details than none.
            self._log.warning("the incident cannot be read", extra={"incident": there.id, "reason": str(refused)})
            return there


def _named(actions: Sequence[Action]) -> str:
    return ", ".join(type(action).__name__ for action in actions) or "nothing to do"
