"""What a team has chosen. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from jpi.domain.model import CATEGORY_BY_STATUS, STATUS_BY_CATEGORY, Category, Incident, Issue, Status

# PagerDuty's default names to Jira's.
DEFAULT_PRIORITIES: Mapping[str, str] = {"P1": "Highest", "P2": "High", "P3": "Medium", "P4": "Low", "P5": "Lowest"}
SEVERITY_FIELD: Mapping[str, Any] = {"Severity": "SEV-0"}
# The type of the field that holds a request's type in Jira Service Management; every site has its own id for it.
REQUEST_TYPE_FIELD = "sd-customerrequesttype"

# A pattern sees so many characters of a title: what it takes grows with them.
MATCHED_TITLE_CHARACTERS = 255

Direction = Literal["both", "to-jira", "to-pagerduty", "off"]
Winner = Literal["newer", "pagerduty", "jira"]
SYNCED_FIELDS = ("status", "title", "priority", "assignee", "comments")


@dataclass(frozen=True)
class Question:
    """An issue of its own for every incident issue, linked to it."""

    summary: str
    description: str = ""


@dataclass(frozen=True)
class IncidentCondition:
    """The incidents that a rule matches; an empty field matches all. `title` is a regular expression to search for."""

    priorities: tuple[str, ...] = ()
    urgencies: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    title: str = ""

    def is_met_by(self, incident: Incident, priority: str | None) -> bool:
        """Return True if the incident, had it this priority, matches. A service matches by id or name."""
        return ((not self.priorities or priority in self.priorities)
                and (not self.urgencies or incident.urgency in self.urgencies)
                and (not self.services or not {incident.service, incident.service_id}.isdisjoint(self.services))
                and re.search(self.title, (incident.title or "")[:MATCHED_TITLE_CHARACTERS]) is not None)


@dataclass(frozen=True)
class IssueSpec:
    """The issue that a rule creates; empty fields have their defaults. `fields`: by name or id, values or templates.

    `request_type`: by name or id, in a project of Jira Service Management.
    """

    project: str = ""
    type: str = ""
    priority: str = ""
    labels: tuple[str, ...] = ()
    assignee: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    request_type: str = ""

    @property
    def all_fields(self) -> Mapping[str, Any]:
        """Return the fields, the request type among them."""
        return {**self.fields, **({REQUEST_TYPE_FIELD: self.request_type} if self.request_type else {})}


@dataclass(frozen=True)
class CreationRule:
    """The issue for the incidents that match; none without `issue_spec`."""

    condition: IncidentCondition = IncidentCondition()
    issue_spec: IssueSpec | None = None


@dataclass(frozen=True)
class IssueCondition:
    """The new issues that a rule matches; an empty field matches all. Projects by key."""

    projects: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()

    def is_met_by(self, issue: Issue) -> bool:
        """Return True if the issue matches."""
        return ((not self.projects or issue.key.rpartition("-")[0] in self.projects)
                and (not self.types or issue.type in self.types)
                and (not self.priorities or issue.priority in self.priorities))


@dataclass(frozen=True)
class OpeningRule:
    """The incident that an issue opens, on a service by id or name. An empty `urgency` is the service's own."""

    service: str
    condition: IssueCondition = IssueCondition()
    urgency: str = ""


@dataclass(frozen=True)
class FieldPolicy:
    """Which way a field is synced, and which change wins if both sides changed it."""

    direction: Direction = "both"
    winner: Winner = "newer"

    def is_synced_to(self, side: str) -> bool:
        """Return True if changes are carried over to that side (`jira` or `pagerduty`)."""
        return self.direction in ("both", f"to-{side}")


@dataclass(frozen=True)
class TransitionTarget:
    """The category that an issue is to reach, and the one that both sides agreed on before.

    `category_by_status_name`: where the team chose it; `screen_fields`: values for the screens on the way.
    """

    category: Category
    from_category: Category
    category_by_status_name: Mapping[str, Category] = field(default_factory=dict)
    screen_fields: Mapping[str, Any] = field(default_factory=dict)

    def get_category(self, status_name: str, jira_category: str) -> Category:
        """Return the category that a status counts as: the team's, else Jira's, of which "No Category" is "new"."""
        name = self.category_by_status_name.get(status_name) or jira_category
        return next((category for category in STATUS_BY_CATEGORY if category == name), "new")

    def rank_status(self, name: str) -> int:
        """Return the place of a status among those that the team chose; after the last for others."""
        return (list(self.category_by_status_name).index(name) if name in self.category_by_status_name
                else len(self.category_by_status_name))


