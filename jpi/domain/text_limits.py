"""Text as the services take it: cut to their limits, one line, or a Jira document."""

import re
from datetime import datetime
from typing import Any

from jpi.domain.model import Incident, LogEntry

SUMMARY_MAX_CHARACTERS = 255
DESCRIPTION_MAX_CHARACTERS = 32_767
CUT_MARK = "… (cut by jpi)"
NO_TITLE = "(no title)"
NO_DETAILS = "PagerDuty gave no details."

AdfNode = dict[str, Any]
# What JSON can carry and a document cannot: control characters, and halves of characters.
UNPRINTABLE_PATTERN = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")
# Punctuation at the end belongs to the sentence; a bracket, to the address that it was opened in.
URL_PATTERN = re.compile(r"https?://(?:\([^\s<>\"()]*\)|[^\s<>\"()])*(?:\([^\s<>\"()]*\)|[^\s<>\"().,;:!?'\]])")


def cut_text(text: str, limit: int) -> str:
    """At most `limit` characters, with a visible mark where something was lost or cannot be shown."""
    text = UNPRINTABLE_PATTERN.sub("\ufffd", text)
    return text if len(text) <= limit else text[: limit - len(CUT_MARK)] + CUT_MARK


def to_summary(text: str | None) -> str:
    """One line of at most 255 characters, never empty: Jira refuses anything else."""
    return cut_text(" ".join((text or "").split()) or NO_TITLE, SUMMARY_MAX_CHARACTERS)


def to_adf_document(text: str) -> AdfNode:
    """Plain text as an Atlassian document: a paragraph a line, addresses as links, at most 32,767 characters."""
    lines = cut_text(text, DESCRIPTION_MAX_CHARACTERS).splitlines() or [""]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": _to_adf_nodes(line)}
                                                     for line in lines]}


def _to_adf_nodes(line: str) -> list[AdfNode]:
    nodes, end = [], 0
    for found in URL_PATTERN.finditer(line):
        nodes.append(_to_adf_text_node(line[end : found.start()]))
        nodes.append({**_to_adf_text_node(found[0]), "marks": [{"type": "link", "attrs": {"href": found[0]}}]})
        end = found.end()
    # An empty text node is no valid document.
    return [node for node in [*nodes, _to_adf_text_node(line[end:])] if node["text"]]


def _to_adf_text_node(text: str) -> AdfNode:
    return {"type": "text", "text": text}


def render_incident_description(incident: Incident) -> str:
    """What an incident's issue says: the trigger's details, then where the incident is."""
    facts = {"Service": incident.service, "Urgency": incident.urgency, "PagerDuty incident": incident.url}
    tail = "\n".join(f"{name}: {value}" for name, value in facts.items() if value)
    details = incident.details or NO_DETAILS
    # The address comes last and must survive the cut.
    return cut_text(details, DESCRIPTION_MAX_CHARACTERS - len(tail) - 2) + "\n\n" + tail


def render_entry_description(entry: LogEntry) -> str:
    """What a timeline issue says besides its summary: when, who, where."""
    lines = [format_time(entry.at), entry.agent and f"By {entry.agent.name}", entry.details, entry.url]
    return "\n".join(line for line in lines if line)


def format_time(at: datetime) -> str:
    """A time as people read it."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
