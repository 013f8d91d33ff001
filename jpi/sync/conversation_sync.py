"""Performs what is said on the other side: comments made of notes, notes made of comments, each once."""

from collections.abc import Callable
from functools import partial

from jpi.domain.actions import ConversationAction, EditComment, EditNote, MirrorComment, MirrorNote
from jpi.domain.conversation_rules import build_issue_url, build_mirror, render_comment, render_note
from jpi.domain.link import Link
from jpi.domain.model import Comment, Note, SourceId, SourceKind
from jpi.sync.leases import Leases
from jpi.sync.ports import Jira, PagerDuty, ProcessedIds


class ConversationSync:
    """One method an action; what was made is known by the link, the ledger, and the mark it carries itself."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, processed_ids: ProcessedIds, leases: Leases,
                 site_url: str) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._processed_ids = processed_ids
        self._leases = leases
        self._site_url = site_url

    def __call__(self, link: Link, action: ConversationAction) -> Link:
        """The link, not saved yet."""
        if isinstance(action, MirrorNote):
            return self._carry_note(link, action.note)
        if isinstance(action, MirrorComment):
            return self._carry_comment(link, action.comment)
        if isinstance(action, EditComment):
            return self._edit_comment(link, action)
        return self._edit_note(link, action)

    def add_comment_once(self, link: Link, idempotency_key: str, text: str) -> tuple[Link, str | None]:
        """Comment on the issue once; return the link, and the comment's id, None if it was added before."""
        comments, issue_key = self._jira.comments, str(link.issue_key)
        return self._add_once(link, idempotency_key, partial(comments.add, issue_key, text, idempotency_key),
                              partial(comments.find_by_text, issue_key, text), SourceKind.COMMENT)

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
        notes = self._pagerduty.notes.list_for_incident(incident_id)
        return next((note.id for note in notes if note.text.rstrip().endswith(text.splitlines()[-1])), None)

    def _carry_note(self, link: Link, note: Note) -> Link:
        link, made = self.add_comment_once(link, note.source.idempotency_key, render_comment(note))
        mirror = build_mirror(made, note.text, note.at.timestamp())
        return link.with_mirror(note.source, mirror) if made else link

    def _carry_comment(self, link: Link, comment: Comment) -> Link:
        link, made = self.add_note_once(link, comment.source.idempotency_key, self._build_note_text(link, comment))
        mirror = build_mirror(made, comment.text, comment.at.timestamp())
        return link.with_mirror(comment.source, mirror) if made else link

    def _edit_comment(self, link: Link, action: EditComment) -> Link:
        key, made, note = str(link.issue_key), str(link.mirrors[action.source].copy_id), action.note
        if note is None:
            self._jira.comments.delete(key, made)
            return link.with_mirror(action.source, build_mirror(None))
        there = self._jira.comments.edit(key, made, render_comment(note))
        return link.with_mirror(action.source, build_mirror(made if there else None, note.text, note.at.timestamp()))

    def _edit_note(self, link: Link, action: EditNote) -> Link:
        made, comment = str(link.mirrors[action.source].copy_id), action.comment
        if comment is None:
            self._pagerduty.notes.delete(link.incident_id, made)
            return link.with_mirror(action.source, build_mirror(None))
        there = self._pagerduty.notes.edit(link.incident_id, made, self._build_note_text(link, comment))
        return link.with_mirror(action.source,
                                build_mirror(made if there else None, comment.text, comment.at.timestamp()))

    def _build_note_text(self, link: Link, comment: Comment) -> str:
        return render_note(comment, build_issue_url(self._site_url, str(link.issue_key), comment.id))
