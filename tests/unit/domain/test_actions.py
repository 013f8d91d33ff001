"""Actions: each has its place in every table of them."""

from typing import get_args

import pytest

from jpi.domain import actions, write_limits
from jpi.domain.actions import AcceptStatus, Action, AddComment, AddTimeline, CreateIncidentIssue, EndLink

# If one of these is refused, nothing else can go on; or it writes nothing.
WITHOUT_STEPS = {CreateIncidentIssue, AcceptStatus, EndLink}
# These are made once, by their idempotency keys or processed ids.
MADE_ONCE = {CreateIncidentIssue, AcceptStatus, EndLink, AddComment, AddTimeline}


@pytest.mark.parametrize(("table", "exceptions"), [
    (actions._STEPS_BY_ACTION, WITHOUT_STEPS), (write_limits._WRITE_BY_ACTION, MADE_ONCE)], ids=["steps", "writes"])
def test_each_action_is_in_the_table_or_a_named_exception(table, exceptions):
    assert table.keys() | exceptions == set(get_args(Action))
    assert not table.keys() & exceptions
