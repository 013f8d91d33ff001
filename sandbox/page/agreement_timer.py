"""Notices when both sides, having differed, agree again."""

from collections.abc import Callable

# Between the writes of one event they may seem to agree.
SETTLED_SECONDS = 1.0


class AgreementTimer:
    """`look` is to be told often how they stand."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._differed_at: float | None = None
        self._agreed_at: float | None = None

    def observe(self, agree: bool) -> float | None:
        """How many seconds they differed, once they have agreed again for a while."""
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
        took, self._differed_at = self._agreed_at - self._differed_at, None
        return took
