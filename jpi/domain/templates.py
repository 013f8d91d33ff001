"""Fills the templates of a sync file, and cuts texts by the services' own count. Pure."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jpi.domain.model import Incident, LogEntry

SUMMARY_MAX_CHARACTERS = 255
# Of what becomes a title by the Events API (developer.pagerduty.com/docs/send-alert-event); REST documents no limit.
TITLE_MAX_CHARACTERS = 1_024
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


def to_title(text: str) -> str:
    """Return one line of at most 1,024 characters, never empty: a longer title PagerDuty refuses or cuts itself."""
    return cut_text(" ".join(text.splitlines()).strip() or NO_TITLE, TITLE_MAX_CHARACTERS)


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


PLACEHOLDER_PATTERN = re.compile(r"\{([a-z]+(?:\.[^{}.\s]+)+)\}")
MAX_INDEX_DIGITS = 9
INCIDENT_FIELDS = ("id", "title", "status", "priority", "urgency", "service", "url", "number", "key", "assignee")


def fill_template(value: Any, incident: Incident) -> Any:
    """Replace every placeholder in the value's texts by what the incident has for it, or by nothing; cut long texts."""
    if isinstance(value, str):
        filled = PLACEHOLDER_PATTERN.sub(
            lambda match: _to_text(_look_up_placeholder(match[1].split("."), incident)), value)
        return cut_text(filled, DESCRIPTION_MAX_CHARACTERS)
    if isinstance(value, list | tuple):
        return [fill_template(item, incident) for item in value]
    if isinstance(value, Mapping):
        return {name: fill_template(item, incident) for name, item in value.items()}
    return value


def find_unknown_placeholders(value: Any) -> Iterator[str]:
    """Yield what stands in braces in the value's texts and names nothing."""
    if isinstance(value, str):
        for name in re.findall(r"\{([^{}]*)\}", value):
            parts = name.split(".")
            exists = parts[:2] == ["trigger", "details"] or (parts[0] == "incident" and parts[1:] in _INCIDENT_PATHS)
            if not (exists and PLACEHOLDER_PATTERN.fullmatch(f"{{{name}}}")):
                yield name
    elif isinstance(value, list | tuple | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from find_unknown_placeholders(item)


_INCIDENT_PATHS = [[name] for name in INCIDENT_FIELDS]


def _look_up_placeholder(parts: list[str], incident: Incident) -> Any:
    if parts[0] == "incident" and parts[1:] in _INCIDENT_PATHS:
        return incident.assignees[:1] and incident.assignees[0].name if parts[1] == "assignee" \
            else getattr(incident, parts[1])
    return _look_up_path(incident.trigger, parts[2:]) if parts[:2] == ["trigger", "details"] else None


def _look_up_path(value: Any, path: list[str]) -> Any:
    for name in path:
        if isinstance(value, list):
            value = value[int(name)] if name.isdecimal() and len(name) < MAX_INDEX_DIGITS \
                and int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _to_text(value: Any) -> str:
    if value is None or value == ():
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
