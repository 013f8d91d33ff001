"""Bounds on JSON that others wrote: its depth, the digits of its numbers, the count and length of its values. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from jpi.domain.text_limits import CUT_MARK

MAX_DEPTH = 50
# Python itself refuses to read a number of more than 4,300 digits.
MAX_DIGITS = 100
MAX_VALUES = 5_000
MAX_CHARACTERS = 100_000
MAX_NAME_CHARACTERS = 200
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
        fields = {self._cut_text(name, MAX_NAME_CHARACTERS): self.cut_value(inner, depth - 1)
                  for name, inner in self._take(value.items())}
        return fields if len(fields) == len(value) else {**fields, CUT_NAME: CUT_MARK}

    def _take(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            if self._values_left <= 0 or self._characters_left <= 0:
                return
            self._values_left -= 1
            yield value

    def _cut_text(self, text: str, limit: int = MAX_CHARACTERS) -> str:
        kept = cut_long_text(text, min(limit, max(self._characters_left, MAX_NAME_CHARACTERS)))
        self._characters_left -= len(kept)
        return kept
