"""Checks what a TOML file says, key by key; what is wrong is told to people, with its line. Pure."""

import difflib
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
ValueParser = Callable[["TomlReader", Any, KeyPath], Any]


class TomlReader:
    """Checks values, and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        # What is commented out, as most of the example may be, is no place of anything.
        self._lines = ["" if line.lstrip().startswith("#") else line for line in text.splitlines()]
        self.problems: list[tuple[int, str]] = []

    def add_problem(self, path: KeyPath, message: str) -> None:
        """Something is wrong at `path`."""
        self.problems.append((self._find_line_number(path), message))

    def read_table(self, value: Any, path: KeyPath, parsers: Mapping[str, ValueParser]) -> dict[str, Any]:
        """A table of known keys, each checked."""
        if not isinstance(value, dict):
            self.add_problem(path, f"{describe_path(path)} must be a table, like {{...}}")
            return {}
        for key in value.keys() - parsers.keys():
            close = difflib.get_close_matches(key, parsers, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"there is {', '.join(parsers)}"
            self.add_problem((*path, key), f"{describe_path(path)} has no '{key}'; {hint}")
        return {key: check(self, value[key], (*path, key)) for key, check in parsers.items() if key in value}

    def read_tables(self, value: Any, path: KeyPath) -> list[tuple[Any, KeyPath]]:
        """The tables of an array, each with its path."""
        if not isinstance(value, list):
            self.add_problem(path, f"'{path[-1]}' must be written [[{path[-1]}]]")
            return []
        return [(one, (*path, number)) for number, one in enumerate(value)]

    def read_text(self, value: Any, path: KeyPath) -> str:
        """A text with something in it."""
        if isinstance(value, str) and value.strip():
            return value
        self.add_problem(path, f"{describe_path(path)} must be a text")
        return ""

    def read_texts(self, value: Any, path: KeyPath) -> tuple[str, ...]:
        """One text, or a list of them with at least one."""
        several = value if isinstance(value, list) else [value]
        if several and all(isinstance(one, str) and one.strip() for one in several):
            return tuple(several)
        self.add_problem(path, f"{describe_path(path)} must be a text or a list of texts")
        return ()

    def read_choice(self, value: Any, path: KeyPath, choices: tuple[str, ...]) -> Any:
        """One of these words."""
        if value in choices:
            return value
        self.add_problem(path, f"{describe_path(path)} must be one of {', '.join(choices)}")
        return choices[0]

    def _find_line_number(self, path: KeyPath) -> int:
        """The line on which the last part of a path stands, or the nearest that is found."""
        start, at = self._find_array_table_line(path), 0
        for part in path:
            if not isinstance(part, str):
                continue
            key = re.compile(rf"(^|[\s{{,.\[])[\"']?{re.escape(part)}[\"']?\s*(=|\.|\])")
            hits = [number for number in range(max(start, at), len(self._lines)) if key.search(self._lines[number])]
            at = hits[0] if hits else max(start, at)
        return at + 1

    def _find_array_table_line(self, path: KeyPath) -> int:
        """Where the n-th table of an array begins."""
        for name, number in itertools.pairwise(path):
            if isinstance(number, int):
                heads = [at for at, line in enumerate(self._lines) if re.match(rf"\s*\[\[\s*{name}\s*\]\]", line)]
                return heads[number] if number < len(heads) else 0
        return 0


def describe_path(path: KeyPath) -> str:
    """How people are told of a place: rules are counted from one."""
    if not path:
        return "the file"
    parts = [f"[{part + 1}]" if isinstance(part, int) else ("." if at else "") + part for at, part in enumerate(path)]
    return "".join(parts)
