"""Plays many seeds in several processes, each tenth twice, and collects what does not hold."""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sandbox.simulate.branches import count_branches
from sandbox.simulate.history import History, draw_history
from sandbox.simulate.shrink import shrink_history
from sandbox.simulate.theatre import play_history

# Every so many seeds are played twice.
REPEAT_STEP = 10
CHUNK_SIZE = 10
WEIGHTS = {"acknowledge": 3, "unacknowledge": 1, "resolve": 3, "reopen": 3, "set_title": 2, "set_priority": 3,
           "reassign": 3, "add_note": 3, "move_issue": 6, "edit_summary": 2, "edit_priority": 2, "edit_assignee": 2,
           "comment": 3, "trigger": 1, "deliver": 14, "settle": 3, "poll": 1, "work": 3, "break": 6, "restart": 1,
           "kill_token": 1, "renew_tokens": 1, "cross": 5, "merge": 1, "edit_comment": 1, "delete_comment": 1,
           "move_project": 0, "delete_issue": 0, "hide_issue": 0, "hide_incident": 0, "create_issue": 1}


@dataclass
class Findings:
    """What came of some seeds: how many, how much simulated time, and what failed, by seed."""

    histories: int = 0
    simulated_seconds: float = 0.0
    failures: dict[int, Sequence[str]] = field(default_factory=dict)
    branches: Counter[str] = field(default_factory=Counter)

    def add_findings(self, other: "Findings") -> None:
        """Add those of other seeds."""
        self.histories += other.histories
        self.simulated_seconds += other.simulated_seconds
        self.failures |= other.failures
        self.branches += other.branches


def draw_seeded(seed: int) -> History:
    """Draw the history of a seed."""
    return draw_history(seed, WEIGHTS)


def search_seeds(seeds: Sequence[int]) -> Findings:
    """Play these seeds in this process."""
    # Histories make and drop much: collecting less often saves time.
    gc.set_threshold(50_000, 20, 100)
    findings = Findings()
    with count_branches() as branches:
        for seed in seeds:
            findings.add_findings(_play_seed(seed))
    findings.branches = branches
    return findings


def _play_seed(seed: int) -> Findings:
    history = draw_seeded(seed)
    outcome = play_history(history)
    failures = list(outcome.failures)
    if seed % REPEAT_STEP == 0 and play_history(history).trace != outcome.trace:
        failures.append("not repeatable: played again, the history has another trace")
    return Findings(1, outcome.simulated_seconds, {seed: failures} if failures else {})


def search_in_parallel(seeds: Sequence[int], jobs: int) -> Iterator[Findings]:
    """Yield what came of each few of these seeds, played by so many processes."""
    chunks = [seeds[start:start + CHUNK_SIZE] for start in range(0, len(seeds), CHUNK_SIZE)]
    if jobs == 1:
        yield from map(search_seeds, chunks)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap_unordered(search_seeds, chunks)


def shrink_seed(seed: int) -> History:
    """Return the smallest history found that fails as this seed's does."""
    history = draw_seeded(seed)
    kinds = play_history(history).kinds
    return shrink_history(history, lambda candidate: bool(play_history(candidate).kinds & kinds))
