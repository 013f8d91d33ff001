"""The stores, wherever they keep their rows: what two writers may do to each other, and what a key query finds."""

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jpi.domain.backlog import Backlog, Part, PendingIssueLink
from jpi.domain.link import Failure, IssueRef, Link, LinkSummary, Mirror, StatusState, Watermark
from jpi.domain.link_parts import FieldName, HistoryEntry, OwnWrite, Replica, SyncedField
from jpi.domain.model import Side, SourceId, SourceKind
from jpi.errors import AwsOutage, LostRace
from jpi.store.cache import Cache
from jpi.store.cursor import Cursor
from jpi.store.ports import ConfigItem
from jpi.sync.poller import PollPosition
from tests.ports.backends import NOW

DOING = "testing the table"
RESOLVED = StatusState("resolved")
TITLE = SyncedField(jira=Replica("Ü", (OwnWrite("Ü", None, NOW),)), changed_at=NOW)
FULL = Link("Q1", None, IssueRef("INCIDENT-1", "10001"), StatusState("triggered", "acknowledged"),
            watermarks={Side.JIRA: Watermark(NOW + 0.25)}, leases={"issue": NOW},
            backlog=Backlog({Part.QUESTIONS: ()}, (PendingIssueLink("A-1", "Question", "B-1", "of"),)))
WHOLE = replace(FULL, failures={"e": Failure(Side.JIRA, "400", NOW, permanent=True, attempts=1)},
                fields={**FULL.fields, FieldName.TITLE: TITLE},
                mirrors={SourceId(SourceKind.NOTE, "1"): Mirror(None, "a", NOW)},
                summary=LinkSummary("Ü 🔥", began=NOW),
                history=(HistoryEntry("e", "IssueUpdated", Side.JIRA, "poll", NOW, NOW, "applied"),))


def run_together(act, count=8):
    """Run `act(number)` in so many threads at once; its results in no order, LostRace where that was raised."""
    barrier, results = threading.Barrier(count), []

    def run(number):
        barrier.wait()
        try:
            results.append(act(number))
        except LostRace as error:
            results.append(type(error))

    workers = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


@pytest.mark.parametrize("link", [FULL, WHOLE])
def test_a_link_is_read_as_it_was_saved(links, link):
    assert links.get("Q1") == Link("Q1")
    saved = links.save(link)
    assert saved == replace(link, version=1)
    assert links.get("Q1") == saved
    assert links.get_all(["Q1", "Q2", "Q1"]) == {"Q1": saved, "Q2": Link("Q2")}
    assert [*links.get_all(["Q2", "Q1"])] == ["Q1", "Q2"]
    assert links.find_incident_id("INCIDENT-1") == "Q1"
    assert links.find_incident_id("INCIDENT-2") is None


def test_values_that_were_read_or_saved_are_nobody_elses(links):
    pending = {Part.TIMELINE: ("R1",)}
    links.save(Link("Q1", backlog=Backlog(pending)))
    pending.clear()
    read = links.get("Q1").backlog.pending
    assert read == {Part.TIMELINE: ("R1",)}
    read.clear()
    assert links.get("Q1").backlog.pending == {Part.TIMELINE: ("R1",)}


def test_only_the_version_that_was_read_can_be_saved_over(links):
    first, second = links.get("Q1"), links.get("Q1")
    first = links.save(first)
    with pytest.raises(LostRace):
        links.save(second)
    assert links.save(first).version == 2
    with pytest.raises(LostRace):
        links.save(first)
    with pytest.raises(LostRace):
        links.save(replace(second, incident_id="Q2", version=1))
    assert links.get("Q2") == Link("Q2")


def test_of_many_who_claim_at_once_one_wins(links):
    links.save(Link("Q1"))
    read = links.get("Q1")

    def claim(number):
        links.save(replace(read, leases={"issue": float(number)}))
        return number

    outcomes = [number for number in run_together(claim) if number is not LostRace]
    assert [float(number) for number in outcomes] == [*links.get("Q1").leases.values()]


def test_of_many_who_begin_at_once_one_wins_and_versions_have_no_gap(links):
    def save_twice(number):
        return [links.save(links.get("Q1")).version for _ in range(2)]

    assert run_together(lambda number: links.save(Link("Q1")).version).count(1) == 1
    run_together(save_twice, 8)
    version = links.get("Q1").version
    assert links.save(links.get("Q1")).version == version + 1


@pytest.mark.parametrize(("change", "open_"), [
    ({}, True), ({"status": RESOLVED}, True), ({"status": RESOLVED, "backlog": Backlog()}, False),
    ({"issue": None}, False), ({"ended": True}, False)])
def test_the_poll_finds_links_that_are_open_or_not_whole(links, change, open_):
    links.save(replace(FULL, **change))
    assert [link.incident_id for link in links.list_open()] == (["Q1"] if open_ else [])


def test_a_link_that_is_over_leaves_the_index_of_open_ones(links):
    saved = links.save(FULL)
    assert links.list_open() == [saved]
    links.save(replace(saved, ended=True, issue=None))
    assert (links.list_open(), links.find_incident_id("INCIDENT-1")) == ([], None)


