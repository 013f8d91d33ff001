"""Completes an event before it is decided about: what it does not bring itself, and without what is known already."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from jpi.domain.decide import qualifies, wants_whole_log, without
from jpi.domain.events import (
    Event,
    IncidentAnnotated,
    IncidentEvent,
    IncidentLogged,
    IssueCommented,
    IssueDeleted,
    IssueUpdated,
)
from jpi.domain.field_merge import side_of
from jpi.domain.link import Link
from jpi.domain.model import Comment, Note
from jpi.domain.policy import Policy
from jpi.errors import Refused
from jpi.sync.ports import Jira, Ledger, Log, PagerDuty


class Own:
    """The accounts that we write as, asked for once a process."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._log = log
        self._ids: dict[str, str | None] = {}

    def did(self, event: Event, link: Link) -> bool:
        """Whether this is the echo of something we did; only what is linked already can echo."""
        if not link.issue_key or event.actor is None or not event.shows_state:
            return False
        return event.actor.id == self.id(side_of(event))

    def id(self, side: str) -> str | None:
        """Our account on that side; None where it cannot be found out."""
        if side not in self._ids:
            self._ids[side] = self._found(side)
        return self._ids[side]

    def _found(self, side: str) -> str | None:
        try:
            return self._jira.own_id if side == "jira" else self._pagerduty.own_id()
        except Refused as refused:
            # Equality and the ledger alone keep echoes out as well.
            self._log.warning("our own account is not known", extra={"side": side, "reason": str(refused)})
            return None


class Completer:
    """Reads only what the event lacks, and only where it matters."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, ledger: Ledger, policy: Policy, own: Own, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._ledger = ledger
        self._policy = policy
        self._own = own
        self._log = log

    def __call__(self, event: Event, link: Link) -> Event | None:
        """The event, whole; None where there is nothing in it."""
        complete: Mapping[type, Callable[[Any, Link], Event | None]] = {
            IncidentLogged: self._logged, IncidentAnnotated: self._annotated, IssueUpdated: self._understood,
            IssueCommented: self._commented, IssueDeleted: self._deleted}
        there = complete.get(type(event))
        return event if there is None or link.ended else there(event, link)

    def _commented(self, event: IssueCommented, link: Link) -> IssueCommented | None:
        """Whether it is for everybody, a webhook need not say."""
        if event.comment is None or event.deleted:
            return event
        found = self._comments([event.comment], link, told=True)
        return replace(event, comment=found[0]) if found else None

    def _deleted(self, event: IssueDeleted, link: Link) -> IssueDeleted | None:
        """It was not among those that the poll read: only if it is really not there."""
        asked = event.source == "poll"
        return None if asked and self._jira.states([link.issue_id or event.issue.key]) else event

    def _logged(self, event: IncidentLogged, link: Link) -> IncidentLogged:
        if event.incident.status is None:
            event = replace(event, incident=self._pagerduty.incident(event.incident.id))
        if wants_whole_log(event, link, self._policy):
            entries = tuple(logged.entry for logged in self._pagerduty.incident_log(event.incident.id))
            event = replace(event, entries=entries, whole=True)
        if link.issue_key:
            event = without(event, self._ledger.known([entry.id for entry in event.entries]))
        return replace(event, notes=self._notes(event.incident.id, link)) if self._annotates(event, link) else event

    def _annotates(self, event: IncidentLogged, link: Link) -> bool:
        wanted = self._policy.how("comments").reaches("jira")
        return bool(event.annotations) and wanted and (bool(link.issue_key) or qualifies(event, self._policy))

    def _annotated(self, event: IncidentAnnotated, link: Link) -> IncidentEvent | None:
        """A webhook of V2 says that there is a note, but not which; one of V3 may bring only its beginning."""
        if not link.issue_key or not self._policy.how("comments").reaches("jira"):
            return None
        told = event.notes
        if told is not None and not any(note.trimmed for note in told):
            return replace(event, notes=tuple(self._unknown(told, link)))
        ids = {note.id for note in told or ()}
        notes = self._notes(event.incident.id, link)
        return replace(event, notes=tuple(note for note in notes if told is None or note.id in ids))

    def _notes(self, incident_id: str, link: Link) -> tuple[Note, ...]:
        return tuple(self._unknown(self._pagerduty.notes.of(incident_id), link))

    def _unknown(self, notes: Iterable[Note], link: Link) -> list[Note]:
        """Those that may have to be carried over or followed; of old ones it is only known that they were."""
        found = list(notes)
        known = self._ledger.known([f"note:{note.id}" for note in found if f"note:{note.id}" not in link.talk])
        return [note for note in found if f"note:{note.id}" not in known]

    def _understood(self, event: IssueUpdated, link: Link) -> IssueUpdated:
        """The event with its status as the team has it; whether it was done before is asked only where that matters."""
        event = replace(event, issue=self._policy.read(event.issue),
                        comments=tuple(self._comments(event.comments, link)))
        if not event.left or event.issue.category == "done" or link.agreed.get("status") != "resolved":
            return event
        try:
            name, category = self._jira.status(event.left)
            return replace(event, reopens=self._policy.named.get(name, category) == "done")
        except Refused as refused:
            # Such a status was deleted; the next poll sees where the issue is.
            self._log.warning("a status is not known", extra={"status": event.left, "reason": str(refused)})
            return event

    def _comments(self, comments: Iterable[Comment], link: Link, told: bool = False) -> list[Comment]:
        """Those that are not ours, as the API has them; `told`: by a webhook, which does not say all."""
        found = list(comments) if self._policy.how("comments").reaches("pagerduty") else []
        ids = [f"comment:{one.id}" for one in found if f"comment:{one.id}" not in link.talk]
        known = self._ledger.known(ids)
        return [whole for one in found if f"comment:{one.id}" not in known and (whole := self._whole(one, link, told))]

    def _whole(self, comment: Comment, link: Link, told: bool) -> Comment | None:
        suspicious = self._own.id("jira") in (None, comment.author.id if comment.author else None)
        suspicious = suspicious and f"comment:{comment.id}" not in link.talk
        if not (told or suspicious):
            return comment
        found = self._jira.comments.read(comment.id)
        if found is None:
            return None
        there, ours = found
        return None if ours else there
