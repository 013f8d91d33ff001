"""Check what a create, an edit or a transition asks of an issue's fields, as Jira checks it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sandbox.jira.field_values import VALUE_PARSERS, InvalidValue, parse_comment_body, parse_custom_value, parse_labels
from sandbox.jira.model import Field, Issue, IssueLink
from sandbox.jira.rest import Refusal
from sandbox.jira.state import NO_ISSUE_TEXT, JiraState

OFF_SCREEN_TEXT = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
NO_UPDATE_TEXT = "Field does not support update '{}'"
UPDATE_VERBS = frozenset({"add", "set", "edit", "remove", "copy"})
# The call or the site sets these, never a screen.
GIVEN_ELSEWHERE = frozenset({"project", "issuetype"})


@dataclass
class UpdatePlan:
    """The checked changes to an issue; `links` say which role the other issue has."""

    values: dict[str, Any] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)


def plan_update(site: JiraState, details: dict[str, Any], project: str, issue: Issue | None = None,
                screen: frozenset[str] | None = None) -> UpdatePlan:
    """Plan the changes of `fields` and `update`, on a project's or a transition's screen; 400 names every error."""
    fields, update = _read_fields_and_update(details)
    screen_fields = {field.id: field for field in site.list_screen_fields(project)} if screen is None else {
        name: site.fields[name] for name in screen}
    plan, errors = UpdatePlan(), dict.fromkeys(set(fields) & set(update), "")
    errors = {name: f"Field '{name}' cannot be set in both 'fields' and 'update'." for name in errors}
    for name, value in fields.items():
        if name not in GIVEN_ELSEWHERE or issue:
            _collect_error(errors, name, partial(_plan_value, site, plan, screen_fields, name, value))
    for name, operations in update.items():
        _collect_error(errors, name, partial(_plan_operations, site, plan, screen_fields, name, operations, issue))
    if errors:
        raise Refusal(400, errors=errors)
    return plan


def _read_fields_and_update(details: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    fields, update = details.get("fields", {}), details.get("update", {})
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    if "issuelinks" in fields:
        raise Refusal(400, NO_UPDATE_TEXT.format("issuelinks"))
    return fields, update


def _collect_error(errors: dict[str, str], name: str, act: Callable[[], None]) -> None:
    try:
        act()
    except InvalidValue as invalid:
        errors.setdefault(name, str(invalid))


def _plan_value(site: JiraState, plan: UpdatePlan, screen_fields: dict[str, Field], name: str, value: Any) -> None:
    if (name not in screen_fields or name in GIVEN_ELSEWHERE
        or (name not in VALUE_PARSERS and not screen_fields[name].custom_type)):
        raise InvalidValue(OFF_SCREEN_TEXT.format(name))
    coerce = VALUE_PARSERS.get(name)
    plan.values[name] = coerce(site, value) if coerce else parse_custom_value(site.fields[name], value)


def _plan_operations(site: JiraState, plan: UpdatePlan, screen_fields: dict[str, Field], name: str, operations: Any,
                     issue: Issue | None) -> None:
    if not isinstance(operations, list) or not all(isinstance(operation, dict) and len(operation) == 1
                                                   and set(operation) <= UPDATE_VERBS for operation in operations):
        raise InvalidValue("Operations must be a list of objects with one of add, set, edit, remove, copy each")
    if name not in screen_fields and not (name == "comment" and issue):
        raise InvalidValue(OFF_SCREEN_TEXT.format(name))
    for operation in operations:
        [(verb, value)] = operation.items()
        if name == "labels" and verb in ("add", "remove"):
            have = plan.values.get("labels", issue.labels if issue else [])
            plan.values["labels"] = _change_labels(have, verb, value)
        elif name == "issuelinks" and verb == "add":
            plan.links.append(_parse_link(site, value))
        elif name == "comment" and verb == "add":
            plan.comments.append(parse_comment_body(value))
        elif verb == "set" and name not in ("issuelinks", "comment"):
            _plan_value(site, plan, screen_fields, name, value)
        else:
            raise InvalidValue(NO_UPDATE_TEXT.format(name))


def _change_labels(labels: list[str], verb: str, value: Any) -> list[str]:
    [label] = parse_labels(None, [value])
    return [*labels, label] if verb == "add" and label not in labels else [
        other for other in labels if verb == "add" or other != label]


def _parse_link(site: JiraState, value: Any) -> tuple[str, str, str]:
    """Return (link type, role of the other issue, its key)."""
    ends = {"outwardIssue", "inwardIssue"} & set(value if isinstance(value, dict) else ())
    if len(ends) != 1 or set(value) - ends - {"type"}:
        raise InvalidValue("A link needs a type and either an inwardIssue or an outwardIssue")
    link_type = site.find_link_type(value.get("type"))
    if link_type is None:
        raise InvalidValue(describe_unknown_link_type(value.get("type")))
    [role] = ends
    other = value[role] if isinstance(value[role], dict) else {}
    issue = site.find_issue(other.get("key", other.get("id", "")))
    if issue is None:
        raise InvalidValue(NO_ISSUE_TEXT)
    return link_type.name, role, issue.key


def describe_unknown_link_type(value: Any) -> str:
    """Return Jira's message about a link type that it does not know."""
    reference = value if isinstance(value, dict) else {}
    name = "id" if "id" in reference else "name"
    return f"No issue link type with {name} '{reference.get(name, '')}' found."


def make_link(site: JiraState, key: str, planned_link: tuple[str, str, str]) -> IssueLink:
    """Make the link that an issue's own view asks for: with B as `outwardIssue`, the issue is the source."""
    kind, role, other = planned_link
    source, target = (key, other) if (role == "outwardIssue") != site.turns_links_of_edits else (other, key)
    return IssueLink(site.make_id(), kind, source, target)
