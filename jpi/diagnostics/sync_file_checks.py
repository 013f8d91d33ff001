"""Whether all that a sync file names is there on the live site and account."""

from collections.abc import Iterator
from typing import Any

from jpi import wiring
from jpi.domain.policy import SEVERITY, Create, OpenRule, Policy, issue_type
from jpi.errors import Refused

# What jpi fills in itself.
FILLED = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter", "issuelinks"})
UNAUTHORISED = 401


def missing(there: wiring.Jpi) -> Iterator[str]:
    """What is not there, a line each."""
    policy = there.policy
    for made in (rule.create for rule in policy.all_rules if rule.create):
        yield from _issue(there, made)
    yield from _names(there)
    for rule in policy.open:
        yield from _opening(there, rule)
    yield from _pagerduty(there)


def _names(there: wiring.Jpi) -> Iterator[str]:
    """What is named by the file and by nothing of Jira's."""
    policy, jira = there.policy, there.jira
    statuses, priorities = jira.status_names(), jira.priority_names()
    yield from (f"Jira has no status '{name}'" for name in policy.named if name not in statuses)
    mapped = {one for names in policy.priorities.values() for one in names}
    created = {rule.create.priority for rule in policy.all_rules if rule.create and rule.create.priority}
    waited_for = {one for rule in policy.open for one in rule.when.priorities}
    yield from (f"Jira has no priority '{name}'" for name in sorted((mapped | created | waited_for) - set(priorities)))
    yield from (f"Jira has no field '{name}', which transitions are to fill in" for name in policy.screens
                if name.casefold() not in jira.site.fields)


def _issue(there: wiring.Jpi, create: Create) -> Iterator[str]:
    """The rule's project, type, fields, and those that the project demands and nothing fills."""
    policy, screens = there.policy, there.jira.screens
    project = create.project or policy.incident_project
    kind = create.type or issue_type(project)
    types = _types(there, project)
    if types is None:
        yield f"Jira has no project {project}, or jpi may not create issues there"
        return
    if kind not in types:
        yield f"{project} has no issue type '{kind}'; it has {', '.join(sorted(types))}"
        return
    fields = {str(one["fieldId"]): one for one in screens.fields(project, kind)}
    yield from _fields(fields, create, f"{project}'s create screen for {kind}")
    yield from _transitions(policy, there.jira.reachable(project, kind), f"the workflow of {kind} in {project}")


def _types(there: wiring.Jpi, project: str) -> dict[str, str] | None:
    """The issue types of a project, None where it is not there for us."""
    try:
        return there.jira.screens.types(project)
    except Refused as refused:
        if refused.status == UNAUTHORISED:
            raise
        return None


def _opening(there: wiring.Jpi, rule: OpenRule) -> Iterator[str]:
    """The projects and types of the issues that are to open an incident."""
    found = {project: _types(there, project) for project in rule.when.projects}
    for project, types in found.items():
        if types is None:
            yield f"Jira has no project {project}, or jpi may not create issues there"
    known = {name for types in found.values() for name in types or ()}
    for kind in rule.when.types:
        if known and kind not in known:
            yield f"no issue of type '{kind}' can open an incident: {', '.join(found)} has {', '.join(sorted(known))}"


def _fields(fields: dict[str, dict[str, Any]], create: Create, screen: str) -> Iterator[str]:
    called = {name.casefold(): field_id for field_id, one in fields.items() for name in (field_id, one["name"])}
    for name in create.fields:
        if name.casefold() not in called:
            yield f"{screen} has no field '{name}'"
    filled = {called.get(name.casefold()) for name in {**SEVERITY, **create.fields}} | FILLED | {"priority"}
    filled |= {"assignee"} if create.assignee else set()
    for field_id, one in fields.items():
        if one["required"] and not one.get("hasDefaultValue") and field_id not in filled:
            yield f"{screen} demands '{one['name']}' ({field_id}), and nothing fills it in"


def _transitions(policy: Policy, there: set[str], workflow: str) -> Iterator[str]:
    for status, names in policy.statuses.items():
        if not there.intersection(names):
            yield f"{workflow} has none of the statuses that stand for {status}: {', '.join(names)}"


def _pagerduty(there: wiring.Jpi) -> Iterator[str]:
    policy, known = there.policy, there.pagerduty.priority_names()
    for name in policy.priorities:
        if known and name not in known:
            yield f"PagerDuty has no priority '{name}'; it has {', '.join(known)}"
    for name in sorted({name for rule in policy.all_rules for name in rule.when.priorities}):
        if name not in known:
            yield f"PagerDuty has no priority '{name}', which a rule waits for"
    services = {one for rule in policy.rules for one in rule.when.services} | {rule.service for rule in policy.open}
    for name in sorted(services):
        if not there.pagerduty.opening.exists(name):
            yield f"PagerDuty has no service '{name}'"
