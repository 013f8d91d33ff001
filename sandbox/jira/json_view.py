"""The site's things as JSON: REST version 3, and version 2 as webhooks show them."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sandbox.jira import adf
from sandbox.jira.model import Category, Comment, Field, Issue, IssueLink, IssueType, Project
from sandbox.jira.state import JiraState

Json = dict[str, Any]
# id, colour, name by REST, name in webhooks: real sites name the categories differently in each.
STATUS_CATEGORIES: dict[Category, tuple[int, str, str, str]] = {
    "undefined": (1, "medium-gray", "No Category", "No Category"),
    "new": (2, "blue-gray", "To Do", "New"),
    "indeterminate": (4, "yellow", "In Progress", "In Progress"),
    "done": (3, "green", "Done", "Complete"),
}
ISSUE_EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"


def format_time(at: datetime) -> str:
    """A time as Jira writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


class JsonView:
    """How things look in one version of the REST API; version 2 is what webhooks show, without e-mail addresses."""

    def __init__(self, site: JiraState, version: int = 3) -> None:
        self.site = site
        self.version = version

    def make_url(self, path: str) -> str:
        """The address of a resource."""
        return f"{self.site.base_url}/rest/api/{self.version}/{path}"

    def to_user(self, account_id: str | None) -> Json | None:
        """A user; the e-mail address only where the profile shows it."""
        if account_id is None:
            return None
        user = self.site.users[account_id]
        shown = self.version == 3 and not user.hides_email
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {"self": self.make_url(f"user?accountId={account_id}"), "accountId": account_id,
                "accountType": "atlassian", **({"emailAddress": user.email} if shown else {}),
                "avatarUrls": {size: f"{self.site.base_url}/avatar/{account_id}/{size[:2]}" for size in sizes},
                "displayName": user.name, "active": user.active, "timeZone": user.time_zone}

    def to_status(self, name: str) -> Json:
        """A status with its category."""
        status = self.site.statuses[name]
        number, colour, rest_name, hook_name = STATUS_CATEGORIES[status.category]
        return {"self": self.make_url(f"status/{status.id}"), "description": "", "name": name, "id": status.id,
                "iconUrl": f"{self.site.base_url}/images/status.png",
                "statusCategory": {"self": self.make_url(f"statuscategory/{number}"), "id": number,
                                   "key": status.category, "colorName": colour,
                                   "name": rest_name if self.version == 3 else hook_name}}

    def to_priority(self, name: str) -> Json:
        """A priority."""
        number = self.site.priorities[name].id
        return {"self": self.make_url(f"priority/{number}"), "name": name, "id": number,
                "iconUrl": f"{self.site.base_url}/images/icons/priorities/{name.lower()}_new.svg"}

    def to_issue_type(self, one: IssueType) -> Json:
        """An issue type."""
        return {"self": self.make_url(f"issuetype/{one.id}"), "id": one.id, "description": one.description,
                "iconUrl": f"{self.site.base_url}/images/icons/issuetypes/{one.id}.svg", "name": one.name,
                "subtask": one.hierarchy_level < 0, "hierarchyLevel": one.hierarchy_level}

    def to_named_type(self, name: str) -> Json:
        """An issue type by its name."""
        return self.to_issue_type(next(one for one in self.site.issue_types.values() if one.name == name))

    def to_project(self, one: Project) -> Json:
        """A project as issues show it."""
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {"self": self.make_url(f"project/{one.id}"), "id": one.id, "key": one.key, "name": one.name,
                "projectTypeKey": one.type_key, "simplified": False,
                "avatarUrls": {size: f"{self.site.base_url}/avatar/project/{size[:2]}" for size in sizes}}

    def to_link_type(self, name: str) -> Json:
        """A link type."""
        one = self.site.get_link_type(name)
        return {"id": one.id, "name": one.name, "inward": one.inward, "outward": one.outward,
                "self": self.make_url(f"issueLinkType/{one.id}")}

    def to_link(self, link: IssueLink, key: str) -> Json:
        """A link as the issue `key` shows it: the other end, and in which role."""
        role = "outwardIssue" if key == link.source else "inwardIssue"
        return {"id": link.id, "self": self.make_url(f"issueLink/{link.id}"), "type": self.to_link_type(link.type),
                role: self.to_linked_issue(link.get_other_key(key))}

    def to_linked_issue(self, key: str) -> Json:
        """An issue as links show it."""
        one = self.site.issues[self.site.moved_keys.get(key, key)]
        return {"id": one.id, "key": one.key, "self": self.make_url(f"issue/{one.id}"),
                "fields": {"summary": one.summary, "status": self.to_status(one.status),
                           "priority": self.to_priority(one.priority), "issuetype": self.to_named_type(one.type)}}

    def to_text(self, document: Json | None) -> Any:
        """A document: itself, or wiki text in version 2."""
        return document if self.version == 3 or document is None else adf.to_wiki_text(document)

    def to_comment(self, issue: Issue, one: Comment, properties: bool = False) -> Json:
        """A comment."""
        named = [{"key": key, "value": value} for key, value in one.properties.items()]
        return {"self": self.make_url(f"issue/{issue.id}/comment/{one.id}"), "id": one.id,
                "author": self.to_user(one.author), "body": self.to_text(one.body),
                "updateAuthor": self.to_user(one.update_author), "created": format_time(one.created),
                "updated": format_time(one.updated), "jsdPublic": one.is_public,
                **({"visibility": one.visibility} if one.visibility else {}),
                **({"properties": named} if properties else {})}

    def to_custom_value(self, field: Field, value: Any) -> Any:
        """The value of a custom field."""
        if value is None or field.schema_type != "option":
            return self.to_text(value) if isinstance(value, dict) and value.get("type") == "doc" else value
        option = next(one for one in field.options if one.value == value)
        return {"self": self.make_url(f"customFieldOption/{option.id}"), "value": value, "id": option.id}

    def to_fields(self, issue: Issue, wanted: Collection[str] | None = None) -> Json:
        """The fields of an issue, all of them or those wanted."""
        custom = {one.id: one for one in self.site.fields.values() if one.custom_type}
        return {name: SYSTEM_FIELD_VIEWS[name](self, issue) if name in SYSTEM_FIELD_VIEWS
                else self.to_custom_value(custom[name], issue.fields.get(name))
                for name in (*SYSTEM_FIELD_VIEWS, *custom) if wanted is None or name in wanted}

    def to_issue(self, issue: Issue, wanted: Collection[str] | None = None, properties: Collection[str] = ()) -> Json:
        """An issue with the fields and properties wanted."""
        kept = {key: value for key, value in issue.properties.items() if key in properties or "*all" in properties}
        shown = self.to_fields(issue, wanted)
        return {"expand": ISSUE_EXPAND, "id": issue.id, "self": self.make_url(f"issue/{issue.id}"), "key": issue.key,
                **({"properties": kept} if properties else {}), **({"fields": shown} if shown else {})}


