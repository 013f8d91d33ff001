"""Attempts to sign in, counted by who makes them, in DynamoDB: after a few that failed each has to wait longer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from jpi.errors import LostRace
from jpi.store.models import ConfigRow, told

# So many may fail at once; then 2 seconds, 4, 8 ... a quarter of an hour, in which one is forgotten.
FREE, LONGEST_SECONDS = 3, 900.0
# All addresses together: nobody is kept out for long by what others try.
EVERYBODY, FREE_OF_ALL, LONGEST_OF_ALL_SECONDS = "everybody", 50, 30.0
KEPT = timedelta(days=1)
# To whoever comes at the same moment as another attempt of theirs.
MOMENT_SECONDS = 1.0


class Attempts:
    """Whether somebody may try now."""

    def __init__(self, rows: type[ConfigRow], clock: Callable[[], float]) -> None:
        self._rows = rows
        self._clock = clock

    def wait(self, who: str) -> float:
        """Seconds to wait before another attempt; 0: this is one, and counts as failed until it is `forgiven`."""
        return (self._claimed(who, FREE, LONGEST_SECONDS)
                or self._claimed(EVERYBODY, FREE_OF_ALL, LONGEST_OF_ALL_SECONDS))

    def forgive(self, who: str) -> None:
        """It was the right password: what others have tried counts as before."""
        own, all_ = self._row(who), self._row(EVERYBODY)
        for row, failures in ((own, 0), (all_, all_.value["failures"] - 1)):
            row.value = {"failures": max(0, failures), "until": 0.0, "at": self._clock()}
            self._saved(row)

    def _claimed(self, who: str, free: int, longest: float) -> float:
        now, row = self._clock(), self._row(who)
        if now < row.value["until"]:
            return float(row.value["until"]) - now
        forgotten = (now - row.value.get("at", now)) // longest
        failures = max(0, row.value["failures"] - int(forgotten)) + 1
        pause = min(longest, 2.0 ** (failures - free)) if failures > free else 0.0
        row.value = {"failures": failures, "until": now + pause, "at": now}
        # Saved before the password is looked at: many at once get one look between them.
        return 0.0 if self._saved(row) else MOMENT_SECONDS

    def _row(self, who: str) -> ConfigRow:
        with told("reading attempts"):
            try:
                return self._rows.get(f"sign-in:{who}", consistent_read=True)
            except self._rows.DoesNotExist:
                return self._rows(f"sign-in:{who}", value={"failures": 0, "until": 0.0})

    def _saved(self, row: ConfigRow) -> bool:
        row.expires_at = datetime.fromtimestamp(self._clock(), UTC) + KEPT
        try:
            with told("counting an attempt"):
                row.save()
        except LostRace:
            return False
        return True
