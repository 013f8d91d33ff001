"""Applies an event: load the link, decide, perform, save. The same for webhooks, the queue and the poll."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jpi.domain.action_words import in_words
from jpi.domain.actions import Action, AddTimeline, CreateIncidentIssue, EndLink, MoveManager
from jpi.domain.crossing import crossings
from jpi.domain.decide import decide, performed, settle, stale
from jpi.domain.descriptions import why_nothing
from jpi.domain.events import Event, IncidentEvent, IncidentLogged, IssueCreated, IssueEvent, incident_of
from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntry
from jpi.domain.policy import Policy
from jpi.domain.retry_state import forgotten, noted, worth_noting
from jpi.errors import JpiError, LostRace, Refused, Retryable
from jpi.metrics import Figures, measured
from jpi.sync.conversation_sync import Talker
from jpi.sync.enrichment import Completer, Own
from jpi.sync.event_sink import NOBODYS
from jpi.sync.field_sync import Writer
from jpi.sync.history import Trail, recorded
from jpi.sync.identities import People
from jpi.sync.incident_opener import Opener
from jpi.sync.issue_creator import Maker
from jpi.sync.leases import Claims
from jpi.sync.ports import Cache, Clock, Jira, Ledger, Links, Log, PagerDuty

RACES = 3


class Engine:
    """Performs what the rules decide."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, ledger: Ledger, cache: Cache, policy: Policy,
                 clock: Clock, log: Log, figures: Figures, index_lag: float) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._ledger = ledger
        self._policy = policy
        self._clock = clock
        self._log = log
        self._figures = figures
        claims = Claims(links, clock)
        people = People(jira, pagerduty, policy, cache)
        self._maker = Maker(jira, links, ledger, claims, policy, people, log, index_lag)
        talker = Talker(jira, pagerduty, ledger, claims, policy.site)
        self._writer = Writer(jira, pagerduty, talker, policy, people, clock, log)
        self._opener = Opener(jira, pagerduty, links, cache, policy, talker)
        self._own = Own(jira, pagerduty, log)
        self._complete = Completer(jira, pagerduty, ledger, policy, self._own, log)

    def apply(self, event: Event) -> str:
        """Carry the event over; a word or two on what came of it. Raises JpiError where it should be tried again."""
        started, trail = self._clock(), Trail()
        try:
            link, outcome = self._applied(event, trail)
        except JpiError as error:
            self._log.warning("not applied", extra=self._line(event, started, None, "failed") | {"reason": str(error)})
            self._note(event, error, trail)
            raise
        self._log.info(outcome, extra=self._line(event, started, link, outcome))
        return outcome

    def plan(self, event: Event) -> str:
        """What applying the event would do, in words; reads, and writes nothing."""
        link = self._link(event)
        if link is None:
            return NOBODYS
        whole = self._complete(event, link)
        actions = decide(whole, link, self._policy) if whole else []
        return "; ".join(in_words(action, self._policy) for action in actions) or _named([])

    def take_up(self, incident_id: str) -> bool:
        """Keep an incident in step again whose link had ended, if its issue is there; whether it is."""
        link = self._links.get(incident_id)
        if not link.ended or not self._jira.states([link.issue_id or str(link.issue_key)]):
            return not link.ended
        self._links.save(replace(link, ended=False))
        return True

    def _note(self, event: Event, error: JpiError, trail: Trail) -> None:
        """Have the link remember why, if it can."""
        now = self._clock()
        trail.failed(now, self._policy)
        try:
            link = self._link(event) if worth_noting(error) else None
            if link:
                self._links.save(recorded(noted(link, event, error, now), event, "failed", trail, now, error))
        except JpiError as another:
            self._log.warning("a failure was not noted", extra={"event": event.id, "reason": str(another)})

    def _line(self, event: Event, started: float, link: Link | None, outcome: str) -> dict[str, Any]:
        """The fields of an event's line in the log; it is counted with it."""
        issue = event.issue.key if isinstance(event, IssueEvent) else None
        self._figures.event(event, outcome, self._clock())
        return {
            "event": event.id, "type": type(event).__name__, "source": event.source, "outcome": outcome,
            "incident": link.incident_id if link else incident_of(event),
            "issue": (link.issue_key if link else None) or issue,
            "duration_ms": round((self._clock() - started) * 1000), **measured(event, outcome, self._clock()),
        }

    def _applied(self, event: Event, trail: Trail) -> tuple[Link | None, str]:
        for _ in range(RACES - 1):
            try:
                return self._apply(event, trail)
            except LostRace:
                # Somebody else moved on: decide again on what they left.
                trail.under_way = None
        return self._apply(event, trail)

    def _apply(self, event: Event, trail: Trail) -> tuple[Link | None, str]:
        if isinstance(event, IssueCreated):
            opened = self._opener.open(event)
            outcome = "an incident is open for it" if opened else NOBODYS
            return self._told(event, opened, outcome, trail) if opened else None, outcome
        link = self._link(event)
        if link is None:
            return None, NOBODYS
        loaded = link
        try:
            link, outcome = self._done(event, link, trail)
        except Refused as refused:
            gone = refused.of_missing(link.incident_id, link.issue_key)
            if gone is None or not link.issue_key:
                raise
            # It was deleted, or hidden from us: no retry brings it back, and nothing is made again by itself.
            trail.failed(self._clock(), self._policy)
            trail.begun(EndLink(gone))
            link, ended = self._writer(self._links.get(link.incident_id), EndLink(gone))
            trail.done(ended, link, self._clock())
            outcome = f"ended: gone on {gone}"
        return self._kept(event, forgotten(link, event), loaded, outcome, trail), outcome

    def _kept(self, event: Event, link: Link, loaded: Link, outcome: str, trail: Trail) -> Link:
        """The link as saved, if anything of it is new, with what came of the event."""
        # A poll that found nothing to do is no news to anybody, but where there is no issue.
        heard = event.source != "poll" or trail.steps or not link.issue_key
        if link != loaded:
            # Also where nothing but the version is new: what was saved last is a claim, which is over.
            return self._links.save(recorded(link, event, outcome, trail, self._clock()) if heard else link)
        worth = heard and event.source != "poll" and link.version is not None
        return self._told(event, link, outcome, trail) if worth else link

    def _told(self, event: Event, link: Link, outcome: str, trail: Trail) -> Link:
        """The link with nothing new but its history, which is not worth doing anything again for."""
        try:
            return self._links.save(recorded(link, event, outcome, trail, self._clock()))
        except Retryable:
            return link

    def _done(self, event: Event, link: Link, trail: Trail) -> tuple[Link, str]:
        """The link after what the event calls for, and what that was."""
        whole = self._complete(event, link)
        if whole is None:
            trail.why = why_nothing(event, link, self._policy, ours=False)
            return link, _named([])
        if isinstance(whole, IncidentEvent):
            link = self._opener.adopted(whole, link)
        actions = decide(whole, link, self._policy)
        ours = bool(actions) and self._own.did(whole, link)
        trail.why = why_nothing(whole, link, self._policy, ours) if ours or not actions else ""
        if ours:
            return link, "ignored: done by our own account"
        self._say_crossed(whole, link, actions)
        had_issue = bool(link.issue_key)
        for action in actions:
            trail.begun(action)
            link, done = self._perform(action, link, whole)
            link = performed(done, link)
            trail.done(done, link, self._clock())
        link = settle(whole, self._maker.finish(link), created=not had_issue and bool(link.issue_key))
        if isinstance(whole, IncidentLogged) and not self._policy.timeline_project:
            # With a timeline, its lines are what tells that an entry was dealt with.
            self._ledger.add(whole.annotations)
        return link, _named(actions)

    def _say_crossed(self, event: Event, link: Link, actions: Sequence[Action]) -> None:
        """Somebody is overruled here, and may wonder why."""
        found = crossings(event, link, self._policy, actions)
        for name, side in found.items() if found and not self._own.did(event, link) else ():
            self._log.info("two changes crossed", extra={
                "incident": link.incident_id, "issue": link.issue_key, "field": name, "stays": side})

    def _link(self, event: Event) -> Link | None:
        incident_id = incident_of(event)
        if incident_id is None and isinstance(event, IssueEvent):
            incident_id = next(filter(None, map(self._links.incident_of, event.keys)), None)
        return self._links.get(incident_id) if incident_id else None

    def _perform(self, action: Action, link: Link, event: Event) -> tuple[Link, Action]:
        """The link, and what was done of the action: fields that a service refuses stay as they are there."""
        if isinstance(action, CreateIncidentIssue) and isinstance(event, IncidentEvent):
            return self._maker.incident_issue(link, self._present(event, link), action.agent, action.rule), action
        if isinstance(action, AddTimeline) and isinstance(event, IncidentLogged):
            return self._maker.timeline(link, event.entries), action
        if isinstance(action, MoveManager):
            self._maker.move_manager(link, action.name)
            return link, action
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