def _to_resolution(view: JsonView, issue: Issue) -> Json | None:
    name = issue.resolution
    number = view.site.resolutions[name] if name else ""
    return ({"self": view.make_url(f"resolution/{number}"), "id": number, "name": name, "description": ""} if name
            else None)


def _to_comments(view: JsonView, issue: Issue) -> Json:
    shown = [view.to_comment(issue, one) for one in issue.comments]
    return {"comments": shown, "self": view.make_url(f"issue/{issue.id}/comment"), "maxResults": len(shown),
            "total": len(shown), "startAt": 0}


SYSTEM_FIELD_VIEWS: dict[str, Callable[[JsonView, Issue], Any]] = {
    "summary": lambda view, issue: issue.summary,
    "issuetype": lambda view, issue: view.to_named_type(issue.type),
    "project": lambda view, issue: view.to_project(view.site.projects[issue.project]),
    "status": lambda view, issue: view.to_status(issue.status),
    "priority": lambda view, issue: view.to_priority(issue.priority),
    "labels": lambda view, issue: issue.labels,
    "description": lambda view, issue: view.to_text(issue.description),
    "assignee": lambda view, issue: view.to_user(issue.assignee),
    "reporter": lambda view, issue: view.to_user(issue.reporter),
    "creator": lambda view, issue: view.to_user(issue.creator),
    "resolution": _to_resolution,
    "created": lambda view, issue: format_time(issue.created),
    "updated": lambda view, issue: format_time(issue.updated),
    "issuelinks": lambda view, issue: [view.to_link(link, issue.key) for link in issue.links],
    "comment": _to_comments,
}
