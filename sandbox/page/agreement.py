"""Notices when both sides, having differed, agree again."""

from collections.abc import Callable

# Between the writes of one event they may seem to agree.
SETTLED_SECONDS = 1.0


class Agreement:
    """`look` is to be told often how they stand."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._differed: float | None = None
        self._agreed: float | None = None

    def look(self, agree: bool) -> float | None:
        """How many seconds they differed, once they have agreed again for a while."""
        now = self._now()
        if not agree:
            self._differed = now if self._differed is None else self._differed
            self._agreed = None
            return None
        if self._differed is None:
            return None
        self._agreed = now if self._agreed is None else self._agreed
        if now - self._agreed < SETTLED_SECONDS:
            return None
        took, self._differed = self._agreed - self._differed, None
        return took
