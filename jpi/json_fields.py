"""Reads untrusted JSON, each field by its name and type.

What is needed and missing raises a RejectedDelivery of one line; what is optional and odd counts as unknown.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, cast

from jpi.domain.templates import CUT_MARK
from jpi.errors import RejectedDelivery

MAX_DEPTH = 50
# Python itself refuses to read a number of more than 4,300 digits.
MAX_DIGITS = 100
MAX_VALUES = 5_000
MAX_CHARACTERS = 100_000
MAX_KEY_CHARACTERS = 200
TOO_DEEP = "(nested too deeply to show)"
# The name under which an object says that it was cut.
CUT_NAME = "…"
TOKEN_PATTERN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def decode_json(raw: bytes) -> Any:
    """Decode JSON of any depth and with numbers of any length; raise ValueError if it is not JSON."""
    text = raw.decode(json.detect_encoding(raw), "surrogatepass")
    try:
        return json.loads(text, parse_int=_parse_integer)
    except RecursionError:
        return json.loads(_cut_nesting(text), parse_int=_parse_integer)


def bound_json(value: Any) -> Any:
    """Return the value with at most 50 levels, 5,000 values and 100,000 characters; a mark stands for what was cut."""
    return _JsonCutter().cut_value(value, MAX_DEPTH)


def cut_long_text(text: str, limit: int) -> str:
    """Return the text as it is, or its beginning with a visible mark."""
    return text if len(text) <= limit else text[:max(0, limit - len(CUT_MARK))] + CUT_MARK


def _parse_integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits[:MAX_DIGITS] + CUT_MARK


def _cut_nesting(text: str) -> str:
    """Replace what stands deeper than 50 brackets by a mark, before anything recursive reads the text."""
    kept, start, depth = [], 0, 0
    for match in TOKEN_PATTERN.finditer(text):
        if match[0] in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += [text[start:match.start()], json.dumps(TOO_DEEP)]
        elif match[0] in ("]", "}"):
            start = match.end() if depth == MAX_DEPTH + 1 else start
            depth -= 1
    if depth > MAX_DEPTH:
        raise ValueError("a bracket is not closed")
    return "".join([*kept, text[start:]])


class _JsonCutter:
    """Cuts one value; counts what was kept of it."""

    def __init__(self) -> None:
        self._values_left = MAX_VALUES
        self._characters_left = MAX_CHARACTERS

    def cut_value(self, value: Any, depth: int) -> Any:
        """Return the value with at most so many levels."""
        if isinstance(value, str):
            return self._cut_text(value)
        if not isinstance(value, dict | list) or not value:
            return value
        if depth <= 0:
            return TOO_DEEP
        if isinstance(value, list):
            items = [self.cut_value(item, depth - 1) for item in self._take(value)]
            return items if len(items) == len(value) else [*items, CUT_MARK]
        fields = {self._cut_text(name, MAX_KEY_CHARACTERS): self.cut_value(inner, depth - 1)
                  for name, inner in self._take(value.items())}
        return fields if len(fields) == len(value) else {**fields, CUT_NAME: CUT_MARK}

    def _take(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            if self._values_left <= 0 or self._characters_left <= 0:
                return
            self._values_left -= 1
            yield value

    def _cut_text(self, text: str, limit: int = MAX_CHARACTERS) -> str:
        kept = cut_long_text(text, min(limit, max(self._characters_left, MAX_KEY_CHARACTERS)))
        self._characters_left -= len(kept)
        return kept


log = logging.getLogger(__name__)

T = TypeVar("T")
Json = dict[str, Any]
MAX_ID_CHARACTERS = 64
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
        log.warning(message, extra={"odd_id": cut_long_text(read_id(data, ""), MAX_ID_CHARACTERS), "reason": str(odd)})
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
