"""The values of an issue's fields, checked and worded as Jira does it."""

from collections.abc import Callable
from typing import Any

from sandbox.jira import adf
from sandbox.jira.model import Field
from sandbox.jira.rest import Refusal
from sandbox.jira.state import JiraState

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
TEXTAREA = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"


class InvalidValue(ValueError):
    """A field value that Jira does not take."""


def parse_document(value: Any) -> dict[str, Any] | None:
    """A valid document of at most 32,767 characters, or None."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidValue(NOT_A_DOCUMENT)
    if adf.find_problem(value):
        raise Refusal(400, "INVALID_INPUT")
    if adf.count_characters(value) > 32767:
        raise InvalidValue(TOO_LONG)
    return value


def parse_comment_body(value: Any) -> dict[str, Any]:
    """The document of `{"body": document}`."""
    said = value.get("body") if isinstance(value, dict) else None
    if not isinstance(said, dict):
        raise Refusal(400, errors={"comment": "Comment body is not valid!"})
    try:
        valid = parse_document(said) or {}
    except InvalidValue as invalid:
        raise Refusal(400, errors={"comment": str(invalid)}) from invalid
    if not adf.to_wiki_text(valid).strip():
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    return valid


def _parse_summary(site: JiraState, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidValue("Operation value must be a string")
    if not value or not value.strip():
        raise InvalidValue("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise InvalidValue("The summary is invalid because it contains newline characters.")
    if (len(value.encode("utf-16-le")) // 2 if site.measures_in_utf16 else len(value)) > 255:
        raise InvalidValue("Summary must be less than 255 characters.")
    if value in site.refused_summaries:
        raise InvalidValue("A validator of the workflow refused this summary.")
    return value


def parse_labels(site: JiraState | None, value: Any) -> list[str]:
    """Labels without spaces, each once."""
    if not isinstance(value, list):
        raise InvalidValue("data was not an array")
    for at, label in enumerate(value):
        if not isinstance(label, str):
            raise InvalidValue(f"string expected at index {at}")
        if any(character.isspace() for character in label):
            raise InvalidValue(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise InvalidValue(f"The label '{label}' exceeds the maximum length for a single label of 255 characters.")
    return list(dict.fromkeys(value))


def _parse_priority(site: JiraState, value: Any) -> str:
    said = value if isinstance(value, dict) else {}
    if not ("id" in said or "name" in said):
        raise InvalidValue("Specify the Priority (id or name) in the string format")
    for one in site.priorities.values():
        if one.id == said["id"] if "id" in said else one.name == said["name"]:
            return one.name
    raise InvalidValue("The priority selected is invalid." if "id" in said
                       else f"Priority name '{said['name']}' is not valid")


def parse_person(site: JiraState, value: Any) -> str | None:
    """The account id that `{"accountId"}` (or `id`) means; None is nobody."""
    if value is None:
        return None
    said = value if isinstance(value, dict) else {}
    account_id = said.get("accountId", said.get("id", ""))
    if account_id is None or account_id == "-1":
        return None
    if account_id not in site.users:
        raise InvalidValue(f"User '{account_id}' does not exist.")
    if not site.users[account_id].active:
        raise InvalidValue(f"User '{account_id}' cannot be assigned issues.")
    return str(account_id)


def _parse_reporter(site: JiraState, value: Any) -> str:
    found = parse_person(site, value)
    if found is None:
        raise InvalidValue("Reporter is required.")
    return found


def _parse_resolution(site: JiraState, value: Any) -> str:
    said = value if isinstance(value, dict) else {}
    for name, number in site.resolutions.items():
        if said.get("name") == name or said.get("id") == number:
            return name
    raise InvalidValue(f"Resolution name '{said.get('name', '')}' is not valid")


def parse_custom_value(kind: Field, value: Any) -> Any:
    """What a custom field holds after being set: of a select field, the option's value."""
    if value is None:
        return None
    if kind.schema_type == "option":
        return _parse_option(kind, value)
    if kind.custom_type == TEXTAREA:
        return parse_document(value)
    wanted: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float)}
    if not isinstance(value, wanted.get(kind.schema_type, object)):
        raise InvalidValue(f"Operation value must be a {kind.schema_type}")
    return value


def _parse_option(kind: Field, value: Any) -> str:
    said = value if isinstance(value, dict) else {}
    word = "id" if "id" in said else "value"
    if word not in said:
        raise InvalidValue("Specify a valid 'id' or 'name' for " + kind.name)
    for option in kind.options:
        if getattr(option, word) == said[word] and not option.disabled:
            return option.value
    raise InvalidValue(f"Option {word} '{said[word]}' is not valid")


VALUE_PARSERS: dict[str, Callable[[JiraState, Any], Any]] = {
    "summary": _parse_summary, "description": lambda site, value: parse_document(value), "labels": parse_labels,
    "priority": _parse_priority, "assignee": parse_person, "reporter": _parse_reporter, "resolution": _parse_resolution,
}
