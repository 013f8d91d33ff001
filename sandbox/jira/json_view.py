"""The site's objects as JSON: as REST version 3, and as version 2, which webhooks show."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sandbox.jira import adf
from sandbox.jira.model import REQUEST_TYPE_SCHEMA, Category, Comment, Field, Issue, IssueLink, IssueType, Project
from sandbox.jira.state import JiraState

Json = dict[str, Any]
# Id, colour, name in REST, name in webhooks: real sites name the categories differently in the two.
STATUS_CATEGORIES: dict[Category, tuple[int, str, str, str]] = {
    "undefined": (1, "medium-gray", "No Category", "No Category"),
    "new": (2, "blue-gray", "To Do", "New"),
    "indeterminate": (4, "yellow", "In Progress", "In Progress"),
    "done": (3, "green", "Done", "Complete"),
}
ISSUE_EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"


def format_time(at: datetime) -> str:
    """Return a time as Jira writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


class JsonView:
    """Makes JSON as one version of the REST API shows it. Webhooks show version 2, without e-mail addresses."""

    def __init__(self, site: JiraState, version: int = 3) -> None:
        self.site = site
        self.version = version

    def make_url(self, path: str) -> str:
        """Return the address of a resource."""
        return f"{self.site.base_url}/rest/api/{self.version}/{path}"

    def to_user(self, account_id: str | None) -> Json | None:
        """Return a user; with the e-mail address only if the profile shows it."""
        if account_id is None:
            return None
        user = self.site.users[account_id]
        shows_email = self.version == 3 and not user.hides_email
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {"self": self.make_url(f"user?accountId={account_id}"), "accountId": account_id,
                "accountType": "atlassian", **({"emailAddress": user.email} if shows_email else {}),
                "avatarUrls": {size: f"{self.site.base_url}/avatar/{account_id}/{size[:2]}" for size in sizes},
                "displayName": user.name, "active": user.active, "timeZone": user.time_zone}

    def to_status(self, name: str) -> Json:
        """Return a status with its category."""
        status = self.site.statuses[name]
        number, colour, rest_name, hook_name = STATUS_CATEGORIES[status.category]
        return {"self": self.make_url(f"status/{status.id}"), "description": "", "name": name, "id": status.id,
                "iconUrl": f"{self.site.base_url}/images/status.png",
                "statusCategory": {"self": self.make_url(f"statuscategory/{number}"), "id": number,
                                   "key": status.category, "colorName": colour,
                                   "name": rest_name if self.version == 3 else hook_name}}

    def to_priority(self, name: str) -> Json:
        """Return a priority."""
        number = self.site.priorities[name].id
        return {"self": self.make_url(f"priority/{number}"), "name": name, "id": number,
                "iconUrl": f"{self.site.base_url}/images/icons/priorities/{name.lower()}_new.svg"}

    def to_issue_type(self, issue_type: IssueType) -> Json:
        """Return an issue type."""
        return {"self": self.make_url(f"issuetype/{issue_type.id}"), "id": issue_type.id,
                "description": issue_type.description,
                "iconUrl": f"{self.site.base_url}/images/icons/issuetypes/{issue_type.id}.svg", "name": issue_type.name,
                "subtask": issue_type.hierarchy_level < 0, "hierarchyLevel": issue_type.hierarchy_level}

    def to_named_type(self, name: str) -> Json:
        """Return the issue type of this name."""
        return self.to_issue_type(next(issue_type for issue_type in self.site.issue_types.values()
                                       if issue_type.name == name))

    def to_project(self, project: Project) -> Json:
        """Return a project as issues show it."""
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {"self": self.make_url(f"project/{project.id}"), "id": project.id, "key": project.key,
                "name": project.name, "projectTypeKey": project.type_key, "simplified": False,
                "avatarUrls": {size: f"{self.site.base_url}/avatar/project/{size[:2]}" for size in sizes}}

    def to_link_type(self, name: str) -> Json:
        """Return a link type."""
        link_type = self.site.get_link_type(name)
        return {"id": link_type.id, "name": link_type.name, "inward": link_type.inward, "outward": link_type.outward,
                "self": self.make_url(f"issueLinkType/{link_type.id}")}

    def to_link(self, link: IssueLink, key: str) -> Json:
        """Return a link as the issue `key` shows it: the other issue, and its role."""
        role = "outwardIssue" if key == link.source else "inwardIssue"
        return {"id": link.id, "self": self.make_url(f"issueLink/{link.id}"), "type": self.to_link_type(link.type),
                role: self.to_linked_issue(link.get_other_key(key))}

    def to_linked_issue(self, key: str) -> Json:
        """Return an issue as links show it."""
        issue = self.site.issues[self.site.moved_keys.get(key, key)]
        return {"id": issue.id, "key": issue.key, "self": self.make_url(f"issue/{issue.id}"),
                "fields": {"summary": issue.summary, "status": self.to_status(issue.status),
                           "priority": self.to_priority(issue.priority), "issuetype": self.to_named_type(issue.type)}}

    def to_text(self, document: Json | None) -> Any:
        """Return a document: unchanged, or as wiki text in version 2."""
        return document if self.version == 3 or document is None else adf.to_wiki_text(document)

    def to_comment(self, issue: Issue, comment: Comment, properties: bool = False) -> Json:
        """Return a comment."""
        named = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return {"self": self.make_url(f"issue/{issue.id}/comment/{comment.id}"), "id": comment.id,
                "author": self.to_user(comment.author), "body": self.to_text(comment.body),
                "updateAuthor": self.to_user(comment.update_author), "created": format_time(comment.created),
                "updated": format_time(comment.updated), "jsdPublic": comment.is_public,
                **({"visibility": comment.visibility} if comment.visibility else {}),
                **({"properties": named} if properties else {})}

    def to_custom_value(self, field: Field, value: Any) -> Any:
        """Return the value of a custom field."""
        if value is not None and field.schema_type == REQUEST_TYPE_SCHEMA:
            name = next(option.value for option in field.options if option.id == value)
            return {"requestType": {"id": value, "name": name}}
        if value is None or field.schema_type != "option":
            return self.to_text(value) if isinstance(value, dict) and value.get("type") == "doc" else value
        option = next(option for option in field.options if option.value == value)
        return {"self": self.make_url(f"customFieldOption/{option.id}"), "value": value, "id": option.id}

    def to_fields(self, issue: Issue, field_ids: Collection[str] | None = None) -> Json:
        """Return the fields of an issue: all of them, or those with these ids."""
        custom = {field.id: field for field in self.site.fields.values() if field.custom_type}
        return {name: SYSTEM_FIELD_VIEWS[name](self, issue) if name in SYSTEM_FIELD_VIEWS
                else self.to_custom_value(custom[name], issue.fields.get(name))
                for name in (*SYSTEM_FIELD_VIEWS, *custom) if field_ids is None or name in field_ids}

    def to_issue(self, issue: Issue, field_ids: Collection[str] | None = None,
                 properties: Collection[str] = ()) -> Json:
        """Return an issue with the given fields and properties."""
        kept = {key: value for key, value in issue.properties.items() if key in properties or "*all" in properties}
        fields = self.to_fields(issue, field_ids)
        return {"expand": ISSUE_EXPAND, "id": issue.id, "self": self.make_url(f"issue/{issue.id}"), "key": issue.key,
                **({"properties": kept} if properties else {}), **({"fields": fields} if fields else {})}


def _to_resolution(view: JsonView, issue: Issue) -> Json | None:
    name = issue.resolution
    number = view.site.resolutions[name] if name else ""
    return ({"self": view.make_url(f"resolution/{number}"), "id": number, "name": name, "description": ""} if name
            else None)


def _to_comments(view: JsonView, issue: Issue) -> Json:
    comments = [view.to_comment(issue, comment) for comment in issue.comments[: view.site.comment_page_limit]]
    return {"comments": comments, "self": view.make_url(f"issue/{issue.id}/comment"), "maxResults": len(comments),
            "total": len(issue.comments), "startAt": 0}


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
