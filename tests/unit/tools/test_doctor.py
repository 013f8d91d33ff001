"""The doctor: all green if all is well; each problem is named, and the other checks still run."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import boto3
import pytest

from jpi import settings, wiring
from jpi.diagnostics import checks, runner
from jpi.handlers import log_entries
from jpi.tools import doctor
from sandbox.clock import RunningClock
from sandbox.simulated_service import HttpFault


@pytest.fixture
def well(make_world, monkeypatch):
    """Give a world with a queue, after a poll, with its settings in the environment."""
    return run_first_poll(make_world(queued=True), monkeypatch)


def run_first_poll(world, monkeypatch):
    """Run a poll, put the world's settings into the environment, and return the world."""
    log_entries.handler({}, None)
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    return world


def run(capsys, *arguments):
    capsys.readouterr()
    code = doctor.main(["--json", *arguments])
    return code, {one["check"]: one["said"] for one in json.loads(capsys.readouterr().out) if not one["ok"]}


def test_all_is_well(well, capsys):
    well.forget_calls()
    assert run(capsys) == (0, {})
    assert [call for call in well.list_jpi_calls() if call.method != "GET"
            and not call.path.endswith("search/jql")] == []
    assert doctor.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), all(line.startswith("ok ") for line in lines)) == (15, True)


def jira_has_no_timeline_links(world, monkeypatch):
    world.jira.link_types = {key: one for key, one in world.jira.link_types.items() if one.name != "Timeline"}


def pagerduty_shows_no_service(world, monkeypatch):
    world.pagerduty.hidden_service_ids |= {service.id for service in world.pagerduty.services}


def jira_hook_lacks_an_event(world, monkeypatch):
    next(iter(world.jira.webhooks.values())).events.remove("comment_created")


def pagerduty_hook_is_off(world, monkeypatch):
    [hook] = world.pagerduty.webhooks.subscriptions
    world.pagerduty.outbox.disabled_until[hook] = world.clock() + 3600


@pytest.mark.parametrize(
    ("spoil", "check", "text"),
    [
        (jira_has_no_timeline_links, "Jira link types", "no link type 'Timeline'"),
        (pagerduty_shows_no_service, "PagerDuty token", "shows none of the account's services"),
        (jira_hook_lacks_an_event, "Jira webhook", "does not send comment_created"),
        (pagerduty_hook_is_off, "PagerDuty webhook", "is switched off: webhook_configuration --enable"),
        (
            lambda world, _: world.pagerduty.webhooks.subscriptions.clear(),
            "PagerDuty webhook",
            "has no webhook to a jpi",
        ),
        (lambda world, _: world.pagerduty.priorities.clear(), "PagerDuty priorities", "are not enabled"),
        (lambda world, _: world.jira.projects.pop("QUESTION"), "Jira permissions", "QUESTION"),
        (
            lambda world, patch: patch.setattr(
                wiring, "make_infrastructure", lambda: replace(world.make_outside(), clock=lambda: world.clock() - 3600)
            ),
            "Jira clock",
            "s: set the clock",
        ),
        (
            lambda world, patch: patch.setenv("PAGERDUTY_USER_EMAIL", "no@example.com"),
            "PagerDuty token",
            "has no user no@",
        ),
        (lambda world, patch: patch.setenv("JIRA_API_TOKEN", "an-old-token-of-jira"), "Jira token",
         "is not valid: create a new one"),
        (
            lambda world, patch: patch.setenv("JIRA_WEBHOOK_SECRET", ""),
            "Jira webhook",
            "JIRA_WEBHOOK_SECRET is not set",
        ),
        (lambda world, patch: patch.setenv("EVENTS_QUEUE", world.environ["EVENTS_QUEUE"] + "x"), "AWS queue", "SQS"),
        (
            lambda world, patch: patch.setenv("JIRA_SERVER_URL", "nowhere"),
            "settings",
            "JIRA_SERVER_URL (nowhere) must be",
        ),
    ],
)
def test_each_problem_is_named(well, monkeypatch, capsys, spoil, check, text):
    spoil(well, monkeypatch)
    code, wrong = run(capsys)
    assert (code, text in wrong[check]) == (1, True), wrong


