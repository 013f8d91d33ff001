"""Executes conversation actions: comments made of notes and notes made of comments, each once."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from jpi.domain.actions import AddComment, EditComment, EditNote, MirrorComment, MirrorNote
from jpi.domain.backlog import StepId, StepKind, describe_refusal
from jpi.domain.conversation_rules import build_issue_url, build_mirror, render_comment, render_note
from jpi.domain.link import FirstLook, Link
from jpi.domain.model import Comment, Note, Side, SourceId, SourceKind
from jpi.domain.retry_state import stops_everything
from jpi.errors import Refused
from jpi.sync.leases import Leases, RefusedUnderLease
from jpi.sync.ports import Clock, Jira, PagerDuty, ProcessedIds

COPY_NOT_FOUND_TEXT = "the copy was not found; jpi looks again before it takes the copy for deleted"


class ConversationSync:
    """Makes each copy once: the link, the processed ids and the copy itself tell that it was made."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, processed_ids: ProcessedIds, leases: Leases,
                 clock: Clock, site_url: str) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._processed_ids = processed_ids
        self._leases = leases
        self._clock = clock
        self._site_url = site_url

    def add_comment(self, link: Link, action: AddComment) -> Link:
        """Comment on the issue once; return the link, not saved yet."""
        return self.add_comment_once(link, action.idempotency_key, action.text)[0]

    def mirror_note(self, link: Link, action: MirrorNote) -> Link:
        """Make a comment of a note; return the link, not saved yet."""
        note = action.note
        link, comment_id = self.add_comment_once(link, note.source.idempotency_key, render_comment(note))
        return _with_mirror(link, note, comment_id) if comment_id else link

    def mirror_comment(self, link: Link, action: MirrorComment) -> Link:
        """Make a note of a comment; return the link, not saved yet."""
        comment = action.comment
        link, note_id = self.add_note_once(link, comment.source.idempotency_key, self._build_note_text(link, comment))
        return _with_mirror(link, comment, note_id) if note_id else link

    def edit_comment(self, link: Link, action: EditComment) -> Link:
        """Change or delete the comment made of a note; return the link, not saved yet."""
        issue_key, comment_id = str(link.issue_key), str(link.mirrors[action.source].copy_id)
        note, comments = action.note, self._jira.comments
        exists = (comments.edit(issue_key, comment_id, render_comment(note)) if note
                  else comments.delete(issue_key, comment_id))
        if not exists:
            self._require_second_look(link, action.source, Side.JIRA, self._jira.verify_identity())
        return _with_edited_mirror(link, action.source, note, comment_id if exists else None)

    def edit_note(self, link: Link, action: EditNote) -> Link:
        """Change or delete the note made of a comment; return the link, not saved yet."""
        note_id, comment, notes = str(link.mirrors[action.source].copy_id), action.comment, self._pagerduty.notes
        exists = (notes.edit(link.incident_id, note_id, self._build_note_text(link, comment)) if comment
                  else notes.delete(link.incident_id, note_id))
        if not exists:
            self._require_second_look(link, action.source, Side.PAGERDUTY, self._pagerduty.verify_identity())
        return _with_edited_mirror(link, action.source, comment, note_id if exists else None)

    def _require_second_look(self, link: Link, source: SourceId, side: Side, invocation: str) -> None:
        """Raise RefusedUnderLease unless an earlier invocation, two minutes ago, did not find the copy either."""
        mirror, look = link.mirrors[source], FirstLook(self._clock(), invocation)
        first = mirror.missing_since or look
        if first.get_wait_seconds(look):
            link = link.with_mirror(source, replace(mirror, missing_since=first))
            raise RefusedUnderLease(Refused(side.display_name, "PUT", str(mirror.copy_id), HTTPStatus.NOT_FOUND,
                                            [COPY_NOT_FOUND_TEXT]), link)

    def add_comment_once(self, link: Link, idempotency_key: str, text: str) -> tuple[Link, str | None]:
        """Comment on the issue once; return the link, and the comment's id, None if it was added before."""
        comments, issue_key = self._jira.comments, str(link.issue_key)
        return self._add_once(link, idempotency_key, partial(comments.add, issue_key, text, idempotency_key),
                              partial(comments.find_by_text, issue_key, text), SourceKind.COMMENT)

    def add_remark(self, link: Link, idempotency_key: str, text: str) -> Link:
        """Comment on the issue once beside an action; a refused comment goes to the backlog. Return the link."""
        try:
            return self.add_comment_once(link, idempotency_key, text)[0]
        except Refused as refused:
            if stops_everything(refused, link):
                raise
            link = refused.link if isinstance(refused, RefusedUnderLease) else link
            return link.with_refused_step(StepId(StepKind.REMARK, Side.JIRA, idempotency_key), text, refused.service,
                                          describe_refusal(refused), self._clock())

    def add_note_once(self, link: Link, idempotency_key: str, text: str) -> tuple[Link, str | None]:
        """Add a note to the incident once; return the link, and the note's id, None if it was added before."""
        return self._add_once(link, idempotency_key, partial(self._pagerduty.notes.add, link.incident_id, text),
                              partial(self._find_note, link.incident_id, text), SourceKind.NOTE)

    def _add_once(self, link: Link, idempotency_key: str, add: Callable[[], str], find: Callable[[], str | None],
                  kind: SourceKind) -> tuple[Link, str | None]:
        if self._processed_ids.already_processed([idempotency_key]):
            return link.without_lease(idempotency_key), None
        existing_id = find() if self._leases.is_outcome_unknown(link, idempotency_key) else None
        link, copy_id = ((link, existing_id) if existing_id
                         else self._leases.run_with_lease(link, idempotency_key, add))
        self._processed_ids.mark_processed([idempotency_key, SourceId(kind, copy_id).idempotency_key])
        return link.without_lease(idempotency_key), copy_id

    def _find_note(self, incident_id: str, text: str) -> str | None:
        """Return the id of the note with this last line, which is the address of what it stands for."""
        notes = self._pagerduty.notes.list_for_incident(incident_id).notes
        note_id = next((note.id for note in notes if note.text.rstrip().endswith(text.splitlines()[-1])), None)
        if note_id is None:
            self._pagerduty.verify_identity()
        return note_id

    def _build_note_text(self, link: Link, comment: Comment) -> str:
        return render_note(comment, build_issue_url(self._site_url, str(link.issue_key), comment.id))


def _with_mirror(link: Link, source: Note | Comment, copy_id: str | None) -> Link:
    return link.with_mirror(source.source, build_mirror(copy_id, source.text, source.at.timestamp()))


def _with_edited_mirror(link: Link, source: SourceId, message: Note | Comment | None, copy_id: str | None) -> Link:
    """Return the link once the copy says what its source says; no message: once both are deleted."""
    return _with_mirror(link, message, copy_id) if message else link.with_mirror(source, build_mirror(None))
