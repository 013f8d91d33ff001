"""The small world: its steps are jpi's own, equal states are one, and what must be found is found."""

import pickle
import subprocess
import sys

import pytest

from sandbox.small_world.calls import LATE, LOST
from sandbox.small_world.moves import list_moves
from sandbox.small_world.search import Search
from sandbox.small_world.state import Limits, compute_key
from sandbox.small_world.world import SmallWorld


@pytest.fixture
def small_world():
    return SmallWorld()


@pytest.fixture
def follow(small_world):
    """Return `follow(*texts, **limits)`: make the first move with each text, in order; return the state as bytes."""
    def follow_moves(*texts, **limits):
        data = SmallWorld().make_first_state(Limits(**limits)).to_bytes()
        for text in texts:
            data = next(state for name, state in list_moves(small_world, data) if text in name).to_bytes()
        return data

    return follow_moves


def find_failure(small_world, data):
    small_world.load_state(pickle.loads(data))
    small_world.finish_work()
    return small_world.find_failure_after_quiet({})


def test_a_worker_that_goes_step_by_step_ends_like_one_that_goes_at_once(small_world, follow):
    data = follow("worker 1 begins")
    small_world.load_state(pickle.loads(data))
    small_world.finish_work()
    at_once = compute_key(small_world.state)
    while not pickle.loads(data).is_at_rest:
        data = next(list_moves(small_world, data))[1].to_bytes()
    assert compute_key(pickle.loads(data)) == at_once
    assert len(pickle.loads(data).issues) == 1


def test_equal_states_at_other_times_have_one_key():
    early, late = SmallWorld(), SmallWorld()
    late.clock.advance(3600)
    starts = [world.make_first_state(Limits()).to_bytes() for world in (early, late)]
    first, second = (next(list_moves(early, start))[1] for start in starts)
    assert first.now != second.now
    assert compute_key(first) == compute_key(second)


def test_both_workers_are_alike_and_time_is_part_of_a_state(small_world, follow):
    state = pickle.loads(follow("worker 1 begins", "Rita acknowledges", "worker 2 begins"))
    key = compute_key(state)
    state.workers[:2] = reversed(state.workers[:2])
    assert compute_key(state) == key
    small_world.load_state(state)
    small_world.clock.advance(1)
    small_world.finish_step()
    assert compute_key(state) != key
    assert compute_key(pickle.loads(follow("worker 1 begins", "Rita resolves", "worker 2 begins"))) != key


def test_a_lost_answer_and_a_late_index_make_a_second_issue_and_nothing_less_does(small_world, follow):
    begin = ["worker 1 begins", "worker 1 get_incident", "worker 1 PutItem", f"worker 1 create {LOST}",
             "worker 1 PutItem", "worker 1 GetItem", "worker 1 PutItem", "seconds go by", "worker 1 begins",
             "worker 1 get_incident"]
    excused = follow(*begin, f"find_created_issue {LATE}")
    assert find_failure(small_world, excused) == "2 issues"
    assert pickle.loads(excused).is_excused
    assert find_failure(small_world, follow(*begin, "find_created_issue")) == ""


@pytest.mark.parametrize("limits", [Limits(0, 1, 1, 0), Limits(2, 2, 1, 1)], ids=["without faults", "with faults"])
def test_the_nearest_states_lead_to_agreement(limits, exhaustive):
    search, count = Search(limits), 3000 if exhaustive else 150
    search.find_states(count, lambda search: None)
    assert search.is_complete or len(search.nodes) >= count
    assert search.list_failures() == []
    assert search.list_steps(1) == ["a P1 was triggered", search.nodes[1].text]


def test_the_documented_exception_is_found_and_no_other(exhaustive):
    if not exhaustive:
        pytest.skip("searches for half a minute")
    command = [sys.executable, "-W", "ignore", "-m", "sandbox.small_world", "--acts", "0", "--polls", "0", "--states",
               "8000"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "the documented exception found, no other states" in run.stdout
