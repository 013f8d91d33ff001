"""Reads what an event omits, and drops what is synced already, before the event is decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jpi.domain.actions import LOG_READ, NOTES_READ, EditIncident, get_copy_step_id
from jpi.domain.decide import decide, drop_processed_entries, needs_issue, needs_whole_log
from jpi.domain.events import Event, IncidentAnnotated, IncidentEvent, IncidentLogged, IssueCommented, IssueUpdated
from jpi.domain.link import Link
from jpi.domain.model import Comment, Incident, LogEntry, Note, SourceId, SourceKind
from jpi.domain.policy import Policy
from jpi.domain.retry_state import list_due_comment_ids, needs_notes, stops_everything
from jpi.domain.status_rules import is_stale
from jpi.errors import IdentityDoubt, Refused
from jpi.sync.ports import Jira, Log, PagerDuty, ProcessedIds
from jpi.sync.refused_reads import RefusedReads


class OwnAccounts:
    """The accounts that jpi writes as, read once a process."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._log = log
        self._own_id_by_side: dict[str, str | None] = {}

    def is_echo(self, event: Event, link: Link) -> bool:
        """True if jpi did this itself; only a linked incident or issue can echo."""
        if not link.issue_key or event.actor is None or event.snapshot is None:
            return False
        return event.actor.id == self.get_own_id(event.side)

    def get_own_id(self, side: str) -> str | None:
        """Return jpi's account on that side; None if the side refuses to say."""
        # Equal values and the processed ids keep echoes out as well.
        if side not in self._own_id_by_side:
            try:
                self._own_id_by_side[side] = self._jira.own_id if side == "jira" else self._pagerduty.find_own_id()
            except Refused as refused:
                self._log.warning("our own account is not known", extra={"side": side, "reason": str(refused)})
                self._own_id_by_side[side] = None
            except IdentityDoubt as doubt:
                self._log.warning("our own account is not known", extra={"side": side, "reason": str(doubt)})
                return None
        return self._own_id_by_side[side]


