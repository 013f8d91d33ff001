"""Text as the services take it: cut to their limits, one line, or a Jira document."""

import re
from datetime import datetime
from typing import Any

from jpi.domain.model import Incident, LogEntry

SUMMARY_LIMIT = 255
DESCRIPTION_LIMIT = 32_767
CUT = "… (cut by jpi)"
NO_TITLE = "(no title)"
NO_DETAILS = "PagerDuty gave no details."

Document = dict[str, Any]
# What JSON can carry and a document cannot: control characters, and halves of characters.
UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")
# Punctuation at the end belongs to the sentence; a bracket, to the address that it was opened in.
URL = re.compile(r"https?://(?:\([^\s<>\"()]*\)|[^\s<>\"()])*(?:\([^\s<>\"()]*\)|[^\s<>\"().,;:!?'\]])")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a visible mark where something was lost or cannot be shown."""
    text = UNPRINTABLE.sub("\ufffd", text)
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def summary(text: str | None) -> str:
    """One line of at most 255 characters, never empty: Jira refuses anything else."""
    return cut(" ".join((text or "").split()) or NO_TITLE, SUMMARY_LIMIT)


def document(text: str) -> Document:
    """Plain text as an Atlassian document: a paragraph a line, addresses as links, at most 32,767 characters."""
    lines = cut(text, DESCRIPTION_LIMIT).splitlines() or [""]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": _inline(line)} for line in lines]}


def _inline(line: str) -> list[Document]:
    nodes, end = [], 0
    for found in URL.finditer(line):
        nodes.append(_text(line[end : found.start()]))
        nodes.append({**_text(found[0]), "marks": [{"type": "link", "attrs": {"href": found[0]}}]})
        end = found.end()
    # An empty text node is no valid document.
    return [node for node in [*nodes, _text(line[end:])] if node["text"]]


def _text(text: str) -> Document:
    return {"type": "text", "text": text}


def incident_description(incident: Incident) -> str:
    """What an incident's issue says: the trigger's details, then where the incident is."""
    facts = {"Service": incident.service, "Urgency": incident.urgency, "PagerDuty incident": incident.url}
    tail = "\n".join(f"{name}: {value}" for name, value in facts.items() if value)
    details = incident.details or NO_DETAILS
    # The address comes last and must survive the cut.
    return cut(details, DESCRIPTION_LIMIT - len(tail) - 2) + "\n\n" + tail


def entry_description(entry: LogEntry) -> str:
    """What a timeline issue says besides its summary: when, who, where."""
    lines = [moment(entry.at), entry.agent and f"By {entry.agent.name}", entry.details, entry.url]
    return "\n".join(line for line in lines if line)


def moment(at: datetime) -> str:
    """A time as people read it."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
