"""Applies an event: load the link, decide, perform, save. The same for webhooks, the queue and the poll."""

from dataclasses import replace
from typing import Any

from jpi.domain.actions import EndLink
from jpi.domain.decide import (
    Decision,
    Reason,
    advance_watermarks,
    decide,
    decide_about_nothing,
    record_action,
)
from jpi.domain.descriptions import describe_planned_action, describe_reason
from jpi.domain.events import Event, IncidentEvent, IncidentLogged, IssueCreated, IssueEvent, get_incident_id
from jpi.domain.link import Link
from jpi.domain.model import Side
from jpi.domain.outcome import (
    FAILED,
    INCIDENT_IS_OPEN,
    NO_LINKED_INCIDENT,
    NOTHING_TO_DO,
    OWN_ECHO,
    Outcome,
    Result,
    build_outcome,
)
from jpi.domain.policy import Policy
from jpi.domain.retry_state import needs_recording, with_failure, without_failure
from jpi.errors import JpiError, LostRace, Refused, RetryableError
from jpi.metric_counters import MetricCounters
from jpi.metrics import build_event_metrics, list_event_counts
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.enrichment import EventEnricher, OwnAccounts
from jpi.sync.executors import Executors
from jpi.sync.field_sync import FieldSync
from jpi.sync.history import ActionTrace, append_history
from jpi.sync.identities import Identities
from jpi.sync.incident_opener import IncidentOpener
from jpi.sync.issue_creator import IssueCreator
from jpi.sync.leases import Leases
from jpi.sync.link_ender import LinkEnder
from jpi.sync.ports import Cache, Clock, Jira, Links, Log, PagerDuty, ProcessedIds

MAX_APPLY_ATTEMPTS = 3


