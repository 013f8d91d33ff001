"""What people do in a history. An act that makes no sense now is left out, so that any history can be played."""

from collections.abc import Callable, Mapping
from typing import Protocol

from jpi.jira.adf import to_adf_document
from sandbox.jira.issue_changes import (
    add_comment,
    create_issue,
    delete_issue,
    edit_issue,
    mark_updated,
    transition_issue,
)
from sandbox.jira.issue_changes import move_issue as move_issue_between
from sandbox.jira.model import Comment, Issue
from sandbox.jira.model import User as JiraUser
from sandbox.jira.webhook_events import send_comment_event
from sandbox.pagerduty.model import Incident, User
from sandbox.world import World

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
JIRA_PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
JIRA_STATUSES = ("To Do", "In Progress", "Done")


class Stage(Protocol):
    """Where people act."""

    world: World
    # What people said and changed or deleted later: a copy may be of before, since no poll shows that.
    changed_texts: set[str]

    def list_incidents(self) -> list[Incident]:
        """Return the incidents, oldest first."""

    def find_issue(self, incident: Incident) -> Issue | None:
        """Return the incident's issue that people can see."""

    def make_text(self, kind: str) -> str:
        """Return a text that nobody has used before."""


IncidentAct = Callable[[Stage, Incident, int], None]
IssueAct = Callable[[Stage, Issue, int], None]


def get_people(stage: Stage) -> list[User]:
    """Return the people who may be assigned, on PagerDuty."""
    world = stage.world
    return [world.rita, world.oscar, world.jim_on_pagerduty]


def get_jim(stage: Stage) -> JiraUser:
    """Return the person who works on Jira."""
    return stage.world.jira.users[stage.world.jim_id]


def trigger_incident(stage: Stage, which: int, choice: int) -> None:
    """Trigger an incident, of at most three."""
    world = stage.world
    if len(world.pagerduty.incidents) < 3:
        world.pagerduty.trigger_incident(world.service, stage.make_text("Trouble"),
                                         world.rita if which % 3 else None, PRIORITIES[choice % 5],
                                         details="Nobody can pay.")


def acknowledge_incident(stage: Stage, incident: Incident, choice: int) -> None:
    """Acknowledge the incident."""
    if incident.status == "triggered":
        stage.world.pagerduty.acknowledge_incident(incident, get_people(stage)[choice % 3])


def unacknowledge_incident(stage: Stage, incident: Incident, choice: int) -> None:
    """Let the acknowledgement time out."""
    if incident.status == "acknowledged":
        stage.world.pagerduty.unacknowledge_incident(incident)


def resolve_incident(stage: Stage, incident: Incident, choice: int) -> None:
    """Resolve the incident, sometimes with a note."""
    if incident.status != "resolved":
        note = None if choice % 4 else stage.make_text("Resolved because of")
        stage.world.pagerduty.resolve_incident(incident, stage.world.rita, note)


def reopen_incident(stage: Stage, incident: Incident, choice: int) -> None:
    """Reopen the incident."""
    if incident.status == "resolved" and not incident.merged_into:
        stage.world.pagerduty.reopen_incident(incident, stage.world.rita)


def set_title(stage: Stage, incident: Incident, choice: int) -> None:
    """Change the incident's title, which PagerDuty tells nobody of: once it is resolved, jpi cannot know."""
    if incident.status != "resolved":
        stage.world.pagerduty.set_title(incident, stage.make_text("Retitled"))


def set_priority(stage: Stage, incident: Incident, choice: int) -> None:
    """Change the incident's priority."""
    name = PRIORITIES[choice % 5]
    if incident.priority is None or incident.priority.name != name:
        stage.world.pagerduty.set_priority(incident, name, stage.world.rita)


def reassign_incident(stage: Stage, incident: Incident, choice: int) -> None:
    """Assign the incident to somebody else, or to two people."""
    people = get_people(stage)
    users = [people[choice % 3]] if choice % 4 else [people[choice % 3], people[(choice + 1) % 3]]
    if incident.status != "resolved" and users != incident.assignees:
        stage.world.pagerduty.reassign_incident(incident, users, stage.world.rita)


def add_note(stage: Stage, incident: Incident, choice: int) -> None:
    """Add a note."""
    stage.world.pagerduty.add_note(incident, stage.make_text("Note"), get_people(stage)[choice % 3])


def move_issue(stage: Stage, issue: Issue, choice: int) -> None:
    """Move the issue into another status."""
    site, status = stage.world.jira, JIRA_STATUSES[choice % 3]
    if issue.status != status:
        transition = next(transition for transition in site.workflows[issue.project].transitions
                          if transition.target_status == status)
        transition_issue(site, get_jim(stage), issue, transition, {})


