"""Plain text as Atlassian documents, which REST v3 takes and returns, and back. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from jpi.domain.templates import DESCRIPTION_MAX_CHARACTERS, cut_text

# Documents nest a few levels; a deeper one was made to break its reader.
MAX_DEPTH = 50
MAX_NUMBER_DIGITS = 9
UNNAMED_MENTION = "@someone"
CODE_FENCE = "```"
# Punctuation at the end belongs to the sentence; a bracket, to the address that it was opened in.
URL_PATTERN = re.compile(r"https?://(?:\([^\s<>\"()]*\)|[^\s<>\"()])*(?:\([^\s<>\"()]*\)|[^\s<>\"().,;:!?'\]])")
Node = Mapping[str, Any]


def to_adf_document(text: str) -> dict[str, Any]:
    """Return plain text as a document: a paragraph a line, addresses as links, at most 32,767 characters."""
    lines = cut_text(text, DESCRIPTION_MAX_CHARACTERS).splitlines() or [""]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": _build_text_nodes(line)}
                                                     for line in lines]}


def _build_text_nodes(line: str) -> list[Node]:
    if "://" not in line:
        # Most lines: a text may have thousands.
        return [{"type": "text", "text": line}] if line else []
    nodes: list[Node] = []
    end = 0
    for match in URL_PATTERN.finditer(line):
        link = {"type": "link", "attrs": {"href": match[0]}}
        nodes += [{"type": "text", "text": line[end : match.start()]},
                  {"type": "text", "text": match[0], "marks": [link]}]
        end = match.end()
    # An empty text node is no valid document.
    return [node for node in [*nodes, {"type": "text", "text": line[end:]}] if node["text"]]


def to_plain_text(body: Any) -> str:
    """Return the text of a document, a line a paragraph; never raises. Text that is no document stays as it is."""
    return (body if isinstance(body, str) else "\n".join(_render_blocks(_get_children(body), MAX_DEPTH))).rstrip()


def _get_children(node: Any) -> list[Node]:
    children = node.get("content") if isinstance(node, Mapping) else None
    return [child for child in children if isinstance(child, Mapping)] if isinstance(children, list) else []


def _get_attribute(node: Node, *names: str) -> str:
    attrs = node.get("attrs")
    values = (attrs.get(name) for name in names) if isinstance(attrs, Mapping) else ()
    # Anything but a text or a number was made to break its reader.
    return next((str(value) for value in values if isinstance(value, str | int) and value != ""), "")


def _get_type(node: Node) -> str:
    kind = node.get("type")
    return kind if isinstance(kind, str) else ""


def _render_blocks(nodes: Iterable[Node], depth: int) -> list[str]:
    if depth <= 0:
        return []
    return [line for node in nodes for line in BLOCK_RENDERERS.get(_get_type(node), _render_paragraph)(node, depth)]


def _render_paragraph(node: Node, depth: int) -> list[str]:
    if any(_get_type(child) in BLOCK_RENDERERS for child in _get_children(node)):
        return _render_blocks(_get_children(node), depth - 1)
    return (_render_inline([node] if "text" in node or not _get_children(node) else _get_children(node), depth)
            or "").split("\n")


def _render_inline(nodes: Iterable[Node], depth: int) -> str:
    if depth <= 0:
        return ""
    return "".join(INLINE_RENDERERS.get(_get_type(node), _render_unknown_inline)(node, depth) for node in nodes)


def _render_unknown_inline(node: Node, depth: int) -> str:
    return _render_inline(_get_children(node), depth - 1)


def _render_text(node: Node, _: int) -> str:
    text, marks = _get_text(node), node.get("marks")
    urls = [_get_attribute(mark, "href") for mark in (marks if isinstance(marks, list) else [])
            if isinstance(mark, Mapping) and mark.get("type") == "link"]
    return _render_link(text, urls[0]) if urls and urls[0] else text


def _get_text(node: Node) -> str:
    text = node.get("text")
    return text if isinstance(text, str) else ""


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
    start = int(first) if first.isdecimal() and len(first) <= MAX_NUMBER_DIGITS else 1
    lines = []
    for number, item in enumerate(_get_children(node), start):
        checkbox = {"DONE": "[x] ", "TODO": "[ ] "}.get(_get_attribute(item, "state"), "")
        bullet = f"{number}. " if node.get("type") == "orderedList" else checkbox or "- "
        inner = _render_paragraph(item, depth - 1) if depth > 1 else []
        lines += [(bullet if position == 0 else "  ") + line for position, line in enumerate(inner)]
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
    **dict.fromkeys(("paragraph", "heading"), _render_paragraph),
    **dict.fromkeys(("bulletList", "orderedList", "taskList", "decisionList"), _render_list),
    "codeBlock": _render_code, "blockquote": _render_quote, "panel": _render_panel, "table": _render_table,
    **dict.fromkeys(("expand", "nestedExpand"), _render_expand),
    **dict.fromkeys(("blockCard", "embedCard"), _render_card),
    **dict.fromkeys(("mediaSingle", "mediaGroup", "media"), _render_media),
    "rule": lambda _, __: ["---"],
}
INLINE_RENDERERS: Mapping[str, Callable[[Node, int], str]] = {
    "text": _render_text, "hardBreak": lambda _, __: "\n", "mention": _render_mention, "date": _render_date,
    "emoji": lambda node, _: _get_attribute(node, "text", "shortName"),
    "status": lambda node, _: f"[{_get_attribute(node, 'text')}]",
    "inlineCard": lambda node, _: _get_attribute(node, "url"), "mediaInline": lambda _, __: "[attachment]",
}
