"""Executes actions: one table says which method performs which type of action."""

from collections.abc import Callable, Mapping
from typing import Any

from jpi.domain.actions import (
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
    ReplaceManager,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.events import Event, IncidentEvent
from jpi.domain.link import Link
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.enrichment import EventEnricher
from jpi.sync.field_sync import FieldSync
from jpi.sync.issue_creator import IssueCreator
from jpi.sync.link_ender import LinkEnder
from jpi.sync.part_creator import PartCreator


class Executors:
    """The executors by concern: creation, timeline, manager, status and fields, conversation, end."""

    def __init__(self, enricher: EventEnricher, part_creator: PartCreator, issue_creator: IssueCreator,
                 field_sync: FieldSync, conversation_sync: ConversationSync, link_ender: LinkEnder) -> None:
        self._enricher = enricher
        self._issue_creator = issue_creator
        self._field_sync = field_sync
        self._execute_by_type: Mapping[type[Action], Callable[[Link, Any], Link]] = {
            AddTimeline: part_creator.add_timeline,
            ReplaceManager: issue_creator.replace_manager,
            AcceptStatus: lambda link, _: link,
            TransitionIssue: field_sync.transition_issue,
            SetIncidentStatus: field_sync.set_incident_status,
            AddComment: conversation_sync.add_comment,
            MirrorNote: conversation_sync.mirror_note,
            EditComment: conversation_sync.edit_comment,
            MirrorComment: conversation_sync.mirror_comment,
            EditNote: conversation_sync.edit_note,
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
