"""What people wrote on Jira as plain text: Atlassian documents (REST v3) and wiki markup (webhooks). Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

# Documents nest a few levels; what goes deeper was made to break a reader.
MAX_DEPTH = 50
UNNAMED_MENTION = "@someone"
CODE_FENCE = "```"
Node = Mapping[str, Any]


def to_plain_text(body: Any) -> str:
    """The text of a comment or description, a line a paragraph; never raises."""
    text = (wiki_to_plain_text(body) if isinstance(body, str)
            else "\n".join(_render_blocks(_get_children(body), MAX_DEPTH)))
    return text.rstrip()


def _get_children(node: Any) -> list[Node]:
    found = node.get("content") if isinstance(node, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _get_attribute(node: Node, *names: str) -> str:
    attrs = node.get("attrs")
    given = (attrs.get(name) for name in names) if isinstance(attrs, Mapping) else ()
    return next((str(one) for one in given if one not in (None, "")), "")


def _render_blocks(nodes: Iterable[Node], depth: int) -> list[str]:
    """The lines of several blocks."""
    if depth <= 0:
        return []
    return [line for node in nodes for line in BLOCK_RENDERERS.get(str(node.get("type")), _render_paragraph)(node,
                                                                                                             depth)]


def _render_paragraph(node: Node, depth: int) -> list[str]:
    if any(str(one.get("type")) in BLOCK_RENDERERS for one in _get_children(node)):
        return _render_blocks(_get_children(node), depth - 1)
    return (_render_inline([node] if "text" in node or not _get_children(node) else _get_children(node), depth)
            or "").split("\n")


def _render_inline(nodes: Iterable[Node], depth: int) -> str:
    if depth <= 0:
        return ""
    return "".join(INLINE_RENDERERS.get(str(node.get("type")), _render_unknown_inline)(node, depth) for node in nodes)


def _render_unknown_inline(node: Node, depth: int) -> str:
    return _render_inline(_get_children(node), depth - 1)


def _render_text(node: Node, _: int) -> str:
    text, marks = str(node.get("text") or ""), node.get("marks")
    found = [_get_attribute(mark, "href") for mark in (marks if isinstance(marks, list) else [])
             if isinstance(mark, Mapping) and mark.get("type") == "link"]
    return _render_link(text, found[0]) if found and found[0] else text


def _render_link(text: str, url: str) -> str:
    return url if text in ("", url) else f"{text} ({url})"


def _render_date(node: Node, _: int) -> str:
    try:
        return datetime.fromtimestamp(int(_get_attribute(node, "timestamp")) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _render_mention(node: Node, _: int) -> str:
    name = _get_attribute(node, "text")
    return f"@{name.lstrip('@')}" if name else UNNAMED_MENTION


def _render_list(node: Node, depth: int) -> list[str]:
    first = _get_attribute(node, "order")
    start = int(first) if first.isdecimal() else 1
    ordered = node.get("type") == "orderedList"
    lines = []
    for number, item in enumerate(_get_children(node), start):
        done = {"DONE": "[x] ", "TODO": "[ ] "}.get(_get_attribute(item, "state"), "")
        sign = f"{number}. " if ordered else done or "- "
        inner = _render_paragraph(item, depth - 1) if depth > 1 else []
        lines += [(sign if at == 0 else "  ") + line for at, line in enumerate(inner)]
    return lines


def _render_code(node: Node, depth: int) -> list[str]:
    return [CODE_FENCE + _get_attribute(node, "language"), *_render_inline(_get_children(node), depth).split("\n"),
            CODE_FENCE]


def _render_quote(node: Node, depth: int) -> list[str]:
    return [f"> {line}" for line in _render_blocks(_get_children(node), depth - 1)]


def _render_panel(node: Node, depth: int) -> list[str]:
    lines = _render_blocks(_get_children(node), depth - 1) or [""]
    return [f"[{_get_attribute(node, 'panelType') or 'info'}] {lines[0]}", *lines[1:]]


def _render_expand(node: Node, depth: int) -> list[str]:
    return [line for line in (_get_attribute(node, "title"), *_render_blocks(_get_children(node), depth - 1)) if line]


def _render_table(node: Node, depth: int) -> list[str]:
    return [" | ".join(" ".join(_render_blocks(_get_children(cell), depth - 1)) for cell in _get_children(row))
            for row in _get_children(node)]


def _render_card(node: Node, _: int) -> list[str]:
    return [_get_attribute(node, "url")]


def _render_media(node: Node, depth: int) -> list[str]:
    if node.get("type") == "media":
        return [f"[attachment {_get_attribute(node, 'alt')}]" if _get_attribute(node, "alt") else "[attachment]"]
    return _render_blocks(_get_children(node), depth - 1)


BLOCK_RENDERERS: Mapping[str, Callable[[Node, int], list[str]]] = {
    "paragraph": _render_paragraph,
    "heading": _render_paragraph,
    "bulletList": _render_list,
    "orderedList": _render_list,
    "taskList": _render_list,
    "decisionList": _render_list,
    "codeBlock": _render_code,
    "blockquote": _render_quote,
    "panel": _render_panel,
    "expand": _render_expand,
    "nestedExpand": _render_expand,
    "rule": lambda _, __: ["---"],
    "table": _render_table,
    "blockCard": _render_card,
    "embedCard": _render_card,
    "mediaSingle": _render_media,
    "mediaGroup": _render_media,
    "media": _render_media,
}
INLINE_RENDERERS: Mapping[str, Callable[[Node, int], str]] = {
    "text": _render_text,
    "hardBreak": lambda _, __: "\n",
    "mention": _render_mention,
    "date": _render_date,
    "emoji": lambda node, _: _get_attribute(node, "text", "shortName"),
    "status": lambda node, _: f"[{_get_attribute(node, 'text')}]",
    "inlineCard": lambda node, _: _get_attribute(node, "url"),
    "mediaInline": lambda _, __: "[attachment]",
}

# Wiki markup: https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all
WIKI_CODE_BLOCK = re.compile(r"\{(code|noformat)(?::([^}\n]*))?\}\n?(.*?)\n?\{\1\}", re.DOTALL)
WIKI_REPLACEMENTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^h[1-6]\.[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^bq\.[ \t]+", re.MULTILINE), "> "),
    (re.compile(r"^-{4,}[ \t]*$", re.MULTILINE), "---"),
    (re.compile(r"\{panel(?::[^}\n]*?title=([^|}\n]*)[^}\n]*)?\}"), r"\1"),
    (re.compile(r"\{(?:panel:[^}\n]*|color(?::[^}\n]*)?|anchor:[^}\n]*)\}"), ""),
    (re.compile(r"\{\{(.+?)\}\}"), r"\1"),
    (re.compile(r"\[~accountid:[^\]\s]+\]"), UNNAMED_MENTION),
    (re.compile(r"\[([^|\]\n]+)\|((?:https?|mailto|ftp)[^|\]\s]*)(?:\|[^\]\n]*)?\]"), r"\1 (\2)"),
    (re.compile(r"\[((?:https?|mailto|ftp):[^|\]\s]+)\]"), r"\1"),
    (re.compile(r"!([^!|\s][^!|\n]*\.\w{2,5})(?:\|[^!\n]*)?!"), r"[attachment \1]"),
    (re.compile(r"(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=[^\s\\])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_\\])_(?=\S)([^_\n]+?)(?<=[^\s\\])_(?![\w_])"), r"\1"),
    (re.compile(r"[ \t]*\\\\[ \t]*\n?"), "\n"),
    (re.compile(r"\\([{}\[\]*_!|#+~^?-])"), r"\1"),
)
REPEATED_URL = re.compile(r"(\S+) \(\1\)")


def wiki_to_plain_text(text: str) -> str:
    """The text of wiki markup; what stands in code blocks stays as it is."""
    parts, end = [], 0
    text = text.replace("\r\n", "\n")
    for found in WIKI_CODE_BLOCK.finditer(text):
        parts.append(_render_wiki_text(text[end : found.start()]))
        language = (found[2] or "").split("|")[0] if "=" not in (found[2] or "").split("|")[0] else ""
        parts.append(f"{CODE_FENCE}{language}\n{found[3]}\n{CODE_FENCE}")
        end = found.end()
    return "".join([*parts, _render_wiki_text(text[end:])])


def _render_wiki_text(text: str) -> str:
    text = re.sub(r"\{quote\}\n?(.*?)\n?\{quote\}", _quote_lines, text, flags=re.DOTALL)
    lines, numbers = [], [0] * MAX_DEPTH
    for line in text.split("\n"):
        shown, numbers = _render_wiki_line(line, numbers)
        lines.append(shown)
    text = "\n".join(lines)
    for pattern, instead in WIKI_REPLACEMENTS:
        text = pattern.sub(instead, text)
    return REPEATED_URL.sub(r"\1", text)


def _quote_lines(found: re.Match[str]) -> str:
    return "\n".join(f"> {line}" for line in found[1].split("\n"))


def _render_wiki_line(line: str, numbers: list[int]) -> tuple[str, list[int]]:
    """A line of a list or a table, with the number that it has in its list."""
    item = re.match(r"([*#-]{1,6})[ \t]+(?=\S)", line)
    if item:
        depth, rest = len(item[1]), line[item.end() :]
        now = [*numbers[:depth], numbers[depth] + 1, *[0] * (MAX_DEPTH - depth - 1)]
        sign = f"{now[depth]}. " if item[1][-1] == "#" else "- "
        return "  " * (depth - 1) + sign + rest, now
    if re.match(r"\|.*\|[ \t]*$", line):
        line = " | ".join(cell.strip() for cell in re.split(r"\|\|?", line.strip().strip("|")))
    return line, [0] * MAX_DEPTH
