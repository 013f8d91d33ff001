"""The site's things as JSON: REST version 3, and version 2 as webhooks show them."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sandbox.jira import adf
from sandbox.jira.model import Category, Comment, Field, Issue, IssueType, Link, Project
from sandbox.jira.state import JiraState

Json = dict[str, Any]
# id, colour, name by REST, name in webhooks: real sites name the categories differently in each.
CATEGORIES: dict[Category, tuple[int, str, str, str]] = {
    "undefined": (1, "medium-gray", "No Category", "No Category"),
    "new": (2, "blue-gray", "To Do", "New"),
    "indeterminate": (4, "yellow", "In Progress", "In Progress"),
    "done": (3, "green", "Done", "Complete"),
}
ISSUE_EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"


def stamp(at: datetime) -> str:
    """A time as Jira writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


class View:
    """How things look in one version of the REST API; version 2 is what webhooks show, without e-mail addresses."""

    def __init__(self, site: JiraState, version: int = 3) -> None:
        self.site = site
        self.version = version

    def url(self, path: str) -> str:
        """The address of a resource."""
        return f"{self.site.base}/rest/api/{self.version}/{path}"

    def user(self, account_id: str | None) -> Json | None:
        """A user; the e-mail address only where the profile shows it."""
        if account_id is None:
            return None
        user = self.site.users[account_id]
        shown = self.version == 3 and not user.hidden_email
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {
            "self": self.url(f"user?accountId={account_id}"), "accountId": account_id, "accountType": "atlassian",
            **({"emailAddress": user.email} if shown else {}),
            "avatarUrls": {size: f"{self.site.base}/avatar/{account_id}/{size[:2]}" for size in sizes},
            "displayName": user.name, "active": user.active, "timeZone": user.time_zone,
        }

    def status(self, name: str) -> Json:
        """A status with its category."""
        status = self.site.statuses[name]
        number, colour, rest_name, hook_name = CATEGORIES[status.category]
        return {
            "self": self.url(f"status/{status.id}"), "description": "", "name": name, "id": status.id,
            "iconUrl": f"{self.site.base}/images/status.png",
            "statusCategory": {"self": self.url(f"statuscategory/{number}"), "id": number, "key": status.category,
                               "colorName": colour, "name": rest_name if self.version == 3 else hook_name},
        }

    def priority(self, name: str) -> Json:
        """A priority."""
        number = self.site.priorities[name].id
        return {"self": self.url(f"priority/{number}"), "name": name, "id": number,
                "iconUrl": f"{self.site.base}/images/icons/priorities/{name.lower()}_new.svg"}

    def issue_type(self, one: IssueType) -> Json:
        """An issue type."""
        return {"self": self.url(f"issuetype/{one.id}"), "id": one.id, "description": one.description,
                "iconUrl": f"{self.site.base}/images/icons/issuetypes/{one.id}.svg", "name": one.name,
                "subtask": one.level < 0, "hierarchyLevel": one.level}

    def type_named(self, name: str) -> Json:
        """An issue type by its name."""
        return self.issue_type(next(one for one in self.site.types.values() if one.name == name))

    def project(self, one: Project) -> Json:
        """A project as issues show it."""
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {"self": self.url(f"project/{one.id}"), "id": one.id, "key": one.key, "name": one.name,
                "projectTypeKey": one.type_key, "simplified": False,
                "avatarUrls": {size: f"{self.site.base}/avatar/project/{size[:2]}" for size in sizes}}

    def link_type(self, name: str) -> Json:
        """A link type."""
        one = self.site.link_type_named(name)
        return {"id": one.id, "name": one.name, "inward": one.inward, "outward": one.outward,
                "self": self.url(f"issueLinkType/{one.id}")}

    def link(self, link: Link, key: str) -> Json:
        """A link as the issue `key` shows it: the other end, and in which role."""
        role = "outwardIssue" if key == link.source else "inwardIssue"
        return {"id": link.id, "self": self.url(f"issueLink/{link.id}"), "type": self.link_type(link.type),
                role: self.linked_issue(link.other(key))}

    def linked_issue(self, key: str) -> Json:
        """An issue as links show it."""
        one = self.site.issues[self.site.moved.get(key, key)]
        return {"id": one.id, "key": one.key, "self": self.url(f"issue/{one.id}"),
                "fields": {"summary": one.summary, "status": self.status(one.status),
                           "priority": self.priority(one.priority), "issuetype": self.type_named(one.type)}}

    def text(self, document: Json | None) -> Any:
        """A document: itself, or wiki text in version 2."""
        return document if self.version == 3 or document is None else adf.wiki(document)

    def comment(self, issue: Issue, one: Comment, properties: bool = False) -> Json:
        """A comment."""
        named = [{"key": key, "value": value} for key, value in one.properties.items()]
        return {
            "self": self.url(f"issue/{issue.id}/comment/{one.id}"), "id": one.id, "author": self.user(one.author),
            "body": self.text(one.body), "updateAuthor": self.user(one.update_author),
            "created": stamp(one.created), "updated": stamp(one.updated), "jsdPublic": one.public,
            **({"visibility": one.visibility} if one.visibility else {}),
            **({"properties": named} if properties else {}),
        }

    def custom(self, field: Field, value: Any) -> Any:
        """The value of a custom field."""
        if value is None or field.kind != "option":
            return self.text(value) if isinstance(value, dict) and value.get("type") == "doc" else value
        option = next(one for one in field.options if one.value == value)
        return {"self": self.url(f"customFieldOption/{option.id}"), "value": value, "id": option.id}

    def fields(self, issue: Issue, wanted: Collection[str] | None = None) -> Json:
        """The fields of an issue, all of them or those wanted."""
        custom = {one.id: one for one in self.site.fields.values() if one.custom_type}
        return {name: SYSTEM[name](self, issue) if name in SYSTEM else self.custom(custom[name], issue.fields.get(name))
                for name in (*SYSTEM, *custom) if wanted is None or name in wanted}

    def issue(self, issue: Issue, wanted: Collection[str] | None = None, properties: Collection[str] = ()) -> Json:
        """An issue with the fields and properties wanted."""
        kept = {key: value for key, value in issue.properties.items() if key in properties or "*all" in properties}
        shown = self.fields(issue, wanted)
        return {"expand": ISSUE_EXPAND, "id": issue.id, "self": self.url(f"issue/{issue.id}"), "key": issue.key,
                **({"properties": kept} if properties else {}), **({"fields": shown} if shown else {})}


