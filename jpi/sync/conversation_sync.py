"""Performs what is said on the other side: comments made of notes, notes made of comments, each once."""

from jpi.domain.actions import CarryComment, CarryNote, EditComment, EditNote, Talk
from jpi.domain.conversation_rules import address, comment_text, note_text, paired
from jpi.domain.link import Link
from jpi.domain.model import Comment, Note
from jpi.sync.leases import Claims, released
from jpi.sync.ports import Jira, Ledger, PagerDuty


class Talker:
    """One method an action; what was made is known by the link, the ledger, and the mark it carries itself."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, ledger: Ledger, claims: Claims, site: str) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._ledger = ledger
        self._claims = claims
        self._site = site

    def __call__(self, link: Link, action: Talk) -> Link:
        """The link, not saved yet."""
        if isinstance(action, CarryNote):
            return self._carry_note(link, action.note)
        if isinstance(action, CarryComment):
            return self._carry_comment(link, action.comment)
        if isinstance(action, EditComment):
            return self._edit_comment(link, action)
        return self._edit_note(link, action)

    def comment(self, link: Link, mark: str, text: str) -> tuple[Link, str | None]:
        """Comment on the issue, once a mark; the link, and the comment's id, None where it was made before."""
        if self._ledger.known([mark]):
            return released(link, mark), None
        key = str(link.issue_key)
        made = self._jira.comments.find(key, text) if self._claims.unfinished(link, mark) else None
        if made is None:
            link, made = self._claims.once(link, mark, lambda: self._jira.comments.add(key, text, mark))
        self._ledger.add([mark, f"comment:{made}"])
        return released(link, mark), made

    def note(self, link: Link, mark: str, text: str) -> tuple[Link, str | None]:
        """Make a note on the incident, once a mark; the link, and the note's id, None where it was made before."""
        if self._ledger.known([mark]):
            return released(link, mark), None
        made = None
        if self._claims.unfinished(link, mark):
            # Its last line is the address of what it stands for.
            there = self._pagerduty.notes.of(link.incident_id)
            made = next((note.id for note in there if note.text.rstrip().endswith(text.splitlines()[-1])), None)
        if made is None:
            link, made = self._claims.once(link, mark, lambda: self._pagerduty.notes.add(link.incident_id, text))
        self._ledger.add([mark, f"note:{made}"])
        return released(link, mark), made

    def _carry_note(self, link: Link, note: Note) -> Link:
        name = f"note:{note.id}"
        link, made = self.comment(link, name, comment_text(note))
        return paired(link, name, made, note.text, note.at.timestamp()) if made else link

    def _carry_comment(self, link: Link, comment: Comment) -> Link:
        name = f"comment:{comment.id}"
        link, made = self.note(link, name, self._said(link, comment))
        return paired(link, name, made, comment.text, comment.at.timestamp()) if made else link

    def _edit_comment(self, link: Link, action: EditComment) -> Link:
        key, made, note = str(link.issue_key), link.talk[action.name]["there"], action.note
        if note is None:
            self._jira.comments.delete(key, made)
            return paired(link, action.name, None, "", 0.0)
        there = self._jira.comments.edit(key, made, comment_text(note))
        return paired(link, action.name, made if there else None, note.text, note.at.timestamp())

    def _edit_note(self, link: Link, action: EditNote) -> Link:
        made, comment = link.talk[action.name]["there"], action.comment
        if comment is None:
            self._pagerduty.notes.delete(link.incident_id, made)
            return paired(link, action.name, None, "", 0.0)
        there = self._pagerduty.notes.edit(link.incident_id, made, self._said(link, comment))
        return paired(link, action.name, made if there else None, comment.text, comment.at.timestamp())

    def _said(self, link: Link, comment: Comment) -> str:
        return note_text(comment, address(self._site, str(link.issue_key), comment.id))
