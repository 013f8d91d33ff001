"""The JSON Schema of the sync file: the example fits it, and what it refuses, `jpi check` refuses, too."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from jpi.domain.sync_file import parse_sync_file
from jpi.errors import SettingsError
from jpi.tools import schema
from tests.toml_writer import write_toml

EXAMPLE = Path("etc/sync.example.toml").read_text()
VALIDATOR = Draft202012Validator(json.loads(schema.SCHEMA_FILE.read_text()))


def is_refused(document):
    try:
        parse_sync_file(write_toml(document))
    except SettingsError:
        return True
    return False


def list_places(value, path=()):
    """Yield the path of each value in a document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in children:
        yield (*path, key)
        yield from list_places(inner, (*path, key))


def change(document, path, new):
    """Return the document with another value, or without one if `new` is None, at this path."""
    copy = json.loads(json.dumps(document))
    *parents, last = path
    place = copy
    for key in parents:
        place = place[key]
    if new is None:
        del place[last]
    else:
        place[last] = new
    return copy


def test_the_command_prints_it_and_it_is_a_schema(capsys):
    assert schema.main([]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_the_example_names_it_and_fits():
    assert EXAMPLE.startswith("#:schema ./sync.schema.json\n")
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(EXAMPLE))] == []
    assert not is_refused(tomllib.loads(EXAMPLE))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_the_schema_refuses_the_check_refuses(data):
    document = tomllib.loads(EXAMPLE)
    path = data.draw(st.sampled_from(list(list_places(document))))
    new = data.draw(st.sampled_from([None, "", " ", "odd", "two words", "both", 7, True, False, [], ["x"], [""], [7],
                                     {}, {"odd": 1}, {"direction": "both"}, {"direction": "odd"}]))
    changed = change(document, path, new)
    if not VALIDATOR.is_valid(changed):
        assert is_refused(changed), f"{path} = {new!r}"


@pytest.mark.parametrize("text", ["[rule]", "[sync]\nstatus = {winner = 'jira'}", "[[open]]\nservice = 'x'",
                                  "[[rules]]", "[sync]\ntitle = 'sideways'", "[comments]\npublic = 1",
                                  "[[rules]]\nskip = false"])
def test_the_schema_refuses_what_the_check_refuses(text):
    assert not VALIDATOR.is_valid(tomllib.loads(text))
    assert is_refused(tomllib.loads(text))
