"""Whether an issue meets a JQL condition."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sandbox.jira.jql.text import TextQuery
from sandbox.jira.jql.words import JqlError

# An issue as JQL sees it: names, ids and keys (case folded) as frozensets, texts as str, dates as datetime;
# under "rank:<field>" what ORDER BY goes by, where that is something else.
Document = Mapping[str, Any]
DATES = frozenset({"updated", "created"})
TEXTS = frozenset({"summary", "description", "text", "comment"})
OPPOSITE = {"=": "!=", "!=": "=", "in": "not in", "not in": "in", "~": "!~", "!~": "~", "is": "is not",
            "is not": "is", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}
UNITS = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}
FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


@dataclass(frozen=True)
class Context:
    """Who asks, when, and in which time zone dates are read."""

    now: datetime
    zone: tzinfo = UTC
    user: str = ""


@dataclass(frozen=True)
class Clause:
    """One condition; `values` are texts, or None for EMPTY; `functions` those of them that are calls."""

    name: str
    operator: str
    values: tuple[str | None, ...]
    functions: frozenset[str] = frozenset()

    def holds(self, issue: Document, context: Context, negated: bool = False) -> bool:
        """Whether the issue meets it. A field without a value meets no `!=`, as in Jira."""
        operator, have = OPPOSITE[self.operator] if negated else self.operator, issue.get(self.name)
        if operator in ("is", "is not"):
            return bool(have) == (operator == "is not")
        if not have:
            return operator == "!~"
        if self.name in DATES:
            return COMPARED[operator](have, date_of(self.name, str(self.values[0]), context))
        if self.name in TEXTS:
            return TextQuery(str(self.values[0])).matches(have) == (operator == "~")
        asked = {context.user if value in self.functions else str(value).casefold() for value in self.values}
        return bool(asked & have) == (operator in ("=", "in"))


@dataclass(frozen=True)
class Group:
    """Conditions joined by `and` or `or`, perhaps turned round by NOT."""

    parts: tuple["Clause | Group", ...]
    every: bool
    negated: bool = False

    def holds(self, issue: Document, context: Context, negated: bool = False) -> bool:
        """Whether the issue meets them. NOT is carried down to the clauses, so that empty fields stay unmatched."""
        turned = negated != self.negated
        joined = all if self.every != turned else any
        return joined(part.holds(issue, context, turned) for part in self.parts)


def date_of(said: str, text: str, context: Context) -> datetime:
    """The moment that a date value means."""
    if text == "now()":
        return context.now
    parts = re.fullmatch(r"(-?)((?:\d+[wdhm]\s*)+)", text)
    if parts:
        minutes = sum(int(size) * UNITS[unit] for size, unit in re.findall(r"(\d+)([wdhm])", parts[2]))
        return context.now + timedelta(minutes=-minutes if parts[1] else minutes)
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=context.zone)
        except ValueError:
            continue
    raise JqlError(f"Date value '{text}' for field '{said}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
                   "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")
