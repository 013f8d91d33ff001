"""A clock that tests move by hand, so that nothing has to sleep."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """The present, plus however far it has been moved on."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """Epoch seconds, as `time.time` gives them."""
        return time.time() + self._ahead

    def now(self) -> datetime:
        """The present time, UTC."""
        return datetime.fromtimestamp(self(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock on; never back."""
        self._ahead += timedelta(seconds=seconds).total_seconds()
