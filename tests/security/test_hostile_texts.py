"""Attack: whoever writes a comment or an alert makes jpi's reader slow. Steps are counted, since a clock is not ours.

`python -m sandbox.bench attack` prints the seconds.
"""

import json
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jpi.errors import RejectedDelivery
from jpi.jira import payloads, webhooks
from jpi.jira.adf import MAX_DEPTH, URL_PATTERN, to_adf_document, to_plain_text
from tests.deliveries import encode_body, make_comment_body
from tests.regex_steps import StepCounter

JPI = str(Path(webhooks.__file__).resolve().parents[1])
COMMENT_CHARACTERS = 32 * 1024
# Brackets, braces, pipes and backslashes, and what begins a macro, a link or a line.
PIECES = ("[", "]", "{", "}", "|", "\\", "[~", "{code}", "[a|b]", "{{", "}}", "((", "https://", "https://a(", "://",
          "\n", "(\n", '"', "\u202e", "é")
MAX_STEPS = 1_000
MAX_STEPS_A_LINE, MAX_STEPS_AN_ADDRESS, MAX_STEPS_A_NODE = 12, 20, 60


class Steps:
    """Counts the lines of jpi that are executed."""

    def __init__(self):
        self.count = 0

    def trace(self, frame, kind, _):
        self.count += kind == "line"
        return self.trace if frame.f_code.co_filename.startswith(JPI) else None


@contextmanager
def count_steps():
    steps, before = Steps(), sys.gettrace()
    sys.settrace(steps.trace)
    try:
        yield steps
    finally:
        sys.settrace(before)


RUNS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from((1, 2, 50, 5_000))), min_size=1, max_size=8)


def make_long_text(runs):
    """Return 32 KB of runs of hostile pieces."""
    text = "".join(piece * count for piece, count in runs)
    return (text * (COMMENT_CHARACTERS // len(text) + 1))[:COMMENT_CHARACTERS]


@settings(max_examples=40)
@given(RUNS)
def test_a_comment_of_a_webhook_costs_the_same_whatever_is_in_it(runs):
    text = make_long_text(runs)
    raw = encode_body(make_comment_body("INCIDENT-1", body=text))
    with count_steps() as steps:
        [event] = webhooks.parse_delivery(raw)
    assert event.comment.text == text.rstrip()
    assert steps.count <= MAX_STEPS


@settings(max_examples=20)
@given(RUNS)
def test_a_text_is_written_in_steps_by_its_lines_and_addresses(runs):
    text = make_long_text(runs)
    with count_steps() as steps:
        document = to_adf_document(text)
    lines, addresses = len(text.splitlines()), text.count("://")
    assert steps.count <= MAX_STEPS + MAX_STEPS_A_LINE * lines + MAX_STEPS_AN_ADDRESS * addresses
    assert 1 <= len(document["content"]) <= max(1, lines)


@settings(max_examples=20)
@given(RUNS)
def test_addresses_are_looked_for_in_linear_time(runs):
    """The matcher is counted on a part, since it is slow in Python."""
    counter = StepCounter(URL_PATTERN.pattern, make_long_text(runs)[:1_000])
    counter.find_all()
    assert counter.steps <= 40 * 1_000


KINDS = ("paragraph", "bulletList", "listItem", "blockquote", "panel", "expand", "table", "tableRow", "tableCell",
         "codeBlock", "unknown", "text", "")
NODES = st.recursive(
    st.sampled_from(PIECES).map(lambda piece: {"type": "text", "text": piece * 20}),
    lambda inner: st.builds(lambda kind, children: {"type": kind, "content": children}, st.sampled_from(KINDS),
                            st.lists(inner, max_size=4)), max_leaves=60)


def count_nodes(node):
    return 1 + sum(map(count_nodes, node.get("content", ())))


@settings(max_examples=100)
@given(st.lists(NODES, max_size=5), st.sampled_from(KINDS), st.integers(0, 200))
def test_a_document_is_read_in_steps_by_its_nodes(nodes, kind, depth):
    document = {"type": "doc", "content": nodes}
    for _ in range(depth):
        document = {"type": kind, "content": [document]}
    comment = {"id": "1", "created": "2026-11-27T20:00:00.000+0000", "body": document}
    with count_steps() as steps:
        payloads.parse_comment(comment)
    # Each level may set its mark before each line below it.
    lines = to_plain_text(document).count("\n") + 1
    assert steps.count <= MAX_STEPS + MAX_STEPS_A_NODE * count_nodes(document) + 4 * MAX_DEPTH * lines


@pytest.mark.parametrize("deep", ["[" * 16_000 + "]" * 16_000, '{"a":' * 6_000 + "1" + "}" * 6_000, "[" * 32_000])
def test_brackets_of_json_that_never_end_cost_no_more(deep):
    body = json.dumps(make_comment_body("INCIDENT-1", body="DEEP")).replace('"DEEP"', deep).encode()
    with count_steps() as steps, suppress(RejectedDelivery):
        webhooks.parse_delivery(body)
    assert steps.count <= 10 * len(body)
