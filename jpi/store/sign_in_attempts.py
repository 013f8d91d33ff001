"""Decides who may try a password now, by attempts that it counts in the config table.

A browser that has signed in before has a limit of its own, so that no stranger can lock it out: OWASP's device cookies,
owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies. Strangers have two: of their address,
and of all together. When known browsers together have failed too often, somebody has collected their cookies: then
they count as strangers.
"""

from collections.abc import Callable
from typing import Any

from jpi.errors import LostRace
from jpi.store.ports import ConfigItem, ConfigTable

# After the free attempts the wait is 2 seconds, 4, 8 ... 15 minutes; one failure is forgotten every 15 minutes.
FREE_ATTEMPTS, MAX_WAIT_SECONDS = 3, 900.0
# Of all strangers together the failures of the last two hours count, by parts of ten minutes; so do known browsers'.
PART_SECONDS, PART_COUNT = 600, 13
# As soon as other addresses have failed so often, an address gets no second attempt; and after so many nobody gets one.
MAX_OTHER_FAILURES, MAX_FAILURES = 3, 250
# As soon as other known browsers have failed so often, a known browser is a stranger. Whoever has one cookie fails 20
# times in two hours at most.
MAX_KNOWN_FAILURES = 25
RETENTION_SECONDS = 86_400.0
# The wait after two attempts of one client raced.
RACE_WAIT_SECONDS = 1.0
READ_OPERATION, SAVE_OPERATION = "reading sign-in attempts", "counting a sign-in attempt"
STRANGERS, KNOWN, FAILURES = "strangers", "known", "failures"


class SignInAttempts:
    """Decides whether a client may try now: an address, or a browser that is known."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def claim_attempt(self, client: str, is_known: bool = False) -> float:
        """Return the seconds to wait; 0 counts this attempt as failed until `record_success`.

        What is refused counts nowhere: it is not looked at.
        """
        now, item = self._clock(), self._load(client)
        if now < item.value["until"]:
            return float(item.value["until"]) - now
        if not is_known and self._is_too_much_of_strangers(item.value):
            return float(PART_SECONDS)
        # Saved before the password is checked, so that of many attempts at once only one is checked.
        if not self._save(client, _count_failure(item.value, now), item.version):
            return RACE_WAIT_SECONDS
        self._add_failures(KNOWN if is_known else STRANGERS, 1)
        return 0.0

    def is_known_client_trusted(self, client: str) -> bool:
        """True unless other known browsers have failed so often that somebody must have their cookies."""
        return self._count_others(KNOWN, self._load(client).value) < MAX_KNOWN_FAILURES

    def record_success(self, client: str, is_known: bool = False) -> None:
        """Forget the failures of this client, also among those of all strangers."""
        item = self._load(client)
        self._add_failures(KNOWN if is_known else STRANGERS, -_count_recent(item.value, self._clock()))
        self._save(client, _build_value(0, self._clock()), item.version)

    def _is_too_much_of_strangers(self, own: dict[str, Any]) -> bool:
        # Who has failed of late is a stranger whose second attempt is worth less than another's first.
        has_failed = own[FAILURES] > 0 and self._clock() - own["at"] < RETENTION_SECONDS
        return self._count_others(STRANGERS, own) >= (MAX_OTHER_FAILURES if has_failed else MAX_FAILURES)

    def _count_others(self, group: str, own: dict[str, Any]) -> int:
        """Return how often others of a group have failed in the last two hours."""
        now = self._clock()
        names = [_build_part_name(group, now - PART_SECONDS * back) for back in range(PART_COUNT)]
        counts = self._table.get_counts(names, READ_OPERATION)
        return sum(count.get(FAILURES, 0) for count in counts.values()) - _count_recent(own, now)

    def _add_failures(self, group: str, count: int) -> None:
        now = self._clock()
        self._table.add_counts(_build_part_name(group, now), {FAILURES: count}, now + RETENTION_SECONDS, SAVE_OPERATION)

    def _load(self, client: str) -> ConfigItem:
        item = self._table.get(f"sign-in:{client}", READ_OPERATION, consistent=True)
        # A row of an earlier version has no parts.
        value = {**_build_value(0, 0.0), **(item.value if item else {})}
        return ConfigItem(value, item.version if item else None)

    def _save(self, client: str, value: dict[str, Any], version: int | None) -> bool:
        try:
            self._table.save(f"sign-in:{client}", ConfigItem(value, version), SAVE_OPERATION,
                             self._clock() + RETENTION_SECONDS)
        except LostRace:
            return False
        return True


def _count_failure(value: dict[str, Any], now: float) -> dict[str, Any]:
    """Return what is kept of a client once it has failed again."""
    forgotten = int((now - value["at"]) // MAX_WAIT_SECONDS)
    failures = max(0, value[FAILURES] - forgotten) + 1
    pause = min(MAX_WAIT_SECONDS, 2.0 ** (failures - FREE_ATTEMPTS)) if failures > FREE_ATTEMPTS else 0.0
    part = str(_round_to_part(now))
    parts = {name: count for name, count in value["parts"].items() if _is_recent(name, now)}
    return {**_build_value(failures, now), "until": now + pause, "parts": {**parts, part: parts.get(part, 0) + 1}}


def _build_value(failures: int, now: float) -> dict[str, Any]:
    return {FAILURES: failures, "until": 0.0, "at": now, "parts": {}}


def _count_recent(value: dict[str, Any], now: float) -> int:
    """Return how many of a client's failures are among those of all strangers."""
    return sum(count for name, count in value["parts"].items() if _is_recent(name, now))


def _is_recent(part: str, now: float) -> bool:
    return int(part) > _round_to_part(now) - PART_SECONDS * PART_COUNT


def _round_to_part(at: float) -> int:
    return int(at // PART_SECONDS * PART_SECONDS)


def _build_part_name(group: str, at: float) -> str:
    return f"sign-in:{group}:{_round_to_part(at)}"
