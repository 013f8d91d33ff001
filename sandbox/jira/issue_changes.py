"""Change issues, and send the webhooks that follow."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.jira import adf
from sandbox.jira.field_values import InvalidValue, parse_person
from sandbox.jira.model import Comment, Issue, IssueLink, IssueType, Project, Transition, User
from sandbox.jira.rest import Refusal, parse_properties
from sandbox.jira.state import JiraState
from sandbox.jira.update_plan import UpdatePlan, make_link, plan_update
from sandbox.jira.webhook_events import send_comment_event, send_issue_event, send_link_event

Json = dict[str, Any]
NOT_VALID_NOW = (
    "It seems that you have tried to perform a workflow operation ({name}) that is not valid for the current state of "
    "this issue ({key}). The likely cause is that somebody has changed the issue recently, please look at the issue "
    "history for details."
)


def create_issue(site: JiraState, actor: User, details: Json) -> Issue:
    """Make an issue as an IssueUpdateDetails asks for it."""
    fields = details["fields"] if isinstance(details.get("fields"), dict) else {}
    project = _find_project(site, fields.get("project"))
    issue_type = _find_issue_type(site, project, fields.get("issuetype"))
    plan = plan_update(site, {**details, "fields": {"summary": None, **fields}}, project.key)
    missing = [name for key, name in sorted(site.required_fields) if key == project.key and not plan.values.get(name)]
    if missing:
        raise Refusal(400, errors={name: f"{site.fields[name].name} is required." for name in missing})
    properties = parse_properties(details.get("properties", []))
    issue = _make_issue(site, project, issue_type, actor, plan)
    issue.properties = properties
    site.index_issue(issue)
    for link in plan.links:
        add_link(site, actor, make_link(site, issue.key, link), during_create=True)
    send_issue_event(site, "jira:issue_created", issue, actor, _make_initial_items(site, issue), "issue_created")
    return issue


def _find_project(site: JiraState, value: Any) -> Project:
    reference = value if isinstance(value, dict) else {}
    project = site.find_project(reference.get("key", reference.get("id", "")))
    if project is None:
        raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
    return project


def _find_issue_type(site: JiraState, project: Project, value: Any) -> IssueType:
    reference = value if isinstance(value, dict) else {}
    if not ("id" in reference or "name" in reference):
        raise Refusal(400, errors={"issuetype": "Specify an issue type"})
    matches = [issue_type for issue_type in site.issue_types.values()
               if (issue_type.id == str(reference["id"]) if "id" in reference
                   else issue_type.name == reference["name"])]
    if not matches or matches[0] not in site.list_types(project):
        raise Refusal(400, errors={"issuetype": "Specify a valid issue type" if not matches
                                   else "The issue type selected is invalid."})
    if matches[0].hierarchy_level < 0:
        raise Refusal(400, errors={"issuetype": "Issue type is a sub-task but parent issue key or id not specified."})
    return matches[0]


def _make_issue(site: JiraState, project: Project, issue_type: IssueType, actor: User, plan: UpdatePlan) -> Issue:
    project.issue_count += 1
    now, actor_id = site.get_time(), actor.account_id
    issue = Issue(site, site.make_id(), f"{project.key}-{project.issue_count}", project.key, issue_type.name, actor_id,
                  actor_id, site.workflows[project.key].initial, now, now,
                  assignee=project.lead_id if project.assignee_type == "PROJECT_LEAD" else None)
    _set_values(site, issue, plan.values)
    site.issues[issue.key] = issue
    return issue


def edit_issue(site: JiraState, actor: User, issue: Issue, details: Json) -> None:
    """Change fields, labels and links, comment, set properties; send no event if nothing changed."""
    plan = plan_update(site, details, issue.project, issue)
    issue.properties |= parse_properties(details.get("properties", []))
    items = _set_values(site, issue, plan.values)
    for body in plan.comments:
        add_comment(site, actor, issue, body)
    for link in plan.links:
        add_link(site, actor, make_link(site, issue.key, link))
    if items:
        mark_updated(site, issue)
        only_assigned = [item["field"] for item in items] == ["assignee"]
        send_issue_event(site, "jira:issue_updated", issue, actor, items,
                         "issue_assigned" if only_assigned else "issue_updated")
    site.index_issue(issue)


def assign_issue(site: JiraState, actor: User, issue: Issue, person: Json) -> None:
    """Assign the issue to a person or to nobody."""
    try:
        account_id = parse_person(site, person)
    except InvalidValue as invalid:
        raise Refusal(400, errors={"assignee": str(invalid)}) from invalid
    items = _set_values(site, issue, {"assignee": account_id})
    if items:
        mark_updated(site, issue)
        send_issue_event(site, "jira:issue_updated", issue, actor, items, "issue_assigned")


def transition_issue(site: JiraState, actor: User, issue: Issue, transition: Transition, details: Json) -> None:
    """Take a transition with the fields of its screen; the resolution follows the status category."""
    screen = frozenset(transition.required + transition.optional)
    plan = plan_update(site, details, issue.project, issue, screen)
    missing = [name for name in transition.required if plan.values.get(name) is None and not (
        name == "comment" and plan.comments)]
    if missing:
        raise Refusal(400, errors={name: f"{site.fields[name].name} is required." for name in missing})
    is_done = site.statuses[transition.target_status].category == "done"
    resolution = plan.values.get("resolution", issue.resolution or "Done") if is_done else None
    items = _set_values(site, issue, {**plan.values, "resolution": resolution, "status": transition.target_status})
    mark_updated(site, issue)
    for body in plan.comments:
        add_comment(site, actor, issue, body)
    send_issue_event(site, "jira:issue_updated", issue, actor, items, "issue_generic")


def add_comment(site: JiraState, actor: User, issue: Issue, body: Json, properties: Json | None = None,
                visibility: Json | None = None) -> Comment:
    """Add a comment."""
    now, actor_id = site.get_time(), actor.account_id
    comment = Comment(site.make_id(), actor_id, actor_id, body, now, now, properties or {}, visibility)
    issue.comments.append(comment)
    mark_updated(site, issue)
    send_comment_event(site, "comment_created", issue, comment)
    if "comment" in site.extra_update_events:
        send_issue_event(site, "jira:issue_updated", issue, actor, None, "issue_commented")
    return comment


def add_link(site: JiraState, actor: User, link: IssueLink, during_create: bool = False) -> None:
    """Link two issues; do nothing if this link exists already."""
    if site.find_link(link.type, link.source, link.target):
        return
    for key in (link.source, link.target):
        site.issues[key].links.append(link)
        mark_updated(site, site.issues[key])
    send_link_event(site, "issuelink_created", link)
    if "link" in site.extra_update_events and not during_create:
        for key in (link.source, link.target):
            words = f"This issue is linked to {link.get_other_key(key)}"
            item = _make_changelog_item(site, "issuelinks", (None, None), (link.get_other_key(key), words))
            send_issue_event(site, "jira:issue_updated", site.issues[key], actor, [item], "issue_updated")


def remove_link(site: JiraState, link: IssueLink, flow: str = "Primary") -> None:
    """Remove a link."""
    for key in (link.source, link.target):
        site.issues[key].links.remove(link)
        mark_updated(site, site.issues[key])
    send_link_event(site, "issuelink_deleted", link, flow)


def delete_issue(site: JiraState, actor: User, issue: Issue) -> None:
    """Delete an issue; events about its comments and links come later, in the secondary flow."""
    send_issue_event(site, "jira:issue_deleted", issue, actor)
    for comment in issue.comments:
        send_comment_event(site, "comment_deleted", issue, comment, "Secondary")
    for link in list(issue.links):
        remove_link(site, link, "Secondary")
    issue.deleted = True
    site.index_issue(issue)


def move_issue(site: JiraState, actor: User, issue: Issue, to: str) -> None:
    """Move an issue into another project, as people do in the web application; its old key still leads to it."""
    project, old = site.projects[to], issue.key
    project.issue_count += 1
    issue.key, issue.project = f"{to}-{project.issue_count}", to
    items = [_make_text_item("Key", old, issue.key), _make_text_item("project", old.rpartition("-")[0], to)]
    site.issues[issue.key] = site.issues.pop(old)
    site.moved_keys = {**{key: issue.key if target == old else target for key, target in site.moved_keys.items()},
                       old: issue.key}
    for link in list(issue.links):
        moved_link = replace(link, source=site.moved_keys.get(link.source, link.source),
                             target=site.moved_keys.get(link.target, link.target))
        for end in (moved_link.source, moved_link.target):
            site.issues[end].links[site.issues[end].links.index(link)] = moved_link
    mark_updated(site, issue)
    send_issue_event(site, "jira:issue_updated", issue, actor, items, "issue_moved")


def _make_text_item(name: str, before: str, after: str) -> Json:
    return {"field": name, "fieldtype": "jira", "fieldId": name.lower() if name != "Key" else name, "from": None,
            "fromString": before, "to": None, "toString": after}


def mark_updated(site: JiraState, issue: Issue) -> None:
    """Set the issue's time of change to now."""
    issue.updated = site.get_time()
    site.index_issue(issue)


