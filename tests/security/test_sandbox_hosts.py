"""Attack: a page of another site that asks what the sandbox serves on this machine, through a developer's browser."""

import http.client
import json
from base64 import b64encode
from urllib.parse import urlsplit

import pytest

from sandbox.seed import JIM_LOGIN

FOREIGN_HEADERS = [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example"}, {"Origin": "https://evil.example"},
                   {"Origin": "null"}]


def ask(url, path, headers, body=None):
    """Send a request as it stands, with a Host of our choice, and return (status, text)."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("POST" if body else "GET", path, body, headers)
    answer = connection.getresponse()
    status, text = answer.status, answer.read().decode()
    connection.close()
    return status, text


def list_requests(world, aws):
    """Return a request that each server answers when this machine asks: (address, path, headers, body)."""
    tables = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0",
              "Authorization": "AWS4-HMAC-SHA256 Credential=x/20261127/us-east-1/dynamodb/aws4_request"}
    login = "Basic " + b64encode(":".join(JIM_LOGIN).encode()).decode()
    return [(aws.url, "/", tables, json.dumps({})),
            (world.jira_url, "/rest/api/3/myself", {"Authorization": login}, None),
            (world.pagerduty_url, "/users", {"Authorization": "Token token=pagerduty-key-of-jpi"}, None),
            (world.app_url, "/health", {}, None)]


def test_this_machine_is_answered(make_loopback_world, aws):
    world = make_loopback_world()
    assert [ask(*request)[0] for request in list_requests(world, aws)] == [200] * 4


@pytest.mark.parametrize("foreign", FOREIGN_HEADERS, ids=str)
def test_another_site_gets_no_answer_from_any_server(make_loopback_world, aws, foreign):
    world = make_loopback_world()
    requests = list_requests(world, aws)
    answers = [ask(url, path, {**headers, **foreign}, body) for url, path, headers, body in requests]
    assert [status for status, _ in answers] == [403] * 4
    assert {text for _, text in answers} == {"The sandbox answers this machine only."}
