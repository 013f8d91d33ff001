"""Checks the values of a TOML file key by key, and collects the problems with their lines. Pure."""

import difflib
import itertools
import re
import re._parser as regex_parser  # type: ignore[import-not-found]
from collections.abc import Callable, Mapping, Sequence
from typing import Any

KeyPath = tuple[str | int, ...]
# Of a text that a stranger chose, a pattern sees so many characters.
MAX_MATCHED_CHARACTERS = 255
# About a second on the text that is worst for the pattern.
MAX_STEPS = 20_000_000
SLOW_PATTERN_ADVICE = (
    "may take hours on some titles: it repeats what already repeats, as (\\w+)+ does, or has too many of .* and the "
    "like. Use at most two of these in a row, or begin with ^"
)
BACKTRACKING_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")
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

    def read_pattern(self, value: Any, path: KeyPath) -> str:
        """Read a regular expression that takes no long time on any text."""
        text = self.read_text(value, path)
        try:
            re.compile(text)
            if is_slow_pattern(text):
                self.add_problem(path, f"{describe_path(path)} {SLOW_PATTERN_ADVICE}")
        except (re.error, OverflowError, RecursionError) as error:
            self.add_problem(path, f"{describe_path(path)} is no regular expression: {error}")
        return text

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


def is_slow_pattern(pattern: str) -> bool:
    """Return True if a text exists on which the pattern backtracks too often; raise re.error if it is no pattern."""
    items = list(regex_parser.parse(pattern))
    is_anchored = bool(items) and _get_operation(items[0]) == "AT" and str(items[0][1]).startswith("AT_BEGINNING")
    # Whatever ends a pattern with a simple repetition has matched by then.
    ends_in_repeat = bool(items) and _get_operation(items[-1]) in BACKTRACKING_REPEATS
    ends_simply = ends_in_repeat and _count_ways(items[-1][1][2]) == 1
    starts = 1 if is_anchored else MAX_MATCHED_CHARACTERS
    return starts * _count_ways(items[:-1] if ends_simply else items) > MAX_STEPS


def _count_ways(items: Sequence[Any]) -> int:
    """Return the most ways in which these items can match the same text one after another, at most one too many."""
    ways = 1
    for item in items:
        ways = min(MAX_STEPS + 1, ways * _count_ways_of_item(_get_operation(item), item[1]))
    return ways


def _count_ways_of_item(operation: str, argument: Any) -> int:
    if operation in BACKTRACKING_REPEATS:
        fewest, most = (min(int(count), MAX_MATCHED_CHARACTERS) for count in argument[:2])
        choices: int = _count_ways(argument[2]) ** most
        return choices * (most - fewest + 1)
    if operation in ("ATOMIC_GROUP", "POSSESSIVE_REPEAT"):
        # Once it has matched, no other way is tried.
        ways = _count_ways(argument if operation == "ATOMIC_GROUP" else argument[2])
        return 1 if ways <= MAX_MATCHED_CHARACTERS else ways
    if operation == "BRANCH":
        return _count_ways_of_branches(argument[1])
    if operation == "GROUPREF_EXISTS":
        return sum(_count_ways(branch) for branch in argument[1:] if branch)
    # Groups and assertions have what they hold last.
    return _count_ways(argument[-1]) if operation in ("SUBPATTERN", "ASSERT", "ASSERT_NOT") else 1


def _count_ways_of_branches(branches: Sequence[Sequence[Any]]) -> int:
    """Return the ways of the widest branch if only one can begin with the next character, else those of all."""
    ways = [_count_ways(branch) for branch in branches]
    firsts = [str(branch[0]) for branch in branches if branch and _get_operation(branch[0]) == "LITERAL"]
    return max(ways) if len(set(firsts)) == len(branches) else sum(ways)


def _get_operation(item: Any) -> str:
    return str(item[0])
