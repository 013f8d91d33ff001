"""Atlassian Document Format: validate a document, and convert it to plain text and wiki text."""

from collections.abc import Iterator
from typing import Any

INLINE_NODES = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "mediaInline"})
BLOCK_NODES = frozenset({"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule",
                         "panel", "table", "mediaSingle", "mediaGroup", "expand", "taskList", "decisionList",
                         "blockCard", "embedCard"})
NESTED_NODES = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "mediaGroup",
                          "heading"})
ALLOWED_CHILDREN: dict[str, frozenset[str]] = {"doc": BLOCK_NODES, "paragraph": INLINE_NODES, "heading": INLINE_NODES,
                                               "codeBlock": frozenset({"text"}), "blockquote": NESTED_NODES,
                                               "panel": NESTED_NODES | {"rule", "taskList"},
                                               "expand": BLOCK_NODES - {"expand"},
                                               "bulletList": frozenset({"listItem"}),
                                               "orderedList": frozenset({"listItem"}),
                                               "listItem": NESTED_NODES | {"taskList"},
                                               "taskList": frozenset({"taskItem", "taskList"}),
                                               "taskItem": INLINE_NODES, "decisionList": frozenset({"decisionItem"}),
                                               "decisionItem": INLINE_NODES, "table": frozenset({"tableRow"}),
                                               "tableRow": frozenset({"tableHeader", "tableCell"}),
                                               "tableHeader": NESTED_NODES
                                               | {"panel", "blockquote", "rule", "taskList"},
                                               "tableCell": NESTED_NODES | {"panel", "blockquote", "rule", "taskList"},
                                               "mediaSingle": frozenset({"media"}), "mediaGroup": frozenset({"media"})}
# The attributes that a node or mark must have.
REQUIRED_ATTRIBUTES = {"heading": ("level",), "panel": ("panelType",), "mention": ("id",), "emoji": ("shortName",),
                       "date": ("timestamp",), "status": ("text", "color"), "link": ("href",), "textColor": ("color",),
                       "subsup": ("type",), "backgroundColor": ("color",), "media": ("type",)}
MARKS = frozenset({"strong", "em", "code", "strike", "underline", "link", "textColor", "subsup", "backgroundColor"})
NODE_KEYS = frozenset({"type", "attrs", "content", "marks", "text"})
WIKI_MARKS = {"strong": "*{}*", "em": "_{}_", "code": "{{{{{}}}}}", "strike": "-{}-", "underline": "+{}+"}
WIKI_LIST_PREFIXES = {"bulletList": "* ", "orderedList": "# ", "taskList": "* ", "decisionList": "* "}


def find_problem(document: Any) -> str | None:
    """Return what is wrong with a document, or None if it is valid."""
    if not isinstance(document, dict) or document.get("type") != "doc":
        return "not a document"
    if document.get("version") != 1 or not isinstance(document.get("content"), list):
        return "a document needs version 1 and content"
    inner = {key: value for key, value in document.items() if key != "version"}
    return next(_find_problems(inner, "doc"), None)


def _find_problems(node: dict[str, Any], kind: str) -> Iterator[str]:
    if set(node) - NODE_KEYS:
        yield f"{kind} has unknown keys"
    if any(name not in (node.get("attrs") or {}) for name in REQUIRED_ATTRIBUTES.get(kind, ())):
        yield f"{kind} lacks an attribute"
    yield from _check_marks(node)
    content = node.get("content", [])
    if content and kind not in ALLOWED_CHILDREN:
        yield f"{kind} takes no content"
    for child in content if isinstance(content, list) else [None]:
        yield from _check_child(child, kind)


def _check_child(child: Any, parent: str) -> Iterator[str]:
    kind = child.get("type") if isinstance(child, dict) else None
    if kind not in ALLOWED_CHILDREN.get(parent, ()):
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
        yield from _find_problems(child, kind)


def _check_marks(node: dict[str, Any]) -> Iterator[str]:
    for mark in node.get("marks") or []:
        kind = mark.get("type") if isinstance(mark, dict) else None
        if kind not in MARKS:
            yield f"unknown mark {kind!r}"
        elif any(name not in (mark.get("attrs") or {}) for name in REQUIRED_ATTRIBUTES.get(str(kind), ())):
            yield f"mark {kind} lacks an attribute"


def count_characters(node: Any) -> int:
    """Count the characters of text in a document."""
    if not isinstance(node, dict):
        return 0
    return len(node.get("text", "")) + sum(count_characters(child) for child in node.get("content", []))


def to_plain_text(node: Any) -> str:
    """Return the text of a document without marks, one line per block."""
    if not isinstance(node, dict):
        return ""
    if node["type"] == "hardBreak":
        return "\n"
    children = node.get("content", [])
    lines = any(child["type"] not in INLINE_NODES for child in children)
    return str(node.get("text", "")) + ("\n" if lines else "").join(to_plain_text(child) for child in children)


def to_wiki_text(document: Any) -> str:
    """Return a document as wiki text, as REST version 2 and webhooks show it; "" for None."""
    return "" if document is None else _join_children(document, "\n\n" if document["type"] == "doc" else "")


def _join_children(node: dict[str, Any], between: str) -> str:
    return between.join(_node_to_wiki(child) for child in node.get("content", []))


def _node_to_wiki(node: dict[str, Any]) -> str:
    kind = node["type"]
    if kind == "text":
        return _text_to_wiki(node)
    if kind == "hardBreak":
        return "\n"
    if kind in WIKI_LIST_PREFIXES:
        return "\n".join(WIKI_LIST_PREFIXES[kind] + _node_to_wiki(item) for item in node.get("content", []))
    if kind == "heading":
        return f"h{node['attrs']['level']}. " + _join_children(node, "")
    if kind == "codeBlock":
        return "{code}" + _join_children(node, "") + "{code}"
    attributes = node.get("attrs") or {}
    fallback = attributes.get("text") or attributes.get("url") or attributes.get("shortName") or ""
    return _join_children(node, "" if kind == "paragraph" else "\n") or fallback


def _text_to_wiki(node: dict[str, Any]) -> str:
    text: str = node["text"]
    for mark in node.get("marks") or []:
        if mark["type"] == "link":
            text = f"[{text}|{mark['attrs']['href']}]"
        else:
            text = WIKI_MARKS.get(mark["type"], "{}").format(text)
    return text