def _set_values(site: JiraState, issue: Issue, values: Json) -> list[Json]:
    """Set the values that differ; the changelog items."""
    items = []
    for name, value in values.items():
        custom = bool(site.fields[name].custom_type)
        before = issue.fields.get(name) if custom else getattr(issue, name)
        if before == value:
            continue
        items.append(_make_changelog_item(site, name, _to_changelog_value(site, name, before),
                                          _to_changelog_value(site, name, value)))
        if custom:
            issue.fields[name] = value
        else:
            setattr(issue, name, value)
    return items


def _make_changelog_item(site: JiraState, name: str, before: tuple[str | None, str | None],
                         after: tuple[str | None, str | None]) -> Json:
    field = site.fields[name]
    label = field.name if field.custom_type else {"issuelinks": "Link"}.get(name, name)
    people = {"tmpFromAccountId": before[0], "tmpToAccountId": after[0]} if field.schema_type == "user" else {}
    return {"field": label, "fieldtype": "custom" if field.custom_type else "jira", "fieldId": name, "from": before[0],
            "fromString": before[1], "to": after[0], "toString": after[1], **people}


CHANGELOG_VALUES: dict[str, Callable[[JiraState, Any], tuple[str | None, str | None]]] = {
    "description": lambda site, value: (None, adf.to_wiki_text(value)),
    "labels": lambda site, value: (None, " ".join(value)),
    "priority": lambda site, value: (site.priorities[value].id, value),
    "status": lambda site, value: (site.statuses[value].id, value),
    "resolution": lambda site, value: (site.resolutions[value], value),
    "assignee": lambda site, value: (value, site.users[value].name),
    "reporter": lambda site, value: (value, site.users[value].name),
}


def _to_changelog_value(site: JiraState, name: str, value: Any) -> tuple[str | None, str | None]:
    """Return a value as changelogs show it: (id, words)."""
    if value is None:
        return None, None
    if site.fields[name].schema_type == "option":
        return next(option.id for option in site.fields[name].options if option.value == value), value
    return CHANGELOG_VALUES[name](site, value) if name in CHANGELOG_VALUES else (None, str(value))


def _make_initial_items(site: JiraState, issue: Issue) -> list[Json]:
    """Make the changelog of a new issue: its first values, with the status called "Status"."""
    names = ("description", "labels", "priority", "reporter", "assignee", "status", "summary")
    given = [(name, getattr(issue, name)) for name in names if getattr(issue, name)] + list(issue.fields.items())
    items = [_make_changelog_item(site, name, (None, None), _to_changelog_value(site, name, value)) for name,
             value in given]
    return [{**item, "field": "Status"} if item["fieldId"] == "status" else item for item in items]
