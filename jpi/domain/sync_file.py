"""The sync file: a team's own rules, maps and directions, in TOML. Pure."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, get_args

from jpi.domain.model import Status
from jpi.domain.policy import FIELDS, Create, Direction, FieldSync, OpenRule, Policy, Rule, When, WhenIssue, Winner
from jpi.domain.templates import unknown
from jpi.domain.toml_reader import Path, Reader, named
from jpi.errors import SettingsError

# These have no winner: of two statuses the more advanced stays, and what people said is a union.
WITHOUT_WINNER = ("status", "comments")
URGENCIES = ("high", "low")


@dataclass(frozen=True)
class Choices:
    """What a file says; what it does not is as without it (`priorities`: None)."""

    rules: tuple[Rule, ...] = ()
    open: tuple[OpenRule, ...] = ()
    priorities: Mapping[str, tuple[str, ...]] | None = None
    statuses: Mapping[Status, tuple[str, ...]] = field(default_factory=dict)
    screens: Mapping[str, Any] = field(default_factory=dict)
    sync: Mapping[str, FieldSync] = field(default_factory=dict)


def parse(text: str) -> Choices:
    """The file's choices. SettingsError with every problem, a line each: `line 7: ...`."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"This is not TOML: {error}") from error
    reader = Reader(text)
    made = reader.table(found, (), {"rules": _rules, "open": _open, "status": _status, "priority": _priority,
                                    "sync": _sync})
    if reader.problems:
        raise SettingsError("\n".join(f"line {line}: {said}" for line, said in sorted(reader.problems)))
    statuses, screens = made.get("status", ({}, {}))
    return Choices(made.get("rules", ()), made.get("open", ()), made.get("priority"), statuses, screens,
                   made.get("sync", {}))


def merged(policy: Policy, choices: Choices) -> Policy:
    """The policy with what the file says."""
    priorities = policy.priorities if choices.priorities is None else choices.priorities
    return replace(policy, rules=choices.rules, open=choices.open, priorities=priorities, statuses=choices.statuses,
                   screens=choices.screens, sync=choices.sync)


def _rules(reader: Reader, value: Any, path: Path) -> tuple[Rule, ...]:
    found = [(_rule(reader, one, here), here) for one, here in reader.tables(value, path)]
    everything = next((number for number, (rule, _) in enumerate(found) if rule.when == When()), len(found))
    for _, here in found[everything + 1 :]:
        reader.wrong(here, f"{named(here)} never comes to its turn: rules[{everything + 1}] takes every incident")
    return tuple(rule for rule, _ in found)


def _rule(reader: Reader, value: Any, path: Path) -> Rule:
    made = reader.table(value, path, {"when": _when, "create": _create, "skip": _skip})
    if isinstance(value, dict) and ("create" in value) == ("skip" in value):
        reader.wrong(path, f"{named(path)} must have either 'create' or 'skip = true'")
    return Rule(made.get("when", When()), made.get("create"))


def _skip(reader: Reader, value: Any, path: Path) -> bool:
    if value is not True:
        reader.wrong(path, f"{named(path)} must be true")
    return True


def _when(reader: Reader, value: Any, path: Path) -> When:
    return When(**reader.table(value, path, {"priorities": Reader.texts, "urgencies": _urgencies,
                                             "services": Reader.texts, "title": _pattern}))


def _urgencies(reader: Reader, value: Any, path: Path) -> tuple[str, ...]:
    found = reader.texts(value, path)
    return tuple(reader.one_of(one, path, URGENCIES) for one in found)


def _pattern(reader: Reader, value: Any, path: Path) -> str:
    text = reader.text(value, path)
    try:
        re.compile(text)
    except re.error as error:
        reader.wrong(path, f"{named(path)} is no regular expression: {error}")
    return text


