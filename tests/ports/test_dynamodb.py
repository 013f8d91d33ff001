"""The stores, on DynamoDB's wire protocol: what two writers may do to each other, and what a key query finds."""

import itertools
import shutil
import socket
import subprocess
import threading
import time
import uuid
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from pynamodb.exceptions import TableError

from jpi.errors import LostRace, Outage
from jpi.store.cache import Cache
from jpi.store.config_table import ConfigTable
from jpi.store.cursor import Cursor
from jpi.store.ledger import Ledger
from jpi.store.links import Links
from jpi.store.models import ConfigRow, Connection, LedgerRow, LinkRow, bound
from jpi.sync.link import Link
from jpi.sync.poll import Position
from jpi.tools import create_tables

NOW = 1_795_143_600.0


DYNALITE = Path(__file__).resolve().parents[1] / "node_modules/.bin/dynalite"


@pytest.fixture(scope="session")
def dynalite():
    """The address of a DynamoDB by other hands, in a process of its own."""
    if not DYNALITE.exists() or not shutil.which("node"):
        pytest.skip("dynalite is not here: it takes Node and `npm ci`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    times = [part for name in ("create", "delete", "update") for part in (f"--{name}TableMs", "0")]
    with subprocess.Popen([DYNALITE, "--host", "127.0.0.1", "--port", port, *times], stdout=subprocess.PIPE,
                          text=True) as process:
        assert "listening" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(params=["aws", "dynalite"])
def rows(request, monkeypatch):
    # PynamoDB waits two seconds for a table that is not there at once.
    monkeypatch.setattr(time, "sleep", lambda seconds: threading.Event().wait(0.01))
    there = request.getfixturevalue(request.param)
    here, stage = Connection("us-east-1", getattr(there, "url", there), offline=True), uuid.uuid4().hex[:8]
    models = [bound(model, f"{model.__name__}-{stage}", here) for model in (LinkRow, LedgerRow, ConfigRow)]
    assert create_tables.create(models[0])
    for expiring in models[1:]:
        # dynalite makes the table, and then knows no times to live.
        lacks = request.param == "dynalite"
        with pytest.raises(TableError, match="UpdateTimeToLive") if lacks else nullcontext():
            assert create_tables.create(expiring)
    assert [create_tables.create(model) for model in models] == [False] * 3, "what exists is left alone"
    return models


@pytest.fixture
def links(rows):
    return Links(rows[0])


FULL = Link("Q1", None, "INCIDENT-1", "10001", {"status": "triggered", "title": "Ü 🔥"}, {"jira": NOW + 0.25},
            {"issue": NOW}, {"questions": [], "links": [["A-1", "Question", "B-1", "of"]]}, "acknowledged")


def test_a_link_is_read_as_it_was_saved(links):
    assert links.get("Q1") == Link("Q1")
    saved = links.save(FULL)
    assert saved == replace(FULL, version=1)
    assert links.get("Q1") == saved
    assert links.get_all(["Q1", "Q2", "Q1"]) == {"Q1": saved, "Q2": Link("Q2")}
    assert links.incident_of("INCIDENT-1") == "Q1"
    assert links.incident_of("INCIDENT-2") is None


def test_only_the_version_that_was_read_can_be_saved_over(links):
    first, second = links.get("Q1"), links.get("Q1")
    first = links.save(first)
    with pytest.raises(LostRace):
        links.save(second)
    assert links.save(first).version == 2
    with pytest.raises(LostRace):
        links.save(first)


def test_of_many_who_claim_at_once_one_wins(links):
    links.save(Link("Q1"))
    read, outcomes = links.get("Q1"), []
    barrier = threading.Barrier(8)

    def claim(number):
        barrier.wait()
        try:
            links.save(replace(read, holds={"issue": float(number)}))
            outcomes.append(number)
        except LostRace:
            pass

    workers = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [float(number) for number in outcomes] == [*links.get("Q1").holds.values()]


@pytest.mark.parametrize(("change", "open_"), [
    ({}, True),
    ({"agreed": {"status": "resolved"}}, True),
    ({"agreed": {"status": "resolved"}, "todo": {}}, False),
    ({"issue_key": None}, False),
])
def test_the_poll_finds_links_that_are_open_or_not_whole(links, change, open_):
    links.save(replace(FULL, **change))
    assert [link.incident_id for link in links.open()] == (["Q1"] if open_ else [])


def test_the_ledger_knows_what_was_added_and_forgets_in_time(rows):
    ledger = Ledger(rows[1], lambda: NOW)
    ids = [f"R{number}" for number in range(130)]
    assert ledger.known(ids) == ledger.known([]) == set()
    ledger.add(itertools.chain(ids, ids))
    ledger.add([])
    assert ledger.known([*ids, "R999"]) == set(ids)
    assert rows[1].get("R1").expires_at.timestamp() == NOW + 90 * 24 * 3600


def test_a_row_from_before_a_column_was_added_is_read(rows, links):
    saved = links.save(Link("Q1", issue_key="INCIDENT-1"))
    table = rows[0]
    table(saved.incident_id).update(actions=[table.talk.remove(), table.fields.remove()], add_version_condition=False)
    assert (links.get("Q1").talk, links.get("Q1").fields) == ({}, {})


def test_the_cache_knows_until_tomorrow_in_every_process(rows):
    now = [NOW]
    here, there = (Cache(ConfigTable(rows[2]), lambda: now[0]) for _ in range(2))
    assert here.get("site") is None
    here.put("site", {"fields": {"severity": "customfield_1"}})
    assert there.get("site") == here.get("site") == {"fields": {"severity": "customfield_1"}}
    now[0] += 86_401
    assert (here.get("site"), there.get("site")) == (None, None)
    there.put("site", 2)
    here.put("site", 3)
    assert Cache(ConfigTable(rows[2]), lambda: now[0]).get("site") == 3


def test_what_is_found_is_remembered_and_nothing_is_not(rows):
    cache = Cache(ConfigTable(rows[2]), lambda: NOW)
    assert [cache.remembered("user:R1", lambda found=found: found) for found in (None, "", "P1", "P2")] == [
        None, "", "P1", "P1"]


def test_the_cursor_moves_on_from_where_it_was_read(rows):
    cursor = Cursor(ConfigTable(rows[2]))
    assert cursor.load() is None
    until = datetime(2026, 11, 20, 3, 0, 0, 5, tzinfo=UTC)
    position = Position(until, until - timedelta(hours=6), ("Q1", "Q2"), short=2, step=timedelta(hours=3))
    cursor.save(position)
    first = cursor.load()
    assert first == replace(position, version=1)
    cursor.save(replace(first, again=()))
    with pytest.raises(LostRace):
        cursor.save(first)
    with pytest.raises(LostRace):
        cursor.save(position)


def test_other_faults_of_dynamodb_are_not_taken_for_a_race(rows, links):
    rows[0].delete_table()
    with pytest.raises(Exception, match=r"PutItem|ResourceNotFound") as caught:
        links.save(Link("Q1"))
    assert not isinstance(caught.value, LostRace)
    rows[2].delete_table()
    with pytest.raises(Exception, match=r"PutItem|ResourceNotFound") as caught:
        Cursor(ConfigTable(rows[2])).save(Position(datetime.now(UTC), datetime.now(UTC)))
    assert not isinstance(caught.value, LostRace)


OFFLINE = {"IS_OFFLINE": "True", "JIRA_SERVER_URL": "https://a.example", "JIRA_USER_EMAIL": "a@a.example",
           "JIRA_API_TOKEN": "t", "PAGERDUTY_API_TOKEN": "t", "PAGERDUTY_USER_EMAIL": "a@a.example"}


def run_create_tables(monkeypatch, tmp_path, **environ):
    # botocore pauses before it tries an unreachable host again.
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.chdir(tmp_path)
    for name, value in {**OFFLINE, **environ}.items():
        monkeypatch.setenv(name, value)
    return create_tables.main([])


def test_create_tables_makes_them_once(monkeypatch, tmp_path, capsys, aws):
    stage = uuid.uuid4().hex[:8]
    for done in ("made", "there already"):
        assert run_create_tables(monkeypatch, tmp_path, DATABASE_ENDPOINT_URL=aws.url, STAGE=stage) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"{name}-{stage}: {done}" for name in ("incidents", "log-entries", "config")]


