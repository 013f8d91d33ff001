"""Keeps the status page's sessions in the config table, and the key for the cookies of browsers that are known."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, TypeVar

from jpi.errors import LostRace
from jpi.store.ports import ConfigItem, ConfigTable

# A shift and a bit. Counted from the sign-in; later requests do not extend it.
SESSION_SECONDS = 12 * 3600
KEY_NAME = "status-key"
SAVE_OPERATION, READ_OPERATION = "saving a session", "reading a session"
MAX_RACES = 5
Result = TypeVar("Result")


@dataclass(frozen=True)
class Session:
    """A browser that is signed in, until `ends_at` in epoch seconds.

    `fingerprint`: of the password that it signed in with. `round_number`: how often all sessions had been ended before.
    `message`: what came of a button, for the page of the incident `message_for`.
    """

    csrf_token: str
    ends_at: float
    fingerprint: str
    round_number: int
    message: str = ""
    message_for: str = ""


class Sessions:
    """Sessions by their ids. The table holds only hashes of the ids, which open nothing."""

    def __init__(self, table: ConfigTable, clock: Callable[[], float], given_key: str = "") -> None:
        """`given_key`: the key to use in place of the one that is made once and kept in the table."""
        self._table = table
        self._clock = clock
        self._given_key = given_key

    def derive_key(self, purpose: str) -> bytes:
        """Return the key for this purpose: the same for all processes, and random."""
        key = self._given_key or str(self._load_key_item().value["key"])
        return hmac.digest(key.encode(), purpose.encode(), "sha256")

    def start(self, fingerprint: str) -> str:
        """Start a session; return its id."""
        session_id = secrets.token_urlsafe(32)
        session = Session(secrets.token_urlsafe(16), self._clock() + SESSION_SECONDS, fingerprint,
                          self._load_key_item().value["round"])
        self._save(session_id, session, None)
        return session_id

    def find_session(self, session_id: str, fingerprint: str) -> Session | None:
        """Return the session with this id; None if it has ended or is of another password."""
        session, _ = self._load(session_id)
        if session is None or session.ends_at <= self._clock() or session.fingerprint != fingerprint:
            return None
        return session if session.round_number == self._load_key_item().value["round"] else None

    def end_session(self, session_id: str) -> None:
        """End the session."""
        self._change(session_id, ends_at=0.0)

    def end_all(self) -> None:
        """End every session."""
        _repeat_lost_races(self._end_round)

    def save_message(self, session_id: str, incident_id: str, message: str) -> None:
        """Keep a message for the page of this incident."""
        self._change(session_id, message=message, message_for=incident_id)

    def take_message(self, session_id: str, session: Session, incident_id: str) -> str:
        """Return the message for the page of this incident, once; "" if there is none."""
        if not session.message or session.message_for != incident_id:
            return ""
        self._change(session_id, message="", message_for="")
        return session.message

    def _load_key_item(self) -> ConfigItem:
        """Return the key and the number of the round of sessions; make them if there are none."""
        return _repeat_lost_races(self._load_or_make_key_item)

    def _load_or_make_key_item(self) -> ConfigItem:
        item = self._table.get(KEY_NAME, READ_OPERATION, consistent=True)
        if item is None:
            self._save_key_item({"key": secrets.token_urlsafe(32), "round": 0}, None)
        return item or self._load_or_make_key_item()

    def _end_round(self) -> None:
        item = self._load_key_item()
        self._save_key_item({**item.value, "round": item.value["round"] + 1}, item.version)

    def _save_key_item(self, value: dict[str, str | int], version: int | None) -> None:
        self._table.save(KEY_NAME, ConfigItem(value, version), SAVE_OPERATION)

    def _load(self, session_id: str) -> tuple[Session | None, int | None]:
        item = self._table.get(_build_name(session_id), READ_OPERATION, consistent=True)
        return (Session(**item.value), item.version) if item else (None, None)

    def _change(self, session_id: str, **changes: Any) -> None:
        _repeat_lost_races(partial(self._change_once, session_id, changes))

    def _change_once(self, session_id: str, changes: dict[str, Any]) -> None:
        session, version = self._load(session_id)
        if session:
            self._save(session_id, replace(session, **changes), version)

    def _save(self, session_id: str, session: Session, version: int | None) -> None:
        expires_at = max(session.ends_at, self._clock())
        self._table.save(_build_name(session_id), ConfigItem(asdict(session), version), SAVE_OPERATION, expires_at)


def _repeat_lost_races(act: Callable[[], Result]) -> Result:
    for _ in range(MAX_RACES):
        with suppress(LostRace):
            return act()
    return act()


def _build_name(session_id: str) -> str:
    return f"session:{hashlib.sha256(session_id.encode()).hexdigest()}"
