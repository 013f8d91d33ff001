"""`python -m sandbox.simulate`: play random histories, and say whether all promises held."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import fields

from sandbox.simulate.branches import BRANCHES
from sandbox.simulate.history import History, Knobs
from sandbox.simulate.search import Findings, search_in_parallel, shrink_seed

# More failures than these are named by their seed only.
MAX_SHRUNK = 3
PROGRESS_SECONDS = 5.0
# So many histories reach every branch that is counted.
BRANCHES_MIN_HISTORIES = 2000
TEST_TEMPLATE = """
def test_seed_{seed}(play):
    play(History({knobs}, (
        {steps})))
"""


def main() -> int:
    """Play the histories that the command line asks for; return 0 only if all of them ended well."""
    arguments = _parse_arguments()
    seeds = range(arguments.seed, arguments.seed + arguments.histories)
    started_at, findings = time.perf_counter(), Findings()
    reported_at = started_at
    for part in search_in_parallel(seeds, arguments.jobs):
        findings.add_findings(part)
        for seed, failures in part.failures.items():
            print(f"seed {seed}: {'; '.join(failures)}", flush=True)
        if time.perf_counter() - reported_at > PROGRESS_SECONDS:
            reported_at = time.perf_counter()
            print(f"... {findings.histories} of {len(seeds)} histories", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started_at
    for seed in sorted(findings.failures)[:MAX_SHRUNK * (not arguments.no_shrink)]:
        print(format_test(seed, shrink_seed(seed)), flush=True)
    missed = [branch for branch in BRANCHES if not findings.branches[branch]]
    print("branches: " + ", ".join(f"{branch} {findings.branches[branch]}" for branch in BRANCHES))
    if missed and findings.histories >= BRANCHES_MIN_HISTORIES:
        print(f"never reached: {', '.join(missed)}")
    print(_describe(findings, seconds, seeds))
    return 1 if findings.failures or (missed and findings.histories >= BRANCHES_MIN_HISTORIES) else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.simulate", description=__doc__,
                                     epilog="The last line says what was played; the exit code is 0 only if all held.")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--histories", type=int, default=1000, help="how many seeds to play (default: 1000)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--no-shrink", action="store_true", help="name failing seeds, and do not shrink them")
    return parser.parse_args()


def _describe(findings: Findings, seconds: float, seeds: Sequence[int]) -> str:
    hours = findings.simulated_seconds / 3600
    count = len(findings.failures)
    return (f"{findings.histories} histories (seeds {seeds[0]} to {seeds[-1]}), {findings.histories / seconds:.0f} a "
            f"second, {hours:.0f} hours of simulated time, {findings.simulated_seconds / seconds:.0f} times as fast as "
            f"time itself: {f'{count} failed' if count else 'all held'}")


def format_test(seed: int, history: History) -> str:
    """Return the source of a test that plays this history."""
    plain = Knobs()
    knobs = [f"{knob.name}={getattr(history.knobs, knob.name)!r}" for knob in fields(Knobs)
             if getattr(history.knobs, knob.name) != getattr(plain, knob.name)]
    return TEST_TEMPLATE.format(seed=seed, knobs=f"Knobs({', '.join(knobs)})",
                                steps=",\n        ".join(map(repr, history.steps)) + ",")


if __name__ == "__main__":
    # The order of sets must be the same in every run.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, "-m", "sandbox.simulate", *sys.argv[1:]],
                  {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
