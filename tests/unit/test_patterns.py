"""Our patterns take steps in proportion to the text, whatever it is; a sync file's are refused where they may not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jpi.domain import conversation_rules, templates
from jpi.domain.model import Incident
from jpi.domain.policy import MATCHED_TITLE_CHARACTERS, IncidentCondition
from jpi.domain.toml_reader import MAX_MATCHED_CHARACTERS, MAX_STEPS, is_slow_pattern
from jpi.jira.adf import URL_PATTERN
from jpi.json_fields import TOKEN_PATTERN
from tests.regex_steps import StepCounter

MAX_STEPS_A_CHARACTER = 40


def hostile_texts(pieces):
    """Texts of these pieces, some of them many times in a row."""
    runs = st.tuples(st.sampled_from(pieces), st.integers(1, 40)).map(lambda run: run[0] * run[1])
    return st.lists(runs, max_size=6).map("".join)


@pytest.mark.parametrize(("pattern", "pieces"), [
    (URL_PATTERN.pattern, ["http://", "https://a", "(", ")", ".", "a", " ", "<", "(a)", "(.", "'"]),
    (templates.PLACEHOLDER_PATTERN.pattern, ["{", "}", "{a", ".a", ".", "a", "{incident.title}", " "]),
    (TOKEN_PATTERN.pattern, ['"', "\\", '\\"', "[", "]", "{", "a", '"a"']),
], ids=["addresses", "placeholders", "JSON"])
@settings(max_examples=60)
@given(st.data())
def test_our_patterns_are_linear(pattern, pieces, data):
    text = data.draw(hostile_texts(pieces))
    counter = StepCounter(pattern, text)
    spans = counter.find_all()
    assert spans == [match.span() for match in re.finditer(pattern, text, re.DOTALL)]
    assert counter.steps <= MAX_STEPS_A_CHARACTER * (len(text) + 1)


@settings(max_examples=60)
@given(hostile_texts(["[Jira] ", "https://x/browse/", "A", "A-1", "1", "?focusedCommentId=", " ", "\n", "x"]))
def test_a_note_is_known_as_ours_in_linear_time(text):
    ending = r"https://x/browse/[A-Z][A-Z0-9_]*-\d+(\?focusedCommentId=\d+)?\s*$"
    counter = StepCounter(ending, text)
    is_own = bool(counter.find_all()) and text.startswith("[Jira] ")
    assert conversation_rules.is_own_note(text, "https://x") == is_own
    assert counter.steps <= MAX_STEPS_A_CHARACTER * (len(text) + 1)


@pytest.mark.parametrize("pattern", [
    r"^(\w+\s?)+: down$", r"(a+)+$", r"(a|a)+b", r"(a?){30}b", "a?" * 30 + "b", ".*a.*b.*c.*d", r"(.*)(.*)(.*)(.*)x",
    r"(?:(?:a{1,9}){1,9}){1,9}b", r"(?=(a+)+b)", r"(a|ab)*c"])
def test_a_pattern_that_may_take_hours_is_known(pattern):
    assert is_slow_pattern(pattern)


@pytest.mark.parametrize("pattern", [
    "", "down", "^checkout", r"(?i)\b(db|database|cache)\b.*\b(down|dead)\b", r"^\[\w+\] .* on \S+$", ".*a.*b",
    "(a|b)+", r"^(foo|bar)*$", r"\d{1,3}%", "colou?r", r"[A-Z]{2,10}-\d+", r"(?>\w+)+: down", r"^(?:\w++\s?)\d",
    "a.*?b", "x*+y", "(?!test).*prod", r"(a)?(?(1)b|c)"])
def test_an_everyday_pattern_is_taken(pattern):
    assert not is_slow_pattern(pattern)


def test_a_pattern_sees_the_first_255_characters():
    condition, longest = IncidentCondition(title="x"), "a" * MAX_MATCHED_CHARACTERS
    assert MATCHED_TITLE_CHARACTERS == MAX_MATCHED_CHARACTERS
    assert condition.is_met_by(Incident("Q1", longest[1:] + "x"), "P1")
    assert not condition.is_met_by(Incident("Q1", longest + "x"), "P1")


PATTERNS = st.recursive(st.sampled_from(["a", "b", "[ab]", "."]), lambda inner: st.one_of(
    st.tuples(inner, st.sampled_from(["*", "+", "?", "{0,3}", "{2}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    st.lists(inner, min_size=2, max_size=3).map("".join),
    st.lists(inner, min_size=2, max_size=3).map(lambda branches: f"(?:{'|'.join(branches)})")), max_leaves=8)


@given(PATTERNS, hostile_texts(["a", "b", "ab", "c"]))
def test_a_pattern_that_is_taken_needs_no_more_steps_than_it_may(pattern, text):
    text = text[:60]
    if not is_slow_pattern(pattern):
        counter = StepCounter(pattern, text)
        counter.find_all()
        assert counter.steps <= MAX_STEPS
