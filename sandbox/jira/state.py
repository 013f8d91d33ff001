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
    Option,
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
DEFAULT_ISSUE_TYPES = (
    ("10000", "Epic", 1),
    ("10001", "Story", 0),
    ("10002", "Task", 0),
    ("10003", "Sub-task", -1),
    ("10004", "Bug", 0),
)
LINK_TYPES = (("Blocks", "is blocked by", "blocks"), ("Cloners", "is cloned by", "clones"),
              ("Duplicate", "is duplicated by", "duplicates"), ("Relates", "relates to", "relates to"))
AUTOMATION_NAME = "Automation for Jira"
STATUSES: tuple[tuple[str, str, Category], ...] = (
    ("10000", "To Do", "new"), ("3", "In Progress", "indeterminate"), ("10001", "Done", "done"))
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
RESOLUTIONS = ("Done", "Won't Do", "Duplicate", "Cannot Reproduce")
SYSTEM_FIELDS = (Field("summary", "Summary", "string"), Field("description", "Description", "string"),
                 Field("labels", "Labels", "array", "string"), Field("priority", "Priority", "priority"),
                 Field("assignee", "Assignee", "user"), Field("reporter", "Reporter", "user"),
                 Field("issuelinks", "Linked Issues", "array", "issuelinks"), Field("project", "Project", "project"),
                 Field("issuetype", "Issue Type", "issuetype"), Field("status", "Status", "status"),
                 Field("resolution", "Resolution", "resolution"), Field("comment", "Comment", "comments-page"),
                 Field("creator", "Creator", "user"), Field("created", "Created", "datetime"),
                 Field("updated", "Updated", "datetime"))
# The default screen of every project shows these, and custom fields.
DEFAULT_SCREEN_FIELDS = frozenset({"project", "issuetype", "summary", "description", "labels", "priority", "assignee",
                                   "reporter", "issuelinks"})


def make_default_workflow(project_number: int) -> Workflow:
    """Make a workflow that leads to every status from everywhere; transition ids differ between projects."""
    first = 100 * project_number
    return Workflow("To Do", tuple(Transition(str(first + 11 + 10 * at), name, name)
                                   for at, (_, name, _) in enumerate(STATUSES)))


