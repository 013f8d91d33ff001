"""Measure how long both sides differed before they agreed again."""

from collections.abc import Callable

# Between the writes of one event the sides may seem to agree.
SETTLED_SECONDS = 1.0


class AgreementTimer:
    """Call `observe_agreement` often."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._differed_at: float | None = None
        self._agreed_at: float | None = None

    def observe_agreement(self, agree: bool) -> float | None:
        """Return how many seconds the sides differed, once they have agreed for a while; else None."""
        now = self._now()
        if not agree:
            self._differed_at = now if self._differed_at is None else self._differed_at
            self._agreed_at = None
            return None
        if self._differed_at is None:
            return None
        self._agreed_at = now if self._agreed_at is None else self._agreed_at
        if now - self._agreed_at < SETTLED_SECONDS:
            return None
        seconds, self._differed_at = self._agreed_at - self._differed_at, None
        return seconds
