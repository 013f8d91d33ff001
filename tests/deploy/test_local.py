"""What the README has people run on their own machine, from a bare shell."""

import contextlib
import json
import os
import re
import signal
import urllib.error
import urllib.request

import boto3
import pytest

from tests.deploy.conftest import REGION, env_file

STACK = re.compile(r"^\s+at ", re.MULTILINE)
READY = re.compile(r"http://[\w.]+:\d+")
GIVEN = {"JIRA_SERVER_URL": "https://x.example", "JIRA_USER_EMAIL": "x@x.example",
         "JIRA_API_TOKEN": "jira-token-of-x-example", "PAGERDUTY_API_TOKEN": "pagerduty-key-of-x-example",
         "PAGERDUTY_USER_EMAIL": "x@x.example"}


@pytest.fixture
def local(checkout, site):
    """The checkout with an .env whose services are the simulated ones."""
    stage = site.environ["STAGE"]
    tables = {"INCIDENTS_TABLE": f"incidents-{stage}", "LOG_ENTRIES_TABLE": f"log-entries-{stage}",
              "CONFIG_TABLE": f"config-{stage}"}
    env_file(checkout.folder / ".env", **{**site.settings, **tables},
             DATABASE_ENDPOINT_URL=site.environ["DATABASE_ENDPOINT_URL"])
    yield checkout
    (checkout.folder / ".env").unlink()


@pytest.fixture
def start(checkout):
    """`start(wanted, *command)`: a command that goes on, and its first line with `wanted` in it."""
    running = []

    def begin(wanted, *command, **environ):
        child = checkout.start(*command, **environ)
        running.append(child)
        lines = []
        for line in child.stdout:
            lines.append(line)
            if wanted in line:
                return child, line
        raise AssertionError("".join(lines))

    yield begin
    for child in running:
        with child, contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)


