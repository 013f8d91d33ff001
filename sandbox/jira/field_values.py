"""Check the values of an issue's fields; refuse bad ones in Jira's words."""

from collections.abc import Callable
from typing import Any

from sandbox.jira import adf
from sandbox.jira.model import REQUEST_TYPE_SCHEMA, Field
from sandbox.jira.rest import Refusal
from sandbox.jira.state import JiraState

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
TEXTAREA = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"


class InvalidValue(ValueError):
    """Raised for a field value that Jira does not accept."""


def parse_document(value: Any) -> dict[str, Any] | None:
    """Return a valid document of at most 32,767 characters, or None."""
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
    """Return the document of `{"body": document}`."""
    body = value.get("body") if isinstance(value, dict) else None
    if not isinstance(body, dict):
        raise Refusal(400, errors={"comment": "Comment body is not valid!"})
    try:
        document = parse_document(body) or {}
    except InvalidValue as invalid:
        raise Refusal(400, errors={"comment": str(invalid)}) from invalid
    if not adf.to_wiki_text(document).strip():
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    return document


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
    """Return the labels, each once; none may hold a space."""
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
    reference = value if isinstance(value, dict) else {}
    if not ("id" in reference or "name" in reference):
        raise InvalidValue("Specify the Priority (id or name) in the string format")
    for priority in site.priorities.values():
        if priority.id == reference["id"] if "id" in reference else priority.name == reference["name"]:
            return priority.name
    raise InvalidValue("The priority selected is invalid." if "id" in reference
                       else f"Priority name '{reference['name']}' is not valid")


def parse_person(site: JiraState, value: Any) -> str | None:
    """Return the account id that `{"accountId"}` (or `id`) names; None for nobody."""
    if value is None:
        return None
    reference = value if isinstance(value, dict) else {}
    account_id = reference.get("accountId", reference.get("id", ""))
    if account_id is None or account_id == "-1":
        return None
    if account_id not in site.users:
        raise InvalidValue(f"User '{account_id}' does not exist.")
    if not site.users[account_id].active:
        raise InvalidValue(f"User '{account_id}' cannot be assigned issues.")
    return str(account_id)


def _parse_reporter(site: JiraState, value: Any) -> str:
    account_id = parse_person(site, value)
    if account_id is None:
        raise InvalidValue("Reporter is required.")
    return account_id


def _parse_resolution(site: JiraState, value: Any) -> str:
    reference = value if isinstance(value, dict) else {}
    for name, number in site.resolutions.items():
        if reference.get("name") == name or reference.get("id") == number:
            return name
    raise InvalidValue(f"Resolution name '{reference.get('name', '')}' is not valid")


def parse_custom_value(field: Field, value: Any) -> Any:
    """Return what a custom field holds after being set; for a select field, the option's value."""
    if value is None:
        return None
    if field.schema_type == "option":
        return _parse_option(field, value)
    if field.schema_type == REQUEST_TYPE_SCHEMA and value not in [option.id for option in field.options]:
        raise InvalidValue("The request type is not valid.")
    if field.custom_type == TEXTAREA:
        return parse_document(value)
    python_types: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float)}
    if not isinstance(value, python_types.get(field.schema_type, object)):
        raise InvalidValue(f"Operation value must be a {field.schema_type}")
    return value


def _parse_option(field: Field, value: Any) -> str:
    reference = value if isinstance(value, dict) else {}
    key = "id" if "id" in reference else "value"
    if key not in reference:
        raise InvalidValue("Specify a valid 'id' or 'name' for " + field.name)
    for option in field.options:
        if getattr(option, key) == reference[key] and not option.disabled:
            return option.value
    raise InvalidValue(f"Option {key} '{reference[key]}' is not valid")


VALUE_PARSERS: dict[str, Callable[[JiraState, Any], Any]] = {
    "summary": _parse_summary, "description": lambda site, value: parse_document(value), "labels": parse_labels,
    "priority": _parse_priority, "assignee": parse_person, "reporter": _parse_reporter, "resolution": _parse_resolution,
}
