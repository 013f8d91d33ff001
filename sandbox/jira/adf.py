"""Atlassian Document Format: whether a document is valid, and its text as the older REST version shows it."""

from collections.abc import Iterator
from typing import Any

INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "mediaInline"})
BLOCK = frozenset({
    "paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule", "panel", "table",
    "mediaSingle", "mediaGroup", "expand", "taskList", "decisionList", "blockCard", "embedCard",
})
NESTED = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "mediaGroup", "heading"})
CHILDREN: dict[str, frozenset[str]] = {
    "doc": BLOCK,
    "paragraph": INLINE,
    "heading": INLINE,
    "codeBlock": frozenset({"text"}),
    "blockquote": NESTED,
    "panel": NESTED | {"rule", "taskList"},
    "expand": BLOCK - {"expand"},
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": NESTED | {"taskList"},
    "taskList": frozenset({"taskItem", "taskList"}),
    "taskItem": INLINE,
    "decisionList": frozenset({"decisionItem"}),
    "decisionItem": INLINE,
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableHeader", "tableCell"}),
    "tableHeader": NESTED | {"panel", "blockquote", "rule", "taskList"},
    "tableCell": NESTED | {"panel", "blockquote", "rule", "taskList"},
    "mediaSingle": frozenset({"media"}),
    "mediaGroup": frozenset({"media"}),
}
# Which attributes a node or mark is nothing without.
ATTRIBUTES = {
    "heading": ("level",), "panel": ("panelType",), "mention": ("id",), "emoji": ("shortName",),
    "date": ("timestamp",), "status": ("text", "color"), "link": ("href",), "textColor": ("color",),
    "subsup": ("type",), "backgroundColor": ("color",), "media": ("type",),
}
MARKS = frozenset({"strong", "em", "code", "strike", "underline", "link", "textColor", "subsup", "backgroundColor"})
KEYS = frozenset({"type", "attrs", "content", "marks", "text"})
WIKI = {"strong": "*{}*", "em": "_{}_", "code": "{{{{{}}}}}", "strike": "-{}-", "underline": "+{}+"}
PREFIX = {"bulletList": "* ", "orderedList": "# ", "taskList": "* ", "decisionList": "* "}


def problem(document: Any) -> str | None:
    """What is wrong with a document; None where it is valid."""
    if not isinstance(document, dict) or document.get("type") != "doc":
        return "not a document"
    if document.get("version") != 1 or not isinstance(document.get("content"), list):
        return "a document needs version 1 and content"
    inner = {key: value for key, value in document.items() if key != "version"}
    return next(_problems(inner, "doc"), None)


def _problems(node: dict[str, Any], kind: str) -> Iterator[str]:
    if set(node) - KEYS:
        yield f"{kind} has unknown keys"
    if any(name not in (node.get("attrs") or {}) for name in ATTRIBUTES.get(kind, ())):
        yield f"{kind} lacks an attribute"
    yield from _marks(node)
    content = node.get("content", [])
    if content and kind not in CHILDREN:
        yield f"{kind} takes no content"
    for child in content if isinstance(content, list) else [None]:
        yield from _child(child, kind)


def _child(child: Any, parent: str) -> Iterator[str]:
    kind = child.get("type") if isinstance(child, dict) else None
    if kind not in CHILDREN.get(parent, ()):
        yield f"{kind!r} is no child of {parent}"
    elif kind == "text":
        text = child.get("text")
        if not isinstance(text, str) or not text:
            yield "an empty text node"
        elif "\n" in text and parent != "codeBlock":
            yield "a newline inside a text node"
    elif "text" in child:
        yield f"{kind} takes no text"
    if isinstance(child, dict) and isinstance(kind, str):
        yield from _problems(child, kind)


def _marks(node: dict[str, Any]) -> Iterator[str]:
    for mark in node.get("marks") or []:
        kind = mark.get("type") if isinstance(mark, dict) else None
        if kind not in MARKS:
            yield f"unknown mark {kind!r}"
        elif any(name not in (mark.get("attrs") or {}) for name in ATTRIBUTES.get(str(kind), ())):
            yield f"mark {kind} lacks an attribute"


def size(node: Any) -> int:
    """How many characters of text a document holds."""
    if not isinstance(node, dict):
        return 0
    return len(node.get("text", "")) + sum(size(child) for child in node.get("content", []))


def plain(node: Any) -> str:
    """The text of a document, without marks, a line a block."""
    if not isinstance(node, dict):
        return ""
    if node["type"] == "hardBreak":
        return "\n"
    children = node.get("content", [])
    lines = any(child["type"] not in INLINE for child in children)
    return str(node.get("text", "")) + ("\n" if lines else "").join(plain(child) for child in children)


def wiki(document: Any) -> str:
    """A document as wiki text, the way REST version 2 and webhooks show it; "" where there is none."""
    return "" if document is None else _joined(document, "\n\n" if document["type"] == "doc" else "")


def _joined(node: dict[str, Any], between: str) -> str:
    return between.join(_wiki(child) for child in node.get("content", []))


def _wiki(node: dict[str, Any]) -> str:
    kind = node["type"]
    if kind == "text":
        return _text(node)
    if kind == "hardBreak":
        return "\n"
    if kind in PREFIX:
        return "\n".join(PREFIX[kind] + _wiki(item) for item in node.get("content", []))
    if kind == "heading":
        return f"h{node['attrs']['level']}. " + _joined(node, "")
    if kind == "codeBlock":
        return "{code}" + _joined(node, "") + "{code}"
    attributes = node.get("attrs") or {}
    shown = attributes.get("text") or attributes.get("url") or attributes.get("shortName") or ""
    return _joined(node, "" if kind == "paragraph" else "\n") or shown


def _text(node: dict[str, Any]) -> str:
    shown: str = node["text"]
    for mark in node.get("marks") or []:
        if mark["type"] == "link":
            shown = f"[{shown}|{mark['attrs']['href']}]"
        else:
            shown = WIKI.get(mark["type"], "{}").format(shown)
    return shown
