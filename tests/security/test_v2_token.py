"""Attack: whoever knows the token of V2 webhooks, which stands in a header, wants to send more than V2 messages."""

import pytest

from jpi.app import create_app
from tests.deliveries import encode_body, make_v2_body, make_v3_body, sign_as_pagerduty

TOKEN, SECRET = "the token of V2 webhooks", "the secret of V3 webhooks"


@pytest.fixture
def http(make_world):
    world = make_world(PAGERDUTY_V2_TOKEN=TOKEN, PAGERDUTY_WEBHOOK_SECRET=SECRET)
    return world, create_app(lambda: world.jpi).test_client()


def post(client, body, **headers):
    raw = encode_body(body)
    return client.post("/pagerduty-webhook", data=raw, content_type="application/json", headers=headers).status_code


def post_signed(client, body, secret):
    return post(client, body, **sign_as_pagerduty(encode_body(body), secret))


@pytest.mark.parametrize("token", [TOKEN, SECRET])
def test_a_v3_body_is_never_taken_with_a_token(http, token):
    world, client = http
    ping = {"event": {"id": "01ABC", "event_type": "pagey.ping", "data": {"type": "ping"}}}
    for body in (make_v3_body(priority=None), make_v3_body(), ping, {**make_v2_body(), **ping}):
        assert post(client, body, **{"X-Webhook-Token": token}) == 401
    assert world.list_jpi_calls() == []
    assert world.jpi.cache.get("ping") is None


def test_v2_has_a_token_of_its_own(http, caplog):
    _, client = http
    body = make_v2_body("incident.annotate")
    assert post(client, body, **{"X-Webhook-Token": TOKEN}) == 200
    assert post(client, body, **{"X-Webhook-Token": "guess"}) == 401
    assert "soon be refused" not in caplog.text


def test_the_token_signs_nothing(http):
    _, client = http
    assert post_signed(client, make_v3_body(priority=None), TOKEN) == 401
    assert post_signed(client, make_v3_body(priority=None), SECRET) == 200


def test_for_one_version_the_secret_is_taken_as_v2s_token_with_a_warning_a_day(http, caplog):
    _, client = http
    for _ in range(3):
        assert post(client, make_v2_body("incident.annotate"), **{"X-Webhook-Token": SECRET}) == 200
    [record] = [record for record in caplog.records if "soon be refused" in record.getMessage()]
    assert "PAGERDUTY_V2_TOKEN" in record.reason
    assert SECRET not in record.reason


@pytest.mark.parametrize("changes", [{"PAGERDUTY_WEBHOOK_SECRET": ""}, {"PAGERDUTY_V2_TOKEN": ""}])
def test_each_may_be_missing(make_world, changes):
    world = make_world(**{"PAGERDUTY_V2_TOKEN": TOKEN, "PAGERDUTY_WEBHOOK_SECRET": SECRET, **changes})
    client = create_app(lambda: world.jpi).test_client()
    given = [post(client, make_v2_body("incident.annotate"), **{"X-Webhook-Token": TOKEN}),
             post_signed(client, make_v3_body(priority=None), SECRET), post(client, make_v3_body(priority=None))]
    assert given == ([200, 401, 401] if "PAGERDUTY_WEBHOOK_SECRET" in changes else [401, 200, 401])
