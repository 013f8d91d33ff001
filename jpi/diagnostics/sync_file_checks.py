"""Checks that everything a sync file names exists on the live site and account."""

from collections.abc import Collection, Iterator
from typing import Any

from jpi import wiring
from jpi.domain.issue_drafts import build_incident_label
from jpi.domain.policy import REQUEST_TYPE_FIELD, SEVERITY_FIELD, IssueSpec, OpeningRule, Policy, derive_issue_type
from jpi.errors import Refused
from jpi.jira.create_request import LABELS_FIELD, list_field_names

# The fields that jpi fills in itself.
FIELDS_FILLED_BY_JPI = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter", "issuelinks"})


def find_missing(app: wiring.App) -> Iterator[str]:
    """Yield a message for each thing that does not exist."""
    policy = app.policy
    for issue_spec in (rule.issue_spec for rule in policy.all_rules if rule.issue_spec):
        yield from _check_created_issue(app, issue_spec)
    yield from _check_names(app)
    for rule in policy.opening_rules:
        yield from _check_open_rule(app, rule)
    yield from _check_pagerduty(app)


def describe_marks(app: wiring.App) -> Iterator[str]:
    """Yield by which mark jpi finds the incidents' issues of each project again."""
    for project, kind in app.policy.incident_issue_types:
        types = _get_issue_types(app, project)
        if types and kind in types:
            fields = {str(field["fieldId"]) for field in app.jira.create_screens.get_fields(project, kind)}
            yield f"{project}: jpi finds its issues again {_describe_mark(fields)}"


def _describe_mark(fields: Collection[str]) -> str:
    if LABELS_FIELD in fields:
        return f"by the label {build_incident_label('<id>')}"
    if "description" in fields:
        return ("by the incident's id in the description, since the create screen lacks Labels: add Labels, so that "
                "nobody removes the mark with a sentence")
    return ("among those of the last day, since the create screen has neither Labels nor Description: add Labels, so "
            "that they are found later too")


def _check_names(app: wiring.App) -> Iterator[str]:
    """Check the names of Jira's statuses, priorities and transition fields."""
    policy, jira = app.policy, app.jira
    statuses, priorities = jira.get_status_names(), jira.get_priority_names()
    yield from (f"Jira has no status '{name}'" for name in policy.category_by_status_name if name not in statuses)
    mapped = {name for names in policy.priorities.values() for name in names}
    created = {rule.issue_spec.priority for rule in policy.all_rules if rule.issue_spec and rule.issue_spec.priority}
    waited_for = {name for rule in policy.opening_rules for name in rule.condition.priorities}
    yield from (f"Jira has no priority '{name}'" for name in sorted((mapped | created | waited_for) - set(priorities)))
    yield from (f"Jira has no field '{name}', which transitions should fill in" for name in policy.screen_fields
                if name.casefold() not in jira.site.require_fields().fields)


def _check_created_issue(app: wiring.App, create: IssueSpec) -> Iterator[str]:
    """Check a rule's project, type and fields, and that each required field gets filled in."""
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
    fields = {str(field["fieldId"]): field for field in screens.get_fields(project, kind)}
    yield from _check_fields(fields, create, f"{project}'s create screen for {kind}")
    if create.request_type:
        yield from _check_request_type(app, project, create.request_type, fields)
    yield from _check_transitions(policy, app.jira.get_workflow_statuses(project, kind),
                                  f"the workflow of {kind} in {project}")


def _get_issue_types(app: wiring.App, project: str) -> dict[str, str] | None:
    """Return the issue types of a project, None where jpi's account cannot see it."""
    try:
        return app.jira.create_screens.get_issue_types(project)
    except Refused:
        return None


def _check_request_type(app: wiring.App, project: str, name: str, fields: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Check that the project is a service project with this request type, and its create screen takes one."""
    try:
        ids = app.jira.create_screens.request_types.fetch_ids(project)
    except Refused:
        yield f"{project} has no request types that jpi may read: it is no project of Jira Service Management"
        return
    if name not in ids and name not in ids.values():
        yield f"{project} has no request type '{name}'; it has {', '.join(sorted(ids))}"
    if not any(REQUEST_TYPE_FIELD in list_field_names({"id": field_id, **field}) for field_id, field in fields.items()):
        yield f"{project}'s create screen has no field for the request type"


def _check_open_rule(app: wiring.App, rule: OpeningRule) -> Iterator[str]:
    """Check the projects and types of the issues that open an incident."""
    types_by_project = {project: _get_issue_types(app, project) for project in rule.condition.projects}
    for project, types in types_by_project.items():
        if types is None:
            yield f"Jira has no project {project}, or jpi may not create issues there"
    names = {name for types in types_by_project.values() for name in types or ()}
    for kind in rule.condition.types:
        if names and kind not in names:
            yield (f"no issue of type '{kind}' can open an incident: {', '.join(types_by_project)} has "
                   f"{', '.join(sorted(names))}")


def _check_fields(fields: dict[str, dict[str, Any]], create: IssueSpec, screen: str) -> Iterator[str]:
    ids_by_name = {name.casefold(): field_id for field_id, field in fields.items()
                   for name in (field_id, field["name"])}
    for name in create.fields:
        if name.casefold() not in ids_by_name:
            yield f"{screen} has no field '{name}'"
    filled = ({ids_by_name.get(name.casefold()) for name in {**SEVERITY_FIELD, **create.fields}} | FIELDS_FILLED_BY_JPI
              | {"priority"})
    filled |= {"assignee"} if create.assignee else set()
    for field_id, field in fields.items():
        if field["required"] and not field.get("hasDefaultValue") and field_id not in filled:
            yield f"{screen} requires '{field['name']}' ({field_id}), and nothing fills it in"


def _check_transitions(policy: Policy, reachable_statuses: set[str], workflow: str) -> Iterator[str]:
    for status, names in policy.statuses.items():
        if not reachable_statuses.intersection(names):
            yield f"{workflow} has none of the statuses that stand for {status}: {', '.join(names)}"


def _check_pagerduty(app: wiring.App) -> Iterator[str]:
    policy, priorities = app.policy, app.pagerduty.get_priority_names()
    for name in policy.priorities:
        if priorities and name not in priorities:
            yield f"PagerDuty has no priority '{name}'; it has {', '.join(priorities)}"
    for name in sorted({name for rule in policy.all_rules for name in rule.condition.priorities}):
        if name not in priorities:
            yield f"PagerDuty has no priority '{name}', which a rule waits for"
    services = {name for rule in policy.rules for name in rule.condition.services}
    services |= {rule.service for rule in policy.opening_rules}
    for name in sorted(services):
        if not app.pagerduty.new_incidents.has_service(name):
            yield f"PagerDuty has no service '{name}'"
