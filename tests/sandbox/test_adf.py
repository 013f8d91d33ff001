"""Documents: valid or not, and as text."""

import pytest

from sandbox.jira import adf


def text(words, *marks):
    return {"type": "text", "text": words, **({"marks": list(marks)} if marks else {})}


def node(kind, *content, **attrs):
    return {"type": kind, **({"attrs": attrs} if attrs else {}), **({"content": list(content)} if content else {})}


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


def item(words):
    return node("listItem", node("paragraph", text(words)))


RICH = doc(node("heading", text("Title"), level=2), node("paragraph", text("bold", {"type": "strong"}), text(" and "),
                                                         text("here", {"type": "link", "attrs": {"href": "https://x"}}),
                                                         node("hardBreak"), text("x", {"type": "code"}),
                                                         node("mention", id="712020:a", text="@Ada")),
           node("bulletList", item("one"), item("two")), node("codeBlock", text("a\nb")),
           node("panel", node("paragraph", text("note")), panelType="info"), node("rule"))


def test_a_rich_document_is_valid_and_has_text():
    assert adf.find_problem(RICH) is None
    assert adf.to_wiki_text(RICH) == (
        "h2. Title\n\n*bold* and [here|https://x]\n{{x}}@Ada\n\n* one\n* two\n\n{code}a\nb{code}\n\nnote\n\n")
    assert adf.to_plain_text(RICH) == "Title\nbold and here\nx\none\ntwo\na\nb\nnote\n"
    assert adf.count_characters(RICH) == len("Titlebold and herexonetwoa\nbnote")
    assert (adf.to_wiki_text(None), adf.to_plain_text(None), adf.count_characters(None)) == ("", "", 0)


@pytest.mark.parametrize(("document", "said"), [
    ("text", "not a document"),
    (node("paragraph"), "not a document"),
    ({"type": "doc", "content": []}, "version 1"),
    (doc(node("rule", text("x"))), "rule takes no content"),
    (doc({**node("paragraph"), "style": "bold"}), "unknown keys"),
    (doc({**node("paragraph"), "text": "x"}), "takes no text"),
    (doc(node("paragraph", text("x", {"type": "blink"}))), "unknown mark 'blink'"),
    (doc(node("panel")), "panel lacks an attribute"),
    (doc(node("paragraph", node("paragraph"))), "'paragraph' is no child of paragraph"),
    (doc({"type": "paragraph", "content": "x"}), "no child of paragraph"),
])
def test_what_is_wrong(document, said):
    assert said in adf.find_problem(document)
