"""True or false: does an issue meet a JQL condition?"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sandbox.jira.jql.lexer import JqlError
from sandbox.jira.jql.text_query import TextQuery

# An issue as JQL sees it: names, ids and keys (case folded) as frozensets, texts as str, dates as datetime.
# "rank:<field>" holds what ORDER BY sorts by, if that is another value.
Document = Mapping[str, Any]
DATE_FIELDS = frozenset({"updated", "created"})
TEXT_FIELDS = frozenset({"summary", "description", "text", "comment"})
PEOPLE_FIELDS = frozenset({"assignee", "reporter", "creator"})
# Fields whose former values `WAS` finds; "was:<field>" holds them.
HISTORY_FIELDS = frozenset({"status", "assignee", "reporter", "priority", "resolution"})
OPPOSITE_PAIRS = (("=", "!="), ("in", "not in"), ("~", "!~"), ("is", "is not"), ("<", ">="), (">", "<="),
                  ("was", "was not"), ("was in", "was not in"))
OPPOSITE_OPERATORS = dict(OPPOSITE_PAIRS) | {opposite: operator for operator, opposite in OPPOSITE_PAIRS}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}
MINUTES_BY_UNIT = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}
DATE_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")


@dataclass(frozen=True)
class Context:
    """Who asks, when, and the time zone of dates."""

    now: datetime
    zone: tzinfo = UTC
    user: str = ""


@dataclass(frozen=True)
class Clause:
    """One condition; `values` are texts, or None for EMPTY; `functions` are those values that are calls."""

    name: str
    operator: str
    values: tuple[str | None, ...]
    functions: frozenset[str] = frozenset()

    def is_met_by(self, issue: Document, context: Context, negated: bool = False) -> bool:
        """True if the issue meets the condition. A field without a value meets no `!=`, as in Jira."""
        operator = OPPOSITE_OPERATORS[self.operator] if negated else self.operator
        value = issue.get(f"was:{self.name}" if operator.startswith("was") else self.name)
        if operator in ("is", "is not"):
            return bool(value) == (operator == "is not")
        if not value:
            return operator == "!~"
        if self.name in DATE_FIELDS:
            return COMPARISONS[operator](value, parse_date(self.name, str(self.values[0]), context))
        if self.name in TEXT_FIELDS:
            return TextQuery(str(self.values[0])).is_met_by(value) == (operator == "~")
        values = {context.user if text in self.functions else str(text).casefold() for text in self.values}
        return bool(value & values) == (operator in ("=", "in", "was", "was in"))


@dataclass(frozen=True)
class Group:
    """Conditions joined by `and` or `or`, perhaps negated by NOT."""

    parts: tuple["Clause | Group", ...]
    needs_all: bool
    negated: bool = False

    def is_met_by(self, issue: Document, context: Context, negated: bool = False) -> bool:
        """True if the issue meets them. NOT is carried down to the clauses, so that empty fields stay unmatched."""
        is_negated = negated != self.negated
        combine = all if self.needs_all != is_negated else any
        return combine(part.is_met_by(issue, context, is_negated) for part in self.parts)


def list_clauses(condition: Clause | Group | None) -> list[Clause]:
    """Return all clauses of a condition."""
    if isinstance(condition, Group):
        return [clause for part in condition.parts for clause in list_clauses(part)]
    return [condition] if condition else []


def parse_date(field_name: str, text: str, context: Context) -> datetime:
    """Return the time that a date value means."""
    if text == "now()":
        return context.now
    parts = re.fullmatch(r"(-?)((?:\d+[wdhm]\s*)+)", text)
    if parts:
        minutes = sum(int(size) * MINUTES_BY_UNIT[unit] for size, unit in re.findall(r"(\d+)([wdhm])", parts[2]))
        return context.now + timedelta(minutes=-minutes if parts[1] else minutes)
    for date_format in DATE_FORMATS:
        try:
            return datetime.strptime(text, date_format).replace(tzinfo=context.zone)
        except ValueError:
            continue
    raise JqlError(
        f"Date value '{text}' for field '{field_name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )
