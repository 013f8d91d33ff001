"""The state of a simulated Jira site, and how its parts are found."""

import uuid
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.jira.model import (
    Category,
    Field,
    Issue,
    IssueLink,
    IssueType,
    IssueTypeScheme,
    LinkType,
    Priority,
    Project,
    Status,
    Transition,
    User,
    Workflow,
)
from sandbox.jira.outbox import JiraOutbox, Webhook
from sandbox.jira.rest import Refusal

NO_ISSUE_TEXT = "Issue does not exist or you do not have permission to see it."
DEFAULT_ISSUE_TYPES = (("10000", "Epic", 1), ("10001", "Story", 0), ("10002", "Task", 0), ("10003", "Sub-task",
                                                                                           -1), ("10004", "Bug", 0))
LINK_TYPES = (("Blocks", "is blocked by", "blocks"), ("Cloners", "is cloned by", "clones"),
              ("Duplicate", "is duplicated by", "duplicates"), ("Relates", "relates to", "relates to"))
STATUSES: tuple[tuple[str, str, Category], ...] = (
    ("10000", "To Do", "new"), ("3", "In Progress", "indeterminate"), ("10001", "Done", "done"))
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
RESOLUTIONS = {"Done": "10000", "Won't Do": "10001", "Duplicate": "10002", "Cannot Reproduce": "10003"}
SYSTEM_FIELDS = (Field("summary", "Summary", "string"), Field("description", "Description", "string"),
                 Field("labels", "Labels", "array", "string"), Field("priority", "Priority", "priority"),
                 Field("assignee", "Assignee", "user"), Field("reporter", "Reporter", "user"),
                 Field("issuelinks", "Linked Issues", "array", "issuelinks"), Field("project", "Project", "project"),
                 Field("issuetype", "Issue Type", "issuetype"), Field("status", "Status", "status"),
                 Field("resolution", "Resolution", "resolution"), Field("comment", "Comment", "comments-page"),
                 Field("creator", "Creator", "user"), Field("created", "Created", "datetime"),
                 Field("updated", "Updated", "datetime"))
# What the default screen of every project shows, beside the custom fields.
DEFAULT_SCREEN_FIELDS = frozenset({"project", "issuetype", "summary", "description", "labels", "priority", "assignee",
                                   "reporter", "issuelinks"})


def make_default_workflow(project_number: int) -> Workflow:
    """Every status from everywhere; the transition ids differ from project to project."""
    first = 100 * project_number
    return Workflow("To Do", tuple(Transition(str(first + 11 + 10 * at), name, name)
                                   for at, (_, name, _) in enumerate(STATUSES)))


