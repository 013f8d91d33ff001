"""What a team has chosen, as one value without I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# PagerDuty's default names to Jira's.
PRIORITIES: Mapping[str, str] = {"P1": "Highest", "P2": "High", "P3": "Medium", "P4": "Low", "P5": "Lowest"}


@dataclass(frozen=True)
class Question:
    """An issue of its own for every incident issue, linked to it."""

    summary: str
    description: str = ""


@dataclass(frozen=True)
class Policy:
    """Which incidents get an issue, where, and what goes with it. An empty project key: that part is off."""

    incident_project: str = "INCIDENT"
    person_project: str = "PERSON"
    question_project: str = "QUESTION"
    timeline_project: str = "TIMELINE"
    sync_priorities: frozenset[str] = frozenset({"P1"})
    priorities: Mapping[str, str] = field(default_factory=lambda: PRIORITIES)
    severity: str = "SEV-0"
    stakeholders: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()

    def priority_of(self, on_jira: str) -> str | None:
        """PagerDuty's name for a priority of Jira's, the first that maps to it."""
        return next((name for name, mapped in self.priorities.items() if mapped == on_jira), None)


def issue_type(project_key: str) -> str:
    """The issue type of a project: its key in title case (`INCIDENT`: `Incident`)."""
    return project_key.title()