class EventEnricher:
    """Reads only what an event lacks, and only where it matters."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, processed_ids: ProcessedIds, policy: Policy,
                 own_accounts: OwnAccounts, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._processed_ids = processed_ids
        self._policy = policy
        self._own_accounts = own_accounts
        self._log = log
        self._enrich_by_type: Mapping[type[Event], Callable[[Any, Link, RefusedReads], Event | None]] = {
            IncidentLogged: self._enrich_incident_logged,
            IncidentAnnotated: self._enrich_incident_annotated,
            IssueUpdated: self._enrich_issue_updated,
            IssueCommented: self._enrich_issue_commented}

    def enrich(self, event: Event, link: Link, refused_reads: RefusedReads) -> Event | None:
        """Return the event with what it lacked, but for what a service refused; None if there is nothing left in it."""
        enrich = self._enrich_by_type.get(type(event))
        return event if enrich is None or link.ended else enrich(event, link, refused_reads)

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
        except (Refused, IdentityDoubt) as error:
            # An issue without details is better than none.
            self._log.warning("the incident cannot be read", extra={"incident": incident.id, "reason": str(error)})
            return incident

    def _enrich_issue_commented(self, event: IssueCommented, link: Link,
                                refused_reads: RefusedReads) -> IssueCommented | None:
        """Return the event with the whole comment: a webhook need not say whether it is internal."""
        if event.comment is None or event.deleted:
            return event
        comments = self._select_new_comments([event.comment], link, refused_reads, from_webhook=True)
        return replace(event, comment=comments[0]) if comments else None

    def _enrich_incident_logged(self, event: IncidentLogged, link: Link, refused_reads: RefusedReads) -> IncidentLogged:
        if event.incident.status is None:
            event = replace(event, incident=self._pagerduty.get_incident(event.incident.id))
        if needs_whole_log(event, link, self._policy):
            # Without it, the entries at hand are carried over, and the rest when it can be read.
            with refused_reads.contain_refusal(LOG_READ):
                snapshots = self._pagerduty.list_incident_log_entries(event.incident.id)
                event = replace(event, entries=tuple(snapshot.entry for snapshot in snapshots), whole=True)
        if link.issue_key:
            entry_ids = [entry.id for entry in event.entries]
            event = drop_processed_entries(event, self._processed_ids.already_processed(entry_ids))
        if not self._needs_notes(event, link):
            return event
        notes: tuple[Note, ...] | None = None
        with refused_reads.contain_refusal(NOTES_READ):
            notes = self._read_new_notes(event.incident.id, link, refused_reads)
        return replace(event, notes=notes, has_unread_notes=NOTES_READ in refused_reads.reason_by_step)

    def _needs_notes(self, event: IncidentLogged, link: Link) -> bool:
        # After a pause the timeline may have the entries of notes that still wait.
        has_notes = bool(event.annotation_ids) or (event.whole and link.write_log.pause is not None)
        is_wanted = has_notes or needs_notes(event, link)
        is_wanted = is_wanted and self._policy.field_policy("comments").is_synced_to("jira")
        return is_wanted and (bool(link.issue_key) or needs_issue(event, self._policy))

    def _enrich_incident_annotated(self, event: IncidentAnnotated, link: Link,
                                   refused_reads: RefusedReads) -> IncidentEvent | None:
        """Return the event with its new notes: a V2 webhook names none, a V3 webhook may bring only their beginning."""
        if not link.issue_key or not self._policy.field_policy("comments").is_synced_to("jira"):
            return None
        if event.notes is not None and not any(note.trimmed for note in event.notes):
            return replace(event, notes=tuple(self._select_new_notes(event.notes, link)))
        notes: tuple[Note, ...] = ()
        with refused_reads.contain_refusal(NOTES_READ):
            notes = self._read_new_notes(event.incident.id, link, refused_reads)
        ids = None if event.notes is None else {note.id for note in event.notes}
        return replace(event, notes=tuple(note for note in notes if ids is None or note.id in ids))

    def _read_new_notes(self, incident_id: str, link: Link, refused_reads: RefusedReads) -> tuple[Note, ...]:
        notes = self._pagerduty.notes.list_for_incident(incident_id)
        if not notes.is_whole:
            refused_reads.keep_step(NOTES_READ, "PagerDuty's answer has notes that are not as documented")
        return tuple(self._select_new_notes(notes.notes, link))

    def _select_new_notes(self, notes: Sequence[Note], link: Link) -> list[Note]:
        """Return the notes that may have to be mirrored or followed; old ones are only known as processed."""
        processed_ids = self._processed_ids.already_processed(
            [note.source.idempotency_key for note in notes if note.source not in link.mirrors]
        )
        return [note for note in notes if note.source.idempotency_key not in processed_ids]

    def _enrich_issue_updated(self, event: IssueUpdated, link: Link, refused_reads: RefusedReads) -> IssueUpdated:
        """Return the event with the team's status category and, if it matters, whether the issue was done before."""
        comments = [*self._select_new_comments(event.comments, link, refused_reads),
                    *self._read_refused_comments(event, link, refused_reads)]
        event = replace(event, issue=self._policy.with_team_category(event.issue), comments=tuple(comments))
        event = self._read_incident_before_edit(event, link)
        if not event.left or event.issue.category == "done" or link.status.agreed != "resolved":
            return event
        try:
            name, category = self._jira.get_status(event.left)
            return replace(event, reopens=self._policy.category_by_status_name.get(name, category) == "done")
        except Refused as refused:
            # The status was deleted; the next poll sees where the issue is.
            self._log.warning("a status is not known", extra={"status": event.left, "reason": str(refused)})
            return event

    def _read_incident_before_edit(self, event: IssueUpdated, link: Link) -> IssueUpdated:
        """Return the event with the incident if its fields are to be set: nothing may have told of its last change."""
        actions = decide(event, link, self._policy).actions
        if not any(isinstance(action, EditIncident) for action in actions) or self._own_accounts.is_echo(event, link):
            return event
        try:
            return replace(event, incident=self._pagerduty.get_snapshot(link.incident_id))
        except Refused as refused:
            if stops_everything(refused, link):
                raise
            self._log.warning("the incident cannot be read", extra={"incident": link.incident_id,
                                                                    "reason": str(refused)})
            return event

    def _read_refused_comments(self, event: IssueUpdated, link: Link, refused_reads: RefusedReads) -> list[Comment]:
        """Return the comments, as they are now, whose copies were refused and are to be tried again."""
        comments: list[Comment] = []
        brought_ids = {comment.id for comment in event.comments}
        for comment_id in list_due_comment_ids(event, link):
            with refused_reads.contain_refusal(get_copy_step_id(SourceId(SourceKind.COMMENT, comment_id))):
                answer = self._jira.comments.read(comment_id) if comment_id not in brought_ids else None
                comments += [answer[0]] if answer and not answer[1] else []
        return comments

    def _select_new_comments(self, comments: Sequence[Comment], link: Link, refused_reads: RefusedReads,
                             from_webhook: bool = False) -> list[Comment]:
        """Return the comments of others, read again if they are from a webhook, which leaves out too much."""
        if not self._policy.field_policy("comments").is_synced_to("pagerduty"):
            return []
        processed_ids = self._processed_ids.already_processed([
            comment.source.idempotency_key for comment in comments if comment.source not in link.mirrors])
        whole_comments: list[Comment] = []
        for comment in comments:
            if comment.source.idempotency_key not in processed_ids:
                with refused_reads.contain_refusal(get_copy_step_id(comment.source)):
                    whole_comment = self._complete_comment(comment, link, from_webhook)
                    whole_comments += [whole_comment] if whole_comment else []
        return whole_comments

    def _complete_comment(self, comment: Comment, link: Link, from_webhook: bool) -> Comment | None:
        """Return the whole comment; None if it is gone or jpi wrote it."""
        author_id = comment.author.id if comment.author else None
        may_be_own = (self._own_accounts.get_own_id("jira") in (None, author_id)
                      and comment.source not in link.mirrors)
        if not (from_webhook or may_be_own):
            return comment
        answer = self._jira.comments.read(comment.id)
        if answer is None:
            return None
        whole_comment, is_own = answer
        return None if is_own else whole_comment
