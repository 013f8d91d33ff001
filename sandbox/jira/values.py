"""The values of an issue's fields, checked and worded as Jira does it."""

from collections.abc import Callable
from typing import Any

from sandbox.jira import adf
from sandbox.jira.http import Refusal
from sandbox.jira.model import Field
from sandbox.jira.state import JiraState

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
TEXTAREA = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"


class Invalid(ValueError):
    """A field value that Jira does not take."""


def document(value: Any) -> dict[str, Any] | None:
    """A valid document of at most 32,767 characters, or None."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Invalid(NOT_A_DOCUMENT)
    if adf.problem(value):
        raise Refusal(400, "INVALID_INPUT")
    if adf.size(value) > 32767:
        raise Invalid(TOO_LONG)
    return value


def comment_body(value: Any) -> dict[str, Any]:
    """The document of `{"body": document}`."""
    said = value.get("body") if isinstance(value, dict) else None
    if not isinstance(said, dict):
        raise Refusal(400, errors={"comment": "Comment body is not valid!"})
    try:
        valid = document(said) or {}
    except Invalid as invalid:
        raise Refusal(400, errors={"comment": str(invalid)}) from invalid
    if not adf.wiki(valid).strip():
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    return valid


def _summary(site: JiraState, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise Invalid("Operation value must be a string")
    if not value or not value.strip():
        raise Invalid("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise Invalid("The summary is invalid because it contains newline characters.")
    if (len(value.encode("utf-16-le")) // 2 if site.java_lengths else len(value)) > 255:
        raise Invalid("Summary must be less than 255 characters.")
    if value in site.refused_summaries:
        raise Invalid("A validator of the workflow refused this summary.")
    return value


def labels(site: JiraState | None, value: Any) -> list[str]:
    """Labels without spaces, each once."""
    if not isinstance(value, list):
        raise Invalid("data was not an array")
    for at, label in enumerate(value):
        if not isinstance(label, str):
            raise Invalid(f"string expected at index {at}")
        if any(character.isspace() for character in label):
            raise Invalid(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise Invalid(f"The label '{label}' exceeds the maximum length for a single label of 255 characters.")
    return list(dict.fromkeys(value))


def _priority(site: JiraState, value: Any) -> str:
    said = value if isinstance(value, dict) else {}
    if not ("id" in said or "name" in said):
        raise Invalid("Specify the Priority (id or name) in the string format")
    for one in site.priorities.values():
        if one.id == said["id"] if "id" in said else one.name == said["name"]:
            return one.name
    raise Invalid("The priority selected is invalid." if "id" in said
                  else f"Priority name '{said['name']}' is not valid")


def person(site: JiraState, value: Any) -> str | None:
    """The account id that `{"accountId"}` (or `id`) means; None is nobody."""
    if value is None:
        return None
    said = value if isinstance(value, dict) else {}
    account_id = said.get("accountId", said.get("id", ""))
    if account_id is None or account_id == "-1":
        return None
    if account_id not in site.users:
        raise Invalid(f"User '{account_id}' does not exist.")
    if not site.users[account_id].active:
        raise Invalid(f"User '{account_id}' cannot be assigned issues.")
    return str(account_id)


def _reporter(site: JiraState, value: Any) -> str:
    found = person(site, value)
    if found is None:
        raise Invalid("Reporter is required.")
    return found


def _resolution(site: JiraState, value: Any) -> str:
    said = value if isinstance(value, dict) else {}
    for name, number in site.resolutions.items():
        if said.get("name") == name or said.get("id") == number:
            return name
    raise Invalid(f"Resolution name '{said.get('name', '')}' is not valid")


def custom(kind: Field, value: Any) -> Any:
    """What a custom field holds after being set: of a select field, the option's value."""
    if value is None:
        return None
    if kind.kind == "option":
        return _option(kind, value)
    if kind.custom_type == TEXTAREA:
        return document(value)
    wanted: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float)}
    if not isinstance(value, wanted.get(kind.kind, object)):
        raise Invalid(f"Operation value must be a {kind.kind}")
    return value


def _option(kind: Field, value: Any) -> str:
    said = value if isinstance(value, dict) else {}
    word = "id" if "id" in said else "value"
    if word not in said:
        raise Invalid("Specify a valid 'id' or 'name' for " + kind.name)
    for option in kind.options:
        if getattr(option, word) == said[word] and not option.disabled:
            return option.value
    raise Invalid(f"Option {word} '{said[word]}' is not valid")


COERCED: dict[str, Callable[[JiraState, Any], Any]] = {
    "summary": _summary, "description": lambda site, value: document(value), "labels": labels,
    "priority": _priority, "assignee": person, "reporter": _reporter, "resolution": _resolution,
}
