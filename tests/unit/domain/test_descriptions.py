"""What actions are in words: every one has some, with the values that would be written."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from jpi.domain import actions
from jpi.domain.decide import Reason
from jpi.domain.descriptions import (
    WORDS_BY_ACTION,
    describe_failed_action,
    describe_performed_action,
    describe_planned_action,
    describe_reason,
)
from jpi.domain.events import IncidentTriggered
from jpi.domain.link import IssueRef, Link, StatusState
from jpi.domain.model import Comment, Incident, Note, Person, Side
from jpi.domain.policy import IssueSpec, Policy

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DOWN = Incident("Q1", "Down", "triggered", "P2", service="Shop", trigger={"host": "db1"})
RULE = IssueSpec("PAY", "Bug", labels=("pay",), fields={"Host": "{incident.service}: {trigger.details.host}"})
POLICY = Policy(statuses={"resolved": ("Closed", "Won't Do")})
NOTE, COMMENT = Note("N1", "Rolled back.", NOON, "Rita"), Comment("1", "It is back.", NOON, Person("J", "Jim"))

LINK = Link("Q1", issue=IssueRef("INCIDENT-1"), status=StatusState("resolved", "resolved"))
CASES = [
    (actions.CreateIncidentIssue(DOWN, None, RULE),
     "create an issue in PAY: Bug 'Down', priority High, labels pagerduty pagerduty-Q1 pay, "
     "with Severity = SEV-0; Host = Shop: db1", "Made the issue INCIDENT-1."),
    (actions.TransitionIssue("done", "new"), "move the issue to Closed or Won't Do", "Moved the issue to Done."),
    (actions.TransitionIssue("new", "done"), "move the issue to a status of the category 'new'",
     "The issue was left where it is: its workflow has no way to To Do, as a comment on it says, or somebody has "
     "closed it meanwhile."),
    (actions.AcceptStatus("resolved"), "remember that the incident is resolved",
     "Remembered that the incident is resolved; the status is not synced."),
    (actions.AddComment("m", "Merged."), "comment on the issue: Merged.", "Commented on the issue: 'Merged.'"),
    (actions.AddTimeline(()), "add to the timeline the missing ones of 0 log entries", "Added 0 timeline entries."),
    (actions.SetIncidentStatus("resolved"), "set the incident to resolved", "Set the incident: resolved."),
    (actions.EditIssue({"title": "Up", "assignee": actions.Assignee(Side.PAGERDUTY, "P1", "Rita")}, 0.0),
     "set the issue's title to 'Up' and set the issue's assignee to Rita", "Set the issue's summary 'Up', assignee."),
    (actions.EditIncident({"priority": "P1"}, 0.0), "set the incident's priority to 'P1'",
     "Set the incident's priority 'P1'."),
    (actions.ReplaceManager("Rita"), "link Rita as the incident manager",
     "Linked Rita as the incident manager, if an issue of that name exists."),
    (actions.MirrorNote(NOTE), "copy a note by Rita into a comment", "Copied Rita's note into a comment on the issue."),
    (actions.EditComment(NOTE.source, None), "delete the comment copied from a note",
     "Deleted the comment copied from a note."),
    (actions.MirrorComment(COMMENT), "copy a comment by Jim into a note",
     "Copied Jim's comment into a note of the incident."),
    (actions.EditNote(COMMENT.source, COMMENT), "change the note copied from a comment",
     "Changed the note copied from a comment."),
    (actions.EndLink(Side.JIRA), "end the sync: gone on Jira", "Ended the sync: gone on Jira."),
]


@pytest.mark.parametrize(("action", "planned", "done"), CASES)
def test_an_action_in_words(action, planned, done):
    assert describe_planned_action(action, POLICY) == planned
    assert describe_failed_action(action, POLICY) == f"Could not {planned}."
    assert describe_performed_action(action, action, LINK) == (done, "left where" not in done)


def test_every_action_has_some():
    assert set(WORDS_BY_ACTION) == set(get_args(actions.Action)) == {type(action) for action, *_ in CASES}


P2 = IncidentTriggered("E1", NOON, DOWN)


@pytest.mark.parametrize(("reason", "words"), [
    (Reason.LINK_ENDED, "Sync has ended"), (Reason.OWN_ECHO, "Our own account"), (Reason.NO_ISSUE, "no issue"),
    (Reason.STALE, "A newer state"), (Reason.NOTHING_NEW, "No change needed."),
    (Reason.NO_MATCHING_RULE, "It has priority P2; only P1 gets an issue (SYNC_PRIORITIES)."),
    (Reason.SKIPPED_BY_RULE, "such an incident (priority P2) gets no issue."),
])
def test_a_reason_in_words(reason, words):
    assert words in describe_reason(reason, P2, POLICY)


def test_a_decision_with_actions_needs_no_reason_and_every_reason_has_words():
    assert describe_reason(None, P2, POLICY) == ""
    assert all(describe_reason(reason, P2, POLICY) for reason in Reason)
