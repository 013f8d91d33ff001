"""What the sandbox's page shows: both services as they are now, and whether they agree. Pure, from the world."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jpi.domain.policy import DEFAULT_PRIORITIES
from jpi.domain.text_limits import to_summary
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.seed import BOT_EMAIL
from sandbox.world import LINK_LABELS, World

AgreementMark = Literal["agree", "differ", "none"]
CATEGORY_BY_STATUS = {"triggered": "new", "acknowledged": "indeterminate", "resolved": "done"}


@dataclass(frozen=True)
class Remark:
    """A note, a comment, or (`who` empty) a line of a log."""

    who: str
    text: str
    at: datetime


@dataclass(frozen=True)
class PairState:
    """An incident and its issue: how they stand, in words."""

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
    """Everything, newest first; `waiting`: how many events the queue is to bring again."""

    incidents: list[IncidentCard]
    issues: list[IssueCard]
    waiting: int

    @property
    def open(self) -> int:
        """How many pairs do not agree yet."""
        return sum(one.pair.mark == "differ" for one in self.incidents)

    @property
    def agree(self) -> bool:
        """Whether nothing is left to do."""
        return not self.open and not self.waiting


def read_page_state(world: World) -> PageState:
    """The world as it is now; each service stands still while it is looked at."""
    with world.jira_server.lock:
        issues = world.list_issues()
        all_issues = [issue for issue in world.jira.issues.values() if issue.project == "INCIDENT"]
        facts = {issue.key: _read_issue_facts(world, issue) for issue in issues}
    with world.pagerduty_server.lock:
        incidents = list(world.pagerduty.incidents.values())
        pairs = {incident.id: compare_pair(world, incident, _pick_issue(incident, all_issues))
                 for incident in incidents}
        shown = [_make_incident_card(incident, pairs[incident.id]) for incident in incidents]
    by_key = {one.key: one for one in pairs.values() if one.key}
    alone = PairState("none", "no incident")
    cards = [IssueCard(**facts[issue.key], pair=by_key.get(issue.key, alone)) for issue in issues]
    return PageState(shown[::-1], cards[::-1], len(world.event_source.failed_messages) if world.event_source else 0)


def compare_pair(world: World, incident: Incident, issue: Issue | None) -> PairState:
    """How an incident and its issue stand."""
    name = incident.priority.name if incident.priority else ""
    if issue is None:
        wanted = name == "P1" and incident.status != "resolved"
        return (PairState("differ", "no issue yet", incident.id) if wanted
                else PairState("none", "needs no issue", incident.id))
    if issue.deleted:
        return PairState("none", f"{issue.key} was deleted: in step no longer", incident.id)
    left = list(_describe_differences(incident, issue)) + list(_describe_missing_copies(world, incident, issue))
    return PairState("differ" if left else "agree", ", ".join(left) or "agree", incident.id, issue.key)


def _describe_differences(incident: Incident, issue: Issue) -> Iterable[str]:
    if issue.category != CATEGORY_BY_STATUS[incident.status] and not _is_acknowledgement_undone(incident, issue):
        yield f"{incident.status} here, {issue.status} there"
    if to_summary(incident.title) != issue.summary:
        yield "titles differ"
    if incident.priority and DEFAULT_PRIORITIES[incident.priority.name] != issue.priority:
        yield f"{incident.priority.name} here, {issue.priority} there"


def _is_acknowledgement_undone(incident: Incident, issue: Issue) -> bool:
    """PagerDuty cannot take an acknowledgement back: an issue moved to do after it is as it should be."""
    moves = [change for change in issue.history if any(item["field"] == "status" for item in change["items"])]
    return (incident.status == "acknowledged" and issue.category == "new" and incident.acknowledgement is not None
            and bool(moves) and datetime.fromisoformat(moves[-1]["created"]) > incident.acknowledgement[0])


def _describe_missing_copies(world: World, incident: Incident, issue: Issue) -> Iterable[str]:
    """Notes and comments of people that the other side lacks: a copy carries the original's id."""
    copies = str([comment.properties for comment in issue.comments])
    notes = [one for one in incident.notes if one.user.email != BOT_EMAIL and one.id not in copies]
    told = " ".join(note.content for note in incident.notes)
    comments = [one for one in issue.comments
                if one.author != world.bot_id and f"focusedCommentId={one.id}" not in told]
    if notes:
        yield "a note is not told yet"
    if comments:
        yield "a comment is not told yet"


def _pick_issue(incident: Incident, issues: list[Issue]) -> Issue | None:
    found = [issue for issue in issues if f"pagerduty-{incident.id}" in issue.labels]
    return next((one for one in found if not one.deleted), found[0] if found else None)


def _make_incident_card(incident: Incident, how: PairState) -> IncidentCard:
    assignee = incident.assignees[0] if incident.assignees and incident.status != "resolved" else None
    return IncidentCard(
        incident.id, incident.number, incident.title, incident.status,
        incident.priority.name if incident.priority else "", incident.priority.id if incident.priority else "",
        assignee.name if assignee else "nobody",
        assignee.id if assignee else "", str(incident.details or ""),
        [Remark(note.user.name, note.content, note.created) for note in incident.notes],
        [Remark("", entry.summary, entry.at) for entry in incident.log], how)


def _read_issue_facts(world: World, issue: Issue) -> dict[str, Any]:
    counts = {kind: len(world.list_linked_summaries(issue, kind)) for kind in LINK_LABELS}
    users = world.jira.users
    return {"key": issue.key, "summary": issue.summary, "status": issue.status, "category": issue.category,
            "priority": issue.priority, "assignee": users[issue.assignee].name if issue.assignee else "nobody",
            "assignee_id": issue.assignee or "", "description": issue.description_text,
            "links": [f"{count} {LINK_LABELS[kind]}" for kind, count in counts.items() if count],
            "timeline": [Remark("", one.summary, one.created)
                         for one in world.jira.list_linked_issues(issue.key, "Timeline")],
            "comments": [Remark(users[one.author].name, one.text, one.created) for one in issue.comments]}
