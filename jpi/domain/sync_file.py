"""The team's own files: the sync file (rules, maps and directions, in TOML) and the questions (JSON). Pure."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, get_args

from jpi.domain.model import Status
from jpi.domain.policy import (
    SYNCED_FIELDS,
    CreationRule,
    Direction,
    FieldPolicy,
    IncidentCondition,
    IssueCondition,
    IssueSpec,
    OpeningRule,
    Policy,
    Question,
    Winner,
)
from jpi.domain.templates import find_unknown_placeholders
from jpi.domain.toml_reader import KeyPath, TomlReader, describe_path
from jpi.errors import SettingsError

# Of two statuses the more advanced stays, and notes and comments are all kept: there is no winner.
FIELDS_WITHOUT_WINNER = ("status", "comments")
URGENCIES = ("high", "low")


@dataclass(frozen=True)
class SyncFileContent:
    """The choices in a sync file; the defaults stand for what it leaves out (`priorities`: None)."""

    rules: tuple[CreationRule, ...] = ()
    opening_rules: tuple[OpeningRule, ...] = ()
    priorities: Mapping[str, tuple[str, ...]] | None = None
    statuses: Mapping[Status, tuple[str, ...]] = field(default_factory=dict)
    screen_fields: Mapping[str, Any] = field(default_factory=dict)
    field_policies: Mapping[str, FieldPolicy] = field(default_factory=dict)
    has_public_comments: bool = False


def parse_sync_file(text: str) -> SyncFileContent:
    """Parse the file. Raises SettingsError with every problem, one a line: `line 7: ...`."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"This is not TOML: {error}") from error
    reader = TomlReader(text)
    parts = reader.read_table(document, (), {"rules": _parse_rules, "open": _parse_opening_rules,
                                             "status": _parse_statuses, "priority": _parse_priorities,
                                             "sync": _parse_field_policies, "comments": _parse_comments})
    if reader.problems:
        raise SettingsError("\n".join(f"line {line}: {problem}" for line, problem in sorted(reader.problems)))
    statuses, screen_fields = parts.get("status", ({}, {}))
    return SyncFileContent(parts.get("rules", ()), parts.get("open", ()), parts.get("priority"), statuses,
                           screen_fields, parts.get("sync", {}), parts.get("comments", False))


def apply_sync_file(policy: Policy, choices: SyncFileContent) -> Policy:
    """Return the policy with the file's choices."""
    priorities = policy.priorities if choices.priorities is None else choices.priorities
    return replace(policy, rules=choices.rules, opening_rules=choices.opening_rules, priorities=priorities,
                   statuses=choices.statuses, screen_fields=choices.screen_fields,
                   field_policies=choices.field_policies, has_public_comments=choices.has_public_comments)


def _parse_rules(reader: TomlReader, value: Any, path: KeyPath) -> tuple[CreationRule, ...]:
    tables = reader.read_tables(value, path)
    rules = [_parse_rule(reader, table, rule_path) for table, rule_path in tables]
    last = next((number for number, rule in enumerate(rules, 1) if rule.condition == IncidentCondition()), len(rules))
    for _, rule_path in tables[last:]:
        reader.add_problem(rule_path, f"{describe_path(rule_path)} never comes to its turn: rules[{last}] takes every "
                           "incident")
    return tuple(rules)


def _parse_rule(reader: TomlReader, value: Any, path: KeyPath) -> CreationRule:
    parts = reader.read_table(value, path, {"when": _parse_incident_condition, "create": _parse_issue_spec,
                                            "skip": _parse_skip})
    if isinstance(value, dict) and ("create" in value) == ("skip" in value):
        reader.add_problem(path, f"{describe_path(path)} must have either 'create' or 'skip = true'")
    return CreationRule(parts.get("when", IncidentCondition()), parts.get("create"))


def _parse_skip(reader: TomlReader, value: Any, path: KeyPath) -> bool:
    if value is not True:
        reader.add_problem(path, f"{describe_path(path)} must be true")
    return True


def _parse_incident_condition(reader: TomlReader, value: Any, path: KeyPath) -> IncidentCondition:
    return IncidentCondition(**reader.read_table(value, path, {
        "priorities": TomlReader.read_texts, "urgencies": _parse_urgencies, "services": TomlReader.read_texts,
        "title": TomlReader.read_pattern}))


def _parse_urgencies(reader: TomlReader, value: Any, path: KeyPath) -> tuple[str, ...]:
    return tuple(reader.read_choice(text, path, URGENCIES) for text in reader.read_texts(value, path))


def _parse_issue_spec(reader: TomlReader, value: Any, path: KeyPath) -> IssueSpec:
    return IssueSpec(**reader.read_table(value, path, {"project": _parse_project_key, "type": TomlReader.read_text,
                                                       "priority": TomlReader.read_text, "labels": _parse_labels,
                                                       "assignee": TomlReader.read_text, "fields": _parse_fields,
                                                       "request_type": TomlReader.read_text}))


