"""A part of JQL, as strict as Jira is: parsed, then matched against what an issue is known by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.jira.jql.match import COMPARED, DATES, OPPOSITE, TEXTS, Clause, Context, Document, Group, date_of
from sandbox.jira.jql.text import TextQuery
from sandbox.jira.jql.words import RESERVED_WORDS, JqlError, Token, tokens

__all__ = ["Context", "Document", "JqlError", "Query", "parse"]

NAMES = {"type": "issuetype", "issue": "key", "issuekey": "key", "id": "key",
         "updateddate": "updated", "createddate": "created"}


@dataclass(frozen=True)
class Query:
    """A parsed query; `where` is None where it restricts nothing."""

    where: Clause | Group | None
    order: tuple[tuple[str, bool], ...] = field(default=())

    def matches(self, issue: Document, context: Context) -> bool:
        """Whether the issue meets the query."""
        return self.where is None or self.where.holds(issue, context)

    def sort(self, issues: list[Any], document: Callable[[Any], Document]) -> list[Any]:
        """The issues as ORDER BY says; otherwise the newest first."""
        for name, descending in reversed(self.order or (("created", True),)):
            issues = sorted(issues, key=lambda issue: _sortable(document(issue), name), reverse=descending)
        return issues


def parse(text: str, known: Mapping[str, str], context: Context) -> Query:
    """The query. `known` says which fields there are besides the usual: name -> name in the document."""
    return _Parser(text, known, context).query()


class _Parser:
    def __init__(self, text: str, known: Mapping[str, str], context: Context) -> None:
        self.left = tokens(text)
        self.known, self.context = known, context

    def query(self) -> Query:
        where = None if self.left[0].kind == "end" or self._at_order() else self._any()
        order = self._order() if self._at_order() else ()
        if self.left[0].kind != "end":
            raise self._unexpected("Expecting either 'OR' or 'AND' but got")
        return Query(where, order)

    def _take(self, *wanted: str) -> bool:
        token = self.left[0]
        found = (token.keyword or (token.text if token.kind == "sign" else "")) in wanted
        if found:
            self.left.pop(0)
        return found

    def _at_order(self) -> bool:
        return self.left[0].keyword == "order"

    def _unexpected(self, expecting: str) -> JqlError:
        token = self.left[0]
        got = f"'{token.text}'" if token.kind != "end" else "end of query"
        return JqlError(f"{expecting} {got}. (line 1, character {token.at})")

    def _any(self) -> Clause | Group:
        return self._joined(("or", "||"), self._all, False)

    def _all(self) -> Clause | Group:
        return self._joined(("and", "&&"), self._not, True)

    def _joined(self, words: tuple[str, ...], part: Callable[[], Clause | Group], every: bool) -> Clause | Group:
        parts = [part()]
        while self._take(*words):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Group(tuple(parts), every)

    def _not(self) -> Clause | Group:
        if self._take("not", "!"):
            return Group((self._not(),), True, negated=True)
        if not self._take("("):
            return self._clause()
        inner = self._any()
        if not self._take(")"):
            raise self._unexpected("Expecting ')' but got")
        return inner

    def _clause(self) -> Clause:
        said, name = self._field()
        operator = self._operator()
        listed = operator in ("in", "not in")
        values, functions = self._list() if listed else self._value()
        _check(said, name, operator, values)
        if name in DATES and operator not in ("is", "is not"):
            date_of(said, str(values[0]), self.context)
        return Clause(name, operator, values, functions)

    def _field(self) -> tuple[str, str]:
        token = self.left[0]
        if token.kind not in ("word", "quoted") or token.keyword in RESERVED_WORDS:
            raise self._unexpected("Expecting a field name but got")
        self.left.pop(0)
        name = NAMES.get(token.text.lower(), token.text.lower())
        if name not in self.known and name not in DATES | TEXTS:
            raise JqlError(f"Field '{token.text}' does not exist or you do not have permission to view it.")
        return token.text, self.known.get(name, name)

    def _operator(self) -> str:
        if self._take("not"):
            return "not in" if self._take("in") else self._no_operator()
        if self._take("is"):
            return "is not" if self._take("not") else "is"
        if self._take("in"):
            return "in"
        sign = self.left[0]
        return self.left.pop(0).text if sign.kind == "sign" and sign.text in OPPOSITE else self._no_operator()

    def _no_operator(self) -> str:
        raise self._unexpected("Expecting operator but got")

    def _list(self) -> tuple[tuple[str | None, ...], frozenset[str]]:
        if not self._take("("):
            raise self._unexpected("Expecting '(' but got")
        values, functions = self._value()
        while self._take(","):
            more, calls = self._value()
            values, functions = values + more, functions | calls
        if not self._take(")"):
            raise self._unexpected("Expecting ')' but got")
        return values, functions

    def _value(self) -> tuple[tuple[str | None, ...], frozenset[str]]:
        token: Token = self.left[0]
        if token.kind not in ("word", "quoted"):
            raise self._unexpected("Expecting either a value, list or function but got")
        self.left.pop(0)
        if token.keyword in ("empty", "null"):
            return (None,), frozenset()
        if token.keyword in RESERVED_WORDS:
            raise JqlError(f"'{token.text}' is a reserved JQL word. You must surround it in quotation marks to use it "
                           f"in a query. (line 1, character {token.at})")
        if not self._take("("):
            return (token.text,), frozenset()
        if token.keyword not in ("currentuser", "now") or not self._take(")"):
            raise JqlError(f"Unable to find JQL function '{token.text}()'.")
        return (f"{token.keyword}()",), frozenset({f"{token.keyword}()"})

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self.left.pop(0)
        if not self._take("by"):
            raise self._unexpected("Expecting 'by' but got")
        found: list[tuple[str, bool]] = []
        while not found or self._take(","):
            _, name = self._field()
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            found.append((name, descending))
        return tuple(found)


def _check(said: str, name: str, operator: str, values: tuple[str | None, ...]) -> None:
    allowed = {"~", "!~"} if name in TEXTS else set(COMPARED) if name in DATES else {"=", "!=", "in", "not in"}
    if operator not in allowed | {"is", "is not"}:
        raise JqlError(f"The operator '{operator}' is not supported by the '{said}' field.")
    if (operator in ("is", "is not")) != (values == (None,)):
        raise JqlError(f"The operator '{operator}' cannot be used with this value of the field '{said}'.")
    if name in TEXTS and values[0] is not None:
        try:
            TextQuery(values[0])
        except ValueError as error:
            raise JqlError(f"The text query '{values[0]}' for field '{said}' is not valid.") from error


def _sortable(issue: Document, name: str) -> tuple[Any, ...]:
    value = issue.get(f"rank:{name}", issue.get(name))
    shown = sorted(value) if isinstance(value, frozenset) else value
    return (True, shown) if shown else (False,)