class JiraState:
    """All that a site holds, as plain data that can be copied. Tests read it and set its knobs.

    Knobs: `add_user`, `add_status`, `off_screen` {(project key, field id)}, `required` (the same),
    `index_lag` seconds, `refused_summaries`, `java_lengths` (summaries are measured in UTF-16),
    `conflicts`: so many transitions are refused with 409; `hidden` {issue or project key}: not for those who ask;
    `tells_visibility` False: webhooks do not say whom a comment is for (no capture shows whether they do);
    `workflows` {project key: Workflow}, `also_updated` ({"comment", "link"}: these raise `jira:issue_updated` too).
    To read: `issues` by key, `linked`, `phrases`, `outbox`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.outbox = JiraOutbox(clock)
        self.base_url = "http://127.0.0.1"
        self._next_id = 10100
        self.users: dict[str, User] = {}
        self.projects: dict[str, Project] = {}
        self.issues: dict[str, Issue] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.issue_types = {one[0]: IssueType(one[0], one[1], hierarchy_level=one[2]) for one in DEFAULT_ISSUE_TYPES}
        self.schemes = {"10000": IssueTypeScheme("10000", "Default Issue Type Scheme", list(self.issue_types), "10002",
                                                 "All newly created issue types are added to this scheme.", True)}
        self.link_types = {str(10000 + at): LinkType(str(10000 + at), *one) for at, one in enumerate(LINK_TYPES)}
        self.statuses = {one[1]: Status(*one) for one in STATUSES}
        self.priorities = {name: Priority(str(at), name) for at, name in enumerate(PRIORITIES, 1)}
        self.resolutions = dict(RESOLUTIONS)
        self.fields = {field.id: field for field in SYSTEM_FIELDS}
        self.workflows: dict[str, Workflow] = {}
        self.placed_field_ids: set[str] = set()
        self.off_screen: set[tuple[str, str]] = set()
        self.required_fields: set[tuple[str, str]] = set()
        self.refused_summaries: set[str] = set()
        self.measures_in_utf16 = False
        self.pending_conflicts = 0
        self.hidden_keys: set[str] = set()
        self.sends_visibility = True
        self.moved_keys: dict[str, str] = {}
        self.extra_update_events: set[str] = set()
        self.index_lag_seconds = 5.0
        self.search_pages: dict[str, tuple[float, str, list[Issue]]] = {}
        self._index: dict[str, list[tuple[float, Issue]]] = {}

    def make_id(self) -> str:
        """An id that nothing else on the site has."""
        self._next_id += 1
        return str(self._next_id - 1)

    def now(self) -> datetime:
        """The present, in the milliseconds that Jira keeps."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def add_user(self, email: str, token: str, name: str, active: bool = True) -> str:
        """Add a person or service account who may sign in with the token; the account id."""
        account_id = f"712020:{uuid.uuid4()}"
        self.users[account_id] = User(account_id, email, token, name, active)
        return account_id

    def add_status(self, name: str, category: Category) -> str:
        """Add a status for the workflows of tests; its id."""
        self.statuses[name] = Status(self.make_id(), name, category)
        return self.statuses[name].id

    def list_linked_issues(self, key: str, type_name: str) -> list[Issue]:
        """The issues at the other end of this issue's links of a type."""
        return [self.issues[link.get_other_key(key)] for link in self.issues[key].links if link.type == type_name]

    def list_link_phrases(self, key: str) -> set[str]:
        """How the issue's page words its links: "has question", "is blocked by", ..."""
        types = {one.name: one for one in self.link_types.values()}
        return {types[link.type].outward if link.source == key else types[link.type].inward
                for link in self.issues[key].links}

    def get_issue(self, ref: Any) -> Issue:
        """The issue of that key or id; 404 where there is none."""
        found = self.find_issue(ref)
        if found is None:
            raise Refusal(404, NO_ISSUE_TEXT)
        return found

    def find_issue(self, ref: Any) -> Issue | None:
        """The issue of that key or id, unless deleted or hidden; an old key finds it in the project it moved to."""
        said = str(ref)
        key = self.moved_keys.get(said.upper(), said.upper())
        found = self.issues.get(key) or next((one for one in self.issues.values() if one.id == said), None)
        return None if found is None or found.deleted or self.is_hidden(found) else found

    def is_hidden(self, issue: Issue) -> bool:
        """Whether those who ask may not see it."""
        return not self.hidden_keys.isdisjoint({issue.key, issue.project})

    def get_project(self, ref: Any) -> Project:
        """The project of that key or id; 404 where there is none."""
        found = self.find_project(ref)
        if found is None:
            raise Refusal(404, f"No project could be found with key '{ref}'.")
        return found

    def find_project(self, ref: Any) -> Project | None:
        """The project of that key or id."""
        return self.projects.get(str(ref)) or next((one for one in self.projects.values() if one.id == str(ref)), None)

    def list_types(self, project: Project) -> list[IssueType]:
        """The issue types that a project takes."""
        return [self.issue_types[one] for one in self.schemes[project.scheme_id].type_ids]

    def find_link_type(self, said: Any) -> LinkType | None:
        """The link type that `{"name"}` or `{"id"}` means."""
        if not isinstance(said, dict) or not ("id" in said or "name" in said):
            return None
        return next((one for one in self.link_types.values()
                     if (one.id == str(said["id"]) if "id" in said else one.name == said["name"])), None)

    def get_link_type(self, name: str) -> LinkType:
        """The link type of a link that is there."""
        return next(one for one in self.link_types.values() if one.name == name)

    def find_link(self, type_name: str, source: str, target: str) -> IssueLink | None:
        """The link of a type from one issue to another."""
        return next((link for link in self.issues[source].links
                     if (link.type, link.source, link.target) == (type_name, source, target)), None)

    def list_screen_fields(self, project: str) -> list[Field]:
        """The fields on a project's screens."""
        return [field for field in self.fields.values() if field.id in DEFAULT_SCREEN_FIELDS | self.placed_field_ids
                and (project, field.id) not in self.off_screen]

    def index_issue(self, issue: Issue) -> None:
        """Let the search index learn of an issue as it is now, `index_lag` seconds from now."""
        self._index.setdefault(issue.id, []).append((self.clock() + self.index_lag_seconds, issue.copy_current()))

    def list_indexed_issues(self, current: frozenset[str] = frozenset()) -> list[Issue]:
        """The issues as the search index knows them; those whose ids are in `current` as they are."""
        until = self.clock()
        known = []
        for versions in self._index.values():
            seen = [issue for at, issue in versions if at <= until or issue.id in current]
            known += [seen[-1]] if seen and not seen[-1].deleted else []
        return known
