"""Reads untrusted JSON, each field by its name and type.

What is needed and missing raises a RejectedDelivery of one line; what is optional and odd counts as unknown.
"""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, cast

from jpi.errors import RejectedDelivery
from jpi.json_bounds import cut_long_text, decode_json

log = logging.getLogger(__name__)

T = TypeVar("T")
Json = dict[str, Any]
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
JSON_TYPE_NAMES = {str: "a text", dict: "an object", list: "a list", int: "a whole number", bool: "true or false"}
# Titles, names, addresses and ids; bodies of notes and comments; lists.
MAX_NAME_CHARACTERS = 1_024
MAX_BODY_CHARACTERS = 65_536
MAX_ITEMS = 1_000


class Headers(Protocol):
    """The headers of a delivery, in any case."""

    def get(self, key: str, default: str, /) -> str:
        """Return the header, or `default`."""


def parse_json_object(raw: bytes) -> Json:
    """Return the JSON object in `raw`; reject anything else."""
    try:
        data = decode_json(raw)
    except (ValueError, RecursionError):
        raise RejectedDelivery("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise RejectedDelivery("The body is not a JSON object.")
    return data


def get_optional(data: Json, name: str, kind: type[T]) -> T | None:
    """Return the field, a long text cut; None if it is absent, null or, with a warning, of another type."""
    value = data.get(name)
    if value is None:
        return None
    if not _is_of_kind(value, kind):
        _warn_of_odd_value(name, JSON_TYPE_NAMES[kind])
        return None
    return _cut_name(cast(T, value))


def get_required(data: Json, name: str, kind: type[T]) -> T:
    """Return the field, a long text cut; reject an absent one, null, an empty text and another type."""
    value = data.get(name)
    if value is None or value == "":
        raise RejectedDelivery(f"'{name}' is missing.")
    if not _is_of_kind(value, kind):
        raise RejectedDelivery(f"'{name}' must be {JSON_TYPE_NAMES[kind]}.")
    return _cut_name(cast(T, value))


def get_body(data: Json, name: str) -> str:
    """Return what a person wrote, at most 65,536 characters of it; empty if it is absent or, with a warning, no text.
    """
    value = data.get(name)
    if value is not None and not isinstance(value, str):
        _warn_of_odd_value(name, JSON_TYPE_NAMES[str])
    return cut_long_text(value, MAX_BODY_CHARACTERS) if isinstance(value, str) else ""


def get_id(data: Json, name: str = "id") -> str:
    """Return an id that needs no escaping in a URL or query; reject any other."""
    value = get_required(data, name, str)
    if not ID_PATTERN.fullmatch(value):
        raise RejectedDelivery(f"'{name}' is not an id.")
    return value


def read_id(data: Any, default: str) -> str:
    """Return the id of an item of a list; the default if it has none that can be read."""
    odd_id = data.get("id") if isinstance(data, dict) else None
    return odd_id if isinstance(odd_id, str) else default


def try_parse(parse: Callable[[Json], T], data: Any, message: str) -> T | None:
    """Return what was parsed of an item of a list; None, with a warning that names it, if it is unreadable."""
    try:
        if not isinstance(data, dict):
            raise RejectedDelivery("It is not an object.")
        return parse(data)
    except RejectedDelivery as odd:
        log.warning(message, extra={"odd_id": read_id(data, ""), "reason": str(odd)})
        return None


def get_objects(data: Json, name: str) -> list[Json]:
    """Return the objects of a list, at most a thousand; with a warning where it is no list or has anything else."""
    values = get_optional(data, name, list) or []
    objects = [value for value in values[:MAX_ITEMS] if isinstance(value, dict)]
    if len(objects) < len(values):
        _warn_of_odd_value(name, f"a list of at most {MAX_ITEMS} objects")
    return objects


def get_time(data: Json, name: str) -> datetime:
    """Return an ISO 8601 time, in UTC if it names no zone; reject anything else."""
    try:
        value = datetime.fromisoformat(get_required(data, name, str))
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise RejectedDelivery(f"'{name}' is not a time.") from None


def get_optional_time(data: Json, name: str) -> datetime | None:
    """Return an ISO 8601 time; None if it is absent, empty or, with a warning, odd."""
    if data.get(name) in (None, ""):
        return None
    try:
        return get_time(data, name)
    except RejectedDelivery:
        _warn_of_odd_value(name, "a time")
        return None


def get_epoch_time(data: Json, name: str) -> datetime:
    """Return a time given in epoch milliseconds; reject anything else."""
    try:
        return datetime.fromtimestamp(get_required(data, name, int) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise RejectedDelivery(f"'{name}' is not a time.") from None


def _is_of_kind(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _cut_name(value: T) -> T:
    return cast(T, cut_long_text(value, MAX_NAME_CHARACTERS)) if isinstance(value, str) else value


def _warn_of_odd_value(name: str, expected: str) -> None:
    log.warning("a value is not as documented and counts as unknown", extra={"field": name, "expected": expected})
