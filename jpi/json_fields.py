"""Reads untrusted JSON: each field by its name and type, each mistake as a RejectedDelivery of one line."""

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
    """The headers of a delivery, in any case."""

    def get(self, key: str, default: str, /) -> str:
        """Return the header, or `default`."""


def parse_json_object(raw: bytes) -> Json:
    """Return the JSON object in `raw`; reject anything else."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise RejectedDelivery("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise RejectedDelivery("The body is not a JSON object.")
    return data


def get_optional(data: Json, name: str, kind: type[T]) -> T | None:
    """Return the field, None if it is absent or null; reject another type."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RejectedDelivery(f"'{name}' must be {JSON_TYPE_NAMES[kind]}.")
    return value


def get_required(data: Json, name: str, kind: type[T]) -> T:
    """Return the field; reject an absent one, null, an empty text and another type."""
    value = get_optional(data, name, kind)
    if value is None or value == "":
        raise RejectedDelivery(f"'{name}' is missing.")
    return value


def get_id(data: Json, name: str = "id") -> str:
    """Return an id that needs no escaping in a URL or query; reject any other."""
    value = get_required(data, name, str)
    if not ID_PATTERN.fullmatch(value):
        raise RejectedDelivery(f"'{name}' is not an id.")
    return value


def get_objects(data: Json, name: str) -> list[Json]:
    """Return a list of objects, empty if it is absent; reject anything else."""
    values = get_optional(data, name, list) or []
    if not all(isinstance(value, dict) for value in values):
        raise RejectedDelivery(f"'{name}' must be a list of objects.")
    return values


def get_time(data: Json, name: str) -> datetime:
    """Return an ISO 8601 time, in UTC if it names no zone; reject anything else."""
    try:
        value = datetime.fromisoformat(get_required(data, name, str))
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise RejectedDelivery(f"'{name}' is not a time.") from None


def get_epoch_time(data: Json, name: str) -> datetime:
    """Return a time given in epoch milliseconds; reject anything else."""
    try:
        return datetime.fromtimestamp(get_required(data, name, int) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise RejectedDelivery(f"'{name}' is not a time.") from None
