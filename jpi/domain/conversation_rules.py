"""Notes and comments: a set union by id, each carried over once and followed when it changes. Pure."""

import hashlib
import re
from collections.abc import Iterable

from jpi.domain.actions import ConversationAction, EditComment, EditNote, MirrorComment, MirrorNote
from jpi.domain.events import Event, IncidentAnnotated, IncidentEvent, IncidentLogged, IssueCommented, IssueUpdated
from jpi.domain.link import Link, Mirror
from jpi.domain.model import Comment, Note, SourceKind
from jpi.domain.policy import Policy
from jpi.domain.text_limits import cut_text, format_time

# How long a note may be is documented nowhere; an e-mail's worth goes through.
NOTE_MAX_CHARACTERS = 20_000
OWN_NOTE_PREFIX = "[Jira] "


def decide_conversation(event: Event, link: Link, policy: Policy) -> list[ConversationAction]:
    """The notes and comments that `event` tells of, to be made, changed or taken away on the other side."""
    if isinstance(event, IncidentEvent):
        return _decide_notes(event, link, policy) if policy.field_policy("comments").is_synced_to("jira") else []
    return _decide_comments(event, link) if policy.field_policy("comments").is_synced_to("pagerduty") else []


def _decide_notes(event: IncidentEvent, link: Link, policy: Policy) -> list[ConversationAction]:
    found = event.notes if isinstance(event, IncidentAnnotated | IncidentLogged) else None
    if found is None:
        return []
    sources = {note.source for note in found}
    gone = [source for source, mirror in link.mirrors.items() if isinstance(event, IncidentLogged)
            and source.kind is SourceKind.NOTE and mirror.copy_id and source not in sources]
    ours = get_copy_ids(link, SourceKind.COMMENT)
    news = [action for note in found if note.id not in ours and not is_own_note(note.text, policy.jira_url)
            and (action := _decide_note(note, link))]
    return [*news, *(EditComment(source, None) for source in gone)]


def _decide_note(note: Note, link: Link) -> ConversationAction | None:
    mirror = link.mirrors.get(note.source)
    if mirror is None:
        return MirrorNote(note)
    changed = mirror.copy_id and mirror.digest != compute_digest(note.text) and not note.trimmed
    return EditComment(note.source, note) if changed else None


def _decide_comments(event: Event, link: Link) -> list[ConversationAction]:
    if isinstance(event, IssueUpdated):
        return _decide_each_comment(event.comments, link)
    if not isinstance(event, IssueCommented) or event.comment is None:
        return []
    if event.deleted:
        mirror = link.mirrors.get(event.comment.source)
        return [EditNote(event.comment.source, None)] if mirror and mirror.copy_id else []
    return _decide_each_comment([event.comment], link)


def _decide_each_comment(comments: Iterable[Comment], link: Link) -> list[ConversationAction]:
    ours = get_copy_ids(link, SourceKind.NOTE)
    return [action for one in comments if one.id not in ours and (action := _decide_comment(one, link))]


def _decide_comment(comment: Comment, link: Link) -> ConversationAction | None:
    mirror = link.mirrors.get(comment.source)
    if mirror is None:
        return None if comment.internal else MirrorComment(comment)
    if not mirror.copy_id:
        return None
    if comment.internal:
        # It was for everybody and is not any more.
        return EditNote(comment.source, None)
    newer = comment.at.timestamp() > mirror.source_changed_at and mirror.digest != compute_digest(comment.text)
    return EditNote(comment.source, comment) if newer else None


def get_copy_ids(link: Link, kind: SourceKind) -> set[str | None]:
    """Return the ids, on the other side, of the copies of notes, or of those of comments."""
    return {mirror.copy_id for source, mirror in link.mirrors.items() if source.kind is kind}


def build_mirror(copy_id: str | None, text: str = "", at: float = 0.0) -> Mirror:
    """Return the mirror whose source said `text` when it was changed at `at`."""
    return Mirror(copy_id, compute_digest(text), at)


def compute_digest(text: str) -> str:
    """Enough of a text to know whether it changed."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:16]


def render_comment(note: Note) -> str:
    """A note as a comment: who, when, what."""
    return f"{note.author or 'Somebody'} on PagerDuty, {format_time(note.at)}:\n{note.text}"


def render_note(comment: Comment, address: str) -> str:
    """A comment as a note: who, what, where."""
    name = comment.author.name if comment.author and comment.author.name else "Somebody"
    return cut_text(f"{OWN_NOTE_PREFIX}{name}: {comment.text}", NOTE_MAX_CHARACTERS) + f"\n{address}"


def build_issue_url(site: str, key: str, comment_id: str = "") -> str:
    """Where an issue, or a comment on it, is to be read."""
    return f"{site}/browse/{key}" + (f"?focusedCommentId={comment_id}" if comment_id else "")


def is_own_note(text: str, site: str) -> bool:
    """Whether a note is one that we make, whoever's token we use."""
    ending = rf"{re.escape(site)}/browse/[A-Z][A-Z0-9_]*-\d+(\?focusedCommentId=\d+)?\s*$"
    return text.startswith(OWN_NOTE_PREFIX) and re.search(ending, text) is not None
