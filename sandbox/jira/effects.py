"""What happens to issues, with the webhooks that follow from it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sandbox.jira import adf
from sandbox.jira.fields import Plan, as_link, planned
from sandbox.jira.hooks import comment_event, issue_event, link_event
from sandbox.jira.http import Refusal, named_properties
from sandbox.jira.model import Comment, Issue, IssueType, Link, Project, Transition, User
from sandbox.jira.state import JiraState
from sandbox.jira.values import Invalid, person

Json = dict[str, Any]
NOT_VALID_NOW = (
    "It seems that you have tried to perform a workflow operation ({name}) that is not valid for the current state of "
    "this issue ({key}). The likely cause is that somebody has changed the issue recently, please look at the issue "
    "history for details."
)


def create(site: JiraState, actor: User, asked: Json) -> Issue:
    """Make an issue as an IssueUpdateDetails asks for it."""
    fields = asked.get("fields")
    if not isinstance(fields, dict):
        fields = {}
    project = _project(site, fields.get("project"))
    kind = _type(site, project, fields.get("issuetype"))
    plan = planned(site, {**asked, "fields": {"summary": None, **fields}}, project.key)
    lacking = [name for key, name in sorted(site.required) if key == project.key and not plan.values.get(name)]
    if lacking:
        raise Refusal(400, errors={name: f"{site.fields[name].name} is required." for name in lacking})
    properties = named_properties(asked.get("properties", []))
    issue = _new(site, project, kind, actor, plan)
    issue.properties = properties
    site.indexed(issue)
    for link in plan.links:
        add_link(site, actor, as_link(site, issue.key, link), during_create=True)
    issue_event(site, "jira:issue_created", issue, actor, _initial(site, issue), "issue_created")
    return issue


def _project(site: JiraState, said: Any) -> Project:
    known = said if isinstance(said, dict) else {}
    found = site.find_project(known.get("key", known.get("id", "")))
    if found is None:
        raise Refusal(400, errors={"project": "Specify a valid project ID or key"})
    return found


def _type(site: JiraState, project: Project, said: Any) -> IssueType:
    known = said if isinstance(said, dict) else {}
    if not ("id" in known or "name" in known):
        raise Refusal(400, errors={"issuetype": "Specify an issue type"})
    found = [one for one in site.types.values()
             if (one.id == str(known["id"]) if "id" in known else one.name == known["name"])]
    if not found or found[0] not in site.types_of(project):
        raise Refusal(400, errors={"issuetype": "Specify a valid issue type" if not found
                                   else "The issue type selected is invalid."})
    if found[0].level < 0:
        raise Refusal(400, errors={"issuetype": "Issue type is a sub-task but parent issue key or id not specified."})
    return found[0]


def _new(site: JiraState, project: Project, kind: IssueType, actor: User, plan: Plan) -> Issue:
    project.issues_made += 1
    now, me = site.now(), actor.account_id
    issue = Issue(site, site.new_id(), f"{project.key}-{project.issues_made}", project.key, kind.name, me, me,
                  site.workflows[project.key].initial, now, now,
                  assignee=project.lead if project.assignee_type == "PROJECT_LEAD" else None)
    _apply(site, issue, plan.values)
    site.issues[issue.key] = issue
    return issue


def edit(site: JiraState, actor: User, issue: Issue, asked: Json) -> None:
    """Change fields, labels and links, comment, set properties; no event where nothing changed."""
    plan = planned(site, asked, issue.project, issue)
    issue.properties |= named_properties(asked.get("properties", []))
    items = _apply(site, issue, plan.values)
    for body in plan.comments:
        comment(site, actor, issue, body)
    for link in plan.links:
        add_link(site, actor, as_link(site, issue.key, link))
    if items:
        touch(site, issue)
        only_assigned = [item["field"] for item in items] == ["assignee"]
        issue_event(site, "jira:issue_updated", issue, actor, items,
                    "issue_assigned" if only_assigned else "issue_updated")
    site.indexed(issue)


def assign(site: JiraState, actor: User, issue: Issue, said: Json) -> None:
    """Give the issue to somebody or nobody."""
    try:
        value = person(site, said)
    except Invalid as invalid:
        raise Refusal(400, errors={"assignee": str(invalid)}) from invalid
    items = _apply(site, issue, {"assignee": value})
    if items:
        touch(site, issue)
        issue_event(site, "jira:issue_updated", issue, actor, items, "issue_assigned")


def transition(site: JiraState, actor: User, issue: Issue, chosen: Transition, asked: Json) -> None:
    """Take a transition with what was given on its screen; the resolution follows the category."""
    screen = frozenset(chosen.required + chosen.optional)
    plan = planned(site, asked, issue.project, issue, screen)
    lacking = [name for name in chosen.required if plan.values.get(name) is None and not (
        name == "comment" and plan.comments)]
    if lacking:
        raise Refusal(400, errors={name: f"{site.fields[name].name} is required." for name in lacking})
    done = site.statuses[chosen.to].category == "done"
    resolution = plan.values.get("resolution", issue.resolution or "Done") if done else None
    items = _apply(site, issue, {**plan.values, "resolution": resolution, "status": chosen.to})
    touch(site, issue)
    for body in plan.comments:
        comment(site, actor, issue, body)
    issue_event(site, "jira:issue_updated", issue, actor, items, "issue_generic")


def comment(site: JiraState, actor: User, issue: Issue, body: Json, properties: Json | None = None,
            visibility: Json | None = None) -> Comment:
    """Add a comment."""
    now, me = site.now(), actor.account_id
    made = Comment(site.new_id(), me, me, body, now, now, properties or {}, visibility)
    issue.comments.append(made)
    touch(site, issue)
    comment_event(site, "comment_created", issue, made)
    if "comment" in site.also_updated:
        issue_event(site, "jira:issue_updated", issue, actor, None, "issue_commented")
    return made


def add_link(site: JiraState, actor: User, link: Link, during_create: bool = False) -> None:
    """Link two issues; nothing happens where they are linked like this already."""
    if site.has_link(link.type, link.source, link.target):
        return
    for key in (link.source, link.target):
        site.issues[key].links.append(link)
        touch(site, site.issues[key])
    link_event(site, "issuelink_created", link)
    if "link" in site.also_updated and not during_create:
        for key in (link.source, link.target):
            words = f"This issue is linked to {link.other(key)}"
            item = _item(site, "issuelinks", (None, None), (link.other(key), words))
            issue_event(site, "jira:issue_updated", site.issues[key], actor, [item], "issue_updated")


def remove_link(site: JiraState, link: Link, flow: str = "Primary") -> None:
    """Take a link away."""
    for key in (link.source, link.target):
        site.issues[key].links.remove(link)
        touch(site, site.issues[key])
    link_event(site, "issuelink_deleted", link, flow)


def delete(site: JiraState, actor: User, issue: Issue) -> None:
    """Delete an issue; what goes with it is told of later, in the secondary flow."""
    issue_event(site, "jira:issue_deleted", issue, actor)
    for one in issue.comments:
        comment_event(site, "comment_deleted", issue, one, "Secondary")
    for link in list(issue.links):
        remove_link(site, link, "Secondary")
    issue.deleted = True
    site.indexed(issue)


def move(site: JiraState, actor: User, issue: Issue, to: str) -> None:
    """Move an issue into another project, as people do in the web application: its key changes, the old one still leads
    to it.
    """
    project, old = site.projects[to], issue.key
    project.issues_made += 1
    issue.key, issue.project = f"{to}-{project.issues_made}", to
    items = [_words("Key", old, issue.key), _words("project", old.rpartition("-")[0], to)]
    site.issues[issue.key] = site.issues.pop(old)
    site.moved = {**{one: issue.key if there == old else there for one, there in site.moved.items()}, old: issue.key}
    for link in list(issue.links):
        again = replace(link, source=site.moved.get(link.source, link.source),
                        target=site.moved.get(link.target, link.target))
        for end in (again.source, again.target):
            site.issues[end].links[site.issues[end].links.index(link)] = again
    touch(site, issue)
    issue_event(site, "jira:issue_updated", issue, actor, items, "issue_moved")


def _words(name: str, before: str, after: str) -> Json:
    return {"field": name, "fieldtype": "jira", "fieldId": name.lower() if name != "Key" else name, "from": None,
            "fromString": before, "to": None, "toString": after}


def touch(site: JiraState, issue: Issue) -> None:
    """The issue has changed just now."""
    issue.updated = site.now()
    site.indexed(issue)


def _apply(site: JiraState, issue: Issue, values: Json) -> list[Json]:
    """Set the values that differ; the changelog items."""
    items = []
    for name, value in values.items():
        custom = bool(site.fields[name].custom_type)
        before = issue.fields.get(name) if custom else getattr(issue, name)
        if before == value:
            continue
        items.append(_item(site, name, _shown(site, name, before), _shown(site, name, value)))
        if custom:
            issue.fields[name] = value
        else:
            setattr(issue, name, value)
    return items


def _item(site: JiraState, name: str, before: tuple[str | None, str | None],
          after: tuple[str | None, str | None]) -> Json:
    field = site.fields[name]
    label = field.name if field.custom_type else {"issuelinks": "Link"}.get(name, name)
    people = {"tmpFromAccountId": before[0], "tmpToAccountId": after[0]} if field.kind == "user" else {}
    return {"field": label, "fieldtype": "custom" if field.custom_type else "jira", "fieldId": name, "from": before[0],
            "fromString": before[1], "to": after[0], "toString": after[1], **people}


SHOWN: dict[str, Callable[[JiraState, Any], tuple[str | None, str | None]]] = {
    "description": lambda site, value: (None, adf.wiki(value)),
    "labels": lambda site, value: (None, " ".join(value)),
    "priority": lambda site, value: (site.priorities[value].id, value),
    "status": lambda site, value: (site.statuses[value].id, value),
    "resolution": lambda site, value: (site.resolutions[value], value),
    "assignee": lambda site, value: (value, site.users[value].name),
    "reporter": lambda site, value: (value, site.users[value].name),
}


def _shown(site: JiraState, name: str, value: Any) -> tuple[str | None, str | None]:
    """A value as changelogs show it: (id, words)."""
    if value is None:
        return None, None
    if site.fields[name].kind == "option":
        return next(one.id for one in site.fields[name].options if one.value == value), value
    return SHOWN[name](site, value) if name in SHOWN else (None, str(value))


def _initial(site: JiraState, issue: Issue) -> list[Json]:
    """The changelog of a new issue: its first values, with the status called "Status"."""
    names = ("description", "labels", "priority", "reporter", "assignee", "status", "summary")
    given = [(name, getattr(issue, name)) for name in names if getattr(issue, name)] + list(issue.fields.items())
    items = [_item(site, name, (None, None), _shown(site, name, value)) for name, value in given]
    return [{**item, "field": "Status"} if item["fieldId"] == "status" else item for item in items]
