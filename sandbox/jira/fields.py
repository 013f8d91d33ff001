"""What a create, an edit or a transition asks of an issue's fields, checked as Jira checks it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.jira.http import Refusal
from sandbox.jira.model import Field, Issue, Link
from sandbox.jira.state import NO_ISSUE, JiraState
from sandbox.jira.values import COERCED, Invalid, comment_body, custom, labels

OFF_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
NO_UPDATE = "Field does not support update '{}'"
VERBS = frozenset({"add", "set", "edit", "remove", "copy"})
# Set by the path of the call or by the site, never through a screen.
GIVEN_ELSEWHERE = frozenset({"project", "issuetype"})


@dataclass
class Plan:
    """What to do to an issue once nothing speaks against it; `links` say on which side the other issue is."""

    values: dict[str, Any] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)


def planned(site: JiraState, asked: dict[str, Any], project: str, issue: Issue | None = None,
            screen: frozenset[str] | None = None) -> Plan:
    """The plan for `fields` and `update`, on a project's screens or on a transition's; 400 with all that is wrong."""
    fields, update = _objects(asked)
    shown = {one.id: one for one in site.on_screen(project)} if screen is None else {
        name: site.fields[name] for name in screen}
    plan, errors = Plan(), dict.fromkeys(set(fields) & set(update), "")
    errors = {name: f"Field '{name}' cannot be set in both 'fields' and 'update'." for name in errors}
    for name, value in fields.items():
        if name not in GIVEN_ELSEWHERE or issue:
            _try(errors, name, lambda n=name, v=value: _set(site, plan, shown, n, v))  # type: ignore[misc]
    for name, operations in update.items():
        _try(errors, name, lambda n=name, o=operations: _update(site, plan, shown, n, o, issue))  # type: ignore[misc]
    if errors:
        raise Refusal(400, errors=errors)
    return plan


def _objects(asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    fields, update = asked.get("fields", {}), asked.get("update", {})
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    if "issuelinks" in fields:
        raise Refusal(400, NO_UPDATE.format("issuelinks"))
    return fields, update


def _try(errors: dict[str, str], name: str, act: Callable[[], None]) -> None:
    try:
        act()
    except Invalid as invalid:
        errors.setdefault(name, str(invalid))


def _set(site: JiraState, plan: Plan, shown: dict[str, Field], name: str, value: Any) -> None:
    if name not in shown or name in GIVEN_ELSEWHERE or (name not in COERCED and not shown[name].custom_type):
        raise Invalid(OFF_SCREEN.format(name))
    coerce = COERCED.get(name)
    plan.values[name] = coerce(site, value) if coerce else custom(site.fields[name], value)


def _update(site: JiraState, plan: Plan, shown: dict[str, Field], name: str, operations: Any,
            issue: Issue | None) -> None:
    if not isinstance(operations, list) or not all(
            isinstance(one, dict) and len(one) == 1 and set(one) <= VERBS for one in operations):
        raise Invalid("Operations must be a list of objects with one of add, set, edit, remove, copy each")
    if name not in shown and not (name == "comment" and issue):
        raise Invalid(OFF_SCREEN.format(name))
    for operation in operations:
        [(verb, value)] = operation.items()
        if name == "labels" and verb in ("add", "remove"):
            have = plan.values.get("labels", issue.labels if issue else [])
            plan.values["labels"] = _labels_after(have, verb, value)
        elif name == "issuelinks" and verb == "add":
            plan.links.append(_link(site, value))
        elif name == "comment" and verb == "add":
            plan.comments.append(comment_body(value))
        elif verb == "set" and name not in ("issuelinks", "comment"):
            _set(site, plan, shown, name, value)
        else:
            raise Invalid(NO_UPDATE.format(name))


def _labels_after(have: list[str], verb: str, value: Any) -> list[str]:
    [label] = labels(None, [value])
    return [*have, label] if verb == "add" and label not in have else [
        one for one in have if verb == "add" or one != label]


def _link(site: JiraState, value: Any) -> tuple[str, str, str]:
    """(link type, role of the other issue, its key)."""
    ends = {"outwardIssue", "inwardIssue"} & set(value if isinstance(value, dict) else ())
    if len(ends) != 1 or set(value) - ends - {"type"}:
        raise Invalid("A link needs a type and either an inwardIssue or an outwardIssue")
    kind = site.link_type(value.get("type"))
    if kind is None:
        raise Invalid(no_link_type(value.get("type")))
    [role] = ends
    other = value[role] if isinstance(value[role], dict) else {}
    found = site.find_issue(other.get("key", other.get("id", "")))
    if found is None:
        raise Invalid(NO_ISSUE)
    return kind.name, role, found.key


def no_link_type(said: Any) -> str:
    """What Jira says of a link type that it does not know."""
    known = said if isinstance(said, dict) else {}
    word = "id" if "id" in known else "name"
    return f"No issue link type with {word} '{known.get(word, '')}' found."


def as_link(site: JiraState, key: str, asked: tuple[str, str, str]) -> Link:
    """The link that an issue's own view asks for: with B as `outwardIssue`, the issue is the source."""
    kind, role, other = asked
    source, target = (key, other) if role == "outwardIssue" else (other, key)
    return Link(site.new_id(), kind, source, target)
