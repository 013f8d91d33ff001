"""Attempts to sign in, counted by who makes them, in DynamoDB: after a few that failed each has to wait longer."""

from collections.abc import Callable
from typing import Any

from jpi.errors import LostRace
from jpi.store.ports import ConfigTable, Item

# So many may fail at once; then 2 seconds, 4, 8 ... a quarter of an hour, in which one is forgotten.
FREE, LONGEST_SECONDS = 3, 900.0
# All addresses together: nobody is kept out for long by what others try.
EVERYBODY, FREE_OF_ALL, LONGEST_OF_ALL_SECONDS = "everybody", 50, 30.0
KEPT_SECONDS = 86_400.0
# To whoever comes at the same moment as another attempt of theirs.
MOMENT_SECONDS = 1.0


class Attempts:
    """Whether somebody may try now."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def wait(self, who: str) -> float:
        """Seconds to wait before another attempt; 0: this is one, and counts as failed until it is `forgiven`."""
        return (self._claimed(who, FREE, LONGEST_SECONDS)
                or self._claimed(EVERYBODY, FREE_OF_ALL, LONGEST_OF_ALL_SECONDS))

    def forgive(self, who: str) -> None:
        """It was the right password: what others have tried counts as before."""
        own, all_ = self._get(who), self._get(EVERYBODY)
        for name, item, failures in ((who, own, 0), (EVERYBODY, all_, all_.value["failures"] - 1)):
            self._save(name, {"failures": max(0, failures), "until": 0.0, "at": self._clock()}, item.version)

    def _claimed(self, who: str, free: int, longest: float) -> float:
        now, item = self._clock(), self._get(who)
        if now < item.value["until"]:
            return float(item.value["until"]) - now
        forgotten = (now - item.value.get("at", now)) // longest
        failures = max(0, item.value["failures"] - int(forgotten)) + 1
        pause = min(longest, 2.0 ** (failures - free)) if failures > free else 0.0
        # Saved before the password is looked at: many at once get one look between them.
        saved = self._save(who, {"failures": failures, "until": now + pause, "at": now}, item.version)
        return 0.0 if saved else MOMENT_SECONDS

    def _get(self, who: str) -> Item:
        item = self._table.get(_key(who), "reading attempts", consistent=True)
        return item or Item({"failures": 0, "until": 0.0})

    def _save(self, who: str, value: dict[str, Any], version: int | None) -> bool:
        try:
            self._table.save(_key(who), Item(value, version), "counting an attempt", self._clock() + KEPT_SECONDS)
        except LostRace:
            return False
        return True


def _key(who: str) -> str:
    return f"sign-in:{who}"
