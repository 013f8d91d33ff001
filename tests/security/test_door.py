"""Attacks on the door: by a web page in a developer's browser, through a tunnel, by whoever may invoke the function."""

import json
import logging

import pytest

from jpi.app import app
from jpi.errors import PermanentError
from jpi.handlers.app import WEBHOOK_SERVICES, handler
from jpi.logs import SERVICE_NAME
from tests.deliveries import encode_body, make_v3_body, sign_as_jira, sign_as_pagerduty

JSON_TYPE = {"Content-Type": "application/json"}
PATHS = [*WEBHOOK_SERVICES]
NO_SECRETS = {"PAGERDUTY_WEBHOOK_SECRET": "", "JIRA_WEBHOOK_SECRET": ""}


def post_forged(path, **headers):
    """Post an unsigned P1 and return the status."""
    return app.test_client().post(path, data=encode_body(make_v3_body()), headers=headers).status_code


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "jpi.localhost"])
def test_offline_without_secrets_this_machine_delivers(make_world, host):
    make_world(**NO_SECRETS)
    assert post_forged("/pagerduty-webhook", Host=host, **JSON_TYPE) == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:5000"}, {"Host": "localhost.evil.example"},
    {"Host": "f00.ngrok.example"}, {"Host": "localhost:5000", "X-Forwarded-For": "203.0.113.7"},
    {"Host": "localhost:5000", "X-Forwarded-Host": "f00.ngrok.example"},
    {"Host": "localhost:5000", "Forwarded": "for=203.0.113.7"},
    {"Host": "localhost:5000", "Origin": "https://evil.example"}, {"Host": "localhost:5000", "Origin": "null"},
    {"Host": "localhost:5000", "Origin": "http://localhost:5000"},
], ids=str)
def test_offline_without_secrets_nobody_else_does(make_world, path, headers):
    world = make_world(**NO_SECRETS)
    assert post_forged(path, **headers, **JSON_TYPE) == 401
    assert world.list_issues() == []


