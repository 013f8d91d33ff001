"""The table of executors: every action has one."""

from datetime import UTC, datetime
from typing import get_args
from unittest.mock import MagicMock

import pytest

from jpi.domain.actions import Action, CreateIncidentIssue, EditIncident, EditIssue
from jpi.domain.events import IncidentTriggered
from jpi.domain.link import Link
from jpi.domain.model import Incident
from jpi.sync.executors import Executors

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACTION_TYPES = [action_type for action_type in get_args(Action)
                if action_type not in (CreateIncidentIssue, EditIncident, EditIssue)]


@pytest.mark.parametrize("action_type", ACTION_TYPES)
def test_every_action_has_an_executor(action_type):
    executors = Executors(*(MagicMock() for _ in range(6)))
    action = object.__new__(action_type)
    _, performed_action = executors.execute(action, Link("Q1"), IncidentTriggered("1", NOON, Incident("Q1")))
    assert performed_action is action
