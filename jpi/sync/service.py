"""Applies an event: load the link, enrich, decide, execute, save. The same for webhooks, the queue and the poll."""

from typing import Any

from jpi.domain.actions import (
    FAILED,
    INCIDENT_IS_OPEN,
    NO_LINKED_INCIDENT,
    NOTHING_TO_DO,
    OWN_ECHO,
    EndLink,
    Outcome,
    Result,
)
from jpi.domain.backlog import describe_step
from jpi.domain.decide import Decision, Reason, decide, decide_about_nothing
from jpi.domain.descriptions import describe_planned_action, describe_reason
from jpi.domain.events import Event, IncidentEvent, IssueCreated, IssueEvent, get_incident_id
from jpi.domain.link import Link
from jpi.domain.link_summary import list_differences
from jpi.domain.model import Side
from jpi.domain.policy import Policy
from jpi.domain.retry_state import needs_recording, with_failure, without_failure
from jpi.errors import JpiError, LostRace, Refused, RetryableError, TooEarly
from jpi.metrics import MetricCounters, build_event_metrics, list_event_counts
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.enrichment import EventEnricher, OwnAccounts
from jpi.sync.event_sink import convert_edit
from jpi.sync.executors import DecisionExecutor, Executors
from jpi.sync.field_sync import FieldSync
from jpi.sync.history import ActionTrace, append_history
from jpi.sync.identities import Identities
from jpi.sync.incident_opener import INCIDENT_OPENED_STEP, IncidentOpener
from jpi.sync.issue_creator import IssueCreator
from jpi.sync.leases import Leases
from jpi.sync.link_ender import EndingRule, LinkEnder
from jpi.sync.part_creator import PartCreator
from jpi.sync.ports import Cache, Clock, Jira, Links, Log, PagerDuty, ProcessedIds
from jpi.sync.refused_reads import RefusedReads

MAX_APPLY_ATTEMPTS = 3