def edit_summary(stage: Stage, issue: Issue, choice: int) -> None:
    """Change the issue's summary."""
    edit_issue(stage.world.jira, get_jim(stage), issue, {"fields": {"summary": stage.make_text("Summed up")}})


def edit_priority(stage: Stage, issue: Issue, choice: int) -> None:
    """Change the issue's priority."""
    edit_issue(stage.world.jira, get_jim(stage), issue, {"fields": {"priority": {"name": JIRA_PRIORITIES[choice % 5]}}})


def edit_assignee(stage: Stage, issue: Issue, choice: int) -> None:
    """Assign the issue to somebody else."""
    world = stage.world
    account_id = (world.rita_id, world.oscar_id, world.jim_id)[choice % 3]
    edit_issue(world.jira, get_jim(stage), issue, {"fields": {"assignee": {"accountId": account_id}}})


def add_comment_as_jim(stage: Stage, issue: Issue, choice: int) -> None:
    """Comment on the issue."""
    add_comment(stage.world.jira, get_jim(stage), issue, to_adf_document(stage.make_text("Remark")))


def merge_incidents(stage: Stage, incident: Incident, choice: int) -> None:
    """Merge the incident into another one."""
    others = [other for other in stage.list_incidents() if other is not incident and other.status != "resolved"]
    if others and incident.status != "resolved":
        stage.world.pagerduty.merge_incidents(incident, others[choice % len(others)], stage.world.rita)


def edit_comment_as_jim(stage: Stage, issue: Issue, choice: int) -> None:
    """Change one of Jim's comments."""
    site, comments = stage.world.jira, list_comments_of_jim(stage, issue)
    if comments:
        comment = comments[choice % len(comments)]
        stage.changed_texts.add(comment.text)
        comment.body, comment.updated = to_adf_document(stage.make_text("Corrected remark")), site.get_time()
        stage.changed_texts.add(comment.text)
        mark_updated(site, issue)
        send_comment_event(site, "comment_updated", issue, comment)


def delete_comment_as_jim(stage: Stage, issue: Issue, choice: int) -> None:
    """Delete one of Jim's comments."""
    comments = list_comments_of_jim(stage, issue)
    if comments:
        comment = comments[choice % len(comments)]
        issue.comments.remove(comment)
        stage.changed_texts.add(comment.text)
        mark_updated(stage.world.jira, issue)
        send_comment_event(stage.world.jira, "comment_deleted", issue, comment)


def list_comments_of_jim(stage: Stage, issue: Issue) -> list[Comment]:
    """Return the comments that Jim wrote."""
    return [comment for comment in issue.comments if comment.author == stage.world.jim_id]


def move_issue_to_project(stage: Stage, issue: Issue, choice: int) -> None:
    """Move the issue into another project, which jpi's webhook does not cover, and back: it has another key then."""
    for project in ("PERSON", "INCIDENT"):
        move_issue_between(stage.world.jira, get_jim(stage), issue, project)


def delete_issue_as_jim(stage: Stage, issue: Issue, choice: int) -> None:
    """Delete the issue."""
    delete_issue(stage.world.jira, get_jim(stage), issue)


def hide_issue(stage: Stage, issue: Issue, choice: int) -> None:
    """Hide the issue from everybody for a while, or show it again."""
    stage.world.jira.hidden_keys ^= {issue.key}


def hide_incident(stage: Stage, incident: Incident, choice: int) -> None:
    """Hide the incident from everybody for a while, or show it again."""
    stage.world.pagerduty.hidden_incident_ids ^= {incident.id}


def create_issue_as_jim(stage: Stage, which: int, choice: int) -> None:
    """Create an issue that a rule may open an incident for, of at most two."""
    site = stage.world.jira
    if len([issue for issue in stage.world.list_issues() if issue.creator == stage.world.jim_id]) < 2:
        create_issue(site, get_jim(stage), {"fields": {
            "project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": stage.make_text("Call about"),
            "priority": {"name": JIRA_PRIORITIES[choice % 5]}}})


INCIDENT_ACTS: Mapping[str, IncidentAct] = {
    "acknowledge": acknowledge_incident, "unacknowledge": unacknowledge_incident, "resolve": resolve_incident,
    "reopen": reopen_incident,
    "set_title": set_title, "set_priority": set_priority, "reassign": reassign_incident, "add_note": add_note,
    "merge": merge_incidents, "hide_incident": hide_incident}
ISSUE_ACTS: Mapping[str, IssueAct] = {
    "move_issue": move_issue, "edit_summary": edit_summary, "edit_priority": edit_priority,
    "edit_assignee": edit_assignee, "comment": add_comment_as_jim, "edit_comment": edit_comment_as_jim,
    "delete_comment": delete_comment_as_jim, "move_project": move_issue_to_project, "delete_issue": delete_issue_as_jim,
    "hide_issue": hide_issue}
