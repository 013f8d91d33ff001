"""The stores in DynamoDB, on its wire: time-outs, and the command that makes the tables."""

import time
import uuid

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from jpi.aws import Location
from jpi.errors import AwsOutage
from jpi.store.cache import Cache
from jpi.store.config_table import ConfigTable
from jpi.store.cursor import Cursor
from jpi.store.links import Links
from jpi.store.models import ConfigRow, LinkRow, ProcessedIdRow, bind_model
from jpi.store.processed_ids import ProcessedIds
from jpi.sync.poller import PollPosition
from jpi.tools import create_tables
from sandbox.clock import START
from tests.ports.backends import NOW
from tests.ports.test_store_ports import FULL

OFFLINE = {"IS_OFFLINE": "True", "JIRA_SERVER_URL": "https://a.example", "JIRA_USER_EMAIL": "a@a.example",
           "JIRA_API_TOKEN": "token-of-the-tables", "PAGERDUTY_API_TOKEN": "token-of-the-tables",
           "PAGERDUTY_USER_EMAIL": "a@a.example"}


def run_create_tables(monkeypatch, tmp_path, **environ):
    # botocore pauses before it tries an unreachable host again.
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.chdir(tmp_path)
    for name, value in {**OFFLINE, **environ}.items():
        monkeypatch.setenv(name, value)
    return create_tables.main([])


def test_create_tables_makes_them_once(monkeypatch, tmp_path, capsys, aws):
    stage = uuid.uuid4().hex[:8]
    for done in ("created", "exists already"):
        assert run_create_tables(monkeypatch, tmp_path, DATABASE_ENDPOINT_URL=aws.url, STAGE=stage) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"{name}-{stage}: {done}" for name in ("incidents", "log-entries", "config")]


@pytest.mark.parametrize(("environ", "said"), [
    ({"IS_OFFLINE": ""}, "IS_OFFLINE is not set"),
    ({"JIRA_API_TOKEN": ""}, "JIRA_API_TOKEN is missing"),
    ({"DATABASE_ENDPOINT_URL": "http://127.0.0.1:9"}, "DynamoDB at DATABASE_ENDPOINT_URL"),
])
def test_create_tables_says_what_is_wrong_in_a_line(monkeypatch, tmp_path, capsys, environ, said):
    assert run_create_tables(monkeypatch, tmp_path, **environ) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("act", [
    lambda links, ledger, cursor: links.get("Q1"),
    lambda links, ledger, cursor: links.get_all(["Q1"]),
    lambda links, ledger, cursor: links.find_incident_id("INCIDENT-1"),
    lambda links, ledger, cursor: links.list_open(),
    lambda links, ledger, cursor: links.save(FULL),
    lambda links, ledger, cursor: ledger.already_processed(["R1"]),
    lambda links, ledger, cursor: ledger.mark_processed(["R1"]),
    lambda links, ledger, cursor: cursor.load(),
    lambda links, ledger, cursor: cursor.save(PollPosition(START, START)),
])
def test_where_dynamodb_is_away_everything_is_worth_another_try(monkeypatch, act):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    nowhere = Location("us-east-1", is_offline=True, endpoint_url="http://127.0.0.1:9")
    links, ledger, config = (bind_model(model, "x", nowhere) for model in (LinkRow, ProcessedIdRow, ConfigRow))
    with pytest.raises(AwsOutage):
        act(Links(links), ProcessedIds(ledger, lambda: NOW), Cursor(ConfigTable(config)))


def test_a_dynamodb_that_does_not_answer_in_time_is_one_that_is_away(monkeypatch):
    def silent(self, request):
        raise ReadTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", silent)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    config = bind_model(ConfigRow, "x", Location("us-east-1", is_offline=True, endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(AwsOutage):
        Cursor(ConfigTable(config)).load()
    assert Cache(ConfigTable(config), lambda: NOW).get("anything") is None