class SyncService:
    """Performs what the rules decide."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, processed_ids: ProcessedIds, cache: Cache,
                 policy: Policy, clock: Clock, log: Log, metrics: MetricCounters, index_lag_seconds: float) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._processed_ids = processed_ids
        self._policy = policy
        self._clock = clock
        self._log = log
        self._metrics = metrics
        leases, identities = Leases(links, clock), Identities(jira, pagerduty, policy, cache)
        conversation_sync = ConversationSync(jira, pagerduty, processed_ids, leases, policy.jira_url)
        self._own_accounts = OwnAccounts(jira, pagerduty, log)
        self._enricher = EventEnricher(jira, pagerduty, processed_ids, policy, self._own_accounts, log)
        self._incident_opener = IncidentOpener(jira, pagerduty, links, cache, policy, conversation_sync)
        self._issue_creator = IssueCreator(jira, links, processed_ids, leases, policy, identities, log,
                                           index_lag_seconds)
        self._executors = Executors(
            self._enricher, self._issue_creator,
            FieldSync(jira, pagerduty, conversation_sync, policy, identities, clock, log), conversation_sync,
            LinkEnder(conversation_sync, policy, log))

    def apply(self, event: Event) -> Outcome:
        """Carry the event over to the other side. Raise JpiError if it should be tried again."""
        started, trail = self._clock(), ActionTrace()
        try:
            link, outcome = self._apply_with_retries(event, trail)
        except JpiError as error:
            self._log.warning("not applied", extra=self._count_and_build_log_fields(event, started, None, FAILED)
                              | {"reason": str(error)})
            self._save_failure(event, error, trail)
            raise
        self._log.info(str(outcome), extra=self._count_and_build_log_fields(event, started, link, outcome))
        return outcome

    def describe_plan(self, event: Event) -> str:
        """What applying the event would do, in words; reads, and writes nothing."""
        link = self._load_link(event)
        if link is None:
            return str(NO_LINKED_INCIDENT)
        whole = self._enricher.enrich(event, link)
        actions = decide(whole, link, self._policy).actions if whole else ()
        return "; ".join(describe_planned_action(action, self._policy)
                         for action in actions) or str(NOTHING_TO_DO)

    def resume_ended_link(self, incident_id: str) -> bool:
        """Keep an incident in step again whose link had ended, if its issue is there; whether it is."""
        link = self._links.get(incident_id)
        if not link.ended or not self._jira.get_issue_states([link.issue_id or str(link.issue_key)]):
            return not link.ended
        self._links.save(replace(link, ended=False))
        return True

    def _save_failure(self, event: Event, error: JpiError, trace: ActionTrace) -> None:
        """Have the link remember why, if it can."""
        now = self._clock()
        trace.fail_action(now, self._policy)
        try:
            link = self._load_link(event) if needs_recording(error) else None
            if link:
                self._links.save(append_history(with_failure(link, event, error, now), event, FAILED, trace, now,
                                                error))
        except JpiError as another:
            self._log.warning("a failure was not noted", extra={"event": event.id, "reason": str(another)})

    def _count_and_build_log_fields(self, event: Event, started: float, link: Link | None,
                                    outcome: Outcome) -> dict[str, Any]:
        """The fields of an event's line in the log; it is counted with it."""
        issue = event.issue.key if isinstance(event, IssueEvent) else None
        self._metrics.add_all(list_event_counts(event, outcome, self._clock()))
        return {"event": event.id, "type": type(event).__name__, "source": event.source, "outcome": str(outcome),
                "incident": link.incident_id if link else get_incident_id(event),
                "issue": (link.issue_key if link else None) or issue,
                "duration_ms": round((self._clock() - started) * 1000),
                **build_event_metrics(event, outcome, self._clock())}

    def _apply_with_retries(self, event: Event, trace: ActionTrace) -> tuple[Link | None, Outcome]:
        for _ in range(MAX_APPLY_ATTEMPTS - 1):
            try:
                return self._apply_once(event, trace)
            except LostRace:
                # Somebody else moved on: decide again on what they left.
                trace.current_action = None
        return self._apply_once(event, trace)

    def _apply_once(self, event: Event, trace: ActionTrace) -> tuple[Link | None, Outcome]:
        if isinstance(event, IssueCreated):
            opened = self._incident_opener.open_incident(event)
            outcome = INCIDENT_IS_OPEN if opened else NO_LINKED_INCIDENT
            return self._save_history_only(event, opened, outcome, trace) if opened else None, outcome
        link = self._load_link(event)
        if link is None:
            return None, NO_LINKED_INCIDENT
        loaded = link
        try:
            link, outcome = self._apply_to_link(event, link, trace)
        except Refused as refused:
            gone = refused.find_missing_side(link.incident_id, link.issue_key)
            if gone is None or not link.issue_key:
                raise
            # It was deleted, or hidden from us: no retry brings it back, and nothing is made again by itself.
            trace.fail_action(self._clock(), self._policy)
            trace.start_action(EndLink(Side(gone)))
            link, ended = self._executors.execute(EndLink(Side(gone)), self._links.get(link.incident_id), event)
            trace.finish_action(ended, link, self._clock())
            outcome = Outcome(Result.APPLIED, detail=f"ended: gone on {gone}")
        return self._save_result(event, without_failure(link, event), loaded, outcome, trace), outcome

    def _save_result(self, event: Event, link: Link, loaded: Link, outcome: Outcome, trace: ActionTrace) -> Link:
        """The link as saved, if anything of it is new, with what came of the event."""
        # A poll that found nothing to do is no news to anybody, but where there is no issue.
        heard = event.source != "poll" or trace.steps or not link.issue_key
        if link != loaded:
            # Also where nothing but the version is new: what was saved last is a claim, which is over.
            return self._links.save(append_history(link, event, outcome, trace, self._clock()) if heard else link)
        worth = heard and event.source != "poll" and link.version is not None
        return self._save_history_only(event, link, outcome, trace) if worth else link

    def _save_history_only(self, event: Event, link: Link, outcome: Outcome, trace: ActionTrace) -> Link:
        """The link with nothing new but its history, which is not worth doing anything again for."""
        try:
            return self._links.save(append_history(link, event, outcome, trace, self._clock()))
        except RetryableError:
            return link

    def _apply_to_link(self, event: Event, link: Link, trace: ActionTrace) -> tuple[Link, Outcome]:
        """The link after what the event calls for, and what that was."""
        whole = self._enricher.enrich(event, link)
        if whole is None:
            trace.no_action_reason = describe_reason(decide_about_nothing(link).reason, event, self._policy)
            return link, NOTHING_TO_DO
        if isinstance(whole, IncidentEvent):
            link = self._incident_opener.adopt_opened_incident(whole, link)
        decision = decide(whole, link, self._policy)
        is_echo = bool(decision.actions) and self._own_accounts.is_echo(whole, link)
        reason = Reason.OWN_ECHO if is_echo else decision.reason
        trace.no_action_reason = describe_reason(reason, whole, self._policy)
        if is_echo:
            return link, OWN_ECHO
        self._log_conflicts(whole, link, decision)
        had_issue = bool(link.issue_key)
        for action in decision.actions:
            trace.start_action(action)
            link, done = self._executors.execute(action, link, whole)
            link = record_action(done, link)
            trace.finish_action(done, link, self._clock())
        link = advance_watermarks(whole, self._issue_creator.create_missing_parts(link),
                                  issue_was_created=not had_issue and bool(link.issue_key))
        if isinstance(whole, IncidentLogged) and not self._policy.timeline_project:
            # With a timeline, its lines are what tells that an entry was dealt with.
            self._processed_ids.mark_processed(whole.annotation_ids)
        return link, build_outcome(decision.actions)

    def _log_conflicts(self, event: Event, link: Link, decision: Decision) -> None:
        """Log whose change stays, since somebody is overruled and may wonder why."""
        conflicts = decision.conflicts
        for name, side in conflicts.items() if conflicts and not self._own_accounts.is_echo(event, link) else ():
            self._log.info("two changes crossed", extra={
                "incident": link.incident_id, "issue": link.issue_key, "field": name, "stays": side})

    def _load_link(self, event: Event) -> Link | None:
        incident_id = get_incident_id(event)
        if incident_id is None and isinstance(event, IssueEvent):
            incident_id = next(filter(None, map(self._links.find_incident_id, event.issue_keys)), None)
        return self._links.get(incident_id) if incident_id else None