PAGE = "<html><title>Atlassian status</title></html>"


@pytest.mark.parametrize(("service", "fault", "texts"), [
    ("jira", HttpFault(401, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}),
     ["the token is not valid", "a token with scopes works only at", "JIRA_API_URL", "JIRA_API_TOKEN"]),
    ("jira", HttpFault(401, headers={"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}),
     ["the account is deactivated or locked", "bot@"]),
    ("jira", HttpFault(200, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}), ["the token is not valid"]),
    ("jira", HttpFault(404, body=PAGE), ["the site may be in maintenance, moved or suspended"]),
    ("jira", HttpFault(503, body=PAGE), ["failed with 503", "the site may be in maintenance"]),
    ("pagerduty", HttpFault(503, body=PAGE), ["failed with 503", "the site may be in maintenance"]),
    ("pagerduty", HttpFault(401), ["the token is not valid", "PAGERDUTY_API_TOKEN"]),
    ("pagerduty", HttpFault(200, body='{"users": [], "services": []}'), ["another account's?", "PAGERDUTY_USER_EMAIL"]),
])
def test_what_is_wrong_with_a_token_is_told_apart(well, capsys, service, fault, texts):
    server, name = ((well.jira_server, "Jira token") if service == "jira"
                    else (well.pagerduty_server, "PagerDuty token"))
    paths = ("/myself", "/users")
    server.choose_fault = lambda call: fault if call.path.endswith(paths) else None
    message = run(capsys)[1][name]
    assert [text for text in texts if text not in message] == []


def test_one_cause_is_said_once(well, monkeypatch, capsys):
    monkeypatch.setenv("JIRA_API_TOKEN", "an-old-token-of-jira")
    assert doctor.main([]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "Jira" in line]
    assert [line[:3] for line in lines] == ["BAD"] + ["?  "] * (len(lines) - 1)
    assert all(line.endswith("not checked: see Jira token") for line in lines[1:])


CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
FAILED_SIGN_IN = HttpFault(401, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})


@pytest.mark.parametrize(("gateway", "text", "address"), [
    (HttpFault(200, body='{"accountId": "1"}'), "the token has scopes, and works at", True),
    (HttpFault(401, body='{"code": 401, "message": "Unauthorized; scope does not match"}'), "the token has scopes",
     True),
    (HttpFault(401, body='{"code": 401, "message": "Unauthorized"}'), "revoked, or is not jpi-bot@", False),
    (HttpFault(503), "a token with scopes works only at", False)])
def test_a_token_with_scopes_and_an_expired_one_are_told_apart(well, monkeypatch, capsys, gateway, text, address):
    site = well.environ["JIRA_SERVER_URL"]
    monkeypatch.setattr("jpi.jira.users.SCOPED_API_URL", f"{site}/ex/jira")
    faults = {"/_edge/tenant_info": HttpFault(200, body=json.dumps({"cloudId": CLOUD_ID})),
              f"/ex/jira/{CLOUD_ID}/rest/api/3/myself": gateway, "/rest/api/3/myself": FAILED_SIGN_IN}
    well.jira_server.choose_fault = lambda call: faults.get(call.path)
    message = run(capsys)[1]["Jira token"]
    assert (text in message, f"{site}/ex/jira/{CLOUD_ID}" in message) == (True, address)
    assert "JIRA_API_TOKEN" in message


def test_an_address_of_another_sites_is_told_apart(make_world, monkeypatch, capsys):
    """Let JIRA_API_URL have the cloud id of another site, and the token be taken at our own site's."""
    gateway = "http://jira.localhost/ex/jira"
    well = run_first_poll(make_world(queued=True), monkeypatch)
    monkeypatch.setattr("jpi.jira.users.SCOPED_API_URL", gateway)
    monkeypatch.setenv("JIRA_API_URL", f"{gateway}/another")
    faults = {"/_edge/tenant_info": HttpFault(200, body=json.dumps({"cloudId": CLOUD_ID})),
              f"/ex/jira/{CLOUD_ID}/rest/api/3/myself": HttpFault(200, body='{"accountId": "1"}'),
              "/ex/jira/another/rest/api/3/myself": FAILED_SIGN_IN}
    well.jira_server.choose_fault = lambda call: faults.get(call.path)
    assert f"works at {gateway}/{CLOUD_ID} only" in run(capsys)[1]["Jira token"]


