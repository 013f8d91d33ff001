"""The sync file: what each part means, and what people are told of mistakes."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpi import settings, wiring
from jpi.domain.model import Incident
from jpi.domain.policy import (
    CreationRule,
    FieldPolicy,
    IncidentCondition,
    IssueCondition,
    IssueSpec,
    OpeningRule,
    Policy,
)
from jpi.domain.sync_file import SyncFileContent, apply_sync_file, parse_sync_file
from jpi.errors import SettingsError
from tests.unit.test_settings import REQUIRED as GOOD

ROOT = Path(__file__).resolve().parents[3]


def problems(text):
    with pytest.raises(SettingsError) as raised:
        parse_sync_file(text)
    return [(int(line), said) for line, said in re.findall(r"line (\d+): (.*)", str(raised.value))]


def test_dates_become_what_jiras_fields_take():
    given = "Due = 2026-11-20, At = 2026-11-20T03:00:00Z, Several = [{on = 2026-11-21}], Points = 3"
    [rule] = parse_sync_file(f"[[rules]]\ncreate.fields = {{{given}}}").rules
    assert json.loads(json.dumps(rule.issue_spec.fields)) == {
        "Due": "2026-11-20", "At": "2026-11-20T03:00:00.000+0000", "Several": [{"on": "2026-11-21"}], "Points": 3}


def test_a_title_that_could_take_hours_is_named_with_its_line():
    [[line, problem]] = problems('[[rules]]\nskip = true\n[rules.when]\n'.replace("[rules.when]\n", "") +
                                 "when.title = '^(\\w+\\s?)+: down$'\n")
    assert (line, problem.partition(":")[0]) == (
        3, "rules[1].when.title may take hours on some titles")
    [rule] = parse_sync_file("[[rules]]\nskip = true\nwhen.title = '(?i)^db.*down$'").rules
    assert rule.condition.is_met_by(Incident("Q1", "DB 1 is down"), "P1")
    assert not rule.condition.is_met_by(Incident("Q1", "x" * 255 + "DB is down"), "P1")


def test_an_empty_file_changes_nothing():
    assert parse_sync_file("# nothing\n") == SyncFileContent()
    assert apply_sync_file(Policy(), SyncFileContent()) == Policy()


@pytest.mark.parametrize(("text", "wanted"), [
    ('[[rules]]\ncreate = {}', {"rules": (CreationRule(IncidentCondition(), IssueSpec()),)}),
    ('[[rules]]\nwhen = {priorities = "P1"}\nskip = true\n[[rules]]\nwhen.urgencies = ["high"]\n'
     'when.services = ["PS1", "Shop"]\nwhen.title = "(?i)down"\ncreate.project = "OPS"\ncreate.type = "Bug"\n'
     'create.priority = "High"\ncreate.labels = ["x"]\ncreate.assignee = "712020:a"\n'
     'create.fields = {Severity = "SEV-1", "customfield_1" = "{incident.service} {trigger.details.host}"}',
     {"rules": (CreationRule(IncidentCondition(("P1",))), CreationRule(
         IncidentCondition((), ("high",), ("PS1", "Shop"), "(?i)down"),
         IssueSpec("OPS", "Bug", "High", ("x",), "712020:a",
                {"Severity": "SEV-1", "customfield_1": "{incident.service} {trigger.details.host}"})))}),
    ('[status]\ntriggered = "New"\nacknowledged = ["Doing", "Review"]\n[status.fields]\nResolution = "Fixed"',
     {"statuses": {"triggered": ("New",), "acknowledged": ("Doing", "Review")},
      "screen_fields": {"Resolution": "Fixed"}}),
    ('[priority]\nP1 = "Highest"\n"Sev 2" = ["High", "Major"]',
     {"priorities": {"P1": ("Highest",), "Sev 2": ("High", "Major")}}),
    ('[sync]\ntitle = "off"\npriority = {direction = "to-jira"}\nassignee = {winner = "jira"}\nstatus = "both"',
     {"field_policies": {"title": FieldPolicy("off"), "priority": FieldPolicy("to-jira"),
                         "assignee": FieldPolicy("both", "jira"), "status": FieldPolicy()}}),
    ('[[open]]\nwhen = {projects = "OPS", types = ["Bug"], priorities = ["Highest"]}\nservice = "PS1"\nurgency = "low"',
     {"opening_rules": (OpeningRule("PS1", IssueCondition(("OPS",), ("Bug",), ("Highest",)), "low"),)}),
])
def test_what_it_says_is_what_is_meant(text, wanted):
    assert parse_sync_file(text) == SyncFileContent(**wanted)


@pytest.mark.parametrize(("text", "wanted"), [
    ("[[rules]]\n\nwhen = {priorites = ['P1']}\ncreate = {}",
     (3, "rules[1].when has no 'priorites'; did you mean 'priorities'?")),
    ("[rule]\n", (1, "the file has no 'rule'; did you mean 'rules'?")),
    ("[[rules]]\nwhen = {priorities = 1}\nskip = true", (2, "rules[1].when.priorities must be a text or a list of ")),
    ("[[rules]]\nwhen = {priorities = []}\nskip = true", (2, "rules[1].when.priorities must be a text or a list of ")),
    ("[[rules]]\nwhen = {urgencies = 'severe'}\ncreate = {}", (2, "rules[1].when.urgencies must be one of high, low")),
    ("[[rules]]\nwhen = {title = '('}\ncreate = {}", (2, "rules[1].when.title is no regular expression: ")),
    ("[[rules]]\nwhen = {title = 'a'}\nskip = true\n[[rules]]\nwhen = {title = 'b'}",
     (4, "rules[2] must have either 'create' or 'skip = true'")),
    ("[[rules]]\nskip = 'yes'", (2, "rules[1].skip must be true")),
    ("[[rules]]\ncreate = {}\nskip = true", (1, "rules[1] must have either 'create' or 'skip = true'")),
    ("[[rules]]\ncreate = {}\n\n[[rules]]\nwhen = {priorities = 'P1'}\nskip = true",
     (4, "rules[2] never comes to its turn: rules[1] takes every incident")),
    ("[[rules]]\n[rules.create]\nproject = 'ops'",
     (3, "rules[1].create.project must be a project's key: capital letters and digits")),
    ("[[rules]]\ncreate = {labels = ['two words']}", (2, "rules[1].create.labels: a label has no spaces")),
    ("[[rules]]\n[rules.create.fields]\nTeam = 'x {incident.team}'",
     (3, "rules[1].create.fields.Team: nothing is called {incident.team}")),
    ("rules = 3", (1, "'rules' must be written [[rules]]")),
    ("[status]\ndone = 'Done'", (2, "status has no 'done'; there is triggered, acknowledged, resolved, fields")),
    ("[status]\ntriggered = 'A'\nresolved = ['A']", (1, "status: 'A' cannot stand for two statuses")),
    ("[priority]\nP1 = true", (2, "priority.P1 must be a text or a list of texts")),
    ("[sync]\n\ntitel = 'off'", (3, "sync has no 'titel'; did you mean 'title'?")),
    ("[sync]\ntitle = 'to-jirra'", (2, "sync.title must be one of both, to-jira, to-pagerduty, off")),
    ("[sync]\ntitle = {winner = 'me'}", (2, "sync.title.winner must be one of newer, pagerduty, jira")),
    ("[sync]\nstatus = {winner = 'jira'}", (2, "sync.status has no winner: ")),
    ("[[open]]\nservice = 'S'", (1, "open[1] must have a condition in 'when'")),
    ("[[open]]\nwhen = {projects = 'OPS'}", (1, "open[1] must name a 'service' of PagerDuty's")),
])
def test_what_is_wrong_is_told_with_its_line(text, wanted):
    [(line, said)] = problems(text)
    assert (line, said[: len(wanted[1])]) == wanted


def test_everything_that_is_wrong_is_told_at_once():
    found = problems("[sync]\ntitel = 1\nstatus = 2\n[priority]\nP1 = 3\n[[open]]\n")
    assert [line for line, _ in found] == [2, 3, 5, 6, 6]


def test_what_is_commented_out_is_not_taken_for_the_place():
    text = "# [sync]\n# titel = 'off'\n\n[sync]\n  # titel = 'off'\ntitel = 'off'"
    assert [line for line, _ in problems(text)] == [6]


def test_what_is_no_toml_is_told_with_its_line():
    with pytest.raises(SettingsError, match=r"not TOML.*line 2"):
        parse_sync_file("[sync]\ntitle = \n")


@given(st.text(max_size=60))
def test_no_text_stops_it_otherwise(text):
    with contextlib.suppress(SettingsError):
        parse_sync_file(text)


VALUES = st.recursive(st.booleans() | st.integers() | st.text(max_size=5).map(lambda one: one.replace("'", "")),
                      lambda inner: st.lists(inner, max_size=2), max_leaves=4)


def toml(value):
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else "'" + re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", value) + "'"


@given(VALUES, st.sampled_from([
    "rules = {}", "[[rules]]\nwhen = {}", "[[rules]]\ncreate = {}", "[[rules]]\nwhen = {{title = {}}}\nskip = true",
    "[[rules]]\ncreate = {{fields = {{a = {}}}}}", "status = {}", "status.fields = {}", "priority.P1 = {}",
    "sync = {}", "sync.title = {}", "[[open]]\nwhen = {{types = {}}}\nservice = 'x'"]))
def test_no_value_stops_it_otherwise(value, where):
    with contextlib.suppress(SettingsError):
        parse_sync_file(where.format(toml(value)))


def test_the_example_says_all_there_is_to_say():
    made = parse_sync_file((ROOT / "etc/sync.example.toml").read_text())
    assert all(getattr(made, name) for name in SyncFileContent.__dataclass_fields__)


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL))
def test_the_readmes_examples_are_right(text):
    assert parse_sync_file(text) != SyncFileContent()


def test_the_settings_name_the_file(tmp_path):
    file = tmp_path / "sync.toml"
    file.write_text('[sync]\ntitle = "off"')
    assert wiring.load_policy(settings.load({**GOOD,
                                             "SYNC_FILE": str(file)})).field_policy("title") == FieldPolicy("off")


def test_a_file_may_begin_with_a_mark_and_end_its_lines_as_windows_does(tmp_path):
    file = tmp_path / "sync.toml"
    file.write_bytes('[sync]\r\ntitle = "off"\r\n'.encode("utf-8-sig"))
    assert wiring.load_sync_file(str(file)).field_policies == {"title": FieldPolicy("off")}


def test_without_a_file_the_settings_are_all(monkeypatch, tmp_path):
    there = wiring.load_policy(settings.load({**GOOD, "QUESTION_PROJECT_KEY": ""}))
    monkeypatch.chdir(tmp_path)
    assert wiring.load_policy(settings.load({**GOOD, "QUESTION_PROJECT_KEY": ""})) == there


def test_a_file_that_is_asked_for_must_be_there_and_right(tmp_path):
    with pytest.raises(SettingsError, match=r"SYNC_FILE \(.*none.toml\) cannot be read"):
        wiring.load_policy(settings.load({**GOOD, "SYNC_FILE": str(tmp_path / "none.toml")}))
    file = tmp_path / "sync.toml"
    file.write_text("[sync]\ntitel = 'off'")
    with pytest.raises(SettingsError, match=r"(?s)SYNC_FILE \(.*\) needs mending:\nline 2: sync has no 'titel'"):
        wiring.load_policy(settings.load({**GOOD, "SYNC_FILE": str(file)}))
