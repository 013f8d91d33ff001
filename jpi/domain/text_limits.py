"""Text as the services take it: within their limits, or on one line. Pure."""

import hashlib
import re
from datetime import datetime

from jpi.domain.model import Incident, LogEntry

SUMMARY_MAX_CHARACTERS = 255
DESCRIPTION_MAX_CHARACTERS = 32_767
CUT_MARK = "… (cut by jpi)"
NO_TITLE = "(no title)"
NO_DETAILS = "PagerDuty gave no details."

# What JSON can carry, and Atlassian documents and SQS cannot: control characters, and halves of characters.
UNPRINTABLE_PATTERN = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]")


def cut_text(text: str, limit: int) -> str:
    """Cut the text to `limit` characters, with a visible mark where something was lost or cannot be shown.

    Jira counts units of UTF-16, of which a character beyond the first 65,536 takes two.
    """
    text = UNPRINTABLE_PATTERN.sub("\ufffd", text)
    if len(text) <= limit // 2 or count_units(text) <= limit:
        return text
    units = text.encode("utf-16-le")[: 2 * (limit - len(CUT_MARK))]
    return units.decode("utf-16-le", "ignore") + CUT_MARK


def count_units(text: str) -> int:
    """Return the length of a text as Jira counts it, in units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def to_summary(text: str | None) -> str:
    """Return one line of at most 255 characters, never empty: Jira refuses anything else."""
    return cut_text(" ".join((text or "").split()) or NO_TITLE, SUMMARY_MAX_CHARACTERS)


def render_incident_description(incident: Incident) -> str:
    """Return the description of an incident's issue: the trigger's details, then where the incident is."""
    facts = [("Service", incident.service), ("Urgency", incident.urgency), ("PagerDuty incident", incident.url)]
    tail = "\n".join(f"{name}: {value}" for name, value in facts if value)
    details = incident.details or NO_DETAILS
    # The address comes last and must survive the cut.
    return cut_text(details, DESCRIPTION_MAX_CHARACTERS - len(tail) - 2) + "\n\n" + tail


def render_entry_description(entry: LogEntry) -> str:
    """Return the description of a timeline issue: when, who, where."""
    lines = [format_time(entry.at), entry.agent and f"By {entry.agent.name}", entry.details, entry.url]
    return "\n".join(line for line in lines if line)


def format_time(at: datetime) -> str:
    """Return a time as people read it."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def compute_digest(text: str) -> str:
    """Return a digest by which a changed text is known."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:16]
