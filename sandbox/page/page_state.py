"""What the sandbox's page shows: both services as they are now, and whether they agree. Pure, from the world."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jpi.domain.model import CATEGORY_BY_STATUS
from jpi.domain.policy import DEFAULT_PRIORITIES
from jpi.domain.templates import to_summary
from sandbox.copying_integration import EMAIL as BRIDGE_EMAIL
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.seed import BOT_EMAIL
from sandbox.world import LINK_LABELS, World

AgreementMark = Literal["agree", "differ", "none"]


@dataclass(frozen=True)
class Remark:
    """A note, a comment, or (without `author`) a line of a log."""

    author: str
    text: str
    at: datetime


@dataclass(frozen=True)
class PairState:
    """Whether an incident and its issue agree, and how they differ."""

    mark: AgreementMark
    words: str
    incident_id: str = ""
    key: str = ""


@dataclass(frozen=True)
class IncidentCard:
    """An incident as PagerDuty shows it."""

    id: str
    number: int
    title: str
    status: str
    priority: str
    priority_id: str
    assignee: str
    assignee_id: str
    details: str
    notes: list[Remark]
    log: list[Remark]
    pair: PairState


@dataclass(frozen=True)
class IssueCard:
    """An issue as Jira shows it; `links` counts what it is linked to."""

    key: str
    summary: str
    status: str
    category: str
    priority: str
    assignee: str
    assignee_id: str
    description: str
    links: list[str]
    timeline: list[Remark]
    comments: list[Remark]
    pair: PairState


@dataclass(frozen=True)
class PageState:
    """All incidents and issues, newest first; `waiting`: how many events the queue will deliver again."""

    incidents: list[IncidentCard]
    issues: list[IssueCard]
    waiting: int

    @property
    def differing_count(self) -> int:
        """Return how many pairs do not agree yet."""
        return sum(incident.pair.mark == "differ" for incident in self.incidents)

    @property
    def is_settled(self) -> bool:
        """True if all pairs agree and no event waits."""
        return not self.differing_count and not self.waiting


def read_page_state(world: World) -> PageState:
    """Read the world as it is now; each service is locked while it is read."""
    with world.jira_server.lock:
        issues = world.list_issues()
        all_issues = [issue for issue in world.jira.issues.values() if issue.project == "INCIDENT"]
        facts = {issue.key: _read_issue_facts(world, issue) for issue in issues}
    with world.pagerduty_server.lock:
        incidents = list(world.pagerduty.incidents.values())
        pairs = {incident.id: compare_pair(world, incident, _pick_issue(incident, all_issues))
                 for incident in incidents}
        cards = [_make_incident_card(incident, pairs[incident.id]) for incident in incidents]
    by_key = {pair.key: pair for pair in pairs.values() if pair.key}
    no_pair = PairState("none", "no incident")
    issue_cards = [IssueCard(**facts[issue.key], pair=by_key.get(issue.key, no_pair)) for issue in issues]
    return PageState(cards[::-1], issue_cards[::-1], len(world.event_source.failed_messages) if world.event_source
                     else 0)


def compare_pair(world: World, incident: Incident, issue: Issue | None) -> PairState:
    """Compare an incident with its issue."""
    name = incident.priority.name if incident.priority else ""
    if issue is None:
        needs_issue = name == "P1" and incident.status != "resolved"
        return (PairState("differ", "no issue yet", incident.id) if needs_issue
                else PairState("none", "needs no issue", incident.id))
    if issue.deleted:
        return PairState("none", f"{issue.key} was deleted: no longer in step", incident.id)
    differences = list(_describe_differences(incident, issue)) + list(_describe_missing_copies(world, incident, issue))
    return PairState("differ" if differences else "agree", ", ".join(differences) or "agree", incident.id, issue.key)


def _describe_differences(incident: Incident, issue: Issue) -> Iterable[str]:
    if issue.category != CATEGORY_BY_STATUS[incident.status] and not _is_acknowledgement_undone(incident, issue):
        yield f"PagerDuty: {incident.status}, Jira: {issue.status}"
    if to_summary(incident.title) != issue.summary:
        yield "titles differ"
    if incident.priority and DEFAULT_PRIORITIES[incident.priority.name] != issue.priority:
        yield f"PagerDuty: {incident.priority.name}, Jira: {issue.priority}"


def _is_acknowledgement_undone(incident: Incident, issue: Issue) -> bool:
    """True if the issue moved to do after the acknowledgement: PagerDuty cannot undo that, so both are fine."""
    moves = [change for change in issue.history if any(item["field"] == "status" for item in change["items"])]
    return (incident.status == "acknowledged" and issue.category == "new" and incident.acknowledgement is not None
            and bool(moves) and datetime.fromisoformat(moves[-1]["created"]) > incident.acknowledgement[0])


def _describe_missing_copies(world: World, incident: Incident, issue: Issue) -> Iterable[str]:
    """Yield which notes and comments of people the other side lacks: a copy carries the original's id."""
    copies = str([comment.properties for comment in issue.comments])
    bots = (BOT_EMAIL, BRIDGE_EMAIL)
    notes = [note for note in incident.notes if note.user.email not in bots and note.id not in copies]
    note_texts = " ".join(note.content for note in incident.notes)
    comments = [comment for comment in issue.comments
                if world.jira.users[comment.author].email not in bots
                and f"focusedCommentId={comment.id}" not in note_texts]
    if notes:
        yield "a note is missing in Jira"
    if comments:
        yield "a comment is missing in PagerDuty"


def _pick_issue(incident: Incident, issues: list[Issue]) -> Issue | None:
    labelled = [issue for issue in issues if f"pagerduty-{incident.id}" in issue.labels]
    return next((issue for issue in labelled if not issue.deleted), labelled[0] if labelled else None)


def _make_incident_card(incident: Incident, pair: PairState) -> IncidentCard:
    assignee = incident.assignees[0] if incident.assignees and incident.status != "resolved" else None
    return IncidentCard(
        incident.id, incident.number, incident.title, incident.status,
        incident.priority.name if incident.priority else "", incident.priority.id if incident.priority else "",
        assignee.name if assignee else "nobody",
        assignee.id if assignee else "", str(incident.details or ""),
        [Remark(note.user.name, note.content, note.created) for note in incident.notes],
        [Remark("", entry.summary, entry.at) for entry in incident.log], pair)


def _read_issue_facts(world: World, issue: Issue) -> dict[str, Any]:
    counts = {kind: len(world.list_linked_summaries(issue, kind)) for kind in LINK_LABELS}
    users = world.jira.users
    return {"key": issue.key, "summary": issue.summary, "status": issue.status, "category": issue.category,
            "priority": issue.priority, "assignee": users[issue.assignee].name if issue.assignee else "nobody",
            "assignee_id": issue.assignee or "", "description": issue.description_text,
            "links": [f"{count} {LINK_LABELS[kind]}" for kind, count in counts.items() if count],
            "timeline": [Remark("", entry.summary, entry.created)
                         for entry in world.jira.list_linked_issues(issue.key, "Timeline")],
            "comments": [Remark(users[comment.author].name, comment.text, comment.created)
                         for comment in issue.comments]}
