"""The events of one incident, or of one issue that opens one, are kept in order with each other."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from jpi.domain.events import IssueCreated
from jpi.domain.model import Issue
from jpi.domain.policy import IssueCondition, OpeningRule, Policy
from jpi.sync.event_sink import find_message_group
from sandbox.clock import START
from tests.fakes.events import make_issue_event

LINKS = SimpleNamespace(find_incident_id={"INCIDENT-1": "Q1"}.get)
POLICY = Policy(opening_rules=(OpeningRule("Checkout", IssueCondition(projects=("OPS",))),))


@pytest.mark.parametrize(("issue_key", "old_key", "group"), [
    ("INCIDENT-1", None, "Q1"), ("OPS-7", "INCIDENT-1", "Q1"), ("OPS-7", None, None)])
def test_an_issue_goes_with_its_incident_also_after_it_was_moved(issue_key, old_key, group):
    event = make_issue_event()
    event = replace(event, issue=replace(event.issue, key=issue_key), old_key=old_key)
    assert find_message_group(LINKS, POLICY, event) == group


@pytest.mark.parametrize(("issue_key", "group"), [("OPS-7", "OPS-7"), ("SHOP-7", None)])
def test_a_new_issue_goes_by_its_key_if_it_opens_an_incident(issue_key, group):
    event = IssueCreated("J1", START, Issue(issue_key))
    assert find_message_group(LINKS, POLICY, event) == group
