"""The sessions of the status page in the table of named values: one suite for memory, moto and dynalite."""

import json
from dataclasses import replace

import pytest

from jpi.errors import AwsOutage
from jpi.store.sessions import KEY_NAME, SESSION_SECONDS, Sessions
from tests.ports.backends import NOW
from tests.ports.test_store_ports import DOING, run_together

PRINT = "fingerprint"


@pytest.fixture
def sessions(backend):
    return Sessions(backend.stores.config, backend.clock)


def find_names(backend):
    rows = backend.state.rows["config"] if hasattr(backend, "state") else [
        row.name for row in backend.rows["config"].scan()]
    return [name for name in rows if name.startswith("session:")]


def test_a_session_is_seen_by_all_processes_until_it_ends(backend, sessions):
    session_id = sessions.start(PRINT)
    elsewhere = Sessions(backend.stores.config, backend.clock)
    session = elsewhere.find_session(session_id, PRINT)
    assert (session.ends_at, len(session.csrf_token) >= 16) == (NOW + SESSION_SECONDS, True)
    [name] = find_names(backend)
    assert session_id not in name
    assert session_id not in json.dumps(backend.stores.config.get(name, DOING).value)
    assert backend.expiry("config", name) == NOW + SESSION_SECONDS
    elsewhere.end_session(session_id)
    assert sessions.find_session(session_id, PRINT) is None
    elsewhere.end_session("of nobody")


def test_a_session_ends_by_time_by_password_and_with_all_others(backend, sessions):
    first, second = sessions.start(PRINT), sessions.start(PRINT)
    assert sessions.find_session(first, "another password") is None
    assert sessions.find_session("guess", PRINT) is None
    assert sessions.find_session(first, PRINT) != sessions.find_session(second, PRINT)
    backend.clock.now += SESSION_SECONDS - 1
    assert sessions.find_session(first, PRINT)
    third = sessions.start(PRINT)
    backend.clock.now += 1
    assert sessions.find_session(first, PRINT) is None
    sessions.end_all()
    assert [sessions.find_session(name, PRINT) for name in (first, second, third)] == [None] * 3
    assert sessions.find_session(sessions.start(PRINT), PRINT)


def test_a_message_is_given_once_to_its_own_page(sessions):
    session_id = sessions.start(PRINT)
    sessions.save_message(session_id, "Q1", "Synced.")
    session = sessions.find_session(session_id, PRINT)
    assert [sessions.take_message(session_id, session, name) for name in ("Q2", "Q1")] == ["", "Synced."]
    assert sessions.take_message(session_id, sessions.find_session(session_id, PRINT), "Q1") == ""


def test_the_key_is_made_once_and_is_never_that_of_another_purpose(backend, sessions):
    keys = run_together(lambda number: Sessions(backend.stores.config, backend.clock).derive_key("device"))
    assert len(set(keys)) == 1
    stored = backend.stores.config.get(KEY_NAME, DOING)
    assert (stored.version, len(stored.value["key"]) >= 43, backend.expiry("config", KEY_NAME)) == (1, True, None)
    given = Sessions(backend.stores.config, backend.clock, "a key from Systems Manager")
    derived = {keys[0], sessions.derive_key("password"), given.derive_key("device"), given.derive_key("password")}
    assert len(derived) == 4
    sessions.end_all()
    assert sessions.derive_key("device") == keys[0]


def test_many_who_end_all_sessions_at_once_end_them(sessions):
    session_id = sessions.start(PRINT)
    run_together(lambda number: sessions.end_all() if number < 2 else None)
    assert sessions.find_session(session_id, PRINT) is None


def test_an_outage_is_one(backend, sessions):
    session_id = sessions.start(PRINT)
    backend.drop_table("config")
    with pytest.raises(AwsOutage):
        sessions.find_session(session_id, PRINT)


def test_what_is_stored_of_a_session_opens_nothing(backend, sessions):
    session_id = sessions.start(PRINT)
    [name] = find_names(backend)
    session = sessions.find_session(session_id, PRINT)
    assert sessions.find_session(name.removeprefix("session:"), PRINT) is None
    assert replace(session, csrf_token="") != session