def _parse_project_key(reader: TomlReader, value: Any, path: KeyPath) -> str:
    text = reader.read_text(value, path)
    if text and not re.fullmatch(r"[A-Z][A-Z0-9_]+", text):
        reader.add_problem(path, f"{describe_path(path)} must be a project's key: capital letters and digits")
    return text


def _parse_labels(reader: TomlReader, value: Any, path: KeyPath) -> tuple[str, ...]:
    labels = reader.read_texts(value, path)
    if any(re.search(r"\s", label) for label in labels):
        reader.add_problem(path, f"{describe_path(path)}: a label has no spaces")
    return labels


def _parse_fields(reader: TomlReader, value: Any, path: KeyPath) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        return reader.read_table(value, path, {})
    for name, inner in value.items():
        for placeholder in find_unknown_placeholders(inner):
            reader.add_problem((*path, name), f"{describe_path((*path, name))}: nothing is called {{{placeholder}}}")
    return {name: _to_json(inner) for name, inner in value.items()}


def _to_json(value: Any) -> Any:
    """Turn TOML's dates, which JSON lacks, into the texts that Jira's fields take."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000{value:%z}"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    return {name: _to_json(item) for name, item in value.items()} if isinstance(value, dict) else value


def _parse_statuses(
    reader: TomlReader, value: Any, path: KeyPath
) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, Any]]:
    statuses = reader.read_table(value, path, {**dict.fromkeys(get_args(Status), TomlReader.read_texts),
                                               "fields": _parse_fields})
    screen_fields = statuses.pop("fields", {})
    for name in {name for names in statuses.values() for name in names}:
        if sum(name in names for names in statuses.values()) > 1:
            reader.add_problem(path, f"status: '{name}' cannot stand for two statuses")
    return statuses, screen_fields


def _parse_priorities(reader: TomlReader, value: Any, path: KeyPath) -> Mapping[str, tuple[str, ...]]:
    keys = value if isinstance(value, dict) else ()
    return reader.read_table(value, path, dict.fromkeys(keys, TomlReader.read_texts))


def _parse_field_policies(reader: TomlReader, value: Any, path: KeyPath) -> Mapping[str, FieldPolicy]:
    return reader.read_table(value, path, dict.fromkeys(SYNCED_FIELDS, _parse_field_policy))


def _parse_field_policy(reader: TomlReader, value: Any, path: KeyPath) -> FieldPolicy:
    if isinstance(value, str):
        return FieldPolicy(_parse_direction(reader, value, path))
    choices = reader.read_table(value, path, {"direction": _parse_direction, "winner": _parse_winner})
    if "winner" in choices and path[-1] in FIELDS_WITHOUT_WINNER:
        reader.add_problem((*path, "winner"), f"{describe_path(path)} has no winner: of two statuses the more advanced "
                           "stays, and notes and comments are all kept")
    return FieldPolicy(**choices)


def _parse_direction(reader: TomlReader, value: Any, path: KeyPath) -> Any:
    return reader.read_choice(value, path, get_args(Direction))


def _parse_winner(reader: TomlReader, value: Any, path: KeyPath) -> Any:
    return reader.read_choice(value, path, get_args(Winner))


def _parse_comments(reader: TomlReader, value: Any, path: KeyPath) -> bool:
    return bool(reader.read_table(value, path, {"public": TomlReader.read_flag}).get("public"))


def _parse_opening_rules(reader: TomlReader, value: Any, path: KeyPath) -> tuple[OpeningRule, ...]:
    return tuple(_parse_opening_rule(reader, *table) for table in reader.read_tables(value, path))


def _parse_opening_rule(reader: TomlReader, value: Any, path: KeyPath) -> OpeningRule:
    parts = reader.read_table(value, path, {"when": _parse_issue_condition, "service": TomlReader.read_text,
                                            "urgency": _parse_urgency})
    if isinstance(value, dict) and "service" not in value:
        reader.add_problem(path, f"{describe_path(path)} must name a 'service' of PagerDuty's")
    condition = parts.get("when", IssueCondition())
    if condition == IssueCondition():
        reader.add_problem(path,
                           f"{describe_path(path)} must have a condition in 'when': not every issue is an incident")
    return OpeningRule(parts.get("service", ""), condition, parts.get("urgency", ""))


def _parse_issue_condition(reader: TomlReader, value: Any, path: KeyPath) -> IssueCondition:
    return IssueCondition(
        **reader.read_table(value, path, dict.fromkeys(("projects", "types", "priorities"), TomlReader.read_texts))
    )


def _parse_urgency(reader: TomlReader, value: Any, path: KeyPath) -> Any:
    return reader.read_choice(value, path, URGENCIES)


def parse_questions(text: str) -> tuple[Question, ...]:
    """Return the questions of the file's text; SettingsError if it is not a list of questions."""
    try:
        return tuple(Question(question["summary"], question.get("description", "")) for question in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError('It must be a JSON list of {"summary": "...", "description": "..."}') from error
