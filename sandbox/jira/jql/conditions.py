"""Whether an issue meets a JQL condition."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sandbox.jira.jql.lexer import JqlError
from sandbox.jira.jql.text_query import TextQuery

# An issue as JQL sees it: names, ids and keys (case folded) as frozensets, texts as str, dates as datetime;
# under "rank:<field>" what ORDER BY goes by, where that is something else.
Document = Mapping[str, Any]
DATE_FIELDS = frozenset({"updated", "created"})
TEXT_FIELDS = frozenset({"summary", "description", "text", "comment"})
OPPOSITE_OPERATORS = {"=": "!=", "!=": "=", "in": "not in", "not in": "in", "~": "!~", "!~": "~", "is": "is not",
                      "is not": "is", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}
MINUTES_BY_UNIT = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}
DATE_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


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

    def is_met_by(self, issue: Document, context: Context, negated: bool = False) -> bool:
        """Whether the issue meets it. A field without a value meets no `!=`, as in Jira."""
        operator, have = OPPOSITE_OPERATORS[self.operator] if negated else self.operator, issue.get(self.name)
        if operator in ("is", "is not"):
            return bool(have) == (operator == "is not")
        if not have:
            return operator == "!~"
        if self.name in DATE_FIELDS:
            return COMPARISONS[operator](have, parse_date(self.name, str(self.values[0]), context))
        if self.name in TEXT_FIELDS:
            return TextQuery(str(self.values[0])).matches(have) == (operator == "~")
        asked = {context.user if value in self.functions else str(value).casefold() for value in self.values}
        return bool(asked & have) == (operator in ("=", "in"))


@dataclass(frozen=True)
class Group:
    """Conditions joined by `and` or `or`, perhaps turned round by NOT."""

    parts: tuple["Clause | Group", ...]
    needs_all: bool
    negated: bool = False

    def is_met_by(self, issue: Document, context: Context, negated: bool = False) -> bool:
        """Whether the issue meets them. NOT is carried down to the clauses, so that empty fields stay unmatched."""
        turned = negated != self.negated
        joined = all if self.needs_all != turned else any
        return joined(part.is_met_by(issue, context, turned) for part in self.parts)


def parse_date(said: str, text: str, context: Context) -> datetime:
    """The moment that a date value means."""
    if text == "now()":
        return context.now
    parts = re.fullmatch(r"(-?)((?:\d+[wdhm]\s*)+)", text)
    if parts:
        minutes = sum(int(size) * MINUTES_BY_UNIT[unit] for size, unit in re.findall(r"(\d+)([wdhm])", parts[2]))
        return context.now + timedelta(minutes=-minutes if parts[1] else minutes)
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=context.zone)
        except ValueError:
            continue
    raise JqlError(f"Date value '{text}' for field '{said}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
                   "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.")