def _resolution(view: View, issue: Issue) -> Json | None:
    name = issue.resolution
    number = view.site.resolutions[name] if name else ""
    return {"self": view.url(f"resolution/{number}"), "id": number, "name": name, "description": ""} if name else None


def _comments(view: View, issue: Issue) -> Json:
    shown = [view.comment(issue, one) for one in issue.comments]
    return {"comments": shown, "self": view.url(f"issue/{issue.id}/comment"), "maxResults": len(shown),
            "total": len(shown), "startAt": 0}


SYSTEM: dict[str, Callable[[View, Issue], Any]] = {
    "summary": lambda view, issue: issue.summary,
    "issuetype": lambda view, issue: view.type_named(issue.type),
    "project": lambda view, issue: view.project(view.site.projects[issue.project]),
    "status": lambda view, issue: view.status(issue.status),
    "priority": lambda view, issue: view.priority(issue.priority),
    "labels": lambda view, issue: issue.labels,
    "description": lambda view, issue: view.text(issue.description),
    "assignee": lambda view, issue: view.user(issue.assignee),
    "reporter": lambda view, issue: view.user(issue.reporter),
    "creator": lambda view, issue: view.user(issue.creator),
    "resolution": _resolution,
    "created": lambda view, issue: stamp(issue.created),
    "updated": lambda view, issue: stamp(issue.updated),
    "issuelinks": lambda view, issue: [view.link(link, issue.key) for link in issue.links],
    "comment": _comments,
}
