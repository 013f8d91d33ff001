"""The HTTP edge: what it takes, what it refuses, and that its answers hide the internals."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from jpi.app import create_app
from jpi.errors import AwsOutage, ServiceUnavailable, SettingsError
from sandbox.simulated_service import HttpFault
from sandbox.world import JIRA_WEBHOOK_SECRET
from tests.deliveries import (
    SHARED_FOLDER,
    encode_body,
    make_comment_body,
    make_issue_updated_body,
    make_v2_body,
    make_v3_body,
    make_v3_note_body,
    needs_shared,
    sign_as_jira,
    sign_as_pagerduty,
)
from tests.world_actions import run_poll


class Edge:
    """Posts to the app as each service would."""

    def __init__(self, world, get_app=None):
        self.world = world
        self.client = create_app(get_app or (lambda: world.jpi)).test_client()
        self.secret = world.environ["PAGERDUTY_WEBHOOK_SECRET"]

    def post_pagerduty(self, body, headers=None):
        signed = sign_as_pagerduty(body, self.secret)
        return self._post("/pagerduty-webhook", body, signed if headers is None else headers)

    def post_jira(self, body, headers=None):
        signed = sign_as_jira(body, JIRA_WEBHOOK_SECRET)
        return self._post("/jira-webhook", body, signed if headers is None else headers)

    def _post(self, path, body, headers):
        return self.client.post(path, data=body, headers={"Content-Type": "application/json", **headers})


@pytest.fixture
def http(world):
    return Edge(world)


def assert_refused(answer, status):
    assert answer.status_code == status
    body = answer.get_json()
    assert list(body) == ["error"]
    assert "\n" not in body["error"]
    assert "Traceback" not in body["error"]
    return body["error"]


def test_health_needs_nothing(http):
    answer = http.client.get("/health")
    assert (answer.status_code, answer.get_json()) == (200, {"ok": True, "last_poll_seconds": None})
    assert http.world.list_jpi_calls() == []


def test_health_is_no_longer_well_when_the_poll_is_three_intervals_old(http):
    world = http.world
    run_poll(world)
    world.clock.advance(170)
    answer = http.client.get("/health")
    assert (answer.status_code, answer.get_json()["ok"]) == (200, True)
    assert 170 <= answer.get_json()["last_poll_seconds"] < 180
    world.clock.advance(11)
    answer = http.client.get("/health")
    assert (answer.status_code, answer.get_json()["ok"]) == (503, False)
    run_poll(world)
    assert http.client.get("/health").status_code == 200


def test_a_poll_that_fails_keeps_health_from_being_well(http):
    world = http.world
    run_poll(world)
    world.pagerduty_server.choose_fault = lambda call: HttpFault(500)
    for _ in range(4):
        with pytest.raises(ServiceUnavailable):
            run_poll(world)
    answer = http.client.get("/health").get_json()
    assert (answer["ok"], answer["last_poll_seconds"] >= 240) == (False, True)


@pytest.mark.parametrize(("offline", "status"), [(True, 200), (False, 503)])
def test_without_a_poll_or_a_table_only_a_deployed_jpi_is_unwell(http, monkeypatch, offline, status):
    def fail_to_load():
        raise AwsOutage("no such table")

    world = http.world
    deployed = {**vars(world.jpi.settings), "is_offline": offline}
    world.jpi = replace(world.jpi, settings=type(world.jpi.settings)(**deployed))
    assert http.client.get("/health").status_code == status
    monkeypatch.setattr(world.jpi.cursor, "load", fail_to_load)
    assert http.client.get("/health").status_code == status


@pytest.mark.parametrize("headers", [{}, {"X-PagerDuty-Signature": "v1=00"}, {"X-Webhook-Token": "guess"}, {
    "X-Hub-Signature": "sha256=00"}])
def test_strangers_get_nothing(http, headers):
    assert_refused(http.post_pagerduty(encode_body(make_v3_body()), headers), 401)
    assert_refused(http.post_jira(encode_body(make_issue_updated_body()), headers), 401)
    assert http.world.list_jpi_calls() == []
    assert http.world.list_issues() == []


def test_without_a_secret_deliveries_are_taken_offline_only(make_world, caplog):
    world = make_world(PAGERDUTY_WEBHOOK_SECRET="", JIRA_WEBHOOK_SECRET="")
    http = Edge(world)
    assert http.post_pagerduty(encode_body(make_v3_body(priority=None)), {}).status_code == 200
    assert "no webhook secret" in caplog.text
    deployed = {**vars(world.jpi.settings), "is_offline": False}
    world.jpi = replace(world.jpi, settings=type(world.jpi.settings)(**deployed))
    assert_refused(http.post_pagerduty(encode_body(make_v3_body()), {}), 401)
    assert_refused(http.post_jira(encode_body(make_issue_updated_body()), {}), 401)


@pytest.mark.parametrize("body", [b"no json", b"[]", encode_body({}), encode_body(make_v3_body(incident="")),
                                  encode_body({"event": 5})])
def test_unreadable_deliveries_are_400(http, body):
    assert_refused(http.post_pagerduty(body), 400)
    assert_refused(http.post_jira(body), 400)


def test_sizes_are_bounded(http):
    assert_refused(http.post_pagerduty(b" " * (256 * 1024 + 1)), 413)
    assert_refused(http.post_pagerduty(b" " * (256 * 1024)), 400)
    assert_refused(http.post_jira(b" " * (25 * 1024 * 1024 + 1)), 413)


@pytest.mark.parametrize("path", ["/pagerduty-webhook", "/jira-webhook"])
def test_only_posts_are_taken(http, path):
    answer = http.client.get(path)
    assert_refused(answer, 405)
    assert "POST" in answer.headers["Allow"]
    assert_refused(http.client.get("/elsewhere"), 404)


@pytest.mark.parametrize(
    "body",
    [
        make_v3_body("incident.invented_tomorrow"),
        make_v3_note_body(),
        make_v3_body(priority=None),
        make_v2_body("incident.annotate"),
        {"event": {"event_type": "pagey.ping", "data": {"type": "ping"}}},
    ],
)
def test_what_concerns_nobody_is_taken_and_costs_no_call(http, body):
    assert http.post_pagerduty(encode_body(body)).status_code == 200
    assert http.world.list_jpi_calls() == []


@pytest.mark.parametrize("body", [make_issue_updated_body("INCIDENT-999"), make_comment_body("INCIDENT-999"),
                                  make_issue_updated_body(webhookEvent="jira:invented_tomorrow")])
def test_issues_we_hold_no_link_for_cost_no_call(http, body):
    assert http.post_jira(encode_body(body)).status_code == 200
    assert http.world.list_jpi_calls() == []


def test_what_our_own_accounts_did_is_not_acted_on(http):
    world = http.world
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    # The process knows its own accounts from here on.
    http.post_jira(encode_body(make_issue_updated_body(user={"accountId": world.bot_id})))
    bot = {"id": world.pagerduty_bot.id, "type": "user_reference"}
    resolved = encode_body(make_v3_body("incident.resolved", incident.id, status="resolved", agent=bot,
                                        at="2036-01-01T00:00:00Z"))
    http.post_pagerduty(resolved)
    world.forget_calls()
    assert (
        http.post_jira(
            encode_body(make_issue_updated_body(user={"accountId": world.bot_id}, timestamp=2082758400000))
        ).status_code
        == 200
    )
    assert http.post_pagerduty(resolved).status_code == 200
    assert world.list_jpi_calls() == []
    assert world.read_statuses() == {"Down": ("triggered", "new")}


def test_a_failure_says_nothing_of_ours_and_asks_for_another_try(http, caplog):
    world = http.world
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    [delivery] = world.pagerduty.outbox.pending
    world.jira_server.choose_fault = lambda call: HttpFault(503)
    answer = http.client.post("/pagerduty-webhook", data=delivery.body, headers=delivery.headers)
    assert_refused(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    [line] = [record for record in caplog.records if record.getMessage() == "not applied"]
    assert (line.incident, line.outcome, line.source) == (incident.id, "failed", "webhook")
    assert "failed with 503" in line.reason

    def fail_to_build():
        raise RuntimeError("jira-token-of-the-bot")

    assert assert_refused(Edge(world, fail_to_build).client.get("/health"), 500) == "The delivery could not be applied."


def test_what_no_retry_mends_is_sent_again_all_the_same(http):
    http.world.jira_server.choose_fault = lambda call: HttpFault(403)
    http.world.pagerduty.trigger_incident(http.world.service, "Down", http.world.rita, "P1")
    [delivery] = http.world.pagerduty.outbox.pending
    assert_refused(http.client.post("/pagerduty-webhook", data=delivery.body, headers=delivery.headers), 500)


def test_settings_that_are_not_whole_are_said_in_the_log_only(world, caplog):
    def fail_to_build():
        raise SettingsError("JIRA_API_TOKEN is missing")

    assert_refused(Edge(world, fail_to_build).client.get("/health"), 500)
    assert "JIRA_API_TOKEN is missing" in caplog.text


FRESH_PROCESS = """
import sys
from jpi.app import app
signed = {"X-PagerDuty-Signature": sys.argv[1]}
for headers in (signed, {}):
    app.test_client().post("/pagerduty-webhook", data=sys.stdin.buffer.read() if headers else b"x", headers=headers,
                           content_type="application/json")
