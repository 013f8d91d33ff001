"""Checks what a TOML file says, key by key; what is wrong is told to people, with its line. Pure."""

import difflib
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

Path = tuple[str | int, ...]
Checker = Callable[["Reader", Any, Path], Any]


class Reader:
    """Checks values, and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        # What is commented out, as most of the example may be, is no place of anything.
        self._lines = ["" if line.lstrip().startswith("#") else line for line in text.splitlines()]
        self.problems: list[tuple[int, str]] = []

    def wrong(self, path: Path, said: str) -> None:
        """Something is wrong at `path`."""
        self.problems.append((self._line(path), said))

    def table(self, value: Any, path: Path, keys: Mapping[str, Checker]) -> dict[str, Any]:
        """A table of known keys, each checked."""
        if not isinstance(value, dict):
            self.wrong(path, f"{named(path)} must be a table, like {{...}}")
            return {}
        for key in value.keys() - keys.keys():
            close = difflib.get_close_matches(key, keys, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"there is {', '.join(keys)}"
            self.wrong((*path, key), f"{named(path)} has no '{key}'; {hint}")
        return {key: check(self, value[key], (*path, key)) for key, check in keys.items() if key in value}

    def tables(self, value: Any, path: Path) -> list[tuple[Any, Path]]:
        """The tables of an array, each with its path."""
        if not isinstance(value, list):
            self.wrong(path, f"'{path[-1]}' must be written [[{path[-1]}]]")
            return []
        return [(one, (*path, number)) for number, one in enumerate(value)]

    def text(self, value: Any, path: Path) -> str:
        """A text with something in it."""
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(path, f"{named(path)} must be a text")
        return ""

    def texts(self, value: Any, path: Path) -> tuple[str, ...]:
        """One text, or a list of them with at least one."""
        several = value if isinstance(value, list) else [value]
        if several and all(isinstance(one, str) and one.strip() for one in several):
            return tuple(several)
        self.wrong(path, f"{named(path)} must be a text or a list of texts")
        return ()

    def one_of(self, value: Any, path: Path, words: tuple[str, ...]) -> Any:
        """One of these words."""
        if value in words:
            return value
        self.wrong(path, f"{named(path)} must be one of {', '.join(words)}")
        return words[0]

    def _line(self, path: Path) -> int:
        """The line on which the last part of a path stands, or the nearest that is found."""
        start, at = self._table(path), 0
        for part in path:
            if not isinstance(part, str):
                continue
            key = re.compile(rf"(^|[\s{{,.\[])[\"']?{re.escape(part)}[\"']?\s*(=|\.|\])")
            hits = [number for number in range(max(start, at), len(self._lines)) if key.search(self._lines[number])]
            at = hits[0] if hits else max(start, at)
        return at + 1

    def _table(self, path: Path) -> int:
        """Where the n-th table of an array begins."""
        for name, number in itertools.pairwise(path):
            if isinstance(number, int):
                heads = [at for at, line in enumerate(self._lines) if re.match(rf"\s*\[\[\s*{name}\s*\]\]", line)]
                return heads[number] if number < len(heads) else 0
        return 0


def named(path: Path) -> str:
    """How people are told of a place: rules are counted from one."""
    if not path:
        return "the file"
    parts = [f"[{part + 1}]" if isinstance(part, int) else ("." if at else "") + part for at, part in enumerate(path)]
    return "".join(parts)
