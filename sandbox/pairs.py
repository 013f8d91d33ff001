"""`python -m sandbox.pairs`: break the story of a P1 at two calls, by every pair of calls and kinds of faults."""

import argparse
import gc
import hashlib
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jpi import wiring
from sandbox.branches import Branches
from sandbox.fault_injector import (
    DEATHS,
    FAULTS,
    FaultInjector,
    FaultPlan,
    InjectedFault,
    classify_fault,
    plan_fault_at,
)
from sandbox.hosts import InProcessHost
from sandbox.scenario import ScenarioRun, State, forget_refusals, play_p1
from sandbox.simulate.quick_transport import use_quick_transport
from sandbox.simulate.theatre import repeat_randomness
from sandbox.world import World
from sandbox.world_run import NeverIdleError

KINDS = (*FAULTS, *DEATHS)
# Longer than every lease, and than a pause of jpi's after the refusals of one story.
QUIET_SECONDS = 1200
QUIET_POLLS = 2
# PagerDuty shows no assignee of a resolved incident: an issue that is made only then has the agent as its manager.
LATE_MANAGER = "Incident Manager 0: 'Rita Responder', not 'Oscar Oncall'"
# The calls that are broken: by number, kind, and how many kinds share this play.
Path = tuple[tuple[int, str], ...]


@dataclass
class Findings:
    """What came of some plays: how many pairs they stand for, how many they are, and what did not survive."""

    pairs: int = 0
    plays: int = 0
    failures: dict[Path, str] = field(default_factory=dict)

    def add_findings(self, other: "Findings") -> None:
        """Add those of other plays."""
        self.pairs += other.pairs
        self.plays += other.plays
        self.failures |= other.failures


@dataclass(frozen=True)
class Selection:
    """The pairs to play: a share of all, drawn by a seed; of these, one of so many slices by the first fault."""

    share: float = 1.0
    seed: int = 0
    slice_number: int = 0
    slice_count: int = 1

    def has_step(self, path: Path, call: int, fault: InjectedFault) -> bool:
        """True if a play that was broken by `path` is to be broken by this fault now; both steps draw alike."""
        number = _draw_number(self.seed, path, call, fault.name)
        is_in_slice = bool(path) or _draw_number("slice", call, fault.name) % self.slice_count == self.slice_number
        return is_in_slice and number < self.share ** 0.5 * 2 ** 64


def _draw_number(*names: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(names).encode(), digest_size=8).digest(), "big")


class PairInjector(FaultInjector):
    """A wire that forks the play at each call, once for each fault that it is to meet, and then once more."""

    def __init__(self, selection: Selection) -> None:
        super().__init__(self._choose_fault)
        self.branches, self.selection = Branches(), selection
        self.path: Path = ()
        # How many pairs this play stands for: faults that are equal for a call share it.
        self.weight = 1
        self.is_breaking, self.is_refused = False, False
        self._current: FaultPlan = lambda number, name: None

    def _choose_fault(self, number: int, name: str) -> InjectedFault | None:
        if fault := self._current(number, name):
            return fault
        if self.is_breaking and len(self.path) < 2:
            for fault, count in group_kinds(name):
                if self.selection.has_step(self.path, number, fault) and self.branches.fork_branch(
                        (*self.path, (number, f"{name}: {fault.name}"))):
                    return self._break_call(number, name, fault, count)
        return None

    def _break_call(self, number: int, name: str, fault: InjectedFault, count: int) -> InjectedFault | None:
        self.path = (*self.path, (number, f"{name}: {fault.name}"))
        self.weight *= count
        self.is_refused |= bool(fault.own_error)
        self._current = plan_fault_at(number, fault)
        return self._current(number, name)


@cache
def group_kinds(name: str) -> Sequence[tuple[InjectedFault, int]]:
    """Return the faults that differ for a call of this name, each with how many it stands for."""
    counts = Counter(classify_fault(kind, name) for kind in KINDS)
    kinds = {classify_fault(kind, name): kind for kind in reversed(KINDS)}
    return [(kind, counts[group]) for group, kind in reversed(kinds.items())]


class PairRun(ScenarioRun):
    """One play of the story; calls go without sessions."""

    def restart_jpi(self) -> None:
        """Start a new process."""
        super().restart_jpi()
        adapter = self.world.make_outside().http_adapter
        assert adapter
        use_quick_transport(self.jpi, adapter)


