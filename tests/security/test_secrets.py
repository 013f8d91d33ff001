"""Attack: whoever knows the examples, looks into a function's settings, or profits from a secret that is missing."""

import os

import pytest
from dotenv import dotenv_values

from jpi import env_files, settings, wiring
from jpi.app import create_app
from jpi.errors import SettingsError
from jpi.secret_references import WITHHELD
from jpi.settings import load, load_usable
from jpi.status_page import auth
from tests.deliveries import encode_body, make_v3_body, sign_as_jira, sign_as_pagerduty
from tests.unit.test_settings import REQUIRED

SECRETS = sorted(settings.SECRET_LENGTHS)
OLD_EXAMPLES = ("your-jira-api-token", "choose-a-long-random-text", "your-pagerduty-api-key",
                "what-pagerduty-showed-for-the-webhook")
PLACEHOLDERS = (*OLD_EXAMPLES, "changeme-changeme-changeme", "<your long random password>", "CHANGE_ME_PLEASE_NOW",
                "replace-this-with-a-secret")
# Tokens are issued by the services: nobody chooses them.
CHOSEN = [name for name in SECRETS if not name.endswith("_API_TOKEN")]


def test_the_example_holds_no_secret():
    example = dotenv_values(".env.example")
    assert {name: example[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_a_placeholder_is_refused_whoever_insists(name, placeholder):
    with pytest.raises(SettingsError, match=f"{name} .* is a placeholder") as caught:
        load({**REQUIRED, name: placeholder, "ALLOW_PLAIN_SECRETS": "1"})
    assert placeholder not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("guess", ["x" * 40, "password", "my-secret"])
def test_what_anybody_guesses_is_refused_whoever_insists(name, guess):
    with pytest.raises(SettingsError, match=f"{name} .* is a placeholder"):
        load({**REQUIRED, name: guess, "ALLOW_PLAIN_SECRETS": "1"})


@pytest.mark.parametrize("name", CHOSEN)
def test_a_short_secret_is_refused_unless_somebody_insists(name):
    short = "q7c-Zp0_Lw94Rt8kX2"[:settings.SECRET_LENGTHS[name] - 1]
    with pytest.raises(SettingsError, match=f"{name} .* is too short"):
        load({**REQUIRED, name: short})
    assert load({**REQUIRED, name: short, "ALLOW_PLAIN_SECRETS": "1"})
    assert load({**REQUIRED, name: f"{short}e"})


@pytest.mark.parametrize("name", settings.WEBHOOK_SECRETS)
def test_on_ones_own_machine_a_webhooks_secret_may_be_short(name):
    assert load({**REQUIRED, name: "short", "IS_OFFLINE": "True"})


@pytest.mark.parametrize("name", settings.WEBHOOK_SECRETS)
def test_a_short_one_among_several_is_refused(name):
    with pytest.raises(SettingsError, match=f"{name} .* is too short"):
        load({**REQUIRED, name: "a secret that is long enough,short"})


@pytest.mark.parametrize("name", [name for name in CHOSEN if name not in settings.WEBHOOK_SECRETS])
def test_a_comma_is_a_character_of_a_single_secret(name):
    for guess in (",", ",,,", "e,e,e"):
        with pytest.raises(SettingsError, match=f"{name} .* is (a placeholder|too short)"):
            load({**REQUIRED, name: guess})
    assert getattr(load({**REQUIRED, name: "correct,horse,battery,staple"}), name.lower()) == (
        "correct,horse,battery,staple")


@pytest.mark.parametrize("name", settings.WEBHOOK_SECRETS)
@pytest.mark.parametrize(("left", "problem"), [("changeme", "is a placeholder"), ("short", "is too short")])
def test_what_is_left_of_several_secrets_is_checked_as_well(name, left, problem, monkeypatch):
    monkeypatch.setattr("jpi.secret_references._fetch_parameters", lambda references: {
        reference: left if reference == "ssm:old" else LookupError("there is no such parameter")
        for reference in references})
    usable = load_usable({**REQUIRED, name: "ssm:new,ssm:old"})
    assert getattr(usable.settings, name.lower()) == ()
    lines = usable.secret_problems[name].splitlines()
    assert ["no such parameter" in lines[0], problem in lines[1]] == [True, True]


@pytest.mark.parametrize("name", SECRETS)
def test_in_prod_plain_text_is_refused(name, monkeypatch):
    monkeypatch.setattr("jpi.secret_references.resolve_references", lambda values: (
        {key: text.replace("ssm:/jpi/prod/x", "q7c-Zp0_Lw94Rt8kX2") for key, text in values.items()}, {}))
    prod = {**REQUIRED, **dict.fromkeys(SECRETS, "ssm:/jpi/prod/x"), "STAGE": "prod"}
    assert load(prod).stage == "prod"
    with pytest.raises(SettingsError, match=f"{name} .* is in plain text"):
        load({**prod, name: "Tm5-ab0_Kw94Rt8kX2"})
    assert load({**prod, name: "Tm5-ab0_Kw94Rt8kX2", "ALLOW_PLAIN_SECRETS": "1"})
    assert load({**prod, name: "Tm5-ab0_Kw94Rt8kX2", "STAGE": "qa"})


def test_what_stands_for_a_secret_that_a_function_does_not_get_opens_nothing():
    loaded = load({**REQUIRED, **dict.fromkeys(SECRETS, WITHHELD), "STAGE": "prod"})
    values = [getattr(loaded, name.lower()) for name in CHOSEN]
    assert values == [(), (), (), "", ""]


def test_an_env_file_is_for_its_owner_only(tmp_path):
    old, new = tmp_path / ".env.old", tmp_path / ".env.new"
    old.write_text("A=1\n")
    old.chmod(0o664)
    before = os.umask(0)
    for file in (old, new):
        env_files.write_env_variable(file, "JIRA_WEBHOOK_SECRET", "q7c-Zp0_Lw94Rt8kX2")
    os.umask(before)
    assert [oct(file.stat().st_mode & 0o777) for file in (old, new)] == ["0o600", "0o600"]


@pytest.fixture
def broken(make_world, monkeypatch):
    """Return a function that makes a deployed world in which a secret is named and cannot be read: its app's client."""
    monkeypatch.setattr(auth, "SCRYPT_COST", {"n": 2, "r": 1, "p": 1})

    def make(*names, **changes):
        world = make_world(queued=True, STATUS_PASSWORD="seen by the team", **changes)
        monkeypatch.setattr("jpi.secret_references.resolve_references", lambda values: (
            {key: "" if key in names else text for key, text in values.items()},
            {key: f"{key} (ssm:/jpi/x/y): there is no such parameter" for key in names}))
        usable = load_usable(world.environ)
        world.jpi = wiring.build_app(usable.settings, world.make_outside(), usable.secret_problems)
        monkeypatch.setitem(vars(world.jpi.settings), "is_offline", False)
        return world, create_app(lambda: world.jpi).test_client()

    return make


def post_pagerduty(world, client):
    raw = encode_body(make_v3_body(priority=None))
    return client.post("/pagerduty-webhook", data=raw, headers={
        "Content-Type": "application/json", **sign_as_pagerduty(raw, world.environ["PAGERDUTY_WEBHOOK_SECRET"])})


@pytest.mark.parametrize("names", [["STATUS_PASSWORD"], ["STATUS_KEY"], ["JIRA_WEBHOOK_SECRET"], [
    "JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN"]])
def test_a_secret_that_cannot_be_read_stops_no_webhook_that_does_not_need_it(broken, names):
    world, client = broken(*names)
    assert post_pagerduty(world, client).status_code == 202
    page = client.get("/status/sign-in")
    assert page.status_code == (500 if names[0].startswith("STATUS") else 200)
    assert "ssm" not in page.text


@pytest.mark.parametrize("name", ["JIRA_WEBHOOK_SECRET", "PAGERDUTY_WEBHOOK_SECRET"])
def test_deliveries_wait_while_their_secret_cannot_be_read(broken, name):
    """401 would have PagerDuty switch the webhook off, and 2xx would take what nobody has verified."""
    _, client = broken(name)
    path = "/jira-webhook" if name.startswith("JIRA") else "/pagerduty-webhook"
    for headers in ({}, sign_as_pagerduty(b"{}", WITHHELD), sign_as_jira(b"{}", WITHHELD), sign_as_jira(b"{}", "")):
        answer = client.post(path, data=b"{}", headers={"Content-Type": "application/json", **headers})
        assert (answer.status_code, "ssm" in answer.text) == (503, False)
        assert answer.headers["Retry-After"]


def test_a_token_that_cannot_be_read_stops_the_calls_to_its_service(broken, caplog):
    world, _ = broken("JIRA_API_TOKEN")
    world.forget_calls()
    world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.pagerduty.outbox.deliver_due()
    world.apply_batch()
    assert world.jira_server.calls == []
    assert "there is no such parameter" in caplog.text
    assert world.list_issues() == []


def test_a_secret_is_looked_up_again_after_a_minute(world, monkeypatch):
    readable = []
    monkeypatch.setattr("jpi.secret_references.resolve_references", lambda values: (
        values, {} if readable else {"STATUS_PASSWORD": "STATUS_PASSWORD (ssm:/x): ThrottlingException"}))
    monkeypatch.setattr(os, "environ", {**os.environ, **world.environ})
    process = wiring.ProcessApp()
    first = process.get()
    assert "STATUS_PASSWORD" in first.secret_problems
    readable.append(True)
    world.clock.advance(59)
    assert process.get() is first
    world.clock.advance(2)
    assert process.get().secret_problems == {}
    world.clock.advance(3600)
    assert process.get() is process.get()