class SyncService:
    """Performs decisions."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, processed_ids: ProcessedIds, cache: Cache,
                 policy: Policy, clock: Clock, log: Log, metrics: MetricCounters, index_lag_seconds: float) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._policy = policy
        self._clock = clock
        self._log = log
        self._metrics = metrics
        leases, identities = Leases(links, clock), Identities(jira, pagerduty, policy, cache)
        self._identities = identities
        conversation_sync = ConversationSync(jira, pagerduty, processed_ids, leases, clock, policy.jira_url)
        self._ending_rule = EndingRule(jira, pagerduty, links, clock, log)
        self._own_accounts = OwnAccounts(jira, pagerduty, log)
        self._enricher = EventEnricher(jira, pagerduty, processed_ids, policy, self._own_accounts, log)
        self._incident_opener = IncidentOpener(jira, pagerduty, links, leases, cache, policy, conversation_sync,
                                               self._own_accounts)
        part_creator = PartCreator(jira, links, processed_ids, leases, policy, clock, log)
        executors = Executors(
            self._enricher, part_creator, IssueCreator(jira, links, leases, policy, identities, clock, log,
                                                       index_lag_seconds),
            FieldSync(jira, pagerduty, conversation_sync, policy, identities, clock, log), conversation_sync,
            LinkEnder(conversation_sync, policy, log))
        self._decision_executor = DecisionExecutor(executors, part_creator, links, processed_ids, policy, clock, log)

    def apply(self, event: Event) -> Outcome:
        """Carry the event over to the other side. Raise JpiError if it should be tried again."""
        started, trail = self._clock(), ActionTrace()
        event = convert_edit(self._links, self._policy, event)
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
        """Describe what applying the event would do; write nothing."""
        event = convert_edit(self._links, self._policy, event)
        if isinstance(event, IssueCreated):
            return self._incident_opener.describe_opening(event) or str(NO_LINKED_INCIDENT)
        link = self._load_link(event)
        if link is None:
            return str(NO_LINKED_INCIDENT)
        enriched = self._enricher.enrich(event, link, RefusedReads(link, self._log))
        actions = decide(enriched, link, self._policy).actions if enriched else ()
        return "; ".join(describe_planned_action(action, self._policy)
                         for action in actions) or str(NOTHING_TO_DO)

    def resume_ended_link(self, incident_id: str) -> bool:
        """Resume a link that is paused, or had ended if both sides show it; return False if one does not."""
        return self._ending_rule.resume_link(incident_id)

    def start_link_anew(self, incident_id: str) -> None:
        """Let the incident of a link that ended have a new issue. Raise PermanentError if its issue is there."""
        self._ending_rule.start_anew(incident_id)

    def _save_failure(self, event: Event, error: JpiError, trace: ActionTrace) -> None:
        """Save on the link why the event failed; log it if that fails as well."""
        now = self._clock()
        trace.fail_action(now, self._policy)
        try:
            link = self._load_link(event) if needs_recording(error) else None
            if link:
                self._links.save(append_history(with_failure(link, event, error, now), event, FAILED, trace, now,
                                                error))
        except JpiError as save_error:
            self._log.warning("a failure was not noted", extra={"event": event.id, "reason": str(save_error)})

    def _count_and_build_log_fields(self, event: Event, started: float, link: Link | None,
                                    outcome: Outcome) -> dict[str, Any]:
        """Count the event; return the fields of its log line."""
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
                # Another worker saved the link: decide again on what it saved.
                trace.current_action = None
        return self._apply_once(event, trace)

    def _apply_once(self, event: Event, trace: ActionTrace) -> tuple[Link | None, Outcome]:
        if isinstance(event, IssueCreated):
            opened = self._incident_opener.open_incident(event)
            if opened is None:
                return None, NO_LINKED_INCIDENT
            trace.add_step(INCIDENT_OPENED_STEP.format(incident=opened.incident_id), self._clock())
            for step in opened.backlog.refused_steps:
                reason = f"Could not do this: {describe_step(step.id)}: {step.reason}"
                trace.add_step(reason, self._clock(), is_done=False)
            return self._save_history_only(event, opened, INCIDENT_IS_OPEN, trace), INCIDENT_IS_OPEN
        link = self._load_link(event)
        if link is None:
            return None, NO_LINKED_INCIDENT
        loaded = link
        link = self._ending_rule.resume_if_seen(event, link)
        try:
            link, outcome = self._apply_to_link(event, link, trace)
        except Refused as refused:
            gone_side = refused.find_missing_side(link.incident_id, link.issue_key)
            if gone_side is None or not link.issue_key:
                raise
            link = self._end_link(Side(gone_side), self._links.get(link.incident_id), event, trace, refused)
            outcome = Outcome(Result.APPLIED, detail=f"ended: gone on {gone_side}")
        return self._save_result(event, without_failure(link, event), loaded, outcome, trace), outcome

    def _end_link(self, side: Side, link: Link, event: Event, trace: ActionTrace, refused: Refused) -> Link:
        """End the link: it was deleted, or hidden from jpi, and nothing is created again by itself."""
        if not self._ending_rule.is_gone(link, side):
            raise TooEarly(f"{refused}; but it is there, and jpi tries again") from refused
        trace.fail_action(self._clock(), self._policy)
        return self._decision_executor.execute_action(EndLink(side), link, event, trace)[0]

    def _save_result(self, event: Event, link: Link, loaded: Link, outcome: Outcome, trace: ActionTrace) -> Link:
        """Save the link if it changed, with the outcome in its history; return it."""
        # Polls that did nothing are not recorded, except while the incident has no issue.
        is_recorded = event.source != "poll" or trace.steps or not link.issue_key
        if link != loaded:
            # Also if only the version is new: what was saved last has a lease, which is over.
            return self._links.save(self._append_history(event, link, outcome, trace) if is_recorded else link)
        if event.source == "poll" or link.version is None:
            return link
        return self._save_history_only(event, link, outcome, trace)

    def _save_history_only(self, event: Event, link: Link, outcome: Outcome, trace: ActionTrace) -> Link:
        """Save the history entry only; ignore a failed save, since the event itself is done."""
        try:
            return self._links.save(self._append_history(event, link, outcome, trace))
        except RetryableError:
            return link

    def _append_history(self, event: Event, link: Link, outcome: Outcome, trace: ActionTrace) -> Link:
        find_account_id = self._identities.get_cached_account_id
        differences = list_differences(link, self._policy, find_account_id) if trace.steps else ()
        return append_history(link, event, outcome, trace, self._clock(), differences=differences)

    def _apply_to_link(self, event: Event, link: Link, trace: ActionTrace) -> tuple[Link, Outcome]:
        """Enrich the event, decide and execute; return the link, not saved yet, and the outcome."""
        refused_reads = RefusedReads(link, self._log)
        enriched = self._enricher.enrich(event, link, refused_reads)
        if enriched is None:
            trace.no_action_reason = describe_reason(decide_about_nothing(link).reason, event, self._policy)
            return refused_reads.save_to(link, self._clock()), NOTHING_TO_DO
        if isinstance(enriched, IncidentEvent):
            link = self._incident_opener.adopt_opened_incident(enriched, link)
        decision = decide(enriched, link, self._policy)
        is_echo = bool(decision.actions) and self._own_accounts.is_echo(enriched, link)
        reason = Reason.OWN_ECHO if is_echo else decision.reason
        trace.no_action_reason = describe_reason(reason, enriched, self._policy)
        if is_echo:
            return link, OWN_ECHO
        if EndLink(event.side) in decision.actions and not self._ending_rule.is_gone(link, event.side):
            return link.with_seen(event.side), NOTHING_TO_DO
        self._log_conflicts(enriched, link, decision)
        link = refused_reads.save_to(link, self._clock())
        return self._decision_executor.execute_decision(enriched, link, decision, trace)

    def _log_conflicts(self, event: Event, link: Link, decision: Decision) -> None:
        """Log whose change stays, since somebody is overruled and may wonder why."""
        conflicts = decision.conflicts
        for name, side in conflicts.items() if conflicts and not self._own_accounts.is_echo(event, link) else ():
            self._log.info("two changes crossed", extra={
                "incident": link.incident_id, "issue": link.issue_key, "field": name, "stays": side})

    def _load_link(self, event: Event) -> Link | None:
        if isinstance(event, IssueCreated):
            # A new issue's key stands for the incident that it opens.
            return self._links.get(event.issue.key)
        if not isinstance(event, IssueEvent):
            return self._links.get(event.incident.id)
        ids = [event.incident_id] if event.incident_id else map(self._links.find_incident_id, event.issue_keys)
        links = map(self._links.get, filter(None, ids))
        # A delivery names its issue's old key, and could name another issue's.
        return next((link for link in links if link.is_opening or link.holds_issue(event.issue)), None)
