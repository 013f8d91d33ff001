"""The issues to be made, as values. Pure."""

from dataclasses import dataclass
from typing import Literal

from jpi.sync.events import Incident, LogEntry
from jpi.sync.link import Link
from jpi.sync.policy import Policy, Question, issue_type
from jpi.sync.text import entry_description, incident_description, summary

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

    `found_by`: the label of the incident's issues; one that cannot be linked carries it too, to be found at all.
    """

    project: str
    type: str
    summary: str
    description: str
    mark: str
    found_by: str
    priority: str | None = None
    severity: str | None = None
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


def incident_draft(incident: Incident, manager: str | None, policy: Policy) -> Draft:
    """The incident's issue; `manager` is the key of a person's issue."""
    links = [LinkTo(STAKEHOLDER, key) for key in policy.stakeholders]
    return Draft(
        project=policy.incident_project,
        type=issue_type(policy.incident_project),
        summary=summary(incident.title),
        description=incident_description(incident),
        mark=f"incident:{incident.id}",
        found_by=incident_label(incident.id),
        priority=policy.priorities.get(incident.priority or ""),
        severity=policy.severity,
        labels=(LABEL, incident_label(incident.id)),
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