class JiraState:
    """All that a site holds, as plain data that can be copied. Tests read it and set its switches.

    Switches: `off_screen` and `required_fields` {(project key, field id)}, `workflows` {project key: Workflow},
    `index_lag_seconds`, `refused_summaries`, `measures_in_utf16` (lengths of summaries),
    `pending_conflicts`: so many transitions get 409; `hidden_keys`: issues or projects that nobody may see;
    `sends_visibility` False: webhooks do not say whom a comment is for (no capture shows whether they do);
    `extra_update_events` ({"comment", "link"}): these send `jira:issue_updated` too;
    `takes_bad_tokens_as_anonymous` False: every call with a bad token gets 401, instead of what the public may see;
    `turns_links_of_edits`: links made with an issue or by an edit read the other way round than those of `/issueLink`;
    `undone_statuses`: an automation rule undoes each transition into these;
    `search_page_limit`: the most issues of a page of a search for more than ids; `unreadable_ids`: the issues that a
    bulk read gives under `issueErrors`; `comment_page_limit`: the most comments of a page, and of those in an issue.
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
        self.issue_types = {number: IssueType(number, name, hierarchy_level=level)
                            for number, name, level in DEFAULT_ISSUE_TYPES}
        self.schemes = {"10000": IssueTypeScheme("10000", "Default Issue Type Scheme", list(self.issue_types), "10002",
                                                 "All newly created issue types are added to this scheme.", True)}
        self.link_types = {str(number): LinkType(str(number), *names) for number, names in enumerate(LINK_TYPES, 10000)}
        self.statuses = {status[1]: Status(*status) for status in STATUSES}
        self.priorities = {name: Priority(str(at), name) for at, name in enumerate(PRIORITIES, 1)}
        self.resolutions = {name: str(number) for number, name in enumerate(RESOLUTIONS, 10000)}
        self.fields = {field.id: field for field in SYSTEM_FIELDS}
        self.workflows: dict[str, Workflow] = {}
        self.placed_field_ids: set[str] = set()
        self.off_screen: set[tuple[str, str]] = set()
        self.turns_links_of_edits = False
        self.required_fields: set[tuple[str, str]] = set()
        self.refused_summaries: set[str] = set()
        self.measures_in_utf16 = False
        self.takes_bad_tokens_as_anonymous = True
        self.request_types: dict[str, list[Option]] = {}
        self.pending_conflicts = 0
        self.hidden_keys: set[str] = set()
        self.sends_visibility = True
        self.moved_keys: dict[str, str] = {}
        self.extra_update_events: set[str] = set()
        self.undone_statuses: set[str] = set()
        self.index_lag_seconds = 5.0
        self.search_page_limit = 100
        self.unreadable_ids: set[str] = set()
        self.comment_page_limit = 5000
        self.search_pages: dict[str, tuple[float, str, list[Issue]]] = {}
        self._index: dict[str, list[tuple[float, Issue]]] = {}

    def make_id(self) -> str:
        """Return an id that nothing else on the site has."""
        self._next_id += 1
        return str(self._next_id - 1)

    def get_time(self) -> datetime:
        """Return the current time, in the milliseconds that Jira keeps."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def add_user(self, email: str, token: str, name: str, active: bool = True) -> str:
        """Add a person or service account that may sign in with the token; return the account id."""
        account_id = f"712020:{uuid.uuid4()}"
        self.users[account_id] = User(account_id, email, token, name, active)
        return account_id

    def get_automation_user(self) -> User:
        """Return the account that Jira's automation rules act as; add it if there is none."""
        users = (user for user in self.users.values() if user.name == AUTOMATION_NAME)
        return next(users, None) or self.users[self.add_user("automation@example.com", "", AUTOMATION_NAME)]

    def add_status(self, name: str, category: Category) -> str:
        """Add a status for the workflows of tests; return its id."""
        self.statuses[name] = Status(self.make_id(), name, category)
        return self.statuses[name].id

    def list_linked_issues(self, key: str, type_name: str) -> list[Issue]:
        """Return the issues at the other end of this issue's links of a type."""
        return [self.issues[link.get_other_key(key)] for link in self.issues[key].links if link.type == type_name]

    def list_link_phrases(self, key: str) -> set[str]:
        """Return how the issue's page words its links: "has question", "is blocked by", ..."""
        types = {link_type.name: link_type for link_type in self.link_types.values()}
        return {types[link.type].outward if link.source == key else types[link.type].inward
                for link in self.issues[key].links}

    def get_issue(self, ref: Any) -> Issue:
        """Return the issue with this key or id; 404 if there is none."""
        issue = self.find_issue(ref)
        if issue is None:
            raise Refusal(404, NO_ISSUE_TEXT)
        return issue

    def find_issue(self, ref: Any) -> Issue | None:
        """Return the issue with this key or id, unless deleted or hidden; the old key of a moved issue finds it too."""
        key = self.moved_keys.get(str(ref).upper(), str(ref).upper())
        issue = self.issues.get(key) or next((other for other in self.issues.values() if other.id == str(ref)), None)
        return None if issue is None or issue.deleted or self.is_hidden(issue) else issue

    def is_hidden(self, issue: Issue) -> bool:
        """True if callers may not see the issue."""
        return not self.hidden_keys.isdisjoint({issue.key, issue.project})

    def get_project(self, ref: Any) -> Project:
        """Return the project with this key or id; 404 if there is none."""
        project = self.find_project(ref)
        if project is None:
            raise Refusal(404, f"No project could be found with key '{ref}'.")
        return project

    def find_project(self, ref: Any) -> Project | None:
        """Return the project with this key or id."""
        return self.projects.get(str(ref)) or next((project for project in self.projects.values()
                                                    if project.id == str(ref)), None)

    def list_types(self, project: Project) -> list[IssueType]:
        """Return the issue types that a project takes."""
        return [self.issue_types[type_id] for type_id in self.schemes[project.scheme_id].type_ids]

    def find_link_type(self, reference: Any) -> LinkType | None:
        """Return the link type that `{"name"}` or `{"id"}` names."""
        if not isinstance(reference, dict) or not ("id" in reference or "name" in reference):
            return None
        return next((link_type for link_type in self.link_types.values()
                     if (link_type.id == str(reference["id"]) if "id" in reference
                         else link_type.name == reference["name"])), None)

    def get_link_type(self, name: str) -> LinkType:
        """Return the link type of this name, which must exist."""
        return next(link_type for link_type in self.link_types.values() if link_type.name == name)

    def find_link(self, type_name: str, source: str, target: str) -> IssueLink | None:
        """Return the link of a type from one issue to another."""
        return next((link for link in self.issues[source].links
                     if (link.type, link.source, link.target) == (type_name, source, target)), None)

    def list_screen_fields(self, project: str) -> list[Field]:
        """Return the fields on a project's screens."""
        return [field for field in self.fields.values() if field.id in DEFAULT_SCREEN_FIELDS | self.placed_field_ids
                and (project, field.id) not in self.off_screen]

    def index_issue(self, issue: Issue) -> None:
        """Let the search index show the issue as it is now, after `index_lag_seconds`."""
        self._index.setdefault(issue.id, []).append((self.clock() + self.index_lag_seconds, issue.copy_current()))

    def list_indexed_issues(self, current: frozenset[str] = frozenset()) -> list[Issue]:
        """Return the issues as the search index shows them; those whose ids are in `current` as they are."""
        until = self.clock()
        issues = []
        for versions in self._index.values():
            visible = [issue for at, issue in versions if at <= until or issue.id in current]
            issues += [visible[-1]] if visible and not visible[-1].deleted else []
        return issues
