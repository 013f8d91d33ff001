"""What actions are in words: every one has some, with the values that would be written."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from jpi.domain import actions
from jpi.domain.action_words import PLANNED_TEXT_BY_ACTION, describe_planned_action
from jpi.domain.model import Comment, Incident, Note, Person, Side, SourceId, SourceKind
from jpi.domain.policy import IssueSpec, Policy

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DOWN = Incident("Q1", "Down", "triggered", "P2", service="Shop", trigger={"host": "db1"})
RULE = IssueSpec("PAY", "Bug", labels=("pay",), fields={"Host": "{incident.service}: {trigger.details.host}"})
POLICY = Policy(statuses={"resolved": ("Closed", "Won't Do")})
NOTE, COMMENT = Note("N1", "Rolled back.", NOON, "Rita"), Comment("1", "It is back.", NOON, Person("J", "Jim"))

CASES = [
    (actions.CreateIncidentIssue(DOWN, None, RULE),
     "create an issue in PAY: Bug 'Down', priority High, labels pagerduty pagerduty-Q1 pay, "
     "with Severity = SEV-0; Host = Shop: db1"),
    (actions.TransitionIssue("done", "new"), "move the issue to Closed or Won't Do"),
    (actions.TransitionIssue("new", "done"), "move the issue to a status of the category 'new'"),
    (actions.AcceptStatus("resolved"), "remember that the incident is resolved"),
    (actions.AddComment("m", "Merged."), "comment on the issue: Merged."),
    (actions.AddTimeline(()), "add to the timeline what it lacks of 0 log entries"),
    (actions.SetIncidentStatus("resolved"), "set the incident to resolved"),
    (actions.EditIssue({"title": "Up", "assignee": actions.Assignee("pagerduty", "P1", "Rita")}, 0.0),
     "set the issue's title to 'Up' and set the issue's assignee to Rita, as they are known there"),
    (actions.EditIncident({"priority": "P1"}, 0.0), "set the incident's priority to 'P1'"),
    (actions.ReplaceManager("Rita"), "link Rita as the incident manager"),
    (actions.MirrorNote(NOTE), "make a comment of a note by Rita"),
    (actions.EditComment(SourceId(SourceKind.NOTE, "N1"), None), "delete the comment of a note"),
    (actions.MirrorComment(COMMENT), "make a note of a comment by Jim"),
    (actions.EditNote(COMMENT.source, COMMENT), "change the note of a comment"),
    (actions.EndLink(Side.JIRA), "end the link, as it is gone on jira"),
]


@pytest.mark.parametrize(("action", "words"), CASES)
def test_an_action_in_words(action, words):
    assert describe_planned_action(action, POLICY) == words


def test_every_action_has_some():
    assert set(PLANNED_TEXT_BY_ACTION) == set(get_args(actions.Action)) == {type(action) for action, _ in CASES}
