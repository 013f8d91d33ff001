"""Notes and comments: a set union by id, each carried over once and followed when it changes. Pure."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from jpi.domain.actions import CarryComment, CarryNote, EditComment, EditNote, Talk
from jpi.domain.events import Event, IncidentAnnotated, IncidentEvent, IncidentLogged, IssueCommented, IssueUpdated
from jpi.domain.link import Link
from jpi.domain.model import Comment, Note
from jpi.domain.policy import Policy
from jpi.domain.text_limits import cut, moment

# Of older ones it is only known that they were carried over; edits of those are not followed.
REMEMBERED = 200
# How long a note may be is documented nowhere; an e-mail's worth goes through.
NOTE_LIMIT = 20_000
OURS = "[Jira] "


def talk(event: Event, link: Link, policy: Policy) -> list[Talk]:
    """The notes and comments that `event` tells of, to be made, changed or taken away on the other side."""
    if isinstance(event, IncidentEvent):
        return _notes(event, link, policy) if policy.how("comments").reaches("jira") else []
    return _comments(event, link) if policy.how("comments").reaches("pagerduty") else []


def _notes(event: IncidentEvent, link: Link, policy: Policy) -> list[Talk]:
    found = event.notes if isinstance(event, IncidentAnnotated | IncidentLogged) else None
    if found is None:
        return []
    there = {f"note:{note.id}" for note in found}
    gone = [name for name, pair in link.talk.items() if isinstance(event, IncidentLogged)
            and name.startswith("note:") and pair["there"] and name not in there]
    ours = made(link, "comment:")
    news = [action for note in found if note.id not in ours and not is_ours(note.text, policy.site)
            and (action := _note(note, link))]
    return [*news, *(EditComment(name, None) for name in gone)]


def _note(note: Note, link: Link) -> Talk | None:
    pair = link.talk.get(f"note:{note.id}")
    if pair is None:
        return CarryNote(note)
    changed = pair["there"] and pair["said"] != digest(note.text) and not note.trimmed
    return EditComment(f"note:{note.id}", note) if changed else None


def _comments(event: Event, link: Link) -> list[Talk]:
    if isinstance(event, IssueUpdated):
        return _each(event.comments, link)
    if not isinstance(event, IssueCommented) or event.comment is None:
        return []
    if event.deleted:
        name = f"comment:{event.comment.id}"
        return [EditNote(name, None)] if link.talk.get(name, {}).get("there") else []
    return _each([event.comment], link)


def _each(comments: Iterable[Comment], link: Link) -> list[Talk]:
    ours = made(link, "note:")
    return [action for one in comments if one.id not in ours and (action := _comment(one, link))]


def _comment(comment: Comment, link: Link) -> Talk | None:
    name = f"comment:{comment.id}"
    pair = link.talk.get(name)
    if pair is None:
        return None if comment.internal else CarryComment(comment)
    if not pair["there"]:
        return None
    if comment.internal:
        # It was for everybody and is not any more.
        return EditNote(name, None)
    newer = comment.at.timestamp() > pair["at"] and pair["said"] != digest(comment.text)
    return EditNote(name, comment) if newer else None


def made(link: Link, kind: str) -> set[str]:
    """The ids, on the other side, of what was made of the notes (`note:`) or comments (`comment:`)."""
    return {pair["there"] for name, pair in link.talk.items() if name.startswith(kind)}


def paired(link: Link, name: str, there: str | None, text: str, at: float) -> Link:
    """The link that remembers what was made of a note or comment, the newest two hundred of them."""
    others = {one: pair for one, pair in link.talk.items() if one != name}
    newest = {"there": there, "said": digest(text), "at": at}
    return replace(link, talk=dict([*others.items(), (name, newest)][-REMEMBERED:]))


def digest(text: str) -> str:
    """Enough of a text to know whether it changed."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:16]


def comment_text(note: Note) -> str:
    """A note as a comment: who, when, what."""
    return f"{note.author or 'Somebody'} on PagerDuty, {moment(note.at)}:\n{note.text}"


def note_text(comment: Comment, address: str) -> str:
    """A comment as a note: who, what, where."""
    name = comment.author.name if comment.author and comment.author.name else "Somebody"
    return cut(f"{OURS}{name}: {comment.text}", NOTE_LIMIT) + f"\n{address}"


def address(site: str, key: str, comment_id: str = "") -> str:
    """Where an issue, or a comment on it, is to be read."""
    return f"{site}/browse/{key}" + (f"?focusedCommentId={comment_id}" if comment_id else "")


def is_ours(text: str, site: str) -> bool:
    """Whether a note is one that we make, whoever's token we use."""
    ending = rf"{re.escape(site)}/browse/[A-Z][A-Z0-9_]*-\d+(\?focusedCommentId=\d+)?\s*$"
    return text.startswith(OURS) and re.search(ending, text) is not None