@pytest.mark.parametrize(("environ", "said"), [
    ({"IS_OFFLINE": ""}, "IS_OFFLINE is not set"),
    ({"JIRA_API_TOKEN": ""}, "JIRA_API_TOKEN is missing"),
    ({"DATABASE_ENDPOINT_URL": "http://127.0.0.1:9"}, "DynamoDB at DATABASE_ENDPOINT_URL"),
])
def test_create_tables_says_what_is_wrong_in_a_line(monkeypatch, tmp_path, capsys, environ, said):
    assert run_create_tables(monkeypatch, tmp_path, **environ) == 1
    assert said in capsys.readouterr().err


def test_a_save_whose_answer_was_lost_is_not_taken_for_somebody_elses(rows, links, monkeypatch):
    """DynamoDB's client sends such a write again, and is told that the version is no longer there."""
    send, lost = URLLib3Session.send, []

    def drop(self, request):
        answer = send(self, request)
        if b"PutItem" in request.headers["X-Amz-Target"] and not lost:
            lost.append(request)
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    monkeypatch.setattr(URLLib3Session, "send", drop)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    saved = links.save(FULL)
    assert (saved, len(lost)) == (replace(FULL, version=1), 1)
    assert links.get("Q1") == saved


@pytest.mark.parametrize("act", [
    lambda links, ledger, cursor: links.get("Q1"),
    lambda links, ledger, cursor: links.get_all(["Q1"]),
    lambda links, ledger, cursor: links.incident_of("INCIDENT-1"),
    lambda links, ledger, cursor: links.open(),
    lambda links, ledger, cursor: links.save(FULL),
    lambda links, ledger, cursor: ledger.known(["R1"]),
    lambda links, ledger, cursor: ledger.add(["R1"]),
    lambda links, ledger, cursor: cursor.load(),
    lambda links, ledger, cursor: cursor.save(Position(datetime.now(UTC), datetime.now(UTC))),
])
def test_where_dynamodb_is_away_everything_is_worth_another_try(monkeypatch, act):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    nowhere = Connection("us-east-1", "http://127.0.0.1:9", offline=True)
    links, ledger, config = (bound(model, "x", nowhere) for model in (LinkRow, LedgerRow, ConfigRow))
    with pytest.raises(Outage):
        act(Links(links), Ledger(ledger, lambda: NOW), Cursor(ConfigTable(config)))


def test_a_dynamodb_that_does_not_answer_in_time_is_one_that_is_away(monkeypatch):
    def silent(self, request):
        raise ReadTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", silent)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    config = bound(ConfigRow, "x", Connection("us-east-1", "http://127.0.0.1:9", offline=True))
    with pytest.raises(Outage):
        Cursor(ConfigTable(config)).load()
    assert Cache(ConfigTable(config), lambda: NOW).get("anything") is None
