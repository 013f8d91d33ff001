"""The simulator: the same seed plays the same history, a failing history is shrunk, and a few seeds end well."""

import subprocess
import sys
from dataclasses import replace

import pytest

from jpi import wiring
from sandbox.simulate.__main__ import format_test
from sandbox.simulate.history import History, Knobs, Step
from sandbox.simulate.search import draw_seeded, search_seeds
from sandbox.simulate.shrink import shrink_history
from sandbox.simulate.theatre import play_history
from tests.faults.mutants import MUTANTS, find_mistake


@pytest.fixture(autouse=True)
def _own_app():
    yield
    wiring.use_app(None)


def test_a_few_seeds_end_well():
    findings = search_seeds(range(10))
    assert findings.failures == {}
    assert findings.histories == 10
    assert findings.simulated_seconds > 10 * 7200


def test_the_same_seed_has_the_same_trace():
    first, second = play_history(draw_seeded(4)), play_history(draw_seeded(4))
    assert first == second
    assert len(first.trace) > 50


@pytest.mark.parametrize("seed", [1, 4])
def test_calls_without_a_session_are_the_same_calls(seed):
    quick = draw_seeded(seed)
    slow = replace(quick, knobs=replace(quick.knobs, is_quick=False))
    assert play_history(quick) == play_history(slow)


@pytest.mark.parametrize("name", ["processed ids are not stored", "rows are written over any version"])
def test_a_known_mistake_is_found(name):
    assert find_mistake(name)


def test_there_are_known_mistakes_of_all_kinds():
    assert len(MUTANTS) >= 25


def test_a_failing_history_is_shrunk_to_what_it_needs():
    steps = (*[Step("wait", 7)] * 5, Step("break", 13, 3), *[Step("settle")] * 4, Step("resolve", 44, 7))
    history = History(Knobs(index_lag=300, batch_size=1), steps)

    def fails(candidate):
        return candidate.knobs.batch_size == 1 and any(step.act == "break" and step.which > 2
                                                       for step in candidate.steps)

    assert shrink_history(history, fails) == History(Knobs(batch_size=1), (Step("break", 3),))


def test_a_shrunk_history_is_printed_as_a_test():
    history = History(Knobs(index_lag=300), (Step("trigger"), Step("break", 3, 1)))
    played = []
    names = {"History": History, "Knobs": Knobs, "Step": Step}
    exec(format_test(7, history), names)
    names["test_seed_7"](played.append)
    assert played == [history]


def test_the_command_says_what_it_played():
    options = ["--seed", "3", "--histories", "1", "--jobs", "1"]
    command = [sys.executable, "-W", "ignore", "-m", "sandbox.simulate", *options]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    last_line = answer.stdout.splitlines()[-1]
    assert last_line.startswith("1 histories (seeds 3 to 3), ")
    assert last_line.endswith("all held")
