"""Whether all that a sync file names is there on the live site and account."""

from collections.abc import Iterator
from typing import Any

from jpi import wiring
from jpi.domain.policy import SEVERITY_FIELD, IssueSpec, OpeningRule, Policy, derive_issue_type
from jpi.errors import Refused

# What jpi fills in itself.
FIELDS_FILLED_BY_JPI = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter", "issuelinks"})
UNAUTHORIZED = 401


def find_missing(app: wiring.App) -> Iterator[str]:
    """What is not there, a line each."""
    policy = app.policy
    for made in (rule.issue_spec for rule in policy.all_rules if rule.issue_spec):
        yield from _check_created_issue(app, made)
    yield from _check_names(app)
    for rule in policy.opening_rules:
        yield from _check_open_rule(app, rule)
    yield from _check_pagerduty(app)


def _check_names(app: wiring.App) -> Iterator[str]:
    """What is named by the file and by nothing of Jira's."""
    policy, jira = app.policy, app.jira
    statuses, priorities = jira.get_status_names(), jira.get_priority_names()
    yield from (f"Jira has no status '{name}'" for name in policy.category_by_status_name if name not in statuses)
    mapped = {one for names in policy.priorities.values() for one in names}
    created = {rule.issue_spec.priority for rule in policy.all_rules if rule.issue_spec and rule.issue_spec.priority}
    waited_for = {one for rule in policy.opening_rules for one in rule.condition.priorities}
    yield from (f"Jira has no priority '{name}'" for name in sorted((mapped | created | waited_for) - set(priorities)))
    yield from (f"Jira has no field '{name}', which transitions are to fill in" for name in policy.screen_fields
                if name.casefold() not in jira.site_schema.fields)


def _check_created_issue(app: wiring.App, create: IssueSpec) -> Iterator[str]:
    """The rule's project, type, fields, and those that the project demands and nothing fills."""
    policy, screens = app.policy, app.jira.create_screens
    project = create.project or policy.incident_project
    kind = create.type or derive_issue_type(project)
    types = _get_issue_types(app, project)
    if types is None:
        yield f"Jira has no project {project}, or jpi may not create issues there"
        return
    if kind not in types:
        yield f"{project} has no issue type '{kind}'; it has {', '.join(sorted(types))}"
        return
    fields = {str(one["fieldId"]): one for one in screens.get_fields(project, kind)}
    yield from _check_fields(fields, create, f"{project}'s create screen for {kind}")
    yield from _check_transitions(policy, app.jira.get_workflow_statuses(project, kind),
                                  f"the workflow of {kind} in {project}")


def _get_issue_types(app: wiring.App, project: str) -> dict[str, str] | None:
    """The issue types of a project, None where it is not there for us."""
    try:
        return app.jira.create_screens.get_issue_types(project)
    except Refused as refused:
        if refused.status == UNAUTHORIZED:
            raise
        return None


def _check_open_rule(app: wiring.App, rule: OpeningRule) -> Iterator[str]:
    """The projects and types of the issues that are to open an incident."""
    found = {project: _get_issue_types(app, project) for project in rule.condition.projects}
    for project, types in found.items():
        if types is None:
            yield f"Jira has no project {project}, or jpi may not create issues there"
    known = {name for types in found.values() for name in types or ()}
    for kind in rule.condition.types:
        if known and kind not in known:
            yield f"no issue of type '{kind}' can open an incident: {', '.join(found)} has {', '.join(sorted(known))}"


def _check_fields(fields: dict[str, dict[str, Any]], create: IssueSpec, screen: str) -> Iterator[str]:
    called = {name.casefold(): field_id for field_id, one in fields.items() for name in (field_id, one["name"])}
    for name in create.fields:
        if name.casefold() not in called:
            yield f"{screen} has no field '{name}'"
    filled = ({called.get(name.casefold()) for name in {**SEVERITY_FIELD, **create.fields}} | FIELDS_FILLED_BY_JPI
              | {"priority"})
    filled |= {"assignee"} if create.assignee else set()
    for field_id, one in fields.items():
        if one["required"] and not one.get("hasDefaultValue") and field_id not in filled:
            yield f"{screen} demands '{one['name']}' ({field_id}), and nothing fills it in"


def _check_transitions(policy: Policy, reachable_statuses: set[str], workflow: str) -> Iterator[str]:
    for status, names in policy.statuses.items():
        if not reachable_statuses.intersection(names):
            yield f"{workflow} has none of the statuses that stand for {status}: {', '.join(names)}"


def _check_pagerduty(app: wiring.App) -> Iterator[str]:
    policy, known = app.policy, app.pagerduty.get_priority_names()
    for name in policy.priorities:
        if known and name not in known:
            yield f"PagerDuty has no priority '{name}'; it has {', '.join(known)}"
    for name in sorted({name for rule in policy.all_rules for name in rule.condition.priorities}):
        if name not in known:
            yield f"PagerDuty has no priority '{name}', which a rule waits for"
    services = {one for rule in policy.rules for one in rule.condition.services} | {rule.service
                                                                                    for rule in policy.opening_rules}
    for name in sorted(services):
        if not app.pagerduty.new_incidents.has_service(name):
            yield f"PagerDuty has no service '{name}'"