# What a page may send to another site without asking it first: fetch.spec.whatwg.org, CORS-safelisted request-header.
SIMPLE_TYPES = [None, "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x", "application/json-patch+json", "application/jsonx"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("content_type", SIMPLE_TYPES)
def test_what_is_not_declared_as_json_is_refused_with_a_signature_too(world, path, content_type):
    body = encode_body(make_v3_body())
    signed = {**sign_as_pagerduty(body, world.environ["PAGERDUTY_WEBHOOK_SECRET"]),
              **sign_as_jira(body, world.environ["JIRA_WEBHOOK_SECRET"])}
    del signed["Content-Type"]
    answer = app.test_client().post(path, data=body, headers=signed, content_type=content_type)
    assert (answer.status_code, answer.get_json()) == (415, {"error": "The delivery is not application/json."})
    assert world.list_issues() == []


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_both_services_own_types_are_taken(world, content_type):
    body = encode_body(make_v3_body(priority={"summary": "P5"}))
    signed = {**sign_as_pagerduty(body, world.environ["PAGERDUTY_WEBHOOK_SECRET"]), "Content-Type": content_type}
    assert app.test_client().post("/pagerduty-webhook", data=body, headers=signed).status_code == 200


def make_gateway_event(method="POST", path="/pagerduty-webhook", body=b"", headers=(), **changes):
    """Return API Gateway's event of a request: AWS, "Set up Lambda proxy integrations"."""
    values = {"Host": "x.execute-api.us-east-1.amazonaws.com", **dict(headers)}
    return {"resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": values, "stageVariables": None,
            "multiValueHeaders": {name: [value] for name, value in values.items()}, "queryStringParameters": None,
            "multiValueQueryStringParameters": None, "pathParameters": {"proxy": path[1:]},
            "requestContext": {"stage": "qa", "path": f"/qa{path}", "httpMethod": method, "requestId": "g-1",
                               "requestTimeEpoch": 1795143601250, "identity": {"sourceIp": "203.0.113.7"}},
            "body": body.decode(), "isBase64Encoded": False, **changes}


COMMANDS = [{"command": name, "data": data} for name, data in (
    ("exec", "raise SystemExit('run')"), ("command", "echo run"), ("manage", "shell"), ("flask", "routes"))]


@pytest.mark.parametrize("event", [
    *({"_serverless-wsgi": command} for command in COMMANDS),
    *({"_serverless-wsgi": command, "httpMethod": "GET", "path": "/health"} for command in COMMANDS),
    {}, [], None, "x", {"source": "aws.events"}, {"version": "2.0", "rawPath": "/health", "headers": {}},
    {"Records": [{"body": "{}"}]}, {"requestContext": {}, "httpMethod": "GET", "path": {"a": "b"}, "requestPath": "/"},
], ids=lambda event: json.dumps(event)[:60])
def test_the_function_answers_nothing_but_requests_of_api_gateway(world, capsys, event):
    with pytest.raises(PermanentError, match="answers requests of API Gateway only"):
        handler(event, None)
    assert "run" not in capsys.readouterr().out


def test_a_command_beside_a_request_is_not_run(world, capsys):
    for command in COMMANDS:
        event = make_gateway_event("GET", "/nothing", **{"_serverless-wsgi": command})
        assert handler(event, None)["statusCode"] == 404
    assert "run" not in capsys.readouterr().out


@pytest.fixture
def access_lines(caplog):
    """Return `access_lines()`: the fields of the lines that the door has logged."""
    caplog.set_level(logging.INFO, logger=SERVICE_NAME)
    return lambda: [vars(record) for record in caplog.records if record.getMessage() == "answered"]


def test_each_request_leaves_who_asked_for_what(world, access_lines):
    forged = encode_body(make_v3_body())
    handler(make_gateway_event(body=forged, headers=sign_as_pagerduty(forged, "wrong")), None)
    handler(make_gateway_event("GET", "/" + "x" * 5_000), None)
    refused, strayed = access_lines()
    assert [(line["ip"], line["method"], line["path"], line["status"]) for line in (refused, strayed)] == [
        ("203.0.113.7", "POST", "/pagerduty-webhook", 401), ("203.0.113.7", "GET", "/" + "x" * 199, 404)]
    assert "wrong" not in json.dumps(refused, default=str)


def test_the_alarm_counts_deliveries_and_not_scans_of_other_addresses(world, access_lines):
    body = encode_body(make_v3_body(priority={"summary": "P5"}))
    for secret in ("wrong", world.environ["PAGERDUTY_WEBHOOK_SECRET"]):
        handler(make_gateway_event(body=body, headers=sign_as_pagerduty(body, secret)), None)
    for method, path in (("GET", "/pagerduty-webhook"), ("POST", "/wp-login.php"), ("GET", "/status/../.env")):
        handler(make_gateway_event(method, path), None)
    counts = [(line.get("pagerduty_deliveries"), line.get("pagerduty_refusals")) for line in access_lines()]
    assert counts == [(1, 1), (1, 0), (None, None), (None, None), (None, None)]
    declared = access_lines()[0]["_aws"]["CloudWatchMetrics"]
    assert declared == [{"Namespace": "jpi", "Dimensions": [["stage"]], "Metrics": [
        {"Name": "pagerduty_deliveries", "Unit": "Count"}, {"Name": "pagerduty_refusals", "Unit": "Count"}]}]


ODD_EVENTS = [
    {"headers": None, "multiValueHeaders": None}, {"headers": {}, "multiValueHeaders": {}},
    {"body": None}, {"body": "\x00\ud7ff\U0010ffff"}, {"body": "", "isBase64Encoded": True},
    {"path": "/pagerduty-webhook/../status"}, {"path": "//evil.example/pagerduty-webhook"}, {"path": "/%00%ff%2e%2e"},
    {"path": ""}, {"path": "/pagerduty-webhook?x=1"}, {"httpMethod": "TRACE"}, {"httpMethod": "POST\r\nX: y"},
    {"multiValueQueryStringParameters": {"text": ["a", "\x00", "%"]}, "queryStringParameters": {"text": "a"}},
    {"requestContext": {}}, {"requestContext": {"identity": {}, "requestTimeEpoch": "soon", "stage": None}},
    {"pathParameters": None, "resource": None, "stageVariables": {"x": "y"}},
]
ODD_HEADERS = [
    {"Host": ""}, {"Host": "[::1"}, {"Host": "evil.example/x?y#z"}, {"X-Forwarded-Port": "none"},
    {"Cookie": "=;;=\x00"}, {"X-Forwarded-Proto": "javascript"}, {"Content-Length": "-1"},
    {"Content-Length": "99999999999"},
    {"Transfer-Encoding": "chunked"}, {"Content-Type": "application/json; charset=\x00"}, {"Expect": "100-continue"},
    {"Content-Encoding": "gzip"}, {"X-Amzn-Trace-Id": "x" * 10_000}, {"Authorization": "Basic ====", "Accept": "*/*"},
]


@pytest.mark.parametrize("changes", ODD_EVENTS, ids=ascii)
def test_an_odd_event_of_the_gateway_is_refused_and_fails_nothing(world, changes):
    assert 400 <= handler({**make_gateway_event(), **changes}, None)["statusCode"] < 500
    assert world.list_issues() == []


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=ascii)
@pytest.mark.parametrize("path", [*PATHS, "/status", "/nothing"])
def test_an_odd_header_is_refused_and_fails_nothing(world, headers, path):
    body = encode_body(make_v3_body())
    event = make_gateway_event(path=path, body=body, headers={**JSON_TYPE, **headers})
    assert 400 <= handler(event, None)["statusCode"] < 500
    assert world.list_issues() == []
