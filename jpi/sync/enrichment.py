"""Completes an event before it is decided about: what it does not bring itself, and without what is known already."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from jpi.domain.decide import drop_processed_entries, needs_issue, needs_whole_log
from jpi.domain.events import (
    Event,
    IncidentAnnotated,
    IncidentEvent,
    IncidentLogged,
    IssueCommented,
    IssueDeleted,
    IssueUpdated,
)
from jpi.domain.link import Link
from jpi.domain.model import Comment, Incident, LogEntry, Note
from jpi.domain.policy import Policy
from jpi.domain.status_rules import is_stale
from jpi.errors import Refused
from jpi.sync.ports import Jira, Log, PagerDuty, ProcessedIds


class OwnAccounts:
    """The accounts that we write as, asked for once a process."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._log = log
        self._own_id_by_side: dict[str, str | None] = {}

    def is_echo(self, event: Event, link: Link) -> bool:
        """Whether this is the echo of something we did; only what is linked already can echo."""
        if not link.issue_key or event.actor is None or event.snapshot is None:
            return False
        return event.actor.id == self.get_own_id(event.side)

    def get_own_id(self, side: str) -> str | None:
        """Our account on that side; None where it cannot be found out."""
        if side not in self._own_id_by_side:
            self._own_id_by_side[side] = self._read_own_id(side)
        return self._own_id_by_side[side]

    def _read_own_id(self, side: str) -> str | None:
        try:
            return self._jira.own_id if side == "jira" else self._pagerduty.find_own_id()
        except Refused as refused:
            # Equality and the ledger alone keep echoes out as well.
            self._log.warning("our own account is not known", extra={"side": side, "reason": str(refused)})
            return None


