"""Attempts to sign in, counted by who makes them, in DynamoDB: after a few that failed each has to wait longer."""

from collections.abc import Callable
from typing import Any

from jpi.errors import LostRace
from jpi.store.ports import ConfigItem, ConfigTable

# So many may fail at once; then 2 seconds, 4, 8 ... a quarter of an hour, in which one is forgotten.
FREE_ATTEMPTS, MAX_WAIT_SECONDS = 3, 900.0
# All addresses together: nobody is kept out for long by what others try.
ALL_ADDRESSES, FREE_ATTEMPTS_OF_ALL, MAX_WAIT_OF_ALL_SECONDS = "everybody", 50, 30.0
RETENTION_SECONDS = 86_400.0
# To whoever comes at the same moment as another attempt of theirs.
RACE_WAIT_SECONDS = 1.0


class SignInAttempts:
    """Whether somebody may try now."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def claim_attempt(self, address: str) -> float:
        """Seconds to wait before another attempt; 0: this is one, and counts as failed until it is `forgiven`."""
        return (self._count_attempt(address, FREE_ATTEMPTS, MAX_WAIT_SECONDS)
                or self._count_attempt(ALL_ADDRESSES, FREE_ATTEMPTS_OF_ALL, MAX_WAIT_OF_ALL_SECONDS))

    def record_success(self, address: str) -> None:
        """It was the right password: what others have tried counts as before."""
        own, all_ = self._load(address), self._load(ALL_ADDRESSES)
        for name, item, failures in ((address, own, 0), (ALL_ADDRESSES, all_, all_.value["failures"] - 1)):
            self._save(name, {"failures": max(0, failures), "until": 0.0, "at": self._clock()}, item.version)

    def _count_attempt(self, address: str, free_attempts: int, max_wait_seconds: float) -> float:
        now, item = self._clock(), self._load(address)
        if now < item.value["until"]:
            return float(item.value["until"]) - now
        forgotten = (now - item.value.get("at", now)) // max_wait_seconds
        failures = max(0, item.value["failures"] - int(forgotten)) + 1
        pause = min(max_wait_seconds, 2.0 ** (failures - free_attempts)) if failures > free_attempts else 0.0
        # Saved before the password is looked at: many at once get one look between them.
        saved = self._save(address, {"failures": failures, "until": now + pause, "at": now}, item.version)
        return 0.0 if saved else RACE_WAIT_SECONDS

    def _load(self, address: str) -> ConfigItem:
        item = self._table.get(_build_key(address), "reading attempts", consistent=True)
        return item or ConfigItem({"failures": 0, "until": 0.0})

    def _save(self, address: str, value: dict[str, Any], version: int | None) -> bool:
        try:
            self._table.save(_build_key(address), ConfigItem(value, version), "counting an attempt",
                             self._clock() + RETENTION_SECONDS)
        except LostRace:
            return False
        return True


def _build_key(address: str) -> str:
    return f"sign-in:{address}"