def test_a_cloud_id_that_is_none_is_not_asked_for(well, monkeypatch, capsys):
    monkeypatch.setattr("jpi.jira.users.SCOPED_API_URL", f"{well.environ['JIRA_SERVER_URL']}/ex/jira")
    faults = {"/_edge/tenant_info": HttpFault(200, body='{"cloudId": "../../../evil"}'),
              "/rest/api/3/myself": FAILED_SIGN_IN}
    well.jira_server.choose_fault = lambda call: faults.get(call.path)
    assert "the token is not valid" in run(capsys)[1]["Jira token"]
    assert not [call for call in well.jira_server.calls if "evil" in call.path]


@pytest.mark.parametrize("is_queued", [False, True])
def test_refused_steps_of_open_links_are_listed(make_world, monkeypatch, capsys, is_queued):
    world = run_first_poll(make_world(queued=is_queued), monkeypatch)
    incident = world.pagerduty.trigger_incident(world.service, "Down", world.rita, "P1")
    world.run_until_idle()
    world.jira_server.choose_fault = lambda call: HttpFault(400) if call.path.endswith("/comment") else None
    for number in range(12):
        world.pagerduty.add_note(incident, f"Note {number}", world.rita)
        world.run_until_idle()
    code, problems = run(capsys)
    assert code == 1
    output = doctor.main([]), capsys.readouterr().out
    assert output[1].count("INCIDENT-1, copy of note") == 10
    assert "refused with 400" in output[1]
    assert "and 2 more" in output[1]
    assert "and 2 more" in problems["Links refused steps"], "each line is a problem"


def test_a_late_poll_is_reported(well, capsys):
    well.clock.advance(3 * well.jpi.settings.poll_interval_seconds + 1)
    assert "the poll has read log entries only up to" in run(capsys)[1]["AWS poll"]


def test_dead_letters_are_reported(well, capsys):
    sqs = well.jpi.queue.client
    sqs.send_message(QueueUrl=well.dead_letter_url, MessageBody="x", MessageGroupId="Q1", MessageDeduplicationId="1")
    assert "dead letters: 1;" in run(capsys)[1]["AWS queue"]


def test_an_outage_of_one_service_does_not_hide_the_others(well, capsys):
    well.pagerduty_server.choose_fault = lambda call: HttpFault(401)
    _, wrong = run(capsys)
    assert {name.split()[0] for name in wrong} == {"PagerDuty", "Jira"}, "the site's check asks for services too"
    assert "the token is not valid" in wrong["PagerDuty token"]


def test_a_check_that_needs_an_administrator_is_skipped(well, capsys):
    well.jira.users[well.bot_id].admin = False
    assert doctor.main([]) == 0
    assert "?    Jira webhook: not checked: only an administrator's token may" in capsys.readouterr().out


def test_a_webhook_to_another_address_is_reported(well, capsys):
    assert run(capsys, "--url", well.app_url) == (0, {})
    code, wrong = run(capsys, "--url", "https://x.example/prod/")
    assert (code, set(wrong)) == (1, {"Jira webhook", "PagerDuty webhook"})
    assert f"no webhook to https://x.example/prod (only to {well.app_url}/jira-webhook)" in wrong[
        "Jira webhook"]


@pytest.fixture
def account(aws, well, monkeypatch):
    """Give the simulated AWS account, with the settings of a deployed stage."""
    for name, value in {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "IS_OFFLINE": ""}.items():
        monkeypatch.setenv(name, value)
    return partial(boto3.client, region_name="us-east-1", endpoint_url=aws.url)


