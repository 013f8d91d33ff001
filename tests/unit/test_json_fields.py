"""JSON that others wrote: any depth, number and size is read, and cut where it is over a bound."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi.json_fields import (
    CUT_NAME,
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_ID_CHARACTERS,
    MAX_KEY_CHARACTERS,
    MAX_VALUES,
    TOO_DEEP,
    _cut_nesting,
    bound_json,
    cut_long_text,
    decode_json,
    get_id,
    try_parse,
)
from tests.deliveries import JSON


def nest_value(levels, value="x", kind="list"):
    for number in range(levels):
        value = [value] if kind == "list" or (kind == "both" and number % 2) else {"a": value}
    return value


def measure_depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(measure_depth, inner), default=0) if isinstance(value, dict | list) else 0


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a\\"[":'])
def test_json_of_any_depth_is_read_and_its_neighbours_with_it(opening):
    closing = "".join({"[": "]", "{": "}"}[bracket] for bracket in reversed(opening) if bracket in "[{"[:2])
    closing = closing if opening != '[{"a\\"[":' else "}]"
    raw = f'{{"deep": {opening * 100_000}1{closing * 100_000}, "last": "[{{"}}'.encode()
    data = decode_json(raw)
    assert data["last"] == "[{"
    assert TOO_DEEP in json.dumps(data)
    assert measure_depth(data) <= MAX_DEPTH


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"}" * 100_000, b"\xff", b"",
                                 b"[" * 100_000 + b'"' + b"]" * 100_000])
def test_what_is_no_json_is_not_read(raw):
    with pytest.raises(ValueError, match=r".+"):
        decode_json(raw)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_many_digits_is_a_text_with_a_mark(sign):
    data = decode_json(f'{{"number": {sign}{"9" * 4_400}, "usual": {sign}{"9" * (MAX_DIGITS - 1)}}}'.encode())
    assert data["number"].startswith(f"{sign}99")
    assert data["number"].endswith("(cut by jpi)")
    assert data["usual"] == int(f"{sign}{'9' * (MAX_DIGITS - 1)}")


@given(JSON.filter(lambda value: "NaN" not in json.dumps(value)))
def test_usual_json_stays_as_it_is(value):
    assert decode_json(json.dumps(value).encode()) == json.loads(json.dumps(value))
    if len(json.dumps(value)) <= MAX_KEY_CHARACTERS:
        assert bound_json(value) == value
    assert json.loads(_cut_nesting(json.dumps(value))) == json.loads(json.dumps(value))


@pytest.mark.parametrize("kind", ["list", "dict", "both"])
def test_what_nests_too_deeply_is_cut_with_a_mark(kind):
    cut = bound_json({"deep": nest_value(5_000, kind=kind), "flat": "x"})
    assert (measure_depth(cut), cut["flat"]) == (MAX_DEPTH, "x")
    assert TOO_DEEP in json.dumps(cut)


def test_what_is_too_much_is_cut_with_a_mark():
    assert bound_json([0] * 20_000) == [0] * MAX_VALUES + ["… (cut by jpi)"]
    many = bound_json({str(number): number for number in range(20_000)})
    assert (len(many), many[CUT_NAME]) == (MAX_VALUES + 1, "… (cut by jpi)")
    long = bound_json({"n": 1, "a": "x" * 10**6, "b": "y"})
    assert (len(long["a"]), long["n"], long[CUT_NAME]) == (MAX_CHARACTERS - 2, 1, "… (cut by jpi)")
    assert long["a"].endswith("(cut by jpi)")
    [name] = bound_json({"x" * 10**6: 1})
    assert len(name) == MAX_KEY_CHARACTERS


HOSTILE = st.recursive(st.text() | st.integers() | st.just("x" * 50_000), lambda inner: st.one_of(
    st.tuples(st.integers(1, 80), st.sampled_from(["list", "dict", "both"]), inner).map(
        lambda drawn: nest_value(drawn[0], drawn[2], drawn[1])),
    st.lists(inner, max_size=3), st.integers(1, 3_000).map(lambda count: ["y"] * count)), max_leaves=10)


@given(HOSTILE)
def test_whatever_it_is_what_is_kept_is_bounded(value):
    kept = bound_json(value)
    assert measure_depth(kept) <= MAX_DEPTH
    assert len(json.dumps(kept, ensure_ascii=False)) <= 2 * MAX_CHARACTERS + 40 * MAX_VALUES + 10_000
    assert bound_json(kept) == kept or kept != value


@given(st.text(), st.integers(20, 50))
def test_a_long_text_is_cut_to_its_limit(text, limit):
    cut = cut_long_text(text, limit)
    assert len(cut) <= limit
    assert cut == text or cut.endswith("… (cut by jpi)")


def test_a_log_line_holds_no_more_of_an_odd_id_than_an_id_is_long(caplog):
    assert try_parse(get_id, {"id": "PAYLOAD " * 10_000}, "an incident cannot be read") is None
    assert len(caplog.records[0].odd_id) == MAX_ID_CHARACTERS
