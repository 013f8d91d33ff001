"""Templates of the sync file: `{incident.title}`, `{trigger.details.host}`. Names only; nothing is evaluated. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jpi.domain.model import Incident
from jpi.domain.text_limits import DESCRIPTION_MAX_CHARACTERS, cut_text

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