@dataclass(frozen=True)
class Policy:
    """Which incidents get an issue, where, and what goes with it. An empty project key turns that part off.

    `rules`: without any, one rule matches `sync_priorities`. `priorities`: Jira's names of each; the first is written.
    `jira_url`: the address at which people read Jira; `user_map`: account ids by e-mail on PagerDuty.
    `statuses`: Jira's names of each, the first is written; without any, all statuses of the category.
    `has_public_comments`: the customers of a service project may see jpi's comments.
    """

    incident_project: str = "INCIDENT"
    person_project: str = "PERSON"
    question_project: str = "QUESTION"
    timeline_project: str = "TIMELINE"
    sync_priorities: frozenset[str] = frozenset({"P1"})
    stakeholders: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    jira_url: str = ""
    user_map: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[CreationRule, ...] = ()
    opening_rules: tuple[OpeningRule, ...] = ()
    priorities: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {name: (jira_name,) for name, jira_name in DEFAULT_PRIORITIES.items()})
    statuses: Mapping[Status, tuple[str, ...]] = field(default_factory=dict)
    screen_fields: Mapping[str, Any] = field(default_factory=dict)
    field_policies: Mapping[str, FieldPolicy] = field(default_factory=dict)
    has_public_comments: bool = False

    def field_policy(self, name: str) -> FieldPolicy:
        """Return how a field is synced."""
        return self.field_policies.get(name, FieldPolicy())

    @cached_property
    def all_rules(self) -> tuple[CreationRule, ...]:
        """Return the rules, or the default one if there are none."""
        return self.rules or (CreationRule(IncidentCondition(tuple(sorted(self.sync_priorities))), IssueSpec()),)

    def match_rule(self, incident: Incident, priority: str | None) -> CreationRule | None:
        """Return the first rule that matches the incident with this priority."""
        return next((rule for rule in self.all_rules if rule.condition.is_met_by(incident, priority)), None)

    @property
    def incident_issue_types(self) -> list[tuple[str, str]]:
        """Return the projects in which jpi creates incidents' issues, each with its issue type."""
        specs = [rule.issue_spec for rule in self.all_rules if rule.issue_spec]
        types = [(spec.project or self.incident_project, spec.type) for spec in specs]
        return sorted({(project, name or derive_issue_type(project)) for project, name in types})

    @property
    def created_issue_types(self) -> list[tuple[str, str]]:
        """Return the projects in which jpi creates issues, each with its issue type."""
        projects = [project for project in (self.question_project, self.timeline_project) if project]
        return sorted({*self.incident_issue_types, *((project, derive_issue_type(project)) for project in projects)})

    @property
    def custom_fields(self) -> set[str]:
        """Return the fields that rules and screens fill, by name or id."""
        specs = [rule.issue_spec for rule in self.all_rules if rule.issue_spec]
        return {*SEVERITY_FIELD, *self.screen_fields, *(name for spec in specs for name in spec.all_fields)}

    def find_opening_rule(self, issue: Issue) -> OpeningRule | None:
        """Return the first rule by which the issue opens an incident."""
        return next((rule for rule in self.opening_rules if rule.condition.is_met_by(issue)), None)

    def can_open(self, issue_key: str, incident: Incident) -> bool:
        """Return True if issues of this one's project may open incidents on this one's service."""
        project = issue_key.rpartition("-")[0]
        return any((not rule.condition.projects or project in rule.condition.projects)
                   and rule.service in (incident.service, incident.service_id) for rule in self.opening_rules)

    def to_jira_priority(self, priority: str | None) -> str | None:
        """Return Jira's name for a priority of PagerDuty's; None where there is none."""
        return next(iter(self.priorities.get(priority or "", ())), None)

    def is_same_priority(self, priority: str | None, jira_priority: str) -> bool:
        """Return True if Jira's priority stands for PagerDuty's."""
        return jira_priority in self.priorities.get(priority or "", ())

    def to_pagerduty_priority(self, jira_priority: str) -> str | None:
        """Return PagerDuty's name for a priority of Jira's, the first that maps to it."""
        return next((name for name, mapped in self.priorities.items() if jira_priority in mapped), None)

    @cached_property
    def category_by_status_name(self) -> Mapping[str, Category]:
        """Return the category of each of Jira's statuses that the team chose by name."""
        return {name: CATEGORY_BY_STATUS[status] for status, names in self.statuses.items() for name in names}

    def with_team_category(self, issue: Issue) -> Issue:
        """Return the issue with the category that the team gave to its status."""
        return replace(issue, category=self.category_by_status_name.get(issue.status or "", issue.category))

    def transition_target(self, category: Category, from_category: Category) -> TransitionTarget:
        """Return the target for an issue that is to reach this category."""
        return TransitionTarget(category, from_category, self.category_by_status_name, self.screen_fields)


def derive_issue_type(project_key: str) -> str:
    """Return the issue type of a project: its key in title case (`INCIDENT`: `Incident`)."""
    return project_key.title()
