"""Clocks that tests advance, so that nothing has to sleep."""

import threading
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that starts at `start` and moves only when it is advanced."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return epoch seconds, as `time.time` does."""
        return self.now().timestamp()

    def now(self) -> datetime:
        """Return the present time, UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward; it never goes back."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back by {-seconds} seconds")
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def __getstate__(self) -> datetime:
        """Return the time, which is all that a copy needs."""
        return self.now()

    def __setstate__(self, now: datetime) -> None:
        """Take the time of the copied clock."""
        vars(self).update(_now=now, _lock=threading.Lock())


class RunningClock(Clock):
    """A clock that also runs with the machine's clock, by default from now."""

    def __init__(self, start: datetime | None = None) -> None:
        self._machine_time = datetime.now(UTC)
        super().__init__(start or self._machine_time)

    def now(self) -> datetime:
        """Return the present time, UTC."""
        with self._lock:
            machine_time = datetime.fromtimestamp(time.time(), UTC)
            # If the machine's clock is set back, this one stands still until the machine's has caught up.
            if machine_time > self._machine_time:
                self._now += machine_time - self._machine_time
                self._machine_time = machine_time
            return self._now
