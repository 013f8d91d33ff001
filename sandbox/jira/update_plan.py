"""What a create, an edit or a transition asks of an issue's fields, checked as Jira checks it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.jira.field_values import VALUE_PARSERS, InvalidValue, parse_comment_body, parse_custom_value, parse_labels
from sandbox.jira.model import Field, Issue, IssueLink
from sandbox.jira.rest import Refusal
from sandbox.jira.state import NO_ISSUE_TEXT, JiraState

OFF_SCREEN_TEXT = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
NO_UPDATE_TEXT = "Field does not support update '{}'"
UPDATE_VERBS = frozenset({"add", "set", "edit", "remove", "copy"})
# Set by the path of the call or by the site, never through a screen.
GIVEN_ELSEWHERE = frozenset({"project", "issuetype"})


@dataclass
class UpdatePlan:
    """What to do to an issue once nothing speaks against it; `links` say on which side the other issue is."""

    values: dict[str, Any] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)


def plan_update(site: JiraState, asked: dict[str, Any], project: str, issue: Issue | None = None,
                screen: frozenset[str] | None = None) -> UpdatePlan:
    """The plan for `fields` and `update`, on a project's screens or on a transition's; 400 with all that is wrong."""
    fields, update = _read_fields_and_update(asked)
    shown = {one.id: one for one in site.list_screen_fields(project)} if screen is None else {
        name: site.fields[name] for name in screen}
    plan, errors = UpdatePlan(), dict.fromkeys(set(fields) & set(update), "")
    errors = {name: f"Field '{name}' cannot be set in both 'fields' and 'update'." for name in errors}
    for name, value in fields.items():
        if name not in GIVEN_ELSEWHERE or issue:
            _collect_error(errors, name, lambda n=name, v=value: _plan_value(site, plan, shown, n, v))  # type: ignore[misc]
    for name, operations in update.items():
        _collect_error(errors, name, lambda n=name, o=operations: _plan_operations(site, plan, shown, n, o, issue))  # type: ignore[misc]
    if errors:
        raise Refusal(400, errors=errors)
    return plan


def _read_fields_and_update(asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    fields, update = asked.get("fields", {}), asked.get("update", {})
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


def _plan_value(site: JiraState, plan: UpdatePlan, shown: dict[str, Field], name: str, value: Any) -> None:
    if name not in shown or name in GIVEN_ELSEWHERE or (name not in VALUE_PARSERS and not shown[name].custom_type):
        raise InvalidValue(OFF_SCREEN_TEXT.format(name))
    coerce = VALUE_PARSERS.get(name)
    plan.values[name] = coerce(site, value) if coerce else parse_custom_value(site.fields[name], value)


def _plan_operations(site: JiraState, plan: UpdatePlan, shown: dict[str, Field], name: str, operations: Any,
                     issue: Issue | None) -> None:
    if not isinstance(operations, list) or not all(
            isinstance(one, dict) and len(one) == 1 and set(one) <= UPDATE_VERBS for one in operations):
        raise InvalidValue("Operations must be a list of objects with one of add, set, edit, remove, copy each")
    if name not in shown and not (name == "comment" and issue):
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
            _plan_value(site, plan, shown, name, value)
        else:
            raise InvalidValue(NO_UPDATE_TEXT.format(name))


def _change_labels(have: list[str], verb: str, value: Any) -> list[str]:
    [label] = parse_labels(None, [value])
    return [*have, label] if verb == "add" and label not in have else [
        one for one in have if verb == "add" or one != label]


def _parse_link(site: JiraState, value: Any) -> tuple[str, str, str]:
    """(link type, role of the other issue, its key)."""
    ends = {"outwardIssue", "inwardIssue"} & set(value if isinstance(value, dict) else ())
    if len(ends) != 1 or set(value) - ends - {"type"}:
        raise InvalidValue("A link needs a type and either an inwardIssue or an outwardIssue")
    kind = site.find_link_type(value.get("type"))
    if kind is None:
        raise InvalidValue(describe_unknown_link_type(value.get("type")))
    [role] = ends
    other = value[role] if isinstance(value[role], dict) else {}
    found = site.find_issue(other.get("key", other.get("id", "")))
    if found is None:
        raise InvalidValue(NO_ISSUE_TEXT)
    return kind.name, role, found.key


def describe_unknown_link_type(said: Any) -> str:
    """What Jira says of a link type that it does not know."""
    known = said if isinstance(said, dict) else {}
    word = "id" if "id" in known else "name"
    return f"No issue link type with {word} '{known.get(word, '')}' found."


def make_link(site: JiraState, key: str, asked: tuple[str, str, str]) -> IssueLink:
    """The link that an issue's own view asks for: with B as `outwardIssue`, the issue is the source."""
    kind, role, other = asked
    source, target = (key, other) if role == "outwardIssue" else (other, key)
    return IssueLink(site.make_id(), kind, source, target)