def _create(reader: Reader, value: Any, path: Path) -> Create:
    return Create(**reader.table(value, path, {
        "project": _project, "type": Reader.text, "priority": Reader.text, "labels": _labels, "assignee": Reader.text,
        "fields": _fields}))


def _project(reader: Reader, value: Any, path: Path) -> str:
    text = reader.text(value, path)
    if text and not re.fullmatch(r"[A-Z][A-Z0-9_]+", text):
        reader.wrong(path, f"{named(path)} must be a project's key: capital letters and digits")
    return text


def _labels(reader: Reader, value: Any, path: Path) -> tuple[str, ...]:
    found = reader.texts(value, path)
    if any(re.search(r"\s", label) for label in found):
        reader.wrong(path, f"{named(path)}: a label has no spaces")
    return found


def _fields(reader: Reader, value: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        return reader.table(value, path, {})
    for name, inner in value.items():
        for bad in unknown(inner):
            reader.wrong((*path, name), f"{named((*path, name))}: nothing is called {{{bad}}}")
    return {name: _as_json(inner) for name, inner in value.items()}


def _as_json(value: Any) -> Any:
    """TOML has dates, JSON has not: as text, in the form that Jira's fields take."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000{value:%z}"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    return {name: _as_json(one) for name, one in value.items()} if isinstance(value, dict) else value


def _status(reader: Reader, value: Any, path: Path) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, Any]]:
    made = reader.table(value, path, {**dict.fromkeys(get_args(Status), Reader.texts), "fields": _fields})
    screens = made.pop("fields", {})
    for name in {name for names in made.values() for name in names}:
        if sum(name in names for names in made.values()) > 1:
            reader.wrong(path, f"status: '{name}' cannot stand for two statuses")
    return made, screens


def _priority(reader: Reader, value: Any, path: Path) -> Mapping[str, tuple[str, ...]]:
    keys = value if isinstance(value, dict) else ()
    return reader.table(value, path, dict.fromkeys(keys, Reader.texts))


def _sync(reader: Reader, value: Any, path: Path) -> Mapping[str, FieldSync]:
    return reader.table(value, path, dict.fromkeys(FIELDS, _field))


def _field(reader: Reader, value: Any, path: Path) -> FieldSync:
    if isinstance(value, str):
        return FieldSync(reader.one_of(value, path, get_args(Direction)))
    made = reader.table(value, path, {"direction": _direction, "winner": _winner})
    if "winner" in made and path[-1] in WITHOUT_WINNER:
        reader.wrong((*path, "winner"), f"{named(path)} has no winner: of two statuses the more advanced stays, "
                                        "and notes and comments are all kept")
    return FieldSync(**made)


def _direction(reader: Reader, value: Any, path: Path) -> Any:
    return reader.one_of(value, path, get_args(Direction))


def _winner(reader: Reader, value: Any, path: Path) -> Any:
    return reader.one_of(value, path, get_args(Winner))


def _open(reader: Reader, value: Any, path: Path) -> tuple[OpenRule, ...]:
    return tuple(_open_rule(reader, one, here) for one, here in reader.tables(value, path))


def _open_rule(reader: Reader, value: Any, path: Path) -> OpenRule:
    made = reader.table(value, path, {"when": _when_issue, "service": Reader.text, "urgency": _urgency})
    if isinstance(value, dict) and "service" not in value:
        reader.wrong(path, f"{named(path)} must name a 'service' of PagerDuty's")
    if made.get("when", WhenIssue()) == WhenIssue():
        reader.wrong(path, f"{named(path)} must have a condition in 'when': not every issue is an incident")
    return OpenRule(**{"service": "", **made})


def _when_issue(reader: Reader, value: Any, path: Path) -> WhenIssue:
    return WhenIssue(**reader.table(value, path, dict.fromkeys(("projects", "types", "priorities"), Reader.texts)))


def _urgency(reader: Reader, value: Any, path: Path) -> Any:
    return reader.one_of(value, path, URGENCIES)
