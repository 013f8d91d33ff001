"""The clocks: what moves them, and that nothing moves them back."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import START, Clock, RunningClock


def test_a_clock_moves_only_when_it_is_advanced(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert (clock.now(), clock(), clock.now().tzinfo) == (START, START.timestamp(), UTC)
    clock.advance(90.25)
    assert (clock.now(), clock()) == (START + timedelta(seconds=90.25), START.timestamp() + 90.25)
    assert Clock(datetime(2020, 1, 1, tzinfo=UTC)).now().year == 2020


@pytest.mark.parametrize("kind", [Clock, RunningClock])
def test_no_clock_goes_back(kind):
    clock = kind()
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)


def test_no_advance_of_several_threads_is_lost():
    clock = Clock()
    threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock() - START.timestamp() == 4000


def test_a_running_clock_runs_on_with_the_machines_and_stands_still_where_that_is_set_back(monkeypatch):
    clock = RunningClock(START)
    machine_time = time.time() + 1000
    for step, passed in ((0, 0), (5, 5), (-60, 0), (59, 0), (3, 2)):
        before = clock.now()
        machine_time += step
        monkeypatch.setattr(time, "time", lambda now=machine_time: now)
        assert (clock.now() - before).total_seconds() == pytest.approx(passed if step else 1000, abs=1)
    before = clock.now()
    clock.advance(100)
    assert (clock.now() - before).total_seconds() == 100


def test_a_running_clock_begins_at_the_present():
    assert abs(RunningClock()() - time.time()) < 5
