"""Recorded answers of Jira Cloud: the sandbox gives the same ones, and jpi's client reads each of them."""

import json

import pytest
import requests
from requests.adapters import BaseAdapter

from jpi.errors import Refused, ServiceUnavailable
from jpi.http_client import Budget
from jpi.jira.client import JiraClient
from sandbox.clock import Clock
from sandbox.jira.server import JiraServer
from sandbox.seed import BOT_EMAIL, JIRA_BOT_TOKEN, copy_seeded_services
from sandbox.site_setup import set_up_jira
from sandbox.wsgi_transport import make_wsgi_session
from tests.deliveries import SHARED_FOLDER, needs_shared

pytestmark = needs_shared

FILE = SHARED_FOLDER / "payloads" / "jira" / "observed-answers.json"
RECORDS = {record["name"]: record for record in json.loads(FILE.read_text())["answers"]} if FILE.is_file() else {}
REFUSED_IN_OTHER_WORDS = ("the recorded words are the description of 400 in Jira's OpenAPI file, not what Jira "
                          "answers; the sandbox agrees on 400")
# By name: the verdict on each answer that the sandbox gives otherwise, with its source.
DISAGREEMENTS = {
    "jql_was": "the recorded 501 is of the recorder's own server; by support.atlassian.com, 'JQL operators', Jira has "
               "WAS for status. The sandbox has it too, and has no status 'Open'",
    "jql_is_not_empty_value": REFUSED_IN_OTHER_WORDS, "jql_text_no_word": REFUSED_IN_OTHER_WORDS,
    "jql_period_invalid": REFUSED_IN_OTHER_WORDS,
}


class RecordedAnswer(BaseAdapter):
    """Answers every request with a recorded answer."""

    def __init__(self, real):
        super().__init__()
        self.real = real

    def send(self, request, **options):
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = self.real["status"], request.url, request
        answer.headers["Content-Type"] = self.real["content_type"]
        answer._content = json.dumps(self.real["body"]).encode()
        return answer

    def close(self):
        """Hold nothing."""


@pytest.fixture(scope="module")
def site():
    """Return a function that sends a recorded request to a simulated site with the project INCIDENT."""
    clock, url = Clock(), "http://jira.localhost"
    server = JiraServer(copy_seeded_services(clock, set_up_jira).jira)
    session = make_wsgi_session({url: server}, clock)
    session.auth = (BOT_EMAIL, JIRA_BOT_TOKEN)
    fields = {"project": {"key": "INCIDENT"}, "issuetype": {"name": "Incident"}, "summary": "Down"}
    for _ in range(2):
        assert session.post(f"{url}/rest/api/3/issue", json={"fields": fields}).status_code == 201

    def send_recorded_request(request):
        headers = {} if request["body"] is None else {"Content-Type": "application/json"}
        return session.request(request["method"], url + request["path"], data=request["body"], headers=headers)

    return send_recorded_request


@pytest.mark.parametrize("name", RECORDS)
def test_the_sandbox_answers_as_jira_did(site, name):
    real, answer = RECORDS[name]["real"], site(RECORDS[name]["request"])
    content = {"status": answer.status_code, "body": answer.json(), "content_type": answer.headers["Content-Type"]}
    if name in DISAGREEMENTS:
        assert content["status"] == 400
        assert content != real, "the sandbox agrees now: take it off the list"
    else:
        assert content == real


@pytest.mark.parametrize("name", RECORDS)
def test_jpi_reads_each_recorded_answer(name):
    request, real = RECORDS[name]["request"], RECORDS[name]["real"]
    clock, body = Clock(), real["body"]
    client = JiraClient("http://jira.localhost", BOT_EMAIL, JIRA_BOT_TOKEN, Budget(clock), clock.advance, (), None,
                        RecordedAnswer(real))
    call = (request["method"], request["path"].removeprefix("/rest/api/3"))
    if real["status"] == 200:
        assert client.api.request(*call) == body
        return
    with pytest.raises(ServiceUnavailable if real["status"] >= 500 else Refused) as caught:
        client.api.request(*call, is_read=True)
    if real["status"] < 500:
        assert (caught.value.status, caught.value.field_errors) == (real["status"], body.get("errors", {}))
        assert all(text in str(caught.value) for text in [*body.get("errorMessages", []), body.get("detail", "")])


def test_every_disagreement_is_with_a_recorded_answer():
    assert set(DISAGREEMENTS) <= set(RECORDS)
    assert len(RECORDS) == 51
