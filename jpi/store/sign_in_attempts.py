"""Counts sign-in attempts by address in DynamoDB: after a few failures each further attempt waits longer."""

from collections.abc import Callable
from typing import Any

from jpi.errors import LostRace
from jpi.store.ports import ConfigItem, ConfigTable

# After the free attempts the wait is 2 seconds, 4, 8 ... 15 minutes; one failure is forgotten every 15 minutes.
FREE_ATTEMPTS, MAX_WAIT_SECONDS = 3, 900.0
# The limits of all addresses together are mild, so that an attack locks nobody out for long.
ALL_ADDRESSES, FREE_ATTEMPTS_OF_ALL, MAX_WAIT_OF_ALL_SECONDS = "everybody", 50, 30.0
RETENTION_SECONDS = 86_400.0
# The wait after two attempts from one address raced.
RACE_WAIT_SECONDS = 1.0


class SignInAttempts:
    """Decides whether an address may try now."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def claim_attempt(self, address: str) -> float:
        """Return the seconds to wait; 0 counts this attempt as failed until `record_success`."""
        return (self._count_attempt(address, FREE_ATTEMPTS, MAX_WAIT_SECONDS)
                or self._count_attempt(ALL_ADDRESSES, FREE_ATTEMPTS_OF_ALL, MAX_WAIT_OF_ALL_SECONDS))

    def record_success(self, address: str) -> None:
        """Forget the failures of this address, and this attempt among those of all addresses."""
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
        # Saved before the password is checked, so that of many attempts at once only one is checked.
        saved = self._save(address, {"failures": failures, "until": now + pause, "at": now}, item.version)
        return 0.0 if saved else RACE_WAIT_SECONDS

    def _load(self, address: str) -> ConfigItem:
        item = self._table.get(_build_key(address), "reading sign-in attempts", consistent=True)
        return item or ConfigItem({"failures": 0, "until": 0.0})

    def _save(self, address: str, value: dict[str, Any], version: int | None) -> bool:
        try:
            self._table.save(_build_key(address), ConfigItem(value, version), "counting a sign-in attempt",
                             self._clock() + RETENTION_SECONDS)
        except LostRace:
            return False
        return True


def _build_key(address: str) -> str:
    return f"sign-in:{address}"
