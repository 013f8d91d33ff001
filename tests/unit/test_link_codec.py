"""A link as the columns of its row: whatever a link may be, and rows of earlier versions."""

import json
from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from jpi.aws import Location
from jpi.domain.backlog import Backlog, Part, PendingIssueLink, RefusedStep, StepId, get_part_step_id
from jpi.domain.link import Failure, FirstLook, IssueRef, Link, LinkSummary, Mirror, StatusState, Watermark
from jpi.domain.link_parts import FieldName, HistoryEntry, HistoryFailure, HistoryStep, OwnWrite, Replica, SyncedField
from jpi.domain.model import Side, SourceId
from jpi.domain.write_limits import Pause, RecentWrite, WriteLog
from jpi.store.link_codec import MAX_ROW_BYTES, link_from_columns, to_columns, trim_columns
from jpi.store.links import Links
from jpi.store.models import LinkRow, bind_model

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
BACKLOGS = build(Backlog, pending=mapping(PARTS, tuples(TEXT)), issue_links=tuples(build(PendingIssueLink)),
                 refused_steps=tuples(build(RefusedStep, id=build(StepId), attempts=st.integers(1, 99))))
SUMMARIES = build(LinkSummary, began=st.none() | TIME, in_step_at=st.none() | TIME)
PAUSES = build(Pause, counts=all_of(Side, st.integers(0, 99)), unread_sides=tuples(st.sampled_from(Side)))
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
    missing_since=mapping(st.sampled_from(Side), build(FirstLook)),
    mirrors=mapping(build(SourceId), build(Mirror, missing_since=st.none() | build(FirstLook))),
    summary=SUMMARIES,
    write_log=build(WriteLog, recent=tuples(build(RecentWrite)), pause=st.none() | PAUSES),
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


TITLES = [(chr(0x1F525) * 1000) + str(number) for number in range(60)]


def make_large_link(**changes):
    """A link with 24 long titles a side, 200 mirrors, a long history and failures, all of 4-byte characters."""
    link = Link("Q1", 1, issue=IssueRef("INCIDENT-1", "10001"), summary=LinkSummary(TITLES[0], began=1.0))
    for number, title in enumerate(TITLES[:24]):
        for side in Side:
            link = link.with_own_write(FieldName.TITLE, side, title, float(number), float(number))
    for number in range(200):
        link = link.with_mirror(SourceId("note", f"PN{number}"), Mirror(f"1{number:05}", "d" * 16, float(number)))
    steps = (HistoryStep(TITLES[0][:500], is_done=True, at=1.0),) * 3
    history = tuple(HistoryEntry(str(number), "IncidentTriggered", Side.PAGERDUTY, "webhook", 1.0, float(number), "x",
                                 steps) for number in range(50))
    failures = {str(number): Failure(Side.JIRA, TITLES[0][:500], 1.0, True, 1) for number in range(10)}
    return replace(link, history=history, failures=failures, **changes)


def test_a_row_never_outgrows_what_dynamodb_takes():
    link = make_large_link()
    columns = to_columns(link)
    stored = link_from_columns({**json.loads(json.dumps(columns)), "version": 1})
    assert len(json.dumps(columns)) <= MAX_ROW_BYTES < 400 * 1024
    # History goes first, then the oldest own writes; what is newest stays, and so does all that is small.
    assert stored.history == link.history[-1:]
    for side in Side:
        writes, stored_writes = link.fields[FieldName.TITLE].on(side), stored.fields[FieldName.TITLE].on(side)
        assert 1 < len(stored_writes.own_writes) < 24
        assert stored_writes.own_writes == writes.own_writes[-len(stored_writes.own_writes):]
        assert stored_writes.value == writes.value
    assert (stored.mirrors, stored.failures, stored.issue) == (link.mirrors, link.failures, link.issue)
    assert count_row_bytes(link) < 400 * 1024


def count_row_bytes(link):
    """Return the size of a link's row as DynamoDB counts it: the bytes of its columns' names and values."""
    model = bind_model(LinkRow, "incidents", Location("eu-west-1", "http://127.0.0.1:1", True))
    values = [(name, value) for name, typed in Links(model).to_row(link).serialize().items()
              for value in typed.values()]
    return sum(len(name) + len(value if isinstance(value, bytes) else str(value).encode()) for name, value in values)


def test_mirrors_go_before_the_backlog_and_a_part_without_keys_is_looked_at_anew():
    keys = tuple(f"{number}{TITLES[0][:500]}" for number in range(100))
    issue_links = tuple(PendingIssueLink(f"INCIDENT-{number}", "Timeline", "x" * 90) for number in range(2000))
    step = RefusedStep(get_part_step_id(Part.TIMELINE), "", "Jira", "400", 3, 1.0, 2.0)
    link = make_large_link(backlog=Backlog({Part.TIMELINE: keys}, issue_links, (step,)))
    columns = to_columns(link)
    stored = link_from_columns({**json.loads(json.dumps(columns)), "version": 1})
    assert len(json.dumps(columns)) <= MAX_ROW_BYTES
    assert stored.mirrors == {}
    assert (stored.backlog.pending, stored.backlog.refused_steps) == ({Part.TIMELINE: ()}, (step,))
    assert 0 < len(stored.backlog.issue_links) <= len(issue_links)
    assert stored.backlog.issue_links == issue_links[-len(stored.backlog.issue_links):]


@given(LINKS)
def test_a_row_of_a_usual_size_is_not_trimmed(link):
    columns = to_columns(link)
    before = json.dumps(columns)
    trim_columns(columns)
    assert json.dumps(columns) == before


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