class EventEnricher:
    """Reads only what the event lacks, and only where it matters."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, processed_ids: ProcessedIds, policy: Policy,
                 own_accounts: OwnAccounts, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._processed_ids = processed_ids
        self._policy = policy
        self._own_accounts = own_accounts
        self._log = log

    def enrich(self, event: Event, link: Link) -> Event | None:
        """Return the event with what it lacked; None if there is nothing left in it."""
        complete: Mapping[type, Callable[[Any, Link], Event | None]] = {
            IncidentLogged: self._enrich_incident_logged,
            IncidentAnnotated: self._enrich_incident_annotated,
            IssueUpdated: self._enrich_issue_updated,
            IssueCommented: self._enrich_issue_commented,
            IssueDeleted: self._confirm_issue_deleted,
        }
        there = complete.get(type(event))
        return event if there is None or link.ended else there(event, link)

    def read_incident_with_details(self, event: IncidentEvent, link: Link) -> Incident:
        """Return the incident with its trigger's details, read only if the event does not bring them."""
        entries = event.entries if isinstance(event, IncidentLogged) else ()
        sources: list[Incident | LogEntry] = [event.incident, *entries]
        source = next((source for source in sources if source.details), event.incident)
        incident = replace(event.incident, details=source.details, trigger=source.trigger)
        if not is_stale(event, link) and (source.details or any(entry.is_trigger for entry in entries)):
            return incident
        try:
            return self._pagerduty.get_incident(event.incident.id)
        except Refused as refused:
            # An issue without details is better than none.
            self._log.warning("the incident cannot be read", extra={"incident": incident.id, "reason": str(refused)})
            return incident

    def _enrich_issue_commented(self, event: IssueCommented, link: Link) -> IssueCommented | None:
        """Whether it is for everybody, a webhook need not say."""
        if event.comment is None or event.deleted:
            return event
        found = self._select_new_comments([event.comment], link, from_webhook=True)
        return replace(event, comment=found[0]) if found else None

    def _confirm_issue_deleted(self, event: IssueDeleted, link: Link) -> IssueDeleted | None:
        """It was not among those that the poll read: only if it is really not there."""
        asked = event.source == "poll"
        return None if asked and self._jira.get_issue_states([link.issue_id or event.issue.key]) else event

    def _enrich_incident_logged(self, event: IncidentLogged, link: Link) -> IncidentLogged:
        if event.incident.status is None:
            event = replace(event, incident=self._pagerduty.get_incident(event.incident.id))
        if needs_whole_log(event, link, self._policy):
            entries = tuple(logged.entry for logged in self._pagerduty.list_incident_log_entries(event.incident.id))
            event = replace(event, entries=entries, whole=True)
        if link.issue_key:
            event = drop_processed_entries(event, self._processed_ids.already_processed([entry.id
                                                                                         for entry in event.entries]))
        return (replace(event, notes=self._read_new_notes(event.incident.id, link)) if self._needs_notes(event, link)
                else event)

    def _needs_notes(self, event: IncidentLogged, link: Link) -> bool:
        wanted = self._policy.field_policy("comments").is_synced_to("jira")
        return bool(event.annotation_ids) and wanted and (bool(link.issue_key) or needs_issue(event, self._policy))

    def _enrich_incident_annotated(self, event: IncidentAnnotated, link: Link) -> IncidentEvent | None:
        """A webhook of V2 says that there is a note, but not which; one of V3 may bring only its beginning."""
        if not link.issue_key or not self._policy.field_policy("comments").is_synced_to("jira"):
            return None
        told = event.notes
        if told is not None and not any(note.trimmed for note in told):
            return replace(event, notes=tuple(self._select_new_notes(told, link)))
        ids = {note.id for note in told or ()}
        notes = self._read_new_notes(event.incident.id, link)
        return replace(event, notes=tuple(note for note in notes if told is None or note.id in ids))

    def _read_new_notes(self, incident_id: str, link: Link) -> tuple[Note, ...]:
        return tuple(self._select_new_notes(self._pagerduty.notes.list_for_incident(incident_id), link))

    def _select_new_notes(self, notes: Iterable[Note], link: Link) -> list[Note]:
        """Those that may have to be carried over or followed; of old ones it is only known that they were."""
        found = list(notes)
        known = self._processed_ids.already_processed([note.source.idempotency_key for note in found
                                                       if note.source not in link.mirrors])
        return [note for note in found if note.source.idempotency_key not in known]

    def _enrich_issue_updated(self, event: IssueUpdated, link: Link) -> IssueUpdated:
        """The event with its status as the team has it; whether it was done before is asked only where that matters."""
        event = replace(event, issue=self._policy.with_team_category(event.issue),
                        comments=tuple(self._select_new_comments(event.comments, link)))
        if not event.left or event.issue.category == "done" or link.status.agreed != "resolved":
            return event
        try:
            name, category = self._jira.get_status(event.left)
            return replace(event, reopens=self._policy.category_by_status_name.get(name, category) == "done")
        except Refused as refused:
            # Such a status was deleted; the next poll sees where the issue is.
            self._log.warning("a status is not known", extra={"status": event.left, "reason": str(refused)})
            return event

    def _select_new_comments(self, comments: Iterable[Comment], link: Link,
                             from_webhook: bool = False) -> list[Comment]:
        """Those that are not ours, as the API has them; `told`: by a webhook, which does not say all."""
        found = list(comments) if self._policy.field_policy("comments").is_synced_to("pagerduty") else []
        ids = [one.source.idempotency_key for one in found if one.source not in link.mirrors]
        known = self._processed_ids.already_processed(ids)
        return [whole for one in found if one.source.idempotency_key not in known
                and (whole := self._complete_comment(one, link, from_webhook))]

    def _complete_comment(self, comment: Comment, link: Link, from_webhook: bool) -> Comment | None:
        suspicious = self._own_accounts.get_own_id("jira") in (None, comment.author.id if comment.author else None)
        suspicious = suspicious and comment.source not in link.mirrors
        if not (from_webhook or suspicious):
            return comment
        found = self._jira.comments.read(comment.id)
        if found is None:
            return None
        there, ours = found
        return None if ours else there
