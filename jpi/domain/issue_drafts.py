"""The issues to be made, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jpi.domain.idempotency_keys import build_incident_issue_key
from jpi.domain.link import Link
from jpi.domain.model import Incident, LogEntry
from jpi.domain.policy import SEVERITY_FIELD, IssueSpec, Policy, Question, derive_issue_type
from jpi.domain.templates import fill_template
from jpi.domain.text_limits import render_entry_description, render_incident_description, to_summary

# Names of link types; the incident *has* each of them: shared design, "What happens on what".
QUESTION_LINK_TYPE, STAKEHOLDER_LINK_TYPE, MANAGER_LINK_TYPE, TIMELINE_LINK_TYPE = ("Question", "Stakeholder",
                                                                                    "Incident Manager", "Timeline")
PAGERDUTY_LABEL = "pagerduty"


@dataclass(frozen=True)
class IssueLink:
    """A link of a new issue: it `has` the other one, or is one `of` it."""

    type: str
    key: str
    role: Literal["has", "of"] = "has"


@dataclass(frozen=True)
class IssueDraft:
    """An issue to be made. `mark` says what it stands for, so that it is known again after a lost answer.

    `fields`: others, by name or id, each a value as a person would write it; `assignee`: an account id.
    `found_by`: the label of the incident's issues; one that cannot be linked carries it too, to be found at all.
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


@dataclass(frozen=True)
class CreatedIssue:
    """An issue that was made, without the fields its screen lacks; `unlinked` are the links still to be made.

    `summary`: as it was sent, None where that is not known.
    """

    key: str
    id: str
    dropped_fields: tuple[str, ...] = ()
    missing_links: tuple[IssueLink, ...] = ()
    summary: str | None = None


def build_incident_label(incident_id: str) -> str:
    """The label that finds an incident's issue."""
    return f"{PAGERDUTY_LABEL}-{incident_id}"


def draft_incident_issue(incident: Incident, issue_spec: IssueSpec, manager_key: str | None,
                         assignee_account_id: str | None, policy: Policy) -> IssueDraft:
    """The incident's issue as `rule` wants it; `manager` is the key of a person's issue, `assignee` an account id."""
    links = [IssueLink(STAKEHOLDER_LINK_TYPE, key) for key in policy.stakeholders]
    project = issue_spec.project or policy.incident_project
    return IssueDraft(project=project, type=issue_spec.type or derive_issue_type(project),
                      summary=to_summary(incident.title), description=render_incident_description(incident),
                      idempotency_key=build_incident_issue_key(incident.id),
                      search_label=build_incident_label(incident.id),
                      priority=issue_spec.priority or policy.to_jira_priority(incident.priority),
                      assignee=assignee_account_id, fields=fill_template({**SEVERITY_FIELD, **issue_spec.fields},
                                                                         incident),
                      labels=(PAGERDUTY_LABEL, build_incident_label(incident.id), *issue_spec.labels),
                      links=tuple(links + ([IssueLink(MANAGER_LINK_TYPE, manager_key)] if manager_key else [])))


def draft_question(question: Question, idempotency_key: str, link: Link, policy: Policy) -> IssueDraft:
    """One question of an incident's issue."""
    return _draft_linked_issue(policy.question_project, QUESTION_LINK_TYPE, question.summary, question.description,
                               idempotency_key, link)


def draft_timeline_entry(entry: LogEntry, link: Link, policy: Policy) -> IssueDraft:
    """One line of an incident's timeline."""
    return _draft_linked_issue(policy.timeline_project, TIMELINE_LINK_TYPE, entry.summary,
                               render_entry_description(entry), entry.id, link)


def _draft_linked_issue(project: str, link_type: str, title: str, text: str, idempotency_key: str,
                        link: Link) -> IssueDraft:
    links = (IssueLink(link_type, str(link.issue_key), "of"),)
    return IssueDraft(project, derive_issue_type(project), to_summary(title), text, idempotency_key,
                      build_incident_label(link.incident_id), links=links)
