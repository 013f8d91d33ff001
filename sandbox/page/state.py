"""What the sandbox's page shows: both services as they are now, and whether they agree. Pure, from the world."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jpi.domain.policy import PRIORITIES
from jpi.domain.text_limits import summary
from sandbox.cast import BOT_EMAIL
from sandbox.jira.model import Issue
from sandbox.pagerduty.model import Incident
from sandbox.world import SHORT, World

Mark = Literal["agree", "differ", "none"]
CATEGORY = {"triggered": "new", "acknowledged": "indeterminate", "resolved": "done"}


@dataclass(frozen=True)
class Said:
    """A note, a comment, or (`who` empty) a line of a log."""

    who: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Pair:
    """An incident and its issue: how they stand, in words."""

    mark: Mark
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
    notes: list[Said]
    log: list[Said]
    pair: Pair


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
    timeline: list[Said]
    comments: list[Said]
    pair: Pair


@dataclass(frozen=True)
class State:
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


def state(world: World) -> State:
    """The world as it is now; each service stands still while it is looked at."""
    with world.jira_server.lock:
        issues = world.issues()
        all_issues = [issue for issue in world.jira.issues.values() if issue.project == "INCIDENT"]
        facts = {issue.key: _issue_facts(world, issue) for issue in issues}
    with world.pagerduty_server.lock:
        incidents = list(world.pagerduty.incidents.values())
        pairs = {incident.id: pair(world, incident, _issue_of(incident, all_issues)) for incident in incidents}
        shown = [_incident(incident, pairs[incident.id]) for incident in incidents]
    by_key = {one.key: one for one in pairs.values() if one.key}
    alone = Pair("none", "no incident")
    cards = [IssueCard(**facts[issue.key], pair=by_key.get(issue.key, alone)) for issue in issues]
    return State(shown[::-1], cards[::-1], len(world.events.failed) if world.events else 0)


def pair(world: World, incident: Incident, issue: Issue | None) -> Pair:
    """How an incident and its issue stand."""
    name = incident.priority.name if incident.priority else ""
    if issue is None:
        wanted = name == "P1" and incident.status != "resolved"
        return Pair("differ", "no issue yet", incident.id) if wanted else Pair("none", "needs no issue", incident.id)
    if issue.deleted:
        return Pair("none", f"{issue.key} was deleted: in step no longer", incident.id)
    left = list(_differences(incident, issue)) + list(_untold(world, incident, issue))
    return Pair("differ" if left else "agree", ", ".join(left) or "agree", incident.id, issue.key)


def _differences(incident: Incident, issue: Issue) -> Iterable[str]:
    if issue.category != CATEGORY[incident.status] and not _taken_back(incident, issue):
        yield f"{incident.status} here, {issue.status} there"
    if summary(incident.title) != issue.summary:
        yield "titles differ"
    if incident.priority and PRIORITIES[incident.priority.name] != issue.priority:
        yield f"{incident.priority.name} here, {issue.priority} there"


def _taken_back(incident: Incident, issue: Issue) -> bool:
    """PagerDuty cannot take an acknowledgement back: an issue moved to do after it is as it should be."""
    moves = [change for change in issue.history if any(item["field"] == "status" for item in change["items"])]
    return (incident.status == "acknowledged" and issue.category == "new" and incident.acknowledged is not None
            and bool(moves) and datetime.fromisoformat(moves[-1]["created"]) > incident.acknowledged[0])


def _untold(world: World, incident: Incident, issue: Issue) -> Iterable[str]:
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


def _issue_of(incident: Incident, issues: list[Issue]) -> Issue | None:
    found = [issue for issue in issues if f"pagerduty-{incident.id}" in issue.labels]
    return next((one for one in found if not one.deleted), found[0] if found else None)


def _incident(incident: Incident, how: Pair) -> IncidentCard:
    assignee = incident.assignees[0] if incident.assignees and incident.status != "resolved" else None
    return IncidentCard(
        incident.id, incident.number, incident.title, incident.status,
        incident.priority.name if incident.priority else "", incident.priority.id if incident.priority else "",
        assignee.name if assignee else "nobody",
        assignee.id if assignee else "", str(incident.details or ""),
        [Said(note.user.name, note.content, note.created) for note in incident.notes],
        [Said("", entry.summary, entry.at) for entry in incident.log], how)


def _issue_facts(world: World, issue: Issue) -> dict[str, Any]:
    counts = {kind: len(world.linked(issue, kind)) for kind in SHORT}
    users = world.jira.users
    return {
        "key": issue.key, "summary": issue.summary, "status": issue.status, "category": issue.category,
        "priority": issue.priority, "assignee": users[issue.assignee].name if issue.assignee else "nobody",
        "assignee_id": issue.assignee or "", "description": issue.description_text,
        "links": [f"{count} {SHORT[kind]}" for kind, count in counts.items() if count],
        "timeline": [Said("", one.summary, one.created) for one in world.jira.linked(issue.key, "Timeline")],
        "comments": [Said(users[one.author].name, one.text, one.created) for one in issue.comments],
    }
