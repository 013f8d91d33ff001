"""A link as the columns of its row: whatever a link may be, and rows of earlier versions."""

import json
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from jpi.domain.backlog import Backlog, Part, PendingIssueLink
from jpi.domain.link import Failure, IssueRef, Link, LinkSummary, Mirror, StatusState, Watermark
from jpi.domain.link_history import HistoryEntry, HistoryFailure, HistoryStep
from jpi.domain.model import Side, SourceId
from jpi.domain.synced_field import FieldName, OwnWrite, Replica, SyncedField
from jpi.store.link_codec import link_from_columns, to_columns

TEXT, TIME = st.text(max_size=9), st.floats(0, 2e9)
OLD_ROW = {"incident_id": "Q1", "version": 1, "agreed": {}, "seen": {}, "holds": {}, "todo": {}, "failed": {}}


def build(kind, **strategies):
    """Build values of a dataclass, each of its times finite."""
    times = {field.name: TIME for field in fields(kind) if field.type is float}
    return st.builds(kind, **{field.name: ... for field in fields(kind)} | times | strategies)


def mapping(keys, values):
    return st.dictionaries(keys, values, max_size=3)


def tuples(values):
    return st.lists(values, max_size=3).map(tuple)


def all_of(kind, values):
    """Build a mapping that has each member of an enum."""
    return st.fixed_dictionaries(dict.fromkeys(kind, values))


REPLICAS = build(Replica, own_writes=tuples(build(OwnWrite)))
PARTS = st.sampled_from(Part)
BACKLOGS = build(Backlog, pending=mapping(PARTS, tuples(TEXT)), attempts=mapping(PARTS, st.integers(0, 9)),
                 issue_links=tuples(build(PendingIssueLink)))
SUMMARIES = build(LinkSummary, began=st.none() | TIME, in_step_at=st.none() | TIME)
LINKS = build(
    Link,
    version=st.integers(1, 99),
    issue=st.none() | build(IssueRef, key=st.text(min_size=1)),
    status=build(StatusState),
    leases=mapping(TEXT, TIME),
    backlog=BACKLOGS,
    watermarks=all_of(Side, build(Watermark)),
    fields=all_of(FieldName, build(SyncedField, pagerduty=REPLICAS, jira=REPLICAS)),
    failures=mapping(TEXT, build(Failure)),
    mirrors=mapping(build(SourceId), build(Mirror)),
    summary=SUMMARIES,
    history=tuples(
        build(
            HistoryEntry,
            steps=tuples(build(HistoryStep)),
            failure=st.none() | build(HistoryFailure),
            first_at=st.none() | TIME,
        )
    ),
)


@given(LINKS)
def test_a_link_is_read_as_it_was_written(link):
    columns = json.loads(json.dumps(to_columns(link)))
    assert link_from_columns({**columns, "version": link.version}) == link


def test_an_empty_row_of_an_earlier_version_is_a_new_link():
    assert link_from_columns(OLD_ROW) == Link("Q1", 1)


def test_of_an_own_write_whose_value_was_not_kept_yet_the_time_counts():
    row = {**OLD_ROW, "seen": {"jira: title": 5.0}, "fields": {"title": {"jira": "Down", "at": 4.0}}}
    field = link_from_columns(row).fields[FieldName.TITLE]
    assert field == SyncedField(jira=Replica("Down", (OwnWrite("Down", None, 5.0),)), changed_at=4.0)


def test_of_own_writes_from_before_replaced_values_were_kept_the_newest_are_known():
    row = {**OLD_ROW, "fields": {"title": {"jira": "C", "jira, by us": [["B", 1.0], ["C", 2.0]],
                                           "jira, before": ["B"]}}}
    writes = link_from_columns(row).fields[FieldName.TITLE].jira.own_writes
    assert writes == (OwnWrite("B", None, 1.0), OwnWrite("C", "B", 2.0))
