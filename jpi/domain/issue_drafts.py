"""The issues to be created, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jpi.domain.idempotency_keys import build_incident_issue_key
from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntry
from jpi.domain.policy import SEVERITY_FIELD, IssueSpec, Policy, Question, derive_issue_type
from jpi.domain.templates import fill_template, render_entry_description, render_incident_description, to_summary

# Names of link types; the incident *has* a question, a stakeholder, an incident manager, a timeline entry.
QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, MANAGER_LINK_TYPE, TIMELINE_LINK_TYPE = (
    "Question", "Stakeholder", "Incident Manager", "Timeline")
PAGERDUTY_LABEL = "pagerduty"


@dataclass(frozen=True)
class IssueLink:
    """A link from a new issue to another; the new issue `has` the other, or is one `of` the other's."""

    type: str
    key: str
    role: Literal["has", "of"] = "has"


@dataclass(frozen=True)
class IssueDraft:
    """An issue to be created. By its `idempotency_key` jpi finds it again after a lost answer.

    `fields`: further ones, by name or id, with values as a person would write them; `assignee`: an account id.
    `search_label`: the label of the incident's issues; an issue that cannot be linked gets it too, to be found.
    """

    project: str
    type: str
    summary: str
    description: str
    idempotency_key: str
    search_label: str
    priority: str | None = None
    assignee: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    links: tuple[IssueLink, ...] = ()

    @property
    def incident_id(self) -> str:
        """Return the id of the incident that the issue is for."""
        return self.search_label.removeprefix(build_incident_label(""))


@dataclass(frozen=True)
class CreatedIssue:
    """An issue that was created. `dropped_fields`: those that its screen lacks; `missing_links`: those still to do.

    `summary`: as it was sent; None where that is not known.
    """

    key: str
    id: str
    dropped_fields: tuple[str, ...] = ()
    missing_links: tuple[IssueLink, ...] = ()
    summary: str | None = None


def build_incident_label(incident_id: str) -> str:
    """Return the label that finds an incident's issue."""
    return f"{PAGERDUTY_LABEL}-{incident_id}"


def draft_incident_issue(incident: Incident, issue_spec: IssueSpec, manager_key: str | None,
                         assignee_account_id: str | None, policy: Policy) -> IssueDraft:
    """Draft the incident's issue as the rule wants it; `manager_key` is the key of a person's issue."""
    links = [IssueLink(STAKEHOLDER_LINK_TYPE, key) for key in policy.stakeholders]
    project = issue_spec.project or policy.incident_project
    return IssueDraft(
        project=project, type=issue_spec.type or derive_issue_type(project), summary=to_summary(incident.title),
        description=render_incident_description(incident), idempotency_key=build_incident_issue_key(incident.id),
        search_label=build_incident_label(incident.id), assignee=assignee_account_id,
        priority=issue_spec.priority or policy.to_jira_priority(incident.priority),
        fields=fill_template({**SEVERITY_FIELD, **issue_spec.all_fields}, incident),
        labels=(PAGERDUTY_LABEL, build_incident_label(incident.id), *issue_spec.labels),
        links=tuple(links + ([IssueLink(MANAGER_LINK_TYPE, manager_key)] if manager_key else [])))


def draft_question(question: Question, idempotency_key: str, link: Link, policy: Policy) -> IssueDraft:
    """Draft one question of an incident's issue."""
    return _draft_linked_issue(policy.question_project, QUESTION_LINK_TYPE, question.summary, question.description,
                               idempotency_key, link)


def draft_timeline_entry(entry: LogEntry, link: Link, policy: Policy) -> IssueDraft:
    """Draft one entry of an incident's timeline."""
    return _draft_linked_issue(policy.timeline_project, TIMELINE_LINK_TYPE, entry.summary,
                               render_entry_description(entry), entry.id, link)


def _draft_linked_issue(project: str, link_type: str, title: str, text: str, idempotency_key: str,
                        link: Link) -> IssueDraft:
    links = (IssueLink(link_type, str(link.issue_key), "of"),)
    return IssueDraft(project, derive_issue_type(project), to_summary(title), text, idempotency_key,
                      build_incident_label(link.incident_id), links=links)
