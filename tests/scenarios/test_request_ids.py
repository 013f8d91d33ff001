"""One id follows an event from its delivery through the queue to every API call; debug lines tell of each call."""

import json
import logging

import pytest

from jpi.handlers import log_entries
from sandbox.simulated_service import HttpFault
from tests.deliveries import encode_body, make_v3_body, sign_as_pagerduty
from tests.fakes.function_context import FakeContext

SECRETS = ("pagerduty-key-of-jpi", "jira-token-of-the-bot")


class Shapes(logging.Handler):
    """Formats each line in the thread that wrote it, as the log's own handler does: its id is that thread's."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(logging.getLogger("jpi").handlers[0].formatter.format(record)))


@pytest.fixture
def written():
    shapes = Shapes()
    logging.getLogger("jpi").addHandler(shapes)
    yield shapes.lines
    logging.getLogger("jpi").removeHandler(shapes)


def deliver(world, incident):
    body = encode_body(make_v3_body(incident=incident.id))
    headers = sign_as_pagerduty(body, world.environ["PAGERDUTY_WEBHOOK_SECRET"])
    return world.host.make_session().post(f"{world.app_url}/pagerduty-webhook", data=body, headers=headers, timeout=10)


@pytest.mark.parametrize("queued", [False, True])
def test_the_id_goes_all_the_way(make_world, written, queued):
    world = make_world(queued=queued, LOG_LEVEL="DEBUG")
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.pagerduty.outbox.pending.clear()
    answer = deliver(world, incident)
    made = answer.headers["X-Request-Id"]
    if queued:
        assert world.list_jpi_calls() == []
        world.apply_batch()
    calls = [line for line in written if line["message"] == "call"]
    assert len(calls) == len(world.list_jpi_calls()) >= 5
    assert {line["request"] for line in calls} == {made}
    [told] = [line for line in written if line.get("type") == "IncidentTriggered"]
    assert told["request"] == made
    assert world.jpi.links.get(incident.id).history[-1].request == made
    assert {(line["api"], line["method"]) for line in calls} >= {("Jira", "POST"), ("PagerDuty", "GET")}
    assert all(line["came"].isdigit() and line["ms"] >= 0 for line in calls)


def test_each_delivery_and_each_poll_has_an_id_of_its_own(world, written):
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.pagerduty.outbox.pending.clear()
    ids = [deliver(world, incident).headers["X-Request-Id"] for _ in range(2)]
    log_entries.handler({}, None)
    [polled] = [line["request"] for line in written if line["message"] == "polled"]
    assert len({*ids, polled}) == 3
    assert world.jpi.links.get(incident.id).history[-1].request == polled


def test_lambdas_own_id_is_taken(world, written):
    log_entries.handler({}, FakeContext(60_000, "0f5ca7e1"))
    assert [line["request"] for line in written if line["message"] == "polled"] == ["0f5ca7e1"]


def test_calls_are_told_of_only_to_whoever_debugs(world, written):
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    assert not [line for line in written if line["message"] == "call"]


def test_no_line_holds_a_secret_an_address_or_a_query(make_world, written):
    world = make_world(LOG_LEVEL="DEBUG")
    world.jira_server.choose_fault = lambda call: HttpFault() if call.path.endswith("/search/jql") else None
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    log_entries.handler({}, None)
    text = json.dumps(written)
    assert '"came": "no answer"' in text
    assert not [one for one in (*SECRETS, "rita@example.com", "jpi-bot@example.com") if one in text]