"""


def test_a_log_line_is_json_and_holds_no_secret(make_loopback_world):
    world = make_loopback_world()
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1", "a confidential detail")
    [delivery] = world.pagerduty.outbox.pending
    world.environ["LOG_LEVEL"] = "DEBUG"
    done = subprocess.run([sys.executable, "-c", FRESH_PROCESS, delivery.headers["X-PagerDuty-Signature"]],
                          input=delivery.body, env={**os.environ, **world.environ}, capture_output=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    applied = next(line for line in lines if line.get("event") == delivery.payload["event"]["id"])
    assert applied["level"] == "INFO"
    assert (applied["source"], applied["type"], applied["outcome"], applied["issue"]) == (
        "webhook", "IncidentTriggered", "CreateIncidentIssue", "INCIDENT-1")
    assert applied["duration_ms"] >= 0
    assert lines[-1]["level"] == "WARNING"
    secrets = [value for name, value in world.environ.items() if name.endswith(("_TOKEN", "_SECRET"))]
    for secret in filter(None, secrets):
        assert secret.encode() not in done.stdout + done.stderr
    assert b"confidential" not in done.stdout + done.stderr


@needs_shared
def test_every_vendor_body_is_taken(http):
    files = sorted(SHARED_FOLDER.glob("payloads/pagerduty/v[23]_*event*.json")) + sorted(
        file for kind in ("v2_docs_*", "v3_capture_*") for file in SHARED_FOLDER.glob(f"payloads/pagerduty/{kind}.json")
    )
    for file in files:
        body = file.read_bytes()
        # Nobody's priority is P1 here: taken, remembered, nothing made. Those that are P1 need an incident to be read.
        if b'"summary": "P1"' not in body and b'"name": "P1"' not in body:
            assert http.post_pagerduty(body).status_code == 200, file.name
    for name in ("docs-webhook-issue-updated", "cloud2026-comment_created-trimmed"):
        assert http.post_jira((SHARED_FOLDER / f"payloads/jira/{name}.json").read_bytes()).status_code == 200
