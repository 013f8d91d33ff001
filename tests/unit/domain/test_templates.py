"""Limits, documents and queries: text that comes from outside stays text and always fits."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jpi.domain.model import Incident, LogEntry, Person
from jpi.domain.templates import (
    CUT_MARK,
    count_units,
    cut_text,
    render_entry_description,
    render_incident_description,
    to_summary,
)
from jpi.jira import queries
from jpi.jira.adf import to_adf_document, to_plain_text


@given(st.text())
def test_a_summary_is_one_line_within_the_limit_and_never_empty(text):
    made = to_summary(text)
    assert 0 < count_units(made) <= 255
    assert made.splitlines() == [made]


def test_a_cut_is_by_the_services_count_and_shows():
    assert to_summary("x" * 255) == "x" * 255
    assert to_summary("x" * 256) == "x" * (255 - len(CUT_MARK)) + CUT_MARK
    # Jira counts two for each of these, and half of one cannot be sent.
    assert to_summary("🔥" * 127) == "🔥" * 127
    assert to_summary("🔥" * 128) == "🔥" * ((255 - len(CUT_MARK)) // 2) + CUT_MARK
    assert to_summary(" a \r\n\t b\u2028c ") == "a b c"
    assert to_summary(None) == to_summary(" \n ") == "(no title)"
    assert cut_text("abc", 3) == "abc"


def test_what_no_document_can_hold_is_replaced():
    assert to_summary("Down\x00\ud83d\x1b[31m") == "Down\ufffd\ufffd\ufffd[31m"
    assert to_plain_text(to_adf_document("a\x07b")) == "a\ufffdb"


def test_a_long_description_is_cut_and_keeps_the_incidents_address():
    url = "https://acme.pagerduty.com/incidents/Q1"
    made = render_incident_description(Incident("Q1", url=url, service="Checkout", urgency="high",
                                                details="x" * 40_000))
    assert len(made) == 32_767
    assert made.endswith(f"{CUT_MARK}\n\nService: Checkout\nUrgency: high\nPagerDuty incident: {url}")
    assert "no details" in render_incident_description(Incident("Q1", url=url))


def test_a_timeline_entry_says_when_and_who():
    at = datetime(2026, 11, 20, 3, 0, 0, tzinfo=UTC)
    entry = LogEntry("R1", "resolve_log_entry", at, "Resolved", agent=Person("P1", "Rita"), url="https://x")
    assert render_entry_description(entry) == "2026-11-20 03:00:00 UTC\nBy Rita\nhttps://x"


def test_names_are_quoted_for_jql_and_for_lucene():
    assert queries.quote_text('a"b\\c') == r'"a\"b\\c"'
    assert queries.quote_phrase("Ann (Ops)") == r'"\"Ann \\(Ops\\)\""'
    assert queries.match_summaries("PERSON", ["Ann", "Bob  AND C"]) == (
        r'project = "PERSON" AND (summary ~ "\"Ann\"" OR summary ~ "\"Bob AND C\"") ORDER BY created ASC')
