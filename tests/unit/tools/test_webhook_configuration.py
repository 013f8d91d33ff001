"""Both services' webhooks: created once, fixed, enabled, deleted, and tested."""

from dataclasses import replace

import pytest
from dotenv import dotenv_values

from jpi import settings, wiring
from jpi.aws import Location, get_region, make_client
from jpi.domain.policy import CreationRule, IssueCondition, IssueSpec, OpeningRule, Policy
from jpi.tools import webhook_configuration, webhooks
from jpi.wiring import build_dynamodb_stores
from sandbox.simulated_service import HttpFault
from sandbox.site_setup import JIRA_EVENTS, PAGERDUTY_EVENTS
from tests.contracts import contract
from tests.deliveries import needs_shared


@pytest.fixture
def unhooked(make_world, monkeypatch):
    """Give a world without any webhook; jpi's tokens are those of administrators."""
    world = make_world(IS_OFFLINE="True")
    world.jira.webhooks.clear()
    world.pagerduty.webhooks.subscriptions.clear()
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    world.forget_calls()
    return world


def run(world, *arguments):
    return webhook_configuration.main(["--url", world.app_url, *arguments])


def list_hooks(world):
    return [*world.pagerduty.webhooks.subscriptions.values()], [*world.jira.webhooks.values()]


def list_writes(world):
    return [call for call in world.list_jpi_calls() if call.is_write]


def restart_jpi(world, monkeypatch, env):
    """Restart jpi with the secrets that the tool wrote into the env file."""
    for name, value in dotenv_values(env).items():
        world.environ[name] = value
        monkeypatch.setenv(name, value)
    world.jpi = world.start_jpi()


def test_they_are_made_once_and_work(unhooked, monkeypatch, tmp_path, capsys):
    assert run(unhooked, "--write-env", str(tmp_path / ".env")) == 0
    [subscription], [jira_hook] = list_hooks(unhooked)
    assert (sorted(subscription.events), sorted(jira_hook.events)) == (sorted(PAGERDUTY_EVENTS), sorted(JIRA_EVENTS))
    assert (jira_hook.jql, jira_hook.secret) == ("project = INCIDENT", unhooked.environ["JIRA_WEBHOOK_SECRET"])
    unhooked.forget_calls()
    assert (run(unhooked), run(unhooked, "--check"), list_writes(unhooked)) == (0, 0, [])
    assert "are correct" in capsys.readouterr().out
    restart_jpi(unhooked, monkeypatch, tmp_path / ".env")
    incident = unhooked.pagerduty.trigger_incident(unhooked.service, "Down", unhooked.rita, "P1")
    unhooked.run_until_idle()
    unhooked.move_issue(unhooked.find_issue(incident), "done")
    unhooked.run_until_idle()
    assert incident.status == "resolved"


def test_the_endpoint_of_a_deployed_stage_is_found(unhooked, tmp_path, monkeypatch, capsys):
    file = str(tmp_path / ".env")
    assert webhook_configuration.main(["--write-env", file]) == 2
    assert "Missing option '--url'" in capsys.readouterr().err, "offline nothing is deployed"
    monkeypatch.setenv("IS_OFFLINE", "")
    monkeypatch.setattr(webhook_configuration, "find_endpoint", {unhooked.environ["STAGE"]: unhooked.app_url}.get)
    assert webhook_configuration.main(["--write-env", file]) == 0
    [subscription], [jira_hook] = list_hooks(unhooked)
    assert (subscription.url, jira_hook.url) == (
        f"{unhooked.app_url}/pagerduty-webhook", f"{unhooked.app_url}/jira-webhook")


def test_a_new_secret_stands_in_front_of_the_old(unhooked, tmp_path, monkeypatch):
    old = unhooked.environ["PAGERDUTY_WEBHOOK_SECRET"]
    assert run(unhooked, "--write-env", str(tmp_path / ".env"), "--service", unhooked.service.id) == 0
    [subscription], _ = list_hooks(unhooked)
    assert (tmp_path / ".env").read_text() == f"PAGERDUTY_WEBHOOK_SECRET='{subscription.secret},{old}'\n"
    assert (subscription.filter["type"], subscription.filter["id"]) == ("service_reference", unhooked.service.id)


