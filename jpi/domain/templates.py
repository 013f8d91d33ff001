"""Templates of the sync file: `{incident.title}`, `{trigger.details.host}`. Names only; nothing is ever run. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jpi.domain.model import Incident

PLACEHOLDER_PATTERN = re.compile(r"\{([a-z]+(?:\.[^{}.\s]+)+)\}")
INCIDENT_FIELDS = ("id", "title", "status", "priority", "urgency", "service", "url", "number", "key", "assignee")


def fill_template(value: Any, incident: Incident) -> Any:
    """The value with every name in its texts replaced by what the incident has for it; by nothing where it has none."""
    if isinstance(value, str):
        return PLACEHOLDER_PATTERN.sub(lambda found: _to_text(_look_up_placeholder(found[1].split("."), incident)),
                                       value)
    if isinstance(value, list | tuple):
        return [fill_template(one, incident) for one in value]
    if isinstance(value, Mapping):
        return {name: fill_template(one, incident) for name, one in value.items()}
    return value


def find_unknown_placeholders(value: Any) -> Iterator[str]:
    """What stands in braces in the texts of a value and is no name."""
    if isinstance(value, str):
        for found in re.findall(r"\{([^{}]*)\}", value):
            parts = found.split(".")
            if not (PLACEHOLDER_PATTERN.fullmatch(f"{{{found}}}")
                    and (parts[:2] == ["trigger", "details"]
                         or (parts[0] == "incident" and parts[1:] in _INCIDENT_PATHS))):
                yield found
    elif isinstance(value, list | tuple | Mapping):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from find_unknown_placeholders(one)


_INCIDENT_PATHS = [[name] for name in INCIDENT_FIELDS]


def _look_up_placeholder(parts: list[str], incident: Incident) -> Any:
    if parts[0] == "incident" and parts[1:] in _INCIDENT_PATHS:
        return incident.assignees[:1] and incident.assignees[0].name if parts[1] == "assignee" \
            else getattr(incident, parts[1])
    return _look_up_path(incident.trigger, parts[2:]) if parts[:2] == ["trigger", "details"] else None


def _look_up_path(value: Any, path: list[str]) -> Any:
    for name in path:
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _to_text(value: Any) -> str:
    if value is None or value == ():
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
