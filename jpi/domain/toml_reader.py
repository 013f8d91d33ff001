"""Checks the values of a TOML file key by key, and collects the problems with their lines. Pure."""

import difflib
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
ValueParser = Callable[["TomlReader", Any, KeyPath], Any]


class TomlReader:
    """Checks values, and collects the problems."""

    def __init__(self, text: str) -> None:
        # A problem never stands in a comment, where most of the example may be.
        self._lines = ["" if line.lstrip().startswith("#") else line for line in text.splitlines()]
        self.problems: list[tuple[int, str]] = []

    def add_problem(self, path: KeyPath, message: str) -> None:
        """Add a problem at `path`."""
        self.problems.append((self._find_line_number(path), message))

    def read_table(self, value: Any, path: KeyPath, parsers: Mapping[str, ValueParser]) -> dict[str, Any]:
        """Read a table of these keys, each with its parser."""
        if not isinstance(value, dict):
            self.add_problem(path, f"{describe_path(path)} must be a table, like {{...}}")
            return {}
        for key in value.keys() - parsers.keys():
            close = difflib.get_close_matches(key, parsers, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"there is {', '.join(parsers)}"
            self.add_problem((*path, key), f"{describe_path(path)} has no '{key}'; {hint}")
        return {key: parse(self, value[key], (*path, key)) for key, parse in parsers.items() if key in value}

    def read_tables(self, value: Any, path: KeyPath) -> list[tuple[Any, KeyPath]]:
        """Read the tables of an array, each with its path."""
        if not isinstance(value, list):
            self.add_problem(path, f"'{path[-1]}' must be written [[{path[-1]}]]")
            return []
        return [(table, (*path, number)) for number, table in enumerate(value)]

    def read_text(self, value: Any, path: KeyPath) -> str:
        """Read a text that is not blank."""
        if isinstance(value, str) and value.strip():
            return value
        self.add_problem(path, f"{describe_path(path)} must be a text")
        return ""

    def read_texts(self, value: Any, path: KeyPath) -> tuple[str, ...]:
        """Read a text, or a list with at least one."""
        texts = value if isinstance(value, list) else [value]
        if texts and all(isinstance(text, str) and text.strip() for text in texts):
            return tuple(texts)
        self.add_problem(path, f"{describe_path(path)} must be a text or a list of texts")
        return ()

    def read_flag(self, value: Any, path: KeyPath) -> bool:
        """Read true or false."""
        if not isinstance(value, bool):
            self.add_problem(path, f"{describe_path(path)} must be true or false")
        return value is True

    def read_choice(self, value: Any, path: KeyPath, choices: tuple[str, ...]) -> Any:
        """Read one of these words."""
        if value in choices:
            return value
        self.add_problem(path, f"{describe_path(path)} must be one of {', '.join(choices)}")
        return choices[0]

    def _find_line_number(self, path: KeyPath) -> int:
        """Return the line of the last part of a path, or the nearest line that can be found."""
        start, index = self._find_array_table_line(path), 0
        for part in path:
            if not isinstance(part, str):
                continue
            key = re.compile(rf"(^|[\s{{,.\[])[\"']?{re.escape(part)}[\"']?\s*(=|\.|\])")
            index = max(start, index)
            index = next((at for at in range(index, len(self._lines)) if key.search(self._lines[at])), index)
        return index + 1

    def _find_array_table_line(self, path: KeyPath) -> int:
        """Return the index of the line on which the n-th table of an array begins."""
        for name, number in itertools.pairwise(path):
            if isinstance(number, int):
                heads = [index for index, line in enumerate(self._lines)
                         if re.match(rf"\s*\[\[\s*{name}\s*\]\]", line)]
                return heads[number] if number < len(heads) else 0
        return 0


def describe_path(path: KeyPath) -> str:
    """Return a path as people read it: rules are counted from one."""
    if not path:
        return "the file"
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
