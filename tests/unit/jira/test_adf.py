"""Documents as plain text, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.jira.adf import to_adf_document, to_plain_text

URL = "https://acme.example/a?b=1"
WORDS = st.text("abcXYZ .,:;'äß🔥-()", min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)


def text(words, *marks, **attrs):
    return {"type": "text", "text": words, **({"marks": [{"type": mark, **attrs} for mark in marks]} if marks else {})}


def node(kind, *content, **attrs):
    return {"type": kind, "content": list(content), **({"attrs": attrs} if attrs else {})}


def p(*content):
    return node("paragraph", *(text(child) if isinstance(child, str) else child for child in content))


def item(*content):
    return node("listItem", *content)


def doc(*content):
    return {"type": "doc", "version": 1, "content": list(content)}


LIST = node("bulletList", item(p("one"), node("orderedList", item(p("a")), item(p("b")))), item(p("two")))


@pytest.mark.parametrize(("body", "plain_text"), [
    (doc(p("Hello ", text("you", "strong")), p("again")), "Hello you\nagain"),
    (doc(p("a", {"type": "hardBreak"}, "b")), "a\nb"),
    (doc(node("heading", text("Why"), level=2), p("because")), "Why\nbecause"),
    (doc(LIST), "- one\n  1. a\n  2. b\n- two"),
    (doc(node("orderedList", item(p("x")), order=7)), "7. x"),
    (doc(node("taskList", node("taskItem", text("do"), state="TODO"), node("taskItem", text("did"), state="DONE"))),
     "[ ] do\n[x] did"),
    (doc(node("codeBlock", text("a *b*\n  c"), language="python")), "```python\na *b*\n  c\n```"),
    (doc(node("blockquote", p("said"), p("so"))), "> said\n> so"),
    (doc(node("panel", p("mind"), p("this"), panelType="warning")), "[warning] mind\nthis"),
    (doc(node("expand", p("inner"), title="More")), "More\ninner"),
    (doc(p("a"), {"type": "rule"}, p("b")), "a\n---\nb"),
    (doc(node("table", node("tableRow", node("tableHeader", p("h")), node("tableHeader", p("i"))),
              node("tableRow", node("tableCell", p("1")), node("tableCell", p("2"))))), "h | i\n1 | 2"),
    (doc(p("by ", node("mention", id="712020:x", text="@Rita R"))), "by @Rita R"),
    (doc(p(node("mention", id="712020:x"))), "@someone"),
    (doc(p(node("emoji", shortName=":fire:", text="🔥"), node("emoji", shortName=":own:"))), "🔥:own:"),
    (doc(p(node("date", timestamp="1795143600000"))), "2026-11-20"),
    (doc(p(node("status", text="OPEN", color="red"))), "[OPEN]"),
    (doc(p(node("inlineCard", url=URL))), URL),
    (doc(node("mediaSingle", {"type": "media", "attrs": {"alt": "a.png"}}), node("mediaGroup", {"type": "media"})),
     "[attachment a.png]\n[attachment]"),
    (doc(p(text("here", "link", attrs={"href": URL}), text(URL, "link", attrs={"href": URL}))), f"here ({URL}){URL}"),
    (doc(node("unheardOf", p("still"), p("shown"))), "still\nshown"),
    (None, ""), ({}, ""), (7, ""), ({"content": "x"}, ""), ({"type": "doc", "content": [None, 3]}, ""),
])
def test_a_document_becomes_text(body, plain_text):
    assert to_plain_text(body) == plain_text


def test_text_that_is_no_document_stays_as_it_is():
    assert to_plain_text("h2. *Why*\n{code}x{code}\n") == "h2. *Why*\n{code}x{code}"


@given(st.lists(st.one_of(WORDS, st.just(""), WORDS.map(lambda words: f"{words} {URL} {words}")), max_size=6))
def test_plain_text_survives_the_way_there_and_back(lines):
    plain_text = "\n".join(lines).rstrip()
    assert to_plain_text(to_adf_document(plain_text)) == plain_text


@pytest.mark.parametrize(("line", "href"), [
    (f"see {URL}.", URL), (f"({URL})", URL), (f"{URL}, then", URL), ("https://x.example/a_(b)", "https://x.example/a_(b)"),
])
def test_an_address_ends_before_the_punctuation(line, href):
    [link] = [node for node in to_adf_document(line)["content"][0]["content"] if "marks" in node]
    assert link["text"] == link["marks"][0]["attrs"]["href"] == href


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["type", "content", "attrs", "text", "marks"]), inner),
    st.fixed_dictionaries({"type": st.sampled_from(["doc", "paragraph", "bulletList", "table", "text", "mention"]),
                           "content": st.lists(inner, max_size=3)})), max_leaves=20)


@given(JSON)
def test_nothing_that_anybody_sends_stops_it(body):
    assert isinstance(to_plain_text(body), str)


def test_what_nests_too_deeply_is_left_out():
    body = p("x")
    for _ in range(5000):
        body = {"type": "blockquote", "content": [body]}
    assert "x" not in to_plain_text(doc(body))


def text_nodes(node):
    if node["type"] == "text":
        yield node
    for inner in node.get("content", []):
        yield from text_nodes(inner)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\n\r\t")))
def test_a_document_holds_the_text_in_nodes_that_jira_takes(text):
    made = to_adf_document(text)
    nodes = [node["text"] for node in text_nodes(made)]
    assert all(node and node.splitlines() == [node] for node in nodes)
    assert "".join(nodes) == "".join(text.splitlines())


def test_an_address_in_a_document_is_a_link():
    linked = [node["text"] for node in text_nodes(to_adf_document("See https://a.example/b, or\n\nnot."))
              if "marks" in node]
    assert linked == ["https://a.example/b"]
    assert to_plain_text(to_adf_document("one\ntwo https://x.example")) == "one\ntwo https://x.example"
