"""What people wrote on Jira as plain text: Atlassian documents (REST v3) and wiki markup (webhooks). Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

# Documents nest a few levels; what goes deeper was made to break a reader.
DEEPEST = 50
SOMEONE = "@someone"
FENCE = "```"
Node = Mapping[str, Any]


def readable(body: Any) -> str:
    """The text of a comment or description, a line a paragraph; never raises."""
    text = wiki(body) if isinstance(body, str) else "\n".join(_blocks(_inside(body), DEEPEST))
    return text.rstrip()


def _inside(node: Any) -> list[Node]:
    found = node.get("content") if isinstance(node, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _attr(node: Node, *names: str) -> str:
    attrs = node.get("attrs")
    given = (attrs.get(name) for name in names) if isinstance(attrs, Mapping) else ()
    return next((str(one) for one in given if one not in (None, "")), "")


def _blocks(nodes: Iterable[Node], depth: int) -> list[str]:
    """The lines of several blocks."""
    if depth <= 0:
        return []
    return [line for node in nodes for line in BLOCKS.get(str(node.get("type")), _paragraph)(node, depth)]


def _paragraph(node: Node, depth: int) -> list[str]:
    if any(str(one.get("type")) in BLOCKS for one in _inside(node)):
        return _blocks(_inside(node), depth - 1)
    return (_inline([node] if "text" in node or not _inside(node) else _inside(node), depth) or "").split("\n")


def _inline(nodes: Iterable[Node], depth: int) -> str:
    if depth <= 0:
        return ""
    return "".join(INLINE.get(str(node.get("type")), _others)(node, depth) for node in nodes)


def _others(node: Node, depth: int) -> str:
    return _inline(_inside(node), depth - 1)


def _text(node: Node, _: int) -> str:
    text, marks = str(node.get("text") or ""), node.get("marks")
    found = [_attr(mark, "href") for mark in (marks if isinstance(marks, list) else [])
             if isinstance(mark, Mapping) and mark.get("type") == "link"]
    return _link(text, found[0]) if found and found[0] else text


def _link(text: str, url: str) -> str:
    return url if text in ("", url) else f"{text} ({url})"


def _date(node: Node, _: int) -> str:
    try:
        return datetime.fromtimestamp(int(_attr(node, "timestamp")) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _mention(node: Node, _: int) -> str:
    name = _attr(node, "text")
    return f"@{name.lstrip('@')}" if name else SOMEONE


def _list(node: Node, depth: int) -> list[str]:
    first = _attr(node, "order")
    start = int(first) if first.isdecimal() else 1
    ordered = node.get("type") == "orderedList"
    lines = []
    for number, item in enumerate(_inside(node), start):
        done = {"DONE": "[x] ", "TODO": "[ ] "}.get(_attr(item, "state"), "")
        sign = f"{number}. " if ordered else done or "- "
        inner = _paragraph(item, depth - 1) if depth > 1 else []
        lines += [(sign if at == 0 else "  ") + line for at, line in enumerate(inner)]
    return lines


def _code(node: Node, depth: int) -> list[str]:
    return [FENCE + _attr(node, "language"), *_inline(_inside(node), depth).split("\n"), FENCE]


def _quote(node: Node, depth: int) -> list[str]:
    return [f"> {line}" for line in _blocks(_inside(node), depth - 1)]


def _panel(node: Node, depth: int) -> list[str]:
    lines = _blocks(_inside(node), depth - 1) or [""]
    return [f"[{_attr(node, 'panelType') or 'info'}] {lines[0]}", *lines[1:]]


def _expand(node: Node, depth: int) -> list[str]:
    return [line for line in (_attr(node, "title"), *_blocks(_inside(node), depth - 1)) if line]


def _table(node: Node, depth: int) -> list[str]:
    return [" | ".join(" ".join(_blocks(_inside(cell), depth - 1)) for cell in _inside(row)) for row in _inside(node)]


def _card(node: Node, _: int) -> list[str]:
    return [_attr(node, "url")]


def _media(node: Node, depth: int) -> list[str]:
    if node.get("type") == "media":
        return [f"[attachment {_attr(node, 'alt')}]" if _attr(node, "alt") else "[attachment]"]
    return _blocks(_inside(node), depth - 1)


BLOCKS: Mapping[str, Callable[[Node, int], list[str]]] = {
    "paragraph": _paragraph, "heading": _paragraph, "bulletList": _list, "orderedList": _list, "taskList": _list,
    "decisionList": _list, "codeBlock": _code, "blockquote": _quote, "panel": _panel, "expand": _expand,
    "nestedExpand": _expand, "rule": lambda _, __: ["---"], "table": _table, "blockCard": _card, "embedCard": _card,
    "mediaSingle": _media, "mediaGroup": _media, "media": _media,
}
INLINE: Mapping[str, Callable[[Node, int], str]] = {
    "text": _text, "hardBreak": lambda _, __: "\n", "mention": _mention, "date": _date,
    "emoji": lambda node, _: _attr(node, "text", "shortName"), "status": lambda node, _: f"[{_attr(node, 'text')}]",
    "inlineCard": lambda node, _: _attr(node, "url"), "mediaInline": lambda _, __: "[attachment]",
}

# Wiki markup: https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all
VERBATIM = re.compile(r"\{(code|noformat)(?::([^}\n]*))?\}\n?(.*?)\n?\{\1\}", re.DOTALL)
LINES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^h[1-6]\.[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^bq\.[ \t]+", re.MULTILINE), "> "),
    (re.compile(r"^-{4,}[ \t]*$", re.MULTILINE), "---"),
    (re.compile(r"\{panel(?::[^}\n]*?title=([^|}\n]*)[^}\n]*)?\}"), r"\1"),
    (re.compile(r"\{(?:panel:[^}\n]*|color(?::[^}\n]*)?|anchor:[^}\n]*)\}"), ""),
    (re.compile(r"\{\{(.+?)\}\}"), r"\1"),
    (re.compile(r"\[~accountid:[^\]\s]+\]"), SOMEONE),
    (re.compile(r"\[([^|\]\n]+)\|((?:https?|mailto|ftp)[^|\]\s]*)(?:\|[^\]\n]*)?\]"), r"\1 (\2)"),
    (re.compile(r"\[((?:https?|mailto|ftp):[^|\]\s]+)\]"), r"\1"),
    (re.compile(r"!([^!|\s][^!|\n]*\.\w{2,5})(?:\|[^!\n]*)?!"), r"[attachment \1]"),
    (re.compile(r"(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=[^\s\\])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_\\])_(?=\S)([^_\n]+?)(?<=[^\s\\])_(?![\w_])"), r"\1"),
    (re.compile(r"[ \t]*\\\\[ \t]*\n?"), "\n"),
    (re.compile(r"\\([{}\[\]*_!|#+~^?-])"), r"\1"),
)
SAME = re.compile(r"(\S+) \(\1\)")


def wiki(text: str) -> str:
    """The text of wiki markup; what stands in code blocks stays as it is."""
    parts, end = [], 0
    text = text.replace("\r\n", "\n")
    for found in VERBATIM.finditer(text):
        parts.append(_plain(text[end : found.start()]))
        language = (found[2] or "").split("|")[0] if "=" not in (found[2] or "").split("|")[0] else ""
        parts.append(f"{FENCE}{language}\n{found[3]}\n{FENCE}")
        end = found.end()
    return "".join([*parts, _plain(text[end:])])


def _plain(text: str) -> str:
    text = re.sub(r"\{quote\}\n?(.*?)\n?\{quote\}", _quoted, text, flags=re.DOTALL)
    lines, numbers = [], [0] * DEEPEST
    for line in text.split("\n"):
        shown, numbers = _line(line, numbers)
        lines.append(shown)
    text = "\n".join(lines)
    for pattern, instead in LINES:
        text = pattern.sub(instead, text)
    return SAME.sub(r"\1", text)


def _quoted(found: re.Match[str]) -> str:
    return "\n".join(f"> {line}" for line in found[1].split("\n"))


def _line(line: str, numbers: list[int]) -> tuple[str, list[int]]:
    """A line of a list or a table, with the number that it has in its list."""
    item = re.match(r"([*#-]{1,6})[ \t]+(?=\S)", line)
    if item:
        depth, rest = len(item[1]), line[item.end() :]
        now = [*numbers[:depth], numbers[depth] + 1, *[0] * (DEEPEST - depth - 1)]
        sign = f"{now[depth]}. " if item[1][-1] == "#" else "- "
        return "  " * (depth - 1) + sign + rest, now
    if re.match(r"\|.*\|[ \t]*$", line):
        line = " | ".join(cell.strip() for cell in re.split(r"\|\|?", line.strip().strip("|")))
    return line, [0] * DEEPEST
