"""Each of jpi's calls has two witnesses that others wrote, and whatever they say against it has a verdict."""

import re
from pathlib import Path

import pytest

from tests.deliveries import needs_shared
from tests.witnesses.ledger import WITNESSES, Ledger, make_ledger
from tests.witnesses.recording import is_call_at, list_call_sites, record_calls
from tests.witnesses.stories import play_all
from tests.witnesses.verdicts import RARE_CALLS, VERDICTS

pytestmark = [needs_shared, pytest.mark.xdist_group("witnesses")]
DOCUMENT = Path("docs/reliability.md").absolute()
TABLE = re.compile(r"(?<=<!-- ledger -->\n).*?(?=\n<!-- end of ledger -->)", re.DOTALL)
MADE: list[Ledger] = []


@pytest.fixture
def ledger(make_world, monkeypatch, tmp_path):
    """Return the ledger, made once."""
    if not MADE:
        with monkeypatch.context() as patch, record_calls() as calls:
            play_all(make_world, patch, tmp_path)
        MADE.append(make_ledger(calls))
    return MADE[0]


def skip_what_is_missing(ledger):
    if ledger.missing:
        pytest.skip(f"not installed here: {', '.join(sorted(ledger.missing))} (make witnesses)")


def test_the_stories_make_every_call_of_the_source(ledger):
    sites = list_call_sites()
    assert len(sites) > 60
    assert [site for site in sorted(sites) if not any(is_call_at(site, call) for call in ledger.calls)] == []


def test_whatever_a_witness_says_has_a_verdict(ledger):
    assert ledger.list_unjudged() == []


def test_every_verdict_is_about_something_that_a_witness_says(ledger):
    idle = [verdict for verdict in VERDICTS if verdict.witness not in ledger.missing
            and not any(verdict.is_about(*words) for words in ledger.words)]
    assert idle == [], "the witnesses agree now: take it off the list"


def test_every_call_has_two_witnesses(ledger):
    skip_what_is_missing(ledger)
    assert {row for row, seen in ledger.witnesses_by_row.items() if len(seen) < 2} == set(RARE_CALLS)


def test_the_table_in_the_documents_is_this_one(ledger, request):
    text, table = DOCUMENT.read_text(), ledger.make_table()
    if request.config.getoption("--write-ledger") and not ledger.missing:
        DOCUMENT.write_text(TABLE.sub(lambda _: table, text))
        return
    columns = [number for number, name in enumerate(WITNESSES, 2) if name not in ledger.missing]
    [written] = TABLE.findall(text)
    assert select_columns(written, columns) == select_columns(table, columns), "run make witnesses"
    skip_what_is_missing(ledger)


def select_columns(table, numbers):
    rows = [line.split("|") for line in table.splitlines()]
    return [[row[number] for number in (1, *numbers)] for row in rows]
