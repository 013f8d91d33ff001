"""Performs what is said on the other side: comments made of notes, notes made of comments, each once."""

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
        """Comment on the issue, once a mark; the link, and the comment's id, None where it was made before."""
        if self._processed_ids.already_processed([idempotency_key]):
            return link.without_lease(idempotency_key), None
        key = str(link.issue_key)
        made = (self._jira.comments.find_by_text(key, text) if self._leases.is_outcome_unknown(link, idempotency_key)
                else None)
        if made is None:
            link, made = self._leases.run_with_lease(link, idempotency_key,
                                                     lambda: self._jira.comments.add(key, text, idempotency_key))
        self._processed_ids.mark_processed([idempotency_key, SourceId(SourceKind.COMMENT, str(made)).idempotency_key])
        return link.without_lease(idempotency_key), made

    def add_note_once(self, link: Link, idempotency_key: str, text: str) -> tuple[Link, str | None]:
        """Make a note on the incident, once a mark; the link, and the note's id, None where it was made before."""
        if self._processed_ids.already_processed([idempotency_key]):
            return link.without_lease(idempotency_key), None
        made = None
        if self._leases.is_outcome_unknown(link, idempotency_key):
            # Its last line is the address of what it stands for.
            there = self._pagerduty.notes.list_for_incident(link.incident_id)
            made = next((note.id for note in there if note.text.rstrip().endswith(text.splitlines()[-1])), None)
        if made is None:
            link, made = self._leases.run_with_lease(link, idempotency_key,
                                                     lambda: self._pagerduty.notes.add(link.incident_id, text))
        self._processed_ids.mark_processed([idempotency_key, SourceId(SourceKind.NOTE, str(made)).idempotency_key])
        return link.without_lease(idempotency_key), made

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