def test_the_app_is_served_and_takes_a_p1(local, start, site):
    incident = site.pagerduty.trigger_incident(site.service, "Served", site.rita, "P1")
    delivery = site.pagerduty.outbox.pending.pop()
    _, line = start("Running on http", "sls", "wsgi", "serve", "-p", "0")
    there = READY.search(line)[0]
    with urllib.request.urlopen(f"{there}/health") as answer:
        assert json.load(answer)["ok"] is True
    request = urllib.request.Request(f"{there}/pagerduty-webhook", delivery.body, delivery.headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    assert site.find_issue(incident).summary == "Served"


def test_the_poll_is_run_by_hand(local, site):
    site.pagerduty.trigger_incident(site.service, "Polled", site.rita, "P1")
    site.pagerduty.outbox.pending.clear()
    said = local.sls("invoke", "local", "-f", "log_entries", IS_OFFLINE="True")
    assert re.search(r'"entries": [1-9]', said), said
    assert "Polled" in [issue.summary for issue in site.list_issues()]


def test_dynamodb_is_started_with_the_tables_and_stops(local, start):
    local.sls("dynamodb", "install")
    child, line = start("is ready at", "sls", "dynamodb", "start", "--port", "0", STAGE="here", INCIDENTS_TABLE="",
                        LOG_ENTRIES_TABLE="", CONFIG_TABLE="")
    there = boto3.client("dynamodb", region_name=REGION, endpoint_url=READY.search(line)[0],
                         aws_access_key_id="offline", aws_secret_access_key="offline")
    assert sorted(there.list_tables()["TableNames"]) == ["config-here", "incidents-here", "log-entries-here"]
    child.send_signal(signal.SIGINT)
    child.stdout.read()
    assert child.wait() == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(READY.search(line)[0])


def test_the_seeds_login_needs_no_account(checkout):
    assert checkout.sls("login").startswith("No login is needed: sls works without an account.")


@pytest.mark.parametrize(("arguments", "environ", "said"), [
    (["--env", "nosuch"], {}, "--env nosuch: there is no file .env.nosuch here"),
    (["--env", "qa"], {"STAGE": "dev"}, "--env qa: STAGE is 'dev', in .env.qa or the shell; it must be 'qa'"),
    (["--stage", "prod"], {}, "--stage prod: the stage comes from STAGE"),
    ([], {}, "JIRA_SERVER_URL, JIRA_USER_EMAIL, JIRA_API_TOKEN, PAGERDUTY_API_TOKEN, PAGERDUTY_USER_EMAIL are missing"),
    (["--env"], {}, "--env needs a name"),
    ([], {"PAGERDUTY_POLL_INTERVAL": "1 minutes"}, "PAGERDUTY_POLL_INTERVAL is '1 minutes'; it must be like '1 m"),
    ([], {"STAGE": "qa"}, "STAGE is 'qa', and that has a file of its own, .env.qa: use --env qa"),
    ([], {**GIVEN, "JIRA_API_TOKEN": "ssm:/mine/jira"}, "JIRA_API_TOKEN (ssm:/mine/jira) must begin with ssm:/jpi/d"),
    ([], {**GIVEN, "JIRA_API_TOKEN": ""}, "JIRA_API_TOKEN is missing in .env"),
    ([], {**GIVEN, "STATUS_PASSWORD": "ssm:/elsewhere/x"}, "STATUS_PASSWORD (ssm:/elsewhere/x) must begin with ssm:/"),
    ([], {**GIVEN, "JIRA_SERVER_URL": "acme"}, "JIRA_SERVER_URL (acme) must be an address like https://name.example"),
    ([], {**GIVEN, "JIRA_API_TOKEN": "your-jira-api-token", "ALLOW_PLAIN_SECRETS": "1"},
     "JIRA_API_TOKEN (***) is a placeholder: put a secret of your own in its place"),
    ([], {**GIVEN, "STATUS_PASSWORD": "short"}, "STATUS_PASSWORD (***) is too short: 12 characters at least"),
    (["--env", "prod"], {**GIVEN, "STAGE": "prod"}, "PAGERDUTY_API_TOKEN (***) is in plain text: store it in AWS"),
    ([], {**GIVEN, "LOG_LEVEL": "LOUD"}, "LOG_LEVEL (LOUD) must be DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ([], {**GIVEN, "SYNC_FILE": "README.md"}, "SYNC_FILE (README.md) needs mending:"),
])
def test_what_is_wrong_is_said_in_a_line_before_anything_is_packaged(checkout, arguments, environ, said):
    made = [file for name in (".env", ".env.qa", ".env.prod") if not (file := checkout.folder / name).exists()]
    for file in made:
        file.touch()
    answer = checkout.sls("deploy", *arguments, ok=False, **environ)
    for file in made:
        file.unlink()
    [line] = [one for one in answer.splitlines() if said in one]
    assert (line.strip().startswith(said), "Packaging" in answer, STACK.search(answer)) == (True, False, None)


@pytest.mark.parametrize(("stage", "role", "kept"), [("prod", "arn:aws:iam::123456789012:role/jpi-cfn-role",
                                                      "RetainExceptOnCreate"),
                                                     ("qa", "", "Delete")])
def test_a_stage_has_its_own_settings(checkout, stage, role, kept):
    file = checkout.folder / f".env.{stage}"
    before = file.read_text() if file.exists() else None
    env_file(file, STAGE=stage, CFN_ROLE_ARN=role, PAGERDUTY_POLL_INTERVAL="1 hour", LOG_LEVEL="DEBUG")
    made = json.loads(checkout.sls("print", "--env", stage, "--format", "json"))
    file.unlink() if before is None else file.write_text(before)
    assert made["provider"]["iam"].get("deploymentRole", "") == role
    assert (made["provider"]["stage"], made["provider"]["environment"]["LOG_LEVEL"]) == (stage, "DEBUG")
    assert made["functions"]["log_entries"]["events"] == [{"schedule": "rate(1 hour)"}]
    resources = made["resources"]["Resources"]
    assert resources["IncidentsTable"]["DeletionPolicy"] == kept
    assert resources["PollAlarm"]["Properties"]["Metrics"][1]["MetricStat"]["Period"] == 3 * 3600
    assert "CFN_ROLE_ARN" not in made["provider"]["environment"]


def test_without_a_venv_the_active_environment_serves(checkout):
    venv = checkout.folder / ".venv"
    active = venv.readlink()
    venv.unlink()
    made = json.loads(checkout.sls("print", "--format", "json", VIRTUAL_ENV=str(active)))
    venv.symlink_to(active)
    assert made["custom"]["wsgi"]["pythonBin"] == f"{active}/bin/python"
    made = json.loads(checkout.sls("print", "--format", "json", VIRTUAL_ENV="/another"))
    assert made["custom"]["wsgi"]["pythonBin"] == f"{venv}/bin/python"
