"""PagerDuty's payloads: what is read from a log entry."""

import pytest

from jpi.pagerduty.payloads import parse_log_entry
from tests.deliveries import make_reference


@pytest.mark.parametrize(("entry", "priority", "details"), [
    ({"channel": {"new_priority": {"id": "P1", "type": "priority", "name": "P1", "summary": "P1"}}}, "P1", None),
    ({"channel": {"new_priority": make_reference("priority", "P2", "P2")}}, "P2", None),
    ({"summary": 'Priority set to "P1" by Rita.', "channel": {"type": "website"}}, None, None),
    ({"type": "trigger_log_entry", "channel": {"details": {"host": "db1", "load": [1, 2]}}}, None,
     "host: db1\nload: [1, 2]"),
    ({"type": "trigger_log_entry", "channel": {"details": "", "body": "An e-mail."}}, None, "An e-mail."),
    ({"channel": {"details": "of a resolution"}}, None, None),
])
def test_a_log_entrys_channel_is_read_and_its_summary_is_not(entry, priority, details):
    log_entry = parse_log_entry({"id": "R1", "type": "x", "created_at": "2026-11-20T03:00:00Z",
                                                "summary": "", **entry})
    assert (log_entry.priority, log_entry.details) == (priority, details)
