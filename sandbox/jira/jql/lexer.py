"""Split JQL into tokens; refuse bad input in the words of Jira's own lexer."""

import re
from dataclasses import dataclass

# https://support.atlassian.com/jira-software-cloud/docs/jql-reserved-characters-and-words/
RESERVED_WORDS = frozenset(re.findall(r"\w+", """
abort access add after alias all alter and any as asc audit avg before begin between boolean break by byte catch cf
char character check checkpoint collate collation column commit connect continue count create current date decimal
declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else empty
encoding end equals escape exclusive exec execute exists explain false fetch file field first float for from function
go goto grant greater group having identified if immediate in increment index initial inner inout input insert int
integer intersect intersection into is isempty isnull join last left less like limit lock long max min minus mode
modify modulo more multiply next noaudit not notin nowait null number object of on option or order outer output power
previous prior privileges public raise raw remainder rename resource return returns revoke right row rowid rownum rows
select session set share size sqrt start strict string subtract sum synonym table then to trans transaction trigger
true uid union unique update user validate values view was when whenever where while with
"""))
RESERVED_CHARACTERS = frozenset("+.,;?|*/%^$#@[]{}`\\&")
ESCAPES = {"t": "\t", "n": "\n", "r": "\r"} | {character: character for character in "\\'\" "}
TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<quoted>"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
  | (?P<open>["'])
  | (?P<sign>!=|!~|<=|>=|&&|\|\||[=~<>(),!])
  | (?P<custom>cf\[\d+\])
  | (?P<word>[^\s=!~<>(),"'&|]+)
  | (?P<odd>.)
""", re.VERBOSE | re.IGNORECASE)


class JqlError(ValueError):
    """Raised with Jira's message about a query that it refuses."""


class JqlSyntaxError(JqlError):
    """Raised for a malformed query."""

    def __init__(self, complaint: str, prefix: str = "Error in the JQL Query") -> None:
        super().__init__(f"{prefix}: {complaint}")


@dataclass(frozen=True)
class Token:
    """A piece of a query: a `sign`, a `word`, a `quoted` string, or the `end`."""

    kind: str
    text: str
    position: int

    @property
    def keyword(self) -> str:
        """Return the word in lower case; "" for any other token."""
        return self.text.lower() if self.kind == "word" else ""


def split_tokens(text: str) -> list[Token]:
    """Split a query into tokens; the last one is of kind `end`."""
    tokens = []
    for match in TOKEN.finditer(text):
        kind, piece, at = str(match.lastgroup), match[0], match.start() + 1
        if kind == "open":
            raise JqlSyntaxError(f"The quoted string '{text[at:]}' has not been completed. (line 1, character {at})")
        if kind == "odd":
            raise _make_reserved_error(piece, at)
        if kind == "quoted":
            tokens.append(Token("quoted", _unescape(piece[1:-1], at), at))
        elif kind != "space":
            tokens.append(Token("word" if kind == "custom" else kind, piece, at))
            _check_characters(kind, piece, at)
    return [*tokens, Token("end", "", len(text) + 1)]


def _check_characters(kind: str, piece: str, at: int) -> None:
    for offset, character in enumerate(piece if kind == "word" else ""):
        if character in RESERVED_CHARACTERS:
            raise _make_reserved_error(character, at + offset)


def _make_reserved_error(character: str, at: int) -> JqlError:
    return JqlSyntaxError(f"The character '{character}' is a reserved JQL character. You must enclose it in a string "
                          f"or use the escape '\\u{ord(character):04x}' instead. (line 1, character {at})")


def _unescape(inner: str, at: int) -> str:
    def replace_escape(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in ESCAPES:
            raise JqlSyntaxError(f"'\\{match[2]}' is an illegal JQL escape sequence. The valid escape sequences are "
                                 rf"\', \", \t, \n, \r, \\, '\ ' and \uXXXX. (line 1, character {at})")
        return ESCAPES[match[2]]
    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", replace_escape, inner, flags=re.DOTALL)
