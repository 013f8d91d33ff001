"""The issues to be made, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntry
from jpi.domain.policy import SEVERITY, Create, Policy, Question, issue_type
from jpi.domain.templates import filled
from jpi.domain.text_limits import entry_description, incident_description, summary

# Names of link types; the incident *has* each of them: shared design, "What happens on what".
QUESTION, STAKEHOLDER, MANAGER, TIMELINE = "Question", "Stakeholder", "Incident Manager", "Timeline"
LABEL = "pagerduty"


@dataclass(frozen=True)
class LinkTo:
    """A link of a new issue: it `has` the other one, or is one `of` it."""

    type: str
    key: str
    role: Literal["has", "of"] = "has"


@dataclass(frozen=True)
class Draft:
    """An issue to be made. `mark` says what it stands for, so that it is known again after a lost answer.

    `fields`: others, by name or id, each a value as a person would write it; `assignee`: an account id.
    `found_by`: the label of the incident's issues; one that cannot be linked carries it too, to be found at all.
    """

    project: str
    type: str
    summary: str
    description: str
    mark: str
    found_by: str
    priority: str | None = None
    assignee: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    links: tuple[LinkTo, ...] = ()


@dataclass(frozen=True)
class Created:
    """An issue that was made, without the fields its screen lacks; `unlinked` are the links still to be made.

    `summary`: as it was sent, None where that is not known.
    """

    key: str
    id: str
    dropped: tuple[str, ...] = ()
    unlinked: tuple[LinkTo, ...] = ()
    summary: str | None = None


def incident_label(incident_id: str) -> str:
    """The label that finds an incident's issue."""
    return f"{LABEL}-{incident_id}"


def incident_draft(incident: Incident, rule: Create, manager: str | None, assignee: str | None,
                   policy: Policy) -> Draft:
    """The incident's issue as `rule` wants it; `manager` is the key of a person's issue, `assignee` an account id."""
    links = [LinkTo(STAKEHOLDER, key) for key in policy.stakeholders]
    project = rule.project or policy.incident_project
    return Draft(
        project=project,
        type=rule.type or issue_type(project),
        summary=summary(incident.title),
        description=incident_description(incident),
        mark=f"incident:{incident.id}",
        found_by=incident_label(incident.id),
        priority=rule.priority or policy.on_jira(incident.priority),
        assignee=assignee,
        fields=filled({**SEVERITY, **rule.fields}, incident),
        labels=(LABEL, incident_label(incident.id), *rule.labels),
        links=tuple(links + ([LinkTo(MANAGER, manager)] if manager else [])),
    )


def question_draft(question: Question, mark: str, link: Link, policy: Policy) -> Draft:
    """One question of an incident's issue."""
    return _part(policy.question_project, QUESTION, question.summary, question.description, mark, link)


def timeline_draft(entry: LogEntry, link: Link, policy: Policy) -> Draft:
    """One line of an incident's timeline."""
    return _part(policy.timeline_project, TIMELINE, entry.summary, entry_description(entry), entry.id, link)


def _part(project: str, link_type: str, title: str, text: str, mark: str, link: Link) -> Draft:
    links = (LinkTo(link_type, str(link.issue_key), "of"),)
    return Draft(project, issue_type(project), summary(title), text, mark, incident_label(link.incident_id),
                 links=links)
