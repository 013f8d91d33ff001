"""Reading untrusted JSON: every field is asked for by name and type, and what is wrong is said in one line."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from jpi.errors import RejectedDelivery

T = TypeVar("T")
Json = dict[str, Any]
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
JSON_TYPE_NAMES = {str: "a text", dict: "an object", list: "a list", int: "a whole number", bool: "true or false"}


class Headers(Protocol):
    """A delivery's headers; a web framework's know no case."""

    def get(self, key: str, default: str, /) -> str:
        """The header, or `default`."""


def parse_json_object(raw: bytes) -> Json:
    """The JSON object in `raw`; Rejected where it is anything else."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise RejectedDelivery("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise RejectedDelivery("The body is not a JSON object.")
    return found


def get_optional(found: Json, name: str, kind: type[T]) -> T | None:
    """The field, or None where it is absent or null; Rejected where it is of another type."""
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RejectedDelivery(f"'{name}' must be {JSON_TYPE_NAMES[kind]}.")
    return value


def get_required(found: Json, name: str, kind: type[T]) -> T:
    """The field; Rejected where it is absent, null, empty text or of another type."""
    value = get_optional(found, name, kind)
    if value is None or value == "":
        raise RejectedDelivery(f"'{name}' is missing.")
    return value


def get_id(found: Json, name: str = "id") -> str:
    """An id fit for addresses and queries as it stands."""
    value = get_required(found, name, str)
    if not ID_PATTERN.fullmatch(value):
        raise RejectedDelivery(f"'{name}' is not an id.")
    return value


def get_objects(found: Json, name: str) -> list[Json]:
    """A list of objects, empty where it is absent."""
    values = get_optional(found, name, list) or []
    if not all(isinstance(value, dict) for value in values):
        raise RejectedDelivery(f"'{name}' must be a list of objects.")
    return values


def get_time(found: Json, name: str) -> datetime:
    """An ISO 8601 time, UTC where it names no zone."""
    try:
        value = datetime.fromisoformat(get_required(found, name, str))
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise RejectedDelivery(f"'{name}' is not a time.") from None


def get_epoch_time(found: Json, name: str) -> datetime:
    """A time in epoch milliseconds."""
    try:
        return datetime.fromtimestamp(get_required(found, name, int) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise RejectedDelivery(f"'{name}' is not a time.") from None
