"""Notes and comments: a set union by id, each carried over once and followed when it changes. Pure."""

import re
from collections.abc import Collection, Iterable

from jpi.domain.actions import ConversationAction, EditComment, EditNote, MirrorComment, MirrorNote
from jpi.domain.events import Event, IncidentAnnotated, IncidentLogged, IssueCommented, IssueEvent, IssueUpdated
from jpi.domain.link import Link, Mirror
from jpi.domain.model import Comment, Note, SourceKind
from jpi.domain.policy import Policy
from jpi.domain.templates import compute_digest, cut_text, format_time

# PagerDuty documents no limit; notes of this length are accepted.
NOTE_MAX_CHARACTERS = 20_000
OWN_NOTE_PREFIX = "[Jira] "
APP_COMMENT_PREFIX = "PagerDuty "
# As `render_comment` writes it.
NOTE_HEADING_PATTERN = re.compile(r" on PagerDuty, [-0-9]{10} [:0-9]{8} UTC:$")
# So soon another integration copies what it sees.
COPY_SECONDS = 600.0


def decide_conversation(event: Event, link: Link, policy: Policy) -> list[ConversationAction]:
    """Return the copies of the event's notes and comments to be created, changed or deleted on the other side."""
    if not policy.field_policy("comments").is_synced_to(event.side.other):
        return []
    if isinstance(event, IssueEvent):
        return _decide_comments(event, link)
    if not isinstance(event, IncidentAnnotated | IncidentLogged) or event.notes is None:
        return []
    are_all = isinstance(event, IncidentLogged) and not event.has_unread_notes
    return _decide_notes(event.notes, link, policy, are_all)


def _decide_notes(notes: Collection[Note], link: Link, policy: Policy, are_all: bool) -> list[ConversationAction]:
    sources, own_ids = {note.source for note in notes}, get_copy_ids(link, SourceKind.COMMENT)
    deleted = [source for source, mirror in link.mirrors.items() if are_all
               and source.kind is SourceKind.NOTE and mirror.copy_id and source not in sources]
    actions = [action for note in notes if note.id not in own_ids and not is_own_note(note.text, policy.jira_url)
               and (action := _decide_note(note, link))]
    return [*actions, *(EditComment(source, None) for source in deleted)]


def _decide_note(note: Note, link: Link) -> ConversationAction | None:
    mirror = link.mirrors.get(note.source)
    if mirror is None:
        return None if _is_copy(note, link) else MirrorNote(note)
    changed = mirror.copy_id and mirror.digest != compute_digest(note.text) and not note.trimmed
    return EditComment(note.source, note) if changed else None


def _decide_comments(event: IssueEvent, link: Link) -> list[ConversationAction]:
    if isinstance(event, IssueUpdated):
        return _decide_each_comment(event.comments, link)
    if not isinstance(event, IssueCommented) or event.comment is None:
        return []
    if event.deleted:
        mirror = link.mirrors.get(event.comment.source)
        return [EditNote(event.comment.source, None)] if mirror and mirror.copy_id else []
    return _decide_each_comment([event.comment], link)


def _decide_each_comment(comments: Iterable[Comment], link: Link) -> list[ConversationAction]:
    own_ids = get_copy_ids(link, SourceKind.NOTE)
    return [action for comment in comments if comment.id not in own_ids
            and (action := _decide_comment(comment, link))]


def _decide_comment(comment: Comment, link: Link) -> ConversationAction | None:
    mirror = link.mirrors.get(comment.source)
    if mirror is None:
        return None if comment.internal or _is_copy(comment, link) else MirrorComment(comment)
    if not mirror.copy_id:
        return None
    if comment.internal:
        # Everybody could read it when it was copied.
        return EditNote(comment.source, None)
    is_edited = comment.at.timestamp() > mirror.source_changed_at and mirror.digest != compute_digest(comment.text)
    return EditNote(comment.source, comment) if is_edited else None


def _is_copy(message: Note | Comment, link: Link) -> bool:
    """Return True if somebody else copied what jpi copied already: a mirror, on either side, or what it was made of.

    The text that a mirror was made of counts on the other side only, and soon after: people may say the same later.
    """
    bodies = {compute_digest(body) for body in _list_mirrored_bodies(message.text)}
    digest, at = compute_digest(message.text), message.at.timestamp()
    return any(mirror.digest in bodies or (
        mirror.digest == digest and source.kind is not message.source.kind
        and abs(at - mirror.source_changed_at) < COPY_SECONDS) for source, mirror in link.mirrors.items())


def _list_mirrored_bodies(text: str, depth: int = 3) -> list[str]:
    """Return the texts that this one may mirror, by the forms of jpi's copies and of PagerDuty's own Jira app.

    The app: https://support.pagerduty.com/main/docs/jira-cloud-user-guide
    """
    heading, _, note_text = text.partition("\n")
    bodies = [note_text] if NOTE_HEADING_PATTERN.search(heading) else []
    if text.startswith((OWN_NOTE_PREFIX, APP_COMMENT_PREFIX)):
        named_text = text.partition(": ")[2]
        bodies += [named_text, named_text.rpartition("\n")[0]]
    return [inner for body in bodies if body
            for inner in (body, *(_list_mirrored_bodies(body, depth - 1) if depth else ()))]


def get_copy_ids(link: Link, kind: SourceKind) -> set[str | None]:
    """Return the ids, on the other side, of the copies of notes, or of those of comments."""
    return {mirror.copy_id for source, mirror in link.mirrors.items() if source.kind is kind}


def build_mirror(copy_id: str | None, text: str = "", at: float = 0.0) -> Mirror:
    """Return the mirror whose source said `text` when it was changed at `at`."""
    return Mirror(copy_id, compute_digest(text), at)


def render_comment(note: Note) -> str:
    """Render a note as a comment: who, when, what."""
    return f"{note.author or 'Somebody'} on PagerDuty, {format_time(note.at)}:\n{note.text}"


def render_note(comment: Comment, address: str) -> str:
    """Render a comment as a note: who, what, where."""
    name = comment.author.name if comment.author and comment.author.name else "Somebody"
    return cut_text(f"{OWN_NOTE_PREFIX}{name}: {comment.text}", NOTE_MAX_CHARACTERS) + f"\n{address}"


def build_issue_url(site: str, key: str, comment_id: str = "") -> str:
    """Return the address of an issue, or of a comment on it."""
    return f"{site}/browse/{key}" + (f"?focusedCommentId={comment_id}" if comment_id else "")


def is_own_note(text: str, site: str) -> bool:
    """Return True if jpi wrote the note, with whatever token."""
    ending = rf"{re.escape(site)}/browse/[A-Z][A-Z0-9_]*-\d+(\?focusedCommentId=\d+)?\s*$"
    return text.startswith(OWN_NOTE_PREFIX) and re.search(ending, text) is not None