def test_secrets_are_stored_in_aws_where_the_settings_then_find_them(unhooked, aws, monkeypatch, capsys):
    for name, value in {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test",
                        "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    path = f"/jpi/{unhooked.environ['STAGE']}"
    assert run(unhooked, "--ssm", f"{path}/") == 0
    [subscription], _ = list_hooks(unhooked)
    name = f"ssm:{path}/pagerduty-webhook-secret"
    assert f"set PAGERDUTY_WEBHOOK_SECRET={name}" in (out := capsys.readouterr().out)
    assert subscription.secret not in out
    monkeypatch.setenv("PAGERDUTY_WEBHOOK_SECRET", name)
    assert settings.load().pagerduty_webhook_secret[0] == subscription.secret


def test_without_a_secret_for_jira_one_is_made_and_shown(unhooked, monkeypatch, capsys):
    monkeypatch.setenv("JIRA_WEBHOOK_SECRET", "")
    assert run(unhooked) == 0
    _, [jira_hook] = list_hooks(unhooked)
    assert len(jira_hook.secret) > 30
    assert f"JIRA_WEBHOOK_SECRET={jira_hook.secret}" in capsys.readouterr().out


def test_what_was_changed_or_switched_off_is_mended(unhooked, capsys):
    run(unhooked)
    [subscription], [jira_hook] = list_hooks(unhooked)
    subscription.events, jira_hook.jql = ["incident.triggered"], ""
    unhooked.pagerduty.outbox.disabled_until[subscription.id] = unhooked.clock() + 3600
    assert run(unhooked, "--check") == 1
    out = capsys.readouterr().out
    assert [word in out for word in ("wrong event types", "switched off", "Jira webhook: differs")] == [True] * 3
    assert subscription.events == ["incident.triggered"]
    assert run(unhooked, "--enable") == 0
    assert (sorted(subscription.events), jira_hook.jql, run(unhooked, "--check")) == (
        sorted(PAGERDUTY_EVENTS), "project = INCIDENT", 0)


@pytest.mark.parametrize("path", ["/webhook_subscriptions", "/rest/webhooks/1.0/webhook"])
def test_broken_half_way_it_goes_on(unhooked, path):
    for service in (unhooked.pagerduty_server, unhooked.jira_server):
        service.choose_fault = lambda call: HttpFault(403) if (call.method, call.path) == ("POST", path) else None
    assert run(unhooked) == 1
    unhooked.pagerduty_server.choose_fault = unhooked.jira_server.choose_fault = lambda call: None
    assert run(unhooked) == 0
    assert [len(hooks) for hooks in list_hooks(unhooked)] == [1, 1]


def test_secrets_are_changed_without_a_delivery_refused(unhooked, monkeypatch, tmp_path, capsys):
    env = tmp_path / ".env"
    run(unhooked, "--write-env", str(env))
    restart_jpi(unhooked, monkeypatch, env)
    [before], [jira_hook] = list_hooks(unhooked)
    old = jira_hook.secret

    def is_synced():
        incident = unhooked.pagerduty.trigger_incident(unhooked.service, "Down", unhooked.rita, "P1")
        unhooked.run_until_idle()
        unhooked.move_issue(unhooked.find_issue(incident), "done")
        unhooked.run_until_idle()
        return incident.status == "resolved" and unhooked.pagerduty.outbox.dropped == []

    assert run(unhooked, "--rotate", "--write-env", str(env)) == 0
    assert is_synced(), "the old ones are used still"
    before_finish = list_hooks(unhooked)
    for name, value in dotenv_values(env).items():
        monkeypatch.setenv(name, value)
    assert run(unhooked, "--finish") == 1, "jpi was not deployed with the new ones"
    assert "does not take the new JIRA_WEBHOOK_SECRET yet (it answered 401): deploy it first" in capsys.readouterr().err
    assert list_hooks(unhooked) == before_finish
    restart_jpi(unhooked, monkeypatch, env)
    assert (is_synced(), run(unhooked, "--check")) == (True, 0)
    assert run(unhooked, "--finish") == 0
    [after], [jira_hook] = list_hooks(unhooked)
    assert (after.id != before.id, jira_hook.secret != old, is_synced()) == (True, True, True)
    for name in ("JIRA_WEBHOOK_SECRET", "PAGERDUTY_WEBHOOK_SECRET"):
        newest = unhooked.environ[name].partition(",")[0]
        monkeypatch.setenv(name, newest)
        unhooked.environ[name] = newest
    unhooked.jpi = unhooked.start_jpi()
    assert is_synced(), "the old ones are needed no longer"


def test_they_are_listed_and_taken_away(unhooked, capsys):
    run(unhooked)
    other = {"name": "x", "url": "https://x.example", "events": JIRA_EVENTS}
    unhooked.jira_admin.request("POST", "/rest/webhooks/1.0/webhook", other)
    capsys.readouterr()
    assert run(unhooked, "--list") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run(unhooked, "--delete") == 0
    assert [len(hooks) for hooks in list_hooks(unhooked)] == [0, 1], "not those of others"
    capsys.readouterr()
    for nothing_there in ("--list", "--delete"):
        assert run(unhooked, nothing_there) == 0
        assert capsys.readouterr().out == f"No webhook points to {unhooked.app_url}.\n"


def test_pagerdutys_test_is_seen_to_arrive(unhooked, monkeypatch, tmp_path, capsys):
    run(unhooked, "--write-env", str(tmp_path / ".env"))
    restart_jpi(unhooked, monkeypatch, tmp_path / ".env")

    def run_world(seconds):
        unhooked.run_until_idle()

    with monkeypatch.context() as patch:
        patch.setattr(wiring, "make_infrastructure", lambda: replace(unhooked.make_outside(), sleep=run_world))
        assert run(unhooked, "--ping") == 0
        assert "has arrived" in capsys.readouterr().out
        assert run(unhooked, "--ping") == 0
    assert run(unhooked, "--ping") == 1
    assert "did not arrive" in capsys.readouterr().err


@pytest.mark.parametrize(("changes", "text"), [
    ({"PAGERDUTY_API_TOKEN": "an-old-pagerduty-key"}, "PagerDuty does not accept PAGERDUTY_API_TOKEN"),
    ({"JIRA_API_TOKEN": "an-old-token-of-jira"}, "Jira does not accept JIRA_USER_EMAIL with JIRA_API_TOKEN"),
    ({"PAGERDUTY_API_URL": "http://127.0.0.1:9"}, "its address in JIRA_SERVER_URL or PAGERDUTY_API_URL"),
])
def test_what_is_wrong_is_said_in_a_line(unhooked, monkeypatch, capsys, changes, text):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert run(unhooked, "--check") == 1
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://jpi.example", "https://jpi.example/dev/jira-webhook"])
def test_an_address_that_cannot_be_is_refused(url):
    assert webhook_configuration.main(["--url", url]) == 2


@pytest.mark.parametrize(("policy", "jql"), [
    (Policy(), "project = INCIDENT"),
    (Policy(rules=(CreationRule(issue_spec=IssueSpec(project="WEB")), CreationRule())), "project in (INCIDENT, WEB)"),
    (Policy(opening_rules=(OpeningRule("Checkout", IssueCondition(projects=("OPS",))),)), "project in (INCIDENT, OPS)"),
    (Policy(opening_rules=(OpeningRule("Checkout"),)), ""),
])
def test_jira_tells_of_the_projects_that_matter(policy, jql):
    assert webhooks.build_jql(policy) == jql


@needs_shared
def test_what_it_sends_and_gets_is_as_documented(unhooked):
    unhooked.forget_calls()
    run(unhooked)
    run(unhooked, "--enable")
    run(unhooked, "--list")
    run(unhooked, "--ping")
    run(unhooked, "--delete")
    gaps = ("header Content-Type is missing", "status 201 is not documented", "no such operation")
    problems = [problem for server in unhooked.servers for call in server.calls
                for problem in contract(server.name).problems(call) if not problem.startswith(gaps)]
    assert problems == []


def test_one_that_pagerduty_switched_off_is_not_taken_for_the_new_one(unhooked, tmp_path):
    env = str(tmp_path / ".env")
    run(unhooked, "--write-env", env)
    [before] = list_hooks(unhooked)[0]
    assert run(unhooked, "--rotate", "--write-env", env) == 0
    unhooked.pagerduty.outbox.disabled_until[before.id] = unhooked.clock() + 3600
    assert run(unhooked) == 0
    after = next(hook for hook in list_hooks(unhooked)[0] if hook is not before)
    assert (before.id in unhooked.pagerduty.outbox.disabled_until, after.active) == (False, False), "not deployed yet"
    unhooked.pagerduty.outbox.disabled_until[before.id] = unhooked.clock() + 3600
    assert run(unhooked, "--finish") == 0
    assert (list_hooks(unhooked)[0], after.active) == ([after], True)


def test_a_secret_that_stands_in_aws_is_not_written_into_a_file(unhooked, aws, monkeypatch, tmp_path):
    for name, value in {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test",
                        "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    ssm = make_client("ssm", Location(get_region()))
    ssm.put_parameter(Name="/jpi/x/hook", Value="the-stored-secret", Type="SecureString", Overwrite=True)
    monkeypatch.setenv("PAGERDUTY_WEBHOOK_SECRET", "ssm:/jpi/x/hook")
    assert run(unhooked, "--write-env", str(tmp_path / ".env")) == 0
    [subscription] = list_hooks(unhooked)[0]
    text = (tmp_path / ".env").read_text()
    assert (f"{subscription.secret},ssm:/jpi/x/hook" in text, "the-stored-secret" in text) == (True, False)


def test_a_secret_that_cannot_be_stored_is_not_lost(unhooked, monkeypatch, tmp_path, capsys):
    assert run(unhooked, "--write-env", str(tmp_path / "none" / ".env")) == 1
    [subscription] = list_hooks(unhooked)[0]
    out, err = capsys.readouterr()
    assert (f"PAGERDUTY_WEBHOOK_SECRET={subscription.secret}," in out, err) == (
        True, f"{tmp_path / 'none' / '.env'}: No such file or directory\n")
    unhooked.pagerduty.webhooks.subscriptions.clear()
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    assert run(unhooked, "--ssm", f"/jpi/{unhooked.environ['STAGE']}") == 1
    [subscription] = list_hooks(unhooked)[0]
    out, err = capsys.readouterr()
    assert (subscription.secret in out, err.startswith("AWS: Could not connect"), err.count("\n")) == (True, True, 1)


def test_a_path_that_no_function_may_read_is_refused_before_anything_is_made(unhooked, capsys):
    assert run(unhooked, "--ssm", "/jpi/other") == 1
    assert ("--ssm must be /jpi/" in capsys.readouterr().err, list_writes(unhooked)) == (True, [])


def test_without_its_table_a_ping_is_not_waited_for(unhooked, monkeypatch, capsys):
    run(unhooked)
    stores = build_dynamodb_stores(
        wiring.bind_tables(replace(unhooked.jpi.settings, database_endpoint_url="http://127.0.0.1:9")), unhooked.clock
    )
    monkeypatch.setattr(wiring, "make_infrastructure", lambda: replace(unhooked.make_outside(), stores=stores))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert run(unhooked, "--ping") == 1
    assert ("reading the cursor" in capsys.readouterr().err, unhooked.pagerduty.outbox.pending) == (True, [])


@pytest.mark.parametrize("other", ["--rotate", "--finish", "--enable", "--delete"])
def test_checking_never_changes_anything(unhooked, other):
    assert (run(unhooked, "--check", other), list_writes(unhooked)) == (2, [])
