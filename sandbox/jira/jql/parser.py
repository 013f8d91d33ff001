"""Parse a subset of JQL as strictly as Jira does, and match it against issues."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.jira.jql.conditions import (
    COMPARISONS,
    DATE_FIELDS,
    HISTORY_FIELDS,
    OPPOSITE_OPERATORS,
    PEOPLE_FIELDS,
    TEXT_FIELDS,
    Clause,
    Context,
    Document,
    Group,
    list_clauses,
    parse_date,
)
from sandbox.jira.jql.lexer import RESERVED_WORDS, JqlError, JqlSyntaxError, Token, split_tokens
from sandbox.jira.jql.text_query import TextQuery

__all__ = ["HISTORY_FIELDS", "Context", "Document", "JqlError", "Query", "list_clauses", "parse"]

FIELD_ALIASES = {"type": "issuetype", "issue": "key", "issuekey": "key", "id": "key", "updateddate": "updated",
                 "createddate": "created"}


@dataclass(frozen=True)
class Query:
    """A parsed query; `where` is None if it restricts nothing."""

    where: Clause | Group | None
    order: tuple[tuple[str, bool], ...] = field(default=())

    def is_met_by(self, issue: Document, context: Context) -> bool:
        """True if the issue meets the query."""
        return self.where is None or self.where.is_met_by(issue, context)

    def sort_issues(self, issues: list[Any], document: Callable[[Any], Document]) -> list[Any]:
        """Return the issues as ORDER BY says; newest first by default."""
        for name, descending in reversed(self.order or (("created", True),)):
            issues = sorted(issues, key=lambda issue: _make_sort_key(document(issue), name), reverse=descending)
        return issues


def parse(text: str, field_names: Mapping[str, str], context: Context) -> Query:
    """Parse the query. `field_names` maps the names of more fields to their names in the document."""
    return _Parser(text, field_names, context).parse_query()


class _Parser:
    def __init__(self, text: str, field_names: Mapping[str, str], context: Context) -> None:
        self.tokens_left = split_tokens(text)
        self.field_names, self.context = field_names, context

    def parse_query(self) -> Query:
        where = None if self.tokens_left[0].kind == "end" or self._is_at_order_by() else self._parse_or()
        order = self._parse_order() if self._is_at_order_by() else ()
        if self.tokens_left[0].kind != "end":
            raise self._make_error("Expecting either 'OR' or 'AND'")
        return Query(where, order)

    def _take_token(self, *words: str) -> bool:
        token = self.tokens_left[0]
        matches = (token.keyword or (token.text if token.kind == "sign" else "")) in words
        if matches:
            self.tokens_left.pop(0)
        return matches

    def _is_at_order_by(self) -> bool:
        return self.tokens_left[0].keyword == "order"

    def _make_error(self, expecting: str, at_end: str = "before") -> JqlError:
        token = self.tokens_left[0]
        return JqlSyntaxError(f"{expecting} {at_end} the end of the query." if token.kind == "end" else
                              f"{expecting} but got '{token.text}'. (line 1, character {token.position})")

    def _make_value_error(self) -> JqlError:
        expecting, token = "Expecting either a value, list or function", self.tokens_left[0]
        return JqlSyntaxError(
            f"{expecting} before the end of the query." if token.kind == "end" else
            f"{expecting} but got '{token.text}'. You must surround '{token.text}' in quotation marks to use it as a "
            f"value. (line 1, character {token.position})", "Error in JQL Query")

    def _parse_or(self) -> Clause | Group:
        return self._parse_joined(("or", "||"), self._parse_and, False)

    def _parse_and(self) -> Clause | Group:
        return self._parse_joined(("and", "&&"), self._parse_not, True)

    def _parse_joined(self, words: tuple[str, ...], part: Callable[[], Clause | Group], every: bool) -> Clause | Group:
        parts = [part()]
        while self._take_token(*words):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Group(tuple(parts), every)

    def _parse_not(self) -> Clause | Group:
        if self._take_token("not", "!"):
            return Group((self._parse_not(),), True, negated=True)
        if not self._take_token("("):
            return self._parse_clause()
        inner = self._parse_or()
        if not self._take_token(")"):
            raise self._make_error("Expecting ')'")
        return inner

    def _parse_clause(self) -> Clause:
        field_name, name = self._parse_field()
        operator = self._parse_operator()
        takes_list = operator.endswith("in")
        values, functions = self._parse_list() if takes_list else self._parse_value()
        _check_operator(field_name, name, operator, values)
        _check_functions(field_name, name, functions)
        if name in DATE_FIELDS and operator not in ("is", "is not"):
            parse_date(field_name, str(values[0]), self.context)
        return Clause(name, operator, values, functions)

    def _parse_field(self) -> tuple[str, str]:
        token = self.tokens_left[0]
        if token.kind not in ("word", "quoted") or token.keyword in RESERVED_WORDS:
            raise self._make_error("Expecting a field name", "at")
        self.tokens_left.pop(0)
        name = FIELD_ALIASES.get(token.text.lower(), token.text.lower())
        if name not in self.field_names and name not in DATE_FIELDS | TEXT_FIELDS:
            raise JqlError(f"Field '{token.text}' does not exist or you do not have permission to view it.")
        return token.text, self.field_names.get(name, name)

    def _parse_operator(self) -> str:
        if self._take_token("not"):
            return "not in" if self._take_token("in") else self._refuse_operator()
        if self._take_token("was"):
            return " ".join(["was", *(word for word in ("not", "in") if self._take_token(word))])
        if self._take_token("is"):
            return "is not" if self._take_token("not") else "is"
        if self._take_token("in"):
            return "in"
        sign = self.tokens_left[0]
        return (self.tokens_left.pop(0).text if sign.kind == "sign" and sign.text in OPPOSITE_OPERATORS
                else self._refuse_operator())

    def _refuse_operator(self) -> str:
        raise self._make_error("Expecting operator")

    def _parse_list(self) -> tuple[tuple[str | None, ...], frozenset[str]]:
        if not self._take_token("("):
            raise self._make_error("Expecting '('")
        values, functions = self._parse_value()
        while self._take_token(","):
            more, calls = self._parse_value()
            values, functions = values + more, functions | calls
        if not self._take_token(")"):
            raise self._make_error("Expecting ')'")
        return values, functions

    def _parse_value(self) -> tuple[tuple[str | None, ...], frozenset[str]]:
        token: Token = self.tokens_left[0]
        if token.kind not in ("word", "quoted"):
            raise self._make_value_error()
        self.tokens_left.pop(0)
        if token.keyword in ("empty", "null"):
            return (None,), frozenset()
        if token.keyword in RESERVED_WORDS:
            raise JqlSyntaxError(f"'{token.text}' is a reserved JQL word. You must surround it in quotation marks to "
                                 f"use it in a query. (line 1, character {token.position})")
        if not self._take_token("("):
            return (token.text,), frozenset()
        if token.keyword not in ("currentuser", "now") or not self._take_token(")"):
            raise JqlError(f"Unable to find JQL function '{token.text}()'.")
        return (f"{token.keyword}()",), frozenset({f"{token.keyword}()"})

    def _parse_order(self) -> tuple[tuple[str, bool], ...]:
        self.tokens_left.pop(0)
        if not self._take_token("by"):
            raise self._make_error("Expecting 'by'")
        order: list[tuple[str, bool]] = []
        while not order or self._take_token(","):
            _, name = self._parse_field()
            descending = self._take_token("desc")
            if not descending:
                self._take_token("asc")
            order.append((name, descending))
        return tuple(order)


def _check_operator(field_name: str, name: str, operator: str, values: tuple[str | None, ...]) -> None:
    allowed = ({"~", "!~"} if name in TEXT_FIELDS else set(COMPARISONS) if name in DATE_FIELDS
               else {"=", "!=", "in", "not in"})
    allowed |= {"was", "was not", "was in", "was not in"} if name in HISTORY_FIELDS else set()
    if operator not in allowed | {"is", "is not"}:
        raise JqlError(f"The operator '{operator}' is not supported by the '{field_name}' field.")
    if (operator in ("is", "is not")) != (values == (None,)):
        raise JqlError(f"The operator '{operator}' cannot be used with this value of the field '{field_name}'.")
    if name in TEXT_FIELDS and values[0] is not None:
        try:
            TextQuery(values[0])
        except ValueError as error:
            raise JqlError(f"The text query '{values[0]}' for field '{field_name}' is not valid.") from error


def _check_functions(field_name: str, name: str, functions: frozenset[str]) -> None:
    for function, text, names in (("currentuser()", "currentUser", PEOPLE_FIELDS), ("now()", "now", DATE_FIELDS)):
        if function in functions and name not in names:
            raise JqlError(f"A value provided by the function '{text}' is invalid for the field '{field_name}'.")


def _make_sort_key(issue: Document, name: str) -> tuple[Any, ...]:
    value = issue.get(f"rank:{name}", issue.get(name))
    sort_value = sorted(value) if isinstance(value, frozenset) else value
    return (True, sort_value) if sort_value else (False,)