def test_the_list_has_the_newest_of_each_state_first_and_goes_on_from_a_place(links):
    for number in range(6):
        failed = {"e": Failure(Side.JIRA, "400", NOW, permanent=False, attempts=1)} if number % 2 else {}
        links.save(replace(FULL, incident_id=f"Q{number}", summary=LinkSummary(began=NOW + 100 * (number % 5)),
                           failures=failed))
    links.save(Link("Q9", issue=IssueRef("INCIDENT-9")))
    rows = links.list_by_state(["failing", "open"], "", 4)
    assert [row.incident_id for row in rows] == ["Q4", "Q3", "Q2", "Q1"]
    assert [row.incident_id for row in links.list_by_state(["failing", "open"], rows[-1].position, 4)] == ["Q5", "Q0"]
    assert [row.incident_id for row in links.list_by_state(["failing"], "", 2)] == ["Q3", "Q1"]
    assert {(row.state, row.card.trouble) for row in rows} == {("open", ""), ("failing", "400")}
    assert links.list_by_state(["ended"], "", 4) == links.list_by_state([], "", 4) == []


def test_more_links_than_one_read_takes(links):
    for number in range(103):
        links.save(replace(FULL, incident_id=f"Q{number:03}", issue=IssueRef(f"INCIDENT-{number}")))
    read = links.get_all([f"Q{number:03}" for number in range(130)])
    assert [bool(link.version) for link in read.values()] == [True] * 103 + [False] * 27
    assert len(links.list_open()) == 103
    assert links.get_all([]) == {}


def test_the_ledger_knows_what_was_added_and_forgets_in_time(backend):
    ledger = backend.stores.processed_ids
    ids = [f"R{number}" for number in range(130)]
    assert ledger.already_processed(ids) == ledger.already_processed([]) == set()
    ledger.mark_processed(itertools.chain(ids, ids))
    ledger.mark_processed([])
    assert ledger.already_processed([*ids, "R999"]) == set(ids)
    assert backend.expiry("log-entries", "R1") == NOW + 90 * 24 * 3600


def test_the_cache_knows_until_tomorrow_in_every_process(backend):
    here, there = (Cache(backend.stores.config, backend.clock) for _ in range(2))
    assert here.get("site") is None
    here.save("site", {"fields": {"severity": "customfield_1"}})
    assert there.get("site") == here.get("site") == {"fields": {"severity": "customfield_1"}}
    backend.clock.now += 86_401
    assert (here.get("site"), there.get("site")) == (None, None)
    there.save("site", 2)
    here.save("site", 3)
    assert Cache(backend.stores.config, backend.clock).get("site") == 3
    assert backend.expiry("config", "cache:site") is None


def test_what_is_found_is_remembered_and_nothing_is_not(stores):
    cache = Cache(stores.config, lambda: NOW)
    assert [cache.get_or_compute("user:R1", lambda found=found: found) for found in (None, "", "P1", "P2")] == [
        None, "", "P1", "P1"]


def test_the_cursor_moves_on_from_where_it_was_read(stores):
    cursor = Cursor(stores.config)
    assert cursor.load() is None
    until = datetime(2026, 11, 20, 3, 0, 0, 5, tzinfo=UTC)
    position = PollPosition(until, until - timedelta(hours=6), ("Q1", "Q2"), incomplete_reads=2,
                            max_window=timedelta(hours=3))
    cursor.save(position)
    first = cursor.load()
    assert first == replace(position, version=1)
    cursor.save(replace(first, retry_incident_ids=()))
    with pytest.raises(LostRace):
        cursor.save(first)
    with pytest.raises(LostRace):
        cursor.save(position)


def test_other_faults_of_dynamodb_are_not_taken_for_a_race(backend, links):
    backend.drop_table("incidents")
    with pytest.raises(AwsOutage, match=r"PutItem|ResourceNotFound"):
        links.save(Link("Q1"))
    backend.drop_table("config")
    with pytest.raises(AwsOutage, match=r"PutItem|ResourceNotFound"):
        Cursor(backend.stores.config).save(PollPosition(*2 * [datetime.fromtimestamp(NOW, UTC)]))


def test_a_table_that_does_not_exist_is_named(backend, stores):
    assert [*stores.find_missing_tables()] == []
    backend.drop_table("config")
    assert [*stores.find_missing_tables()] == [stores.config.table_name]


def test_an_item_is_saved_over_the_version_that_was_read(backend):
    config = backend.stores.config
    assert config.get("a", DOING) is config.get("a", DOING, consistent=True) is None
    config.save("a", ConfigItem({"list": (1, 2.5)}), DOING)
    assert config.get("a", DOING, consistent=True) == ConfigItem({"list": [1, 2.5]}, 1)
    with pytest.raises(LostRace, match=f"^{DOING}: somebody else was first$"):
        config.save("a", ConfigItem(2), DOING)
    config.save("a", ConfigItem("text", 1), DOING, expires_at=NOW + 0.9)
    assert (config.get("a", DOING), backend.expiry("config", "a")) == (ConfigItem("text", 2), NOW)
    config.save("a", ConfigItem("text", 2), DOING)
    assert (config.get("a", DOING).version, backend.expiry("config", "a")) == (3, None)
