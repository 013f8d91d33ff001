"""What only memory has: knobs for what DynamoDB does in its own time, calls that can be broken, and copies."""

import contextlib
import copy
import pickle
import threading
from dataclasses import replace

import pytest

from jpi.domain.link import Link
from jpi.errors import AwsOutage, LostRace
from jpi.store.ports import ConfigItem
from sandbox.aws.memory_rows import MemoryTables
from sandbox.aws.memory_stores import make_memory_stores
from sandbox.call_interception import WireFault
from tests.ports.backends import NOW, Moment
from tests.ports.test_store_ports import DOING, FULL, WHOLE, run_together


@pytest.fixture
def stores(memory):
    return memory.stores


def shown(links):
    """What the three indexes show: incident of the issue, open incidents, state and title in the list."""
    rows = links.list_by_state(["failing", "open", "ended"], "", 9)
    return (links.find_incident_id("INCIDENT-1"), [link.incident_id for link in links.list_open()],
            [(row.state, row.card.trouble) for row in rows])


def test_indexes_show_what_was_written_when_their_lag_is_over(memory, stores):
    memory.state.index_lag_seconds, links = 2.0, stores.links
    saved = links.save(WHOLE)
    assert (links.get("Q1"), shown(links)) == (saved, (None, [], []))
    memory.clock.now += 1.0
    saved = links.save(replace(saved, failures={}))
    memory.clock.now += 1.0
    assert shown(links) == ("Q1", ["Q1"], [("failing", "400")])
    memory.clock.now += 1.0
    assert shown(links) == ("Q1", ["Q1"], [("open", "")])
    links.save(replace(saved, ended=True, issue=None))
    # The index still has it; its row says that it is over.
    assert shown(links) == ("Q1", [], [("open", "")])
    memory.clock.now += 2.0
    assert shown(links) == (None, [], [("ended", "")])


def test_of_many_saves_no_more_is_kept_than_an_index_may_show(memory, stores):
    memory.state.index_lag_seconds, link = 2.0, FULL
    for _ in range(20):
        link = stores.links.save(link)
        memory.clock.now += 1.0
    assert len(memory.state.rows["incidents"]["Q1"]) <= 4


def test_what_has_expired_is_read_until_it_is_swept(memory, stores):
    stores.processed_ids.mark_processed(["R1"])
    stores.config.save("a", ConfigItem(1), DOING, NOW + 5)
    stores.config.save("b", ConfigItem(2), DOING)
    stores.config.add_counts("c", {"x": 1}, NOW + 5, DOING)
    memory.clock.now += 91 * 86_400
    assert (stores.processed_ids.already_processed(["R1"]), stores.config.get("a", DOING).value) == ({"R1"}, 1)
    assert stores.config.get_counts(["c"], DOING) == {"c": {"x": 1}}
    memory.state.delete_expired()
    assert (stores.processed_ids.already_processed(["R1"]), stores.config.get("a", DOING)) == (set(), None)
    assert (stores.config.get("b", DOING).value, stores.config.get_counts(["c"], DOING)) == (2, {})


def test_what_has_expired_is_gone_at_once_where_that_is_asked_for(memory, stores):
    memory.state.sweeps_expired = True
    stores.config.save("a", ConfigItem(1), DOING, NOW + 5)
    memory.clock.now += 5
    assert stores.config.get("a", DOING).value == 1
    memory.clock.now += 1
    assert stores.config.get("a", DOING) is None
    stores.config.save("a", ConfigItem(2), DOING, NOW + 50)
    assert stores.config.get("a", DOING) == ConfigItem(2, 1)


def test_nobody_comes_between_a_condition_and_its_write():
    both = threading.Barrier(2)

    def clock():
        # Read after the condition and before the write; two writers meet in it only if no lock holds the second off.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.05)
        return NOW

    links = make_memory_stores(MemoryTables(clock)).links
    outcomes = run_together(lambda number: links.save(Link("Q1")).version, 2)
    assert sorted(outcomes, key=str) == sorted([1, LostRace], key=str)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))])
def test_a_copy_goes_its_own_way(memory, stores, duplicate):
    saved = stores.links.save(FULL)
    stores.processed_ids.mark_processed(["R1"])
    state = duplicate(memory.state)
    copied = make_memory_stores(state)
    assert copied.links.get("Q1") == saved
    copied.links.save(replace(saved, ended=True))
    copied.processed_ids.mark_processed(["R2"])
    state.clock.now += 60
    assert (stores.links.get("Q1"), stores.processed_ids.already_processed(["R1", "R2"])) == (saved, {"R1"})
    assert (memory.clock.now, copied.processed_ids.already_processed(["R1", "R2"])) == (NOW, {"R1", "R2"})


def test_a_call_is_tried_three_times_with_pauses_between():
    clock, tries = Moment(), []

    def carry(name, call):
        tries.append((name, clock.now))
        raise WireFault("503")

    links = make_memory_stores(MemoryTables(clock), carry, clock.sleep).links
    with pytest.raises(AwsOutage, match=r"^reading the link of Q1: Failed to get item: 503$"):
        links.get("Q1")
    assert tries == [("DynamoDB_20120810.GetItem", NOW + pause) for pause in (0.0, 0.5, 1.5)]


def test_a_call_that_succeeds_at_the_third_try_is_no_outage():
    clock, faults = Moment(), [WireFault("503"), WireFault("503")]

    def carry(name, call):
        if faults:
            raise faults.pop()
        return call()

    assert make_memory_stores(MemoryTables(clock), carry, clock.sleep).links.save(Link("Q1")).version == 1
    assert clock.pauses == [0.5, 1.0]


def test_a_death_passes_untouched_and_is_not_tried_again():
    class Death(BaseException):
        pass

    def carry(name, call):
        call()
        raise Death

    state = MemoryTables(Moment())
    with pytest.raises(Death):
        make_memory_stores(state, carry, state.clock.sleep).links.save(FULL)
    assert make_memory_stores(state).links.get("Q1").version == 1
    assert state.clock.pauses == []
