"""What a team has chosen, as one value without I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from jpi.domain.model import CATEGORY_OF, STATUS_OF, Category, Incident, Issue, Status

# PagerDuty's default names to Jira's.
PRIORITIES: Mapping[str, str] = {"P1": "Highest", "P2": "High", "P3": "Medium", "P4": "Low", "P5": "Lowest"}
SEVERITY: Mapping[str, Any] = {"Severity": "SEV-0"}

Direction = Literal["both", "to-jira", "to-pagerduty", "off"]
Winner = Literal["newer", "pagerduty", "jira"]
FIELDS = ("status", "title", "priority", "assignee", "comments")


@dataclass(frozen=True)
class Question:
    """An issue of its own for every incident issue, linked to it."""

    summary: str
    description: str = ""


@dataclass(frozen=True)
class When:
    """What a rule asks of an incident; what is empty asks nothing. `title` is searched for as a regular expression."""

    priorities: tuple[str, ...] = ()
    urgencies: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    title: str = ""

    def fits(self, incident: Incident, priority: str | None) -> bool:
        """Whether the incident, had it this priority, is one of those. A service is known by id or name."""
        return ((not self.priorities or priority in self.priorities)
                and (not self.urgencies or incident.urgency in self.urgencies)
                and (not self.services or not {incident.service, incident.service_id}.isdisjoint(self.services))
                and re.search(self.title, incident.title or "") is not None)


@dataclass(frozen=True)
class Create:
    """The issue a rule makes; what is empty is as without a rule. `fields`: by name or id, constants or templates."""

    project: str = ""
    type: str = ""
    priority: str = ""
    labels: tuple[str, ...] = ()
    assignee: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """What comes of the incidents that fit; without `create` nothing does."""

    when: When = When()
    create: Create | None = None


@dataclass(frozen=True)
class WhenIssue:
    """What a rule asks of a new issue; what is empty asks nothing. Projects by key."""

    projects: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()

    def fits(self, issue: Issue) -> bool:
        """Whether the issue is one of those."""
        return ((not self.projects or issue.key.rpartition("-")[0] in self.projects)
                and (not self.types or issue.type in self.types)
                and (not self.priorities or issue.priority in self.priorities))


@dataclass(frozen=True)
class OpenRule:
    """The incident that an issue opens, on a service by id or name. `urgency` empty: as the service has it."""

    service: str
    when: WhenIssue = WhenIssue()
    urgency: str = ""


@dataclass(frozen=True)
class FieldSync:
    """Which way a field is carried over, and which change wins where both sides made one."""

    direction: Direction = "both"
    winner: Winner = "newer"

    def reaches(self, side: str) -> bool:
        """Whether changes are carried over to that side (`jira` or `pagerduty`)."""
        return self.direction in ("both", f"to-{side}")


@dataclass(frozen=True)
class Way:
    """Where an issue is to go, from where both sides agreed it was.

    `statuses`: the categories that a team gave to statuses by name; `fields`: what to fill in on screens on the way.
    """

    category: Category
    agreed: Category
    statuses: Mapping[str, Category] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def category_of(self, status: Mapping[str, Any]) -> Category:
        """What a status stands for, as the API shows it."""
        category = self.statuses.get(status["name"]) or status["statusCategory"]["key"]
        # Jira has a fourth, "No Category": nothing of it is begun.
        return category if category in STATUS_OF else "new"

    def rank(self, name: str) -> int:
        """The place of a status among those chosen; behind them where it is not."""
        return list(self.statuses).index(name) if name in self.statuses else len(self.statuses)


@dataclass(frozen=True)
class Policy:
    """Which incidents get an issue, where, and what goes with it. An empty project key: that part is off.

    `rules`: none stands for one, of `sync_priorities`. `priorities`: of each, Jira's names; the first is written.
    `site`: the address at which people read Jira; `users`: account ids by e-mail on PagerDuty.
    `statuses`: of each, Jira's names of statuses, the first is written; none stands for any of the category.
    """

    incident_project: str = "INCIDENT"
    person_project: str = "PERSON"
    question_project: str = "QUESTION"
    timeline_project: str = "TIMELINE"
    sync_priorities: frozenset[str] = frozenset({"P1"})
    stakeholders: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    site: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    open: tuple[OpenRule, ...] = ()
    priorities: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {name: (one,) for name, one in PRIORITIES.items()})
    statuses: Mapping[Status, tuple[str, ...]] = field(default_factory=dict)
    screens: Mapping[str, Any] = field(default_factory=dict)
    sync: Mapping[str, FieldSync] = field(default_factory=dict)

    def how(self, name: str) -> FieldSync:
        """How a field is kept in step."""
        return self.sync.get(name, FieldSync())

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules, or the one that stands for none."""
        return self.rules or (Rule(When(tuple(sorted(self.sync_priorities))), Create()),)

    def rule_for(self, incident: Incident, priority: str | None) -> Rule | None:
        """The first rule that the incident fits, had it this priority."""
        return next((rule for rule in self.all_rules if rule.when.fits(incident, priority)), None)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The projects, each with its issue type, in which issues are made."""
        created = [rule.create for rule in self.all_rules if rule.create]
        made = [(one.project or self.incident_project, one.type) for one in created]
        others = [(project, "") for project in (self.question_project, self.timeline_project) if project]
        return sorted({(project, name or issue_type(project)) for project, name in [*made, *others]})

    @property
    def custom_fields(self) -> set[str]:
        """The fields that rules and screens fill, by name or id."""
        made = (rule.create.fields for rule in self.all_rules if rule.create)
        return {*SEVERITY, *self.screens, *(name for fields in made for name in fields)}

    def opens(self, issue: Issue) -> OpenRule | None:
        """The first rule by which the issue opens an incident."""
        return next((rule for rule in self.open if rule.when.fits(issue)), None)

    def opens_from(self, key: str) -> bool:
        """Whether issues of this one's project may open incidents."""
        project = key.rpartition("-")[0]
        return any(not rule.when.projects or project in rule.when.projects for rule in self.open)

    def on_jira(self, priority: str | None) -> str | None:
        """Jira's name for a priority of PagerDuty's, None where there is none."""
        return next(iter(self.priorities.get(priority or "", ())), None)

    def means(self, priority: str | None, on_jira: str) -> bool:
        """Whether a priority of Jira's stands for this one of PagerDuty's."""
        return on_jira in self.priorities.get(priority or "", ())

    def priority_of(self, on_jira: str) -> str | None:
        """PagerDuty's name for a priority of Jira's, the first that maps to it."""
        return next((name for name, mapped in self.priorities.items() if on_jira in mapped), None)

    @cached_property
    def named(self) -> Mapping[str, Category]:
        """The category that a status of Jira's stands for, where that was chosen by name."""
        return {name: CATEGORY_OF[status] for status, names in self.statuses.items() for name in names}

    def read(self, issue: Issue) -> Issue:
        """The issue with its status as the team understands it."""
        return replace(issue, category=self.named.get(issue.status or "", issue.category))

    def way(self, category: Category, agreed: Category) -> Way:
        """How an issue gets into this category."""
        return Way(category, agreed, self.named, self.screens)


def issue_type(project_key: str) -> str:
    """The issue type of a project: its key in title case (`INCIDENT`: `Incident`)."""
    return project_key.title()
