"""Counts metrics in this process until they are stored."""

import threading
from collections import Counter
from collections.abc import Iterable

from jpi.metrics import CountName


class MetricCounters:
    """Counts by name since they were last drained; several threads may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[CountName] = Counter()

    def add(self, name: CountName, count: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] += count

    def add_all(self, names: Iterable[CountName]) -> None:
        """Add one to each of these counts."""
        for name in names:
            self.add(name)

    def drain_counts(self) -> dict[CountName, int]:
        """Return all counts and start again from nothing."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return {name: count for name, count in counts.items() if count}
