"""Events as messages: what is encoded is decoded, within the limits of SQS."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi import event_codec
from jpi.domain.events import IncidentAcknowledged, IncidentEvent, IncidentLogged, IssueUpdated
from jpi.domain.model import Comment, Incident, Issue, LogEntry, Person
from jpi.errors import PermanentError

NOON = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
# AWS: the characters a message may hold; others are refused.
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def make_events(texts):
    people = st.builds(Person, texts, texts)
    incidents = st.builds(Incident, id=texts, title=texts, details=texts, assignees=st.tuples(people))
    at = st.datetimes(timezones=st.just(UTC))
    issues = st.builds(Issue, key=texts, id=texts)
    return st.one_of(st.builds(IssueUpdated, id=texts, at=at, issue=issues, actor=people), *(
        st.builds(kind, id=texts, at=at, incident=incidents) for kind in IncidentEvent.__subclasses__()))


@given(make_events(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]))))
def test_an_event_survives_being_a_message(event):
    assert encode_and_decode(event) == event


@given(make_events(st.text()))
def test_a_message_holds_only_what_a_queue_takes(event):
    assert ALLOWED.fullmatch(event_codec.encode_event(event))
    assert type(encode_and_decode(event)) is type(event)


def encode_and_decode(event):
    return event_codec.decode_event(event_codec.encode_event(event))


def read_parts(event):
    """Return the event's parts, decoded from their messages, each of which fits."""
    pairs = list(event_codec.encode_in_parts(event))
    assert max(event_codec.count_bytes(message) for _, message in pairs) <= event_codec.MAX_MESSAGE_BYTES
    parts = [event_codec.decode_event(message) for _, message in pairs]
    assert parts == [part for part, _ in pairs]
    return parts


def make_logged(count, text="x"):
    entries = tuple(LogEntry(f"R{number}", "notify_log_entry", NOON, text) for number in range(count))
    incident = Incident("Q1", "Down", "triggered", created=NOON)
    return IncidentLogged("log:1", NOON, incident, entries=entries, read_at=NOON)


def test_what_fits_is_one_message():
    event = make_logged(1000)
    assert list(event_codec.encode_in_parts(event)) == [(event, event_codec.encode_event(event))]
    assert encode_and_decode(event) == event


@pytest.mark.parametrize("text", ["x" * 300, "🔥" * 300])
def test_a_long_log_is_split_and_nothing_of_it_is_lost(text):
    event = make_logged(1500, text)
    parts = read_parts(event)
    assert len(parts) > 1
    assert tuple(entry for part in parts for entry in part.entries) == event.entries
    assert len({part.id for part in parts}) == len(parts)
    assert {replace(part, id="", entries=()) for part in parts} == {replace(event, id="", entries=())}
    [*ahead, last] = read_parts(replace(event, whole=True))
    assert (last.whole, any(part.whole for part in ahead)) == (True, False)


def test_many_long_comments_are_split_and_none_of_them_is_lost():
    comments = tuple(Comment(str(number), "x" * 30_000, NOON) for number in range(40))
    event = IssueUpdated("read:1", NOON, Issue("INCIDENT-1"), read_at=NOON, comments=comments)
    parts = read_parts(event)
    assert tuple(comment for part in parts for comment in part.comments) == comments
    assert len({part.id for part in parts}) == len(parts) > 1


def test_what_cannot_be_split_is_cut():
    event = make_logged(1, "🔥" * 200_000)
    event = replace(event, incident=replace(event.incident, title="🔥" * 200_000, details="🔥" * 200_000))
    [part] = read_parts(event)
    assert part.incident.details.startswith("🔥" * 3_900)
    assert (part.at, part.incident.status, part.entries[0].id) == (event.at, "triggered", "R0")


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", "null", '{"event": "No"}', '{"event": "IssueUpdated"}',
                                  '{"event": "IncidentTriggered", "id": "1", "at": "noon", "incident": {"id": "Q1"}}'])
def test_what_is_no_event_is_permanent(text):
    with pytest.raises(PermanentError):
        event_codec.decode_event(text)


# As the version of November 2026 wrote them.
MESSAGES_BEFORE = [
    """{"event": "IncidentLogged", "id": "log:1", "at": "2026-11-20T12:00:00.250000+00:00", "incident": {"id": "Q1",
"title": "Down", "status": "triggered", "assignees": [{"id": "P1", "name": "Rita"}]}, "actor": null, "source": "poll",
"request": "r1", "entries": [], "read_at": "2026-11-20T12:00:00.250000+00:00", "whole": true, "notes": null}""",
    """{"event": "IncidentAcknowledged", "id": "E1", "at": "2026-11-20T12:00:00.250000+00:00", "incident":
{"id": "Q1"}, "actor": {"id": "P1", "name": "Rita"}, "source": "webhook", "request": "r1"}""",
    """{"event": "IssueUpdated", "id": "J1", "at": "2026-11-20T12:00:00.250000+00:00", "issue": {"key": "A-1"},
"actor": null, "source": "webhook", "incident_id": "Q1", "changed": ["title"], "request": "", "read_at": null,
"moved": true, "left": "1", "reopens": false, "old_key": null, "comments": []}""",
]


def test_messages_of_the_version_before_are_read():
    logged, acknowledged, updated = map(event_codec.decode_event, MESSAGES_BEFORE)
    incident = Incident("Q1", "Down", "triggered", assignees=(Person("P1", "Rita"),))
    assert logged == IncidentLogged("log:1", NOON, incident, whole=True, read_at=NOON, request="r1")
    assert acknowledged == IncidentAcknowledged("E1", NOON, Incident("Q1"), Person("P1", "Rita"), request="r1")
    assert updated == IssueUpdated("J1", NOON, Issue("A-1"), incident_id="Q1", changed=frozenset({"title"}), moved=True,
                                   left="1")
    assert (logged.side, logged.observed_at, acknowledged.snapshot) == ("pagerduty", NOON.timestamp(), Incident("Q1"))