def test_the_endpoint_comes_from_cloudformation(account, well, capsys):
    assert run(capsys) == (0, {}), "without a stack there is no address to compare with"
    stack = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
             "Outputs": {"ServiceEndpoint": {"Value": "https://y.example/dev"}}}
    account("cloudformation").create_stack(StackName=f"jpi-{well.environ['STAGE']}", TemplateBody=json.dumps(stack))
    assert "no webhook to https://y.example/dev" in run(capsys)[1]["PagerDuty webhook"]


def test_the_age_of_a_stored_token_is_shown(account, make_world, monkeypatch, capsys):
    # moto uses the machine's time.
    well = run_first_poll(make_world(RunningClock(), queued=True), monkeypatch)
    monkeypatch.setenv("IS_OFFLINE", "")
    account("ssm").put_parameter(Name="/jpi/x/jira", Value=well.environ["JIRA_API_TOKEN"], Type="SecureString")
    account("secretsmanager").create_secret(Name="jpi/x/pagerduty", SecretString=well.environ["PAGERDUTY_API_TOKEN"])
    monkeypatch.setenv("JIRA_API_TOKEN", "ssm:/jpi/x/jira")
    monkeypatch.setenv("PAGERDUTY_API_TOKEN", "secretsmanager:jpi/x/pagerduty")
    assert doctor.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "ok   Jira token: stored 0 days ago; it expires within a year" in lines
    assert "ok   PagerDuty token: stored 0 days ago" in lines
    monkeypatch.setattr(settings, "get_secret_stored_at", lambda name: well.clock.now() - timedelta(days=340))
    code, problems = run(capsys)
    assert (code, *problems.items()) == (1, ("Jira token", "JIRA_API_TOKEN was stored 340 days ago: "
                                             "create a new one before it expires"))


def test_a_queue_that_is_not_set_is_skipped(account, well, monkeypatch, capsys):
    monkeypatch.setenv("EVENTS_QUEUE", "")
    assert doctor.main([]) == 0
    stage = well.environ["STAGE"]
    assert (f"?    AWS queue: not checked: EVENTS_QUEUE is not set; a deployed jpi has jpi-events-{stage}.fifo"
            in capsys.readouterr().out)


def test_a_check_that_hangs_times_out(well):
    ended = threading.Event()

    def wait_forever(app):
        ended.wait()
        yield from ()

    results = list(runner.run_check_groups(well.jpi, {"Jira": {"token": wait_forever, "clock": checks.check_clock}},
                                           seconds=0.0))
    ended.set()
    assert [(result.ok, result.message) for result in results] == [(False, "no answer within 10 s")] * 2


def test_a_table_that_does_not_exist_is_named(make_loopback_world, monkeypatch, capsys):
    run_first_poll(make_loopback_world(queued=True), monkeypatch)
    monkeypatch.setenv("CONFIG_TABLE", "none")
    code, wrong = run(capsys)
    assert (code, "there is no table none" in wrong["AWS tables"]) == (1, True), wrong


def test_services_that_cannot_be_reached_are_named(well, monkeypatch, capsys):
    # On the real network, where nobody listens.
    monkeypatch.setattr(wiring, "make_infrastructure", lambda: wiring.Infrastructure(sleep=lambda seconds: None))
    for name in ("JIRA_SERVER_URL", "PAGERDUTY_API_URL", "DATABASE_ENDPOINT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    code, wrong = run(capsys)
    assert (code, {name.split()[0] for name in wrong}) == (1, {"Jira", "PagerDuty", "AWS", "Links"})
    assert "got no answer (ConnectionError)" in wrong["Jira token"]


@pytest.mark.parametrize(("terminal", "no_color", "coloured"), [
    (True, "", True), (True, "1", False), (False, "", False)])
def test_colours_are_for_terminals_that_want_them(monkeypatch, terminal, no_color, coloured):
    monkeypatch.setattr(doctor.sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\033[" in doctor._format_result(runner.CheckResult("x", ok=False))) is coloured
