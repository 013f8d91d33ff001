"""`python -m sandbox.small_world`: search every state of a small world for one from which both sides do not agree."""

import argparse
import gc
import os
import sys
import time

from sandbox.small_world.search import Search
from sandbox.small_world.state import Limits

PROGRESS_SECONDS = 5.0
SECOND_ISSUE = "2 issues"
EXCEPTION = "an answer to the creation lost, and an index that lags longer than JIRA_INDEX_LAG_SECONDS"


class Progress:
    """Says every few seconds how far a search is."""

    def __init__(self) -> None:
        self.started_at = self._reported_at = time.perf_counter()

    def report(self, search: Search) -> None:
        """Print a line, unless the last one is young."""
        now = time.perf_counter()
        if now - self._reported_at > PROGRESS_SECONDS:
            self._reported_at = now
            print(f"... {len(search.nodes)} states, {search.expanded_count} of them gone on from", file=sys.stderr,
                  flush=True)


def main() -> int:
    """Search as the command line asks for; return 0 only if the documented exception was found, and no other."""
    arguments = _parse_arguments()
    progress = Progress()
    # States are kept: looking through them for garbage costs more than all else.
    gc.set_threshold(100_000, 50, 1000)
    search = Search(Limits(arguments.faults, arguments.acts, arguments.polls, arguments.waits))
    search.find_states(arguments.states, progress.report)
    failures = search.list_failures()
    seconds = time.perf_counter() - progress.started_at
    excused = [(number, verdict) for number, verdict in failures
               if search.nodes[number].is_excused and verdict == SECOND_ISSUE]
    others = sorted({*failures} - {*excused})
    _print_example(search, excused, f"documented: {EXCEPTION}")
    _print_example(search, others, "not documented")
    count = len(search.nodes)
    print(f"{count} states{' (all)' if search.is_complete else ''}, {search.transition_count} steps, "
          f"{count / seconds:.0f} states a second, {seconds:.0f} s: the documented exception "
          f"{'found' if excused else 'not found'}, {len(others) or 'no'} other states that do not lead to agreement")
    return 0 if (excused or arguments.faults < 2) and not others else 1


def _print_example(search: Search, failures: list[tuple[int, str]], title: str) -> None:
    """Print the nearest of these states."""
    if failures:
        number, verdict = failures[0]
        print(f"{title}: after quiet and two polls, {verdict}")
        print("\n".join(f"  {place}. {text}" for place, text in enumerate(search.list_steps(number), 1)))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.small_world", description=__doc__,
        epilog=f"The exit code is 0 only if the documented exception ({EXCEPTION}) was found, and no other.")
    parser.add_argument("--states", type=int, default=100_000, help="how many states to find (default: 100000)")
    parser.add_argument("--faults", type=int, default=2, help="at most so many faults (default: 2)")
    parser.add_argument("--acts", type=int, default=2, help="at most so many acts of people (default: 2)")
    parser.add_argument("--polls", type=int, default=1, help="at most so many polls before it is quiet (default: 1)")
    parser.add_argument("--waits", type=int, default=1, help="at most so many waits for leases to end (default: 1)")
    return parser.parse_args()


if __name__ == "__main__":
    # The order of sets must be the same in every run.
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
