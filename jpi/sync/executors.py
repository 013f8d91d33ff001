"""Executes a decision, each action by itself: one table says which method performs which type of action."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jpi.domain.actions import (
    LINK_IS_PAUSED,
    REFUSED,
    AcceptStatus,
    Action,
    AddComment,
    AddTimeline,
    CreateIncidentIssue,
    EditComment,
    EditIncident,
    EditIssue,
    EditNote,
    EndLink,
    MirrorComment,
    MirrorNote,
    Outcome,
    ReplaceManager,
    SetIncidentStatus,
    TransitionIssue,
    build_outcome,
)
from jpi.domain.backlog import describe_refusal
from jpi.domain.decide import Decision, advance_watermarks, record_action
from jpi.domain.events import Event, IncidentEvent, IncidentLogged
from jpi.domain.link import Link
from jpi.domain.policy import Policy
from jpi.domain.retry_state import list_settled_steps, with_refused_action
from jpi.errors import Refused, RetryableError
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.enrichment import EventEnricher
from jpi.sync.field_sync import FieldSync
from jpi.sync.history import ActionTrace
from jpi.sync.issue_creator import IssueCreator
from jpi.sync.leases import RefusedUnderLease
from jpi.sync.link_ender import LinkEnder, pause_link
from jpi.sync.part_creator import PartCreator
from jpi.sync.ports import Clock, Links, Log, ProcessedIds


class Executors:
    """The executors by concern: creation, timeline, manager, status and fields, conversation, end."""

    def __init__(self, enricher: EventEnricher, part_creator: PartCreator, issue_creator: IssueCreator,
                 field_sync: FieldSync, conversation_sync: ConversationSync, link_ender: LinkEnder) -> None:
        self._enricher = enricher
        self._issue_creator = issue_creator
        self._field_sync = field_sync
        self._execute_by_type: Mapping[type[Action], Callable[[Link, Any], Link]] = {
            AddTimeline: part_creator.add_timeline, ReplaceManager: issue_creator.replace_manager,
            AcceptStatus: lambda link, _: link, TransitionIssue: field_sync.transition_issue,
            SetIncidentStatus: field_sync.set_incident_status, AddComment: conversation_sync.add_comment,
            MirrorNote: conversation_sync.mirror_note, EditComment: conversation_sync.edit_comment,
            MirrorComment: conversation_sync.mirror_comment, EditNote: conversation_sync.edit_note,
            EndLink: link_ender.end_link}

    def execute(self, action: Action, link: Link, event: Event) -> tuple[Link, Action]:
        """Execute an action; return the link, not saved yet, and the action without the fields that were refused."""
        if isinstance(action, EditIssue | EditIncident):
            return self._field_sync.edit_fields(link, action)
        if isinstance(action, CreateIncidentIssue) and isinstance(event, IncidentEvent):
            incident = self._enricher.read_incident_with_details(event, link)
            return self._issue_creator.create_incident_issue(
                link, incident, action.agent_name, action.issue_spec
            ), action
        return self._execute_by_type[type(action)](link, action), action


class DecisionExecutor:
    """Executes the actions of decisions."""

    def __init__(self, executors: Executors, part_creator: PartCreator, links: Links, processed_ids: ProcessedIds,
                 policy: Policy, clock: Clock, log: Log) -> None:
        self._executors = executors
        self._part_creator = part_creator
        self._links = links
        self._processed_ids = processed_ids
        self._policy = policy
        self._clock = clock
        self._log = log

    def execute_decision(self, event: Event, link: Link, decision: Decision,
                         trace: ActionTrace) -> tuple[Link, Outcome]:
        """Execute each action by itself; return the link, not saved yet, and the outcome."""
        before, had_issue = link, bool(link.issue_key)
        performed_actions: list[Action] = []
        waiting_actions: list[Action] = []
        for action in decision.actions:
            if link.write_log.must_wait(action, self._clock()):
                link, trace.no_action_reason = pause_link(link, action, event, self._clock(), self._log)
                waiting_actions.append(action)
                continue
            try:
                link, performed_action = self.execute_action(action, link, event, trace)
            except Exception:
                self._save_progress(link, before)
                raise
            performed_actions += [performed_action] if performed_action else []
        if waiting_actions:
            # The watermarks stay where they are, so that the poll after the pause decides about this again.
            link = self._part_creator.create_missing_parts(link)
            return link, build_outcome(performed_actions) if performed_actions else LINK_IS_PAUSED
        link = link.without_steps(list_settled_steps(event, link, before, performed_actions))
        link = advance_watermarks(event, self._part_creator.create_missing_parts(link),
                                  issue_was_created=not had_issue and bool(link.issue_key))
        if isinstance(event, IncidentLogged) and not self._policy.timeline_project and not link.ended:
            # With a timeline, its issues mark the entries as processed.
            self._processed_ids.mark_processed(event.annotation_ids)
        write_log = link.write_log.without_unread_side(event, self._clock())
        is_refused = bool(decision.actions) and not performed_actions
        return replace(link, write_log=write_log), REFUSED if is_refused else build_outcome(performed_actions)

    def _save_progress(self, link: Link, before: Link) -> None:
        """Save what the actions before a failed one have done, so that a repeat of the event does not do it again."""
        # Where the failed action took a lease, the link was saved with that; an outage leaves it to the repeat.
        with suppress(RetryableError):
            if link != before:
                self._links.save(link)

    def execute_action(self, action: Action, link: Link, event: Event,
                       trace: ActionTrace) -> tuple[Link, Action | None]:
        """Execute an action; return the link, not saved yet, and the action as it was performed, None if refused."""
        trace.start_action(action)
        try:
            link, performed_action = self._executors.execute(action, link, event)
        except Refused as refused:
            return self._keep_refused_action(action, link, refused, trace), None
        link = record_action(performed_action, link, event.at.timestamp())
        link = replace(link, write_log=link.write_log.with_write(performed_action, self._clock()))
        trace.finish_action(performed_action, link, self._clock())
        return link, performed_action

    def _keep_refused_action(self, action: Action, link: Link, refused: Refused, trace: ActionTrace) -> Link:
        """Put a refused action into the backlog; return the link. Raise the refusal if nothing can go on."""
        saved_link = refused.link if isinstance(refused, RefusedUnderLease) else link
        link = with_refused_action(saved_link, action, refused, self._clock())
        fields = {"incident": link.incident_id, "issue": link.issue_key, "action": type(action).__name__}
        self._log.warning("an action was refused", extra={**fields, "reason": str(refused)})
        trace.fail_action(self._clock(), self._policy, describe_refusal(refused))
        return link
