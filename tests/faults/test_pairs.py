"""All pairs of faults: which of them a share and a slice have, and that those of a small share survive."""

import subprocess
import sys
from itertools import chain

import pytest

from sandbox.fault_injector import DEATHS, FAULTS
from sandbox.pairs import KINDS, Selection, describe_differences, group_kinds

FIRST_STEPS = [(call, kind) for call in range(100) for kind in KINDS]
SLICES = 2


def list_first_steps(**selection):
    return [step for step in FIRST_STEPS if Selection(**selection).has_step((), *step)]


def test_slices_add_up_and_have_nothing_twice():
    slices = [list_first_steps(share=0.25, seed=3, slice_number=number, slice_count=3) for number in range(3)]
    whole = list_first_steps(share=0.25, seed=3)
    assert sorted(map(str, chain(*slices))) == sorted(map(str, whole))
    assert 0.4 < len(whole) / len(FIRST_STEPS) < 0.6
    assert min(map(len, slices)) > len(whole) / 5


def test_the_whole_share_has_every_pair_and_another_seed_has_others():
    assert list_first_steps() == FIRST_STEPS
    assert all(Selection().has_step(((3, "GET users: 500"),), *step) for step in FIRST_STEPS)
    assert list_first_steps(share=0.25, seed=1) != list_first_steps(share=0.25, seed=2)


@pytest.mark.parametrize("name", ["GET users", "POST rest/api/3/issue", "DynamoDB_20120810.PutItem"])
def test_kinds_that_share_a_play_are_all_counted(name):
    kinds = group_kinds(name)
    assert sum(count for _, count in kinds) == len(FAULTS) + len(DEATHS)
    assert len({kind.name for kind, _ in kinds}) == len(kinds)


def test_a_difference_is_named_by_its_place():
    state, expected = {"Down": ("resolved", [{"Timeline": ["a"]}])}, {"Down": ("resolved", [{"Timeline": ["a", "b"]}])}
    assert list(describe_differences(state, expected)) == ["Down 1 0 Timeline: ['a'], not ['a', 'b']"]
    assert list(describe_differences(expected, expected)) == []


@pytest.mark.parametrize("number", range(1, SLICES + 1))
def test_both_sides_agree_after_any_two_faults(exhaustive, number):
    options = ["--share", "0.005" if exhaustive else "0.0002", "--slice", f"{number}/{SLICES}", "--jobs", "1"]
    command = [sys.executable, "-W", "ignore", "-m", "sandbox.pairs", *options]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith(tuple("123456789"))
    assert run.stdout.endswith("all survived\n")
