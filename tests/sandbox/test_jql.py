"""The JQL of the simulated Jira."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox.jira.jql import parser as jql

NOW = datetime(2026, 11, 23, 18, 20, 30, tzinfo=UTC)
KNOWN = {name: name for name in ("project", "issuetype", "labels", "key", "status", "statuscategory", "priority",
                                 "assignee", "resolution")} | {"severity": "customfield_10042"}
ISSUE = {"project": frozenset({"inc", "incidents", "10001"}), "issuetype": frozenset({"incident", "10100"}),
         "labels": frozenset({"pagerduty", "pagerduty-q1abc"}), "key": frozenset({"inc-7", "10207"}),
         "status": frozenset({"in progress", "3"}), "statuscategory": frozenset({"in progress", "indeterminate", "4"}),
         "priority": frozenset({"highest", "1"}), "assignee": frozenset({"712020:ada", "ada"}), "rank:key": ("INC", 7),
         "customfield_10042": frozenset({"sev-0"}), "summary": 'Checkout "EU" is down: it\'s the DB-7 (primary)',
         "updated": datetime(2026, 11, 23, 18, 0, tzinfo=UTC), "created": datetime(2026, 11, 20, tzinfo=UTC)}
BARE = {**ISSUE, "labels": frozenset(), "assignee": frozenset(), "summary": "Ann \"Ace\" O'Neil"}


def is_match(text, issue=ISSUE, zone=UTC):
    context = jql.Context(NOW, zone, "712020:ada")
    return jql.parse(text, KNOWN, context).is_met_by(issue, context)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("project = INC", True),
        ("project=INC", True),
        ("project = 'Incidents' and type = Incident", True),
        ("project = NOPE", False),
        ("project != NOPE", True),
        ("project in (A, inc)", True),
        ("project not in (A, inc)", False),
        ('labels = "pagerduty-Q1ABC"', True),
        ("labels in (x, pagerduty)", True),
        ("labels = x OR labels = pagerduty", True),
        ("labels = x OR labels = pagerduty AND project = NOPE", False),
        ("(labels = pagerduty OR labels = x) AND NOT project = NOPE", True),
        ("NOT (project = INC OR labels = x)", False),
        ("!project = NOPE", True),
        ("key in (INC-7, INC-8)", True),
        ("issuekey in (INC-8)", False),
        ("id = 10207", True),
        ('status = "In Progress"', True),
        ("statusCategory != Done", True),
        ("statusCategory = Done", False),
        ('statusCategory in ("To Do", "In Progress")', True),
        ("statusCategory = indeterminate", True),
        ("priority = Highest && status = 3", True),
        ("assignee = currentUser()", True),
        ("assignee is EMPTY", False),
        ("assignee is not null", True),
        ("severity = SEV-0", True),
        ("summary ~ checkout", True),
        ('summary ~ "down CHECKOUT"', True),
        ('summary ~ "checkout up"', False),
        (r'summary ~ "\"is down\""', True),
        (r'summary ~ "\"down is\""', False),
        (r'summary ~ "\"Checkout \\\"EU\\\" is\""', True),
        (r'summary ~ "\"DB\\-7 \\(primary\\)\""', True),
        ('summary ~ "check*"', True),
        ('summary ~ "heck"', False),
        (r'summary ~ "\"🔥\""', False),
        ("summary !~ up", True),
        ("NOT summary ~ down", False),
        ('updated >= "2026-11-23 18:00"', True),
        ('updated >= "2026-11-23 18:01"', False),
        ('updated > "2026/11/23"', True),
        ("updated >= -30m", True),
        ("updated >= -10m", False),
        ("updated >= '-1h 5m' AND created < -2d", True),
        ("NOT updated >= -10m", True),
        ("created <= now()", True),
        ("", True),
        ("ORDER BY created", True),
        ("project = INC ORDER BY created DESC, key", True),
        ("project = '\\u0049NC'", True),
    ],
)
def test_what_is_match(query, expected):
    assert is_match(query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("labels != x", False),
        ("NOT labels = x", False),
        ("labels not in (x)", False),
        ("labels is EMPTY", True),
        ("labels is EMPTY OR labels != x", True),
        (r'''summary ~ "\"Ann \\\"Ace\\\" O'Neil\""''', True),
        (r"summary ~ '\"Ann Ace O\'Neil\"'", True),
    ],
)
def test_what_matches_where_fields_are_empty(query, expected):
    assert is_match(query, BARE) is expected


def test_dates_are_read_in_the_zone_of_the_user():
    assert is_match('updated >= "2026-11-24 05:00"', zone=ZoneInfo("Australia/Sydney"))
    assert not is_match('updated >= "2026-11-24 05:01"', zone=ZoneInfo("Australia/Sydney"))


@pytest.mark.parametrize(("query", "complaint"), [
    ("project =", "Expecting either a value, list or function before the end of the query"),
    ("project INC", "Expecting operator but got 'INC'"),
    ("project = order", "'order' is a reserved JQL word"),
    ("project = INC labels = x", "Expecting either 'OR' or 'AND' but got 'labels'"),
    ("(project = INC", "Expecting ')' before the end of the query"),
    ("project in INC", "Expecting '(' but got 'INC'"),
    ("project in ()", "Expecting either a value"),
    ('labels = "x', "has not been completed"),
    ("labels = 'x", "has not been completed"),
    ('labels = "a\nb"', "has not been completed"),
    (r'labels = "a\+b"', "illegal JQL escape sequence"),
    ("labels = a.b", "The character '.' is a reserved JQL character"),
    ("labels = a&b", "The character '&' is a reserved JQL character"),
    ("nonsense = 1", "Field 'nonsense' does not exist"),
    ("summary = x", "The operator '=' is not supported by the 'summary' field"),
    ("project ~ x", "The operator '~' is not supported by the 'project' field"),
    ("project < x", "The operator '<' is not supported"),
    ("project = EMPTY", "cannot be used"),
    ("project is INC", "cannot be used"),
    ('summary ~ "(open"', "The text query '(open' for field 'summary' is not valid"),
    (r'summary ~ "say \"x"', "is not valid"),
    ('summary ~ "a:b"', "is not valid"),
    ("updated >= yesterday", "Date value 'yesterday' for field 'updated' is invalid"),
    ('updated >= "2026-11-23T18:00:00Z"', "is invalid"),
    ("assignee = nobody()", "Unable to find JQL function 'nobody()'"),
    ("project = INC ORDER created", "Expecting 'by' but got 'created'"),
    ("project = INC ORDER BY nonsense", "Field 'nonsense' does not exist"),
    ("AND project = INC", "Expecting a field name but got 'AND'"),
    ("project = INC AND", "Expecting a field name at the end of the query"),
])
def test_what_is_no_query(query, complaint):
    with pytest.raises(jql.JqlError) as caught:
        is_match(query)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", [3, 2, 1]),
        ("ORDER BY created ASC", [1, 2, 3]),
        ("ORDER BY created", [1, 2, 3]),
        ("ORDER BY priority DESC, created DESC", [3, 1, 2]),
        ("ORDER BY key", [2, 3, 1]),
        ("ORDER BY status, key DESC", [1, 3, 2]),
    ],
)
def test_the_order(order, expected):
    issues = {1: {"created": 1, "rank:priority": -1, "rank:key": ("INC", 10), "status": frozenset({"done"})},
              2: {"created": 2, "rank:priority": -3, "rank:key": ("INC", 2), "status": frozenset({"to do"})},
              3: {"created": 3, "rank:priority": -1, "rank:key": ("INC", 9), "status": frozenset({"to do"})}}
    assert jql.parse(order, KNOWN, jql.Context(NOW)).sort_issues(list(issues), issues.__getitem__) == expected