def play_pairs(selection: Selection, is_queued: bool) -> Findings:
    """Play the selected pairs, one way of handing over."""
    gc.set_threshold(50_000, 20, 100)
    wire = PairInjector(selection)
    with repeat_randomness():
        world = World(InProcessHost(wire.intercept_http, wire.intercept_call), queued=is_queued, LOG_LEVEL="CRITICAL")
        world.jpi = world.start_jpi()
        wiring.use_app(lambda: world.jpi)
        run = PairRun(world)
        run.restart_jpi()
        # jpi was set up before the first incident.
        run.run_poll()
        expected = _play_unbroken(run, wire)
        wire.is_breaking = True
        wire.branches.run(lambda: _judge_play(run, wire, expected))
    pairs: dict[Path, tuple[int, str]] = wire.branches.results  # type: ignore[assignment]
    return Findings(sum(weight for path, (weight, _) in pairs.items() if len(path) == 2), len(pairs),
                    {path: failure for path, (_, failure) in pairs.items() if failure})


def _play_unbroken(run: ScenarioRun, wire: PairInjector) -> State:
    """Return the end of the story without faults, played in a copy of this process."""
    branches = Branches()
    if branches.fork_branch("unbroken"):
        branches.run(lambda: forget_refusals(_play_story(run, wire)))
    state: State = branches.results["unbroken"]
    assert state["created"] == {"INCIDENT": 1, "QUESTION": 3, "TIMELINE": 5}, state
    return state


def _play_story(run: ScenarioRun, wire: PairInjector) -> State:
    play_p1(run)
    wire.is_breaking = False
    for _ in range(QUIET_POLLS):
        run.world.clock.advance(QUIET_SECONDS)
        run.run_poll()
    return run.read_state()


def _judge_play(run: ScenarioRun, wire: PairInjector, expected: State) -> tuple[int, str]:
    """Return how many pairs this play stands for, and what is different at its end."""
    try:
        state = forget_refusals(_play_story(run, wire))
    except NeverIdleError:
        return wire.weight, "never idle"
    return wire.weight, "; ".join(difference for difference in describe_differences(state, expected)
                                  if not difference.endswith(LATE_MANAGER))


def describe_differences(state: Any, expected: Any, place: str = "") -> Iterator[str]:
    """Yield what differs, as far down as both have the same shape."""
    if isinstance(state, dict) and isinstance(expected, dict) and state.keys() == expected.keys():
        for name in state:
            yield from describe_differences(state[name], expected[name], f"{place} {name}")
    elif isinstance(state, list | tuple) and isinstance(expected, list | tuple) and len(state) == len(expected):
        for number, (part, expected_part) in enumerate(zip(state, expected, strict=True)):
            yield from describe_differences(part, expected_part, f"{place} {number}")
    elif state != expected:
        yield f"{place.strip()}: {state!r}, not {expected!r}"


def search_pairs(selection: Selection, jobs: int) -> Iterator[Findings]:
    """Yield what came of each part of the selected pairs, both ways of handing over."""
    count = max(jobs, round(64 * selection.share))
    parts = [(Selection(selection.share, selection.seed, selection.slice_number + selection.slice_count * number,
                        selection.slice_count * count), is_queued)
             for number in range(count) for is_queued in (True, False)]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(_play_part, parts)


def _play_part(part: tuple[Selection, bool]) -> Findings:
    return play_pairs(*part)


def main() -> int:
    """Play the pairs that the command line asks for; return 0 only if all survived."""
    arguments = _parse_arguments()
    number, count = map(int, arguments.slice.split("/"))
    selection = Selection(arguments.share, arguments.seed, number - 1, count)
    started_at, findings = time.perf_counter(), Findings()
    for part in search_pairs(selection, arguments.jobs):
        findings.add_findings(part)
        for path, failure in part.failures.items():
            print(f"{' then '.join(f'call {call} {name}' for call, name in path)}: {failure}", flush=True)
        print(f"... {findings.pairs} pairs, {findings.plays} plays, {len(findings.failures)} failed", file=sys.stderr,
              flush=True)
    seconds = time.perf_counter() - started_at
    print(f"{findings.pairs} pairs of faults (share {selection.share}, seed {selection.seed}, slice {arguments.slice}) "
          f"in {findings.plays} plays, {seconds:.0f} s, {findings.plays / seconds:.0f} plays a second: "
          f"{f'{len(findings.failures)} failed' if findings.failures else 'all survived'}")
    return 1 if findings.failures or not findings.plays else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.pairs", description=__doc__,
        epilog="In process and with the queue. The last line says what was played; the exit code is 0 only if all "
               "survived.")
    parser.add_argument("--share", type=float, default=0.02, help="of all pairs, 1 plays each (default: 0.02)")
    parser.add_argument("--seed", type=int, default=0, help="which pairs a share has (default: 0)")
    parser.add_argument("--slice", default="1/1", metavar="I/N", help="part I of N; all N add up (default: 1/1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return parser.parse_args()


if __name__ == "__main__":
    # The order of sets must be the same in every run.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
