"""`jpi init`: asks, tests each answer, and writes all or nothing."""

import json
import os
import stat
from pathlib import Path

import boto3
import click
import pytest
from dotenv import dotenv_values

from jpi import settings
from jpi.tools import cli, init, settings_interview
from sandbox.seed import JIRA_ADMIN_LOGIN, JIRA_BOT_TOKEN, PAGERDUTY_KEY
from sandbox.simulated_service import HttpFault

EXAMPLE = Path(".env.example").read_text()
CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
QUESTIONS = {"AWS_REGION": "AWS region", "JIRA_SERVER_URL": "Jira's address", "JIRA_USER_EMAIL": "account on Jira",
             "JIRA_API_TOKEN": "Jira API token", "PAGERDUTY_API_TOKEN": "PagerDuty API key",
             "PAGERDUTY_USER_EMAIL": "user on PagerDuty"}


class Person:
    """Answers the questions: `answers` has a list for each setting, of which the last answer is repeated."""

    def __init__(self, world):
        self.asked, self.hidden = [], set()
        self.answers = {"AWS_REGION": ["eu-central-1"], "JIRA_SERVER_URL": [world.jira_url],
                        "JIRA_USER_EMAIL": ["jpi-bot@example.com"], "JIRA_API_TOKEN": [JIRA_BOT_TOKEN],
                        "PAGERDUTY_API_TOKEN": [PAGERDUTY_KEY], "PAGERDUTY_USER_EMAIL": ["jpi-bot@example.com"]}

    def answer(self, text, default=None, hide_input=False):
        name = next(name for name, part in QUESTIONS.items() if part in text)
        self.asked.append(name)
        if hide_input:
            self.hidden.add(name)
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None:
            raise click.Abort
        return answer


@pytest.fixture
def person(world, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env.example").write_text(EXAMPLE)
    monkeypatch.setattr(settings_interview, "PAGERDUTY_URLS", ("http://us.localhost", world.pagerduty_url))
    world.host.serve_application("us", answer_unauthorized, 0)
    person = Person(world)
    monkeypatch.setattr(click, "prompt", person.answer)
    return person


def answer_unauthorized(environ, start_response):
    start_response("401 Unauthorized", [("Content-Type", "application/json")])
    return [b'{"error": {"message": "Authentication failed", "code": 2006}}']


def run(capsys, *arguments):
    code = cli.main([*arguments])
    output = capsys.readouterr()
    return code, output.out + output.err


def test_it_asks_tests_and_writes_a_private_file_that_jpi_takes(world, person, capsys):
    code, output = run(capsys, "init")
    assert (code, person.asked, person.hidden) == (0, [*QUESTIONS], {"JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN"}), output
    values = dotenv_values(".env")
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    assert (values["PAGERDUTY_API_URL"], values["AWS_REGION"], values["STAGE"]) == (
        world.pagerduty_url, "eu-central-1", "dev"), "the key's region was found"
    loaded = settings.load(values)
    assert (loaded.jira_api_token, loaded.pagerduty_api_token) == (JIRA_BOT_TOKEN, PAGERDUTY_KEY)
    assert (len(loaded.jira_webhook_secret[0]), len(loaded.status_password)) == (43, 32)
    assert [word for word in ("id.atlassian.com", "API Access Keys", "the project INCIDENT exists", "sls deploy",
                              "jpi webhooks", "jpi doctor --first-incident") if word not in output] == []
    assert [name for name in init.STORED_SECRETS if values[name] in output] == []
    assert "# PagerDuty. EU accounts" in Path(".env").read_text(), "the example's comments are kept"
    assert not Path(".env.new").exists()


def test_run_again_it_keeps_what_works_and_asks_for_what_does_not(world, person, capsys):
    assert run(capsys, "init")[0] == 0
    before = Path(".env").read_text()
    person.asked.clear()
    code, output = run(capsys, "init")
    assert (code, person.asked, Path(".env").read_text()) == (0, [], before)
    assert ".env stays as it is." in output
    assert "JIRA_API_TOKEN: kept; works at" in output
    Path(".env").write_text(before.replace(JIRA_BOT_TOKEN, "an-expired-token") + "SYNC_PRIORITIES='P1,P2'\n")
    code, output = run(capsys, "init")
    assert (code, person.asked) == (0, ["JIRA_API_TOKEN"])
    assert "BAD  JIRA_API_TOKEN (***): the token is not valid" in output
    assert "an-expired-token" not in output
    values = dotenv_values(".env")
    assert (values["SYNC_PRIORITIES"], values["JIRA_API_TOKEN"]) == ("P1,P2", JIRA_BOT_TOKEN)


@pytest.mark.parametrize("agrees", [True, False])
def test_an_administrator_may_have_the_project_made_at_once(world, person, monkeypatch, capsys, agrees):
    questions = []
    monkeypatch.setattr(click, "confirm", lambda text, default: [questions.append(text), agrees][1])
    Path("etc").mkdir()
    Path("etc/questions.json").write_text("[]")
    assert (run(capsys, "init")[0], questions) == (0, []), "nothing is missing"
    world.jira.projects.pop("INCIDENT")
    person.answers |= {"JIRA_USER_EMAIL": [JIRA_ADMIN_LOGIN[0]], "JIRA_API_TOKEN": [JIRA_ADMIN_LOGIN[1]]}
    Path(".env").unlink()
    code, output = run(capsys, "init")
    assert (code, len(questions), "INCIDENT" in world.jira.projects) == (0, 1, agrees), output
    assert ("project INCIDENT: created" in output) is agrees


@pytest.mark.parametrize(("name", "wrong", "text"), [
    ("AWS_REGION", "Frankfurt", "must be a region of AWS"),
    ("JIRA_SERVER_URL", "http://nowhere.localhost", "got no answer"),
    ("JIRA_SERVER_URL", "http://acme.example", "must begin with https://"),
    ("JIRA_USER_EMAIL", "jpi", "must be an e-mail address"),
    ("JIRA_API_TOKEN", "wrong-token", "the token is not valid"),
    ("PAGERDUTY_API_TOKEN", "wrong-key", "takes this key in no region (US, EU)"),
    ("PAGERDUTY_USER_EMAIL", "nobody@example.com", "has no user with this e-mail"),
])
def test_an_answer_that_does_not_work_is_asked_for_again(person, capsys, name, wrong, text):
    person.answers[name].insert(0, wrong)
    code, output = run(capsys, "init")
    [line] = [line for line in output.splitlines() if line.startswith(f"BAD  {name} ")]
    assert (code, text in line, person.asked.count(name)) == (0, True, 2), output
    assert dotenv_values(".env")[name] != wrong


def test_the_address_of_a_token_with_scopes_is_found(world, person, monkeypatch, capsys):
    monkeypatch.setattr("jpi.jira.users.SCOPED_API_URL", f"{world.jira_url}/ex/jira")
    gateway = f"/ex/jira/{CLOUD_ID}/rest/api/3"
    faults = {"/_edge/tenant_info": HttpFault(200, body=json.dumps({"cloudId": CLOUD_ID})),
              f"{gateway}/myself": HttpFault(200, body='{"accountId": "1"}'),
              f"{gateway}/mypermissions": HttpFault(200, body='{"permissions": {"ADMINISTER": {"havePermission": 0}}}'),
              f"{gateway}/project/INCIDENT": HttpFault(404, body='{"errorMessages": ["No project"], "errors": {}}'),
              "/rest/api/3/myself": HttpFault(401, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})}
    world.jira_server.choose_fault = lambda call: faults.get(call.path)
    code, output = run(capsys, "init")
    assert (code, dotenv_values(".env")["JIRA_API_URL"]) == (0, f"{world.jira_url}/ex/jira/{CLOUD_ID}"), output
    assert "there is no project INCIDENT yet; the account is no administrator" in output


def test_a_stage_has_a_file_of_its_own(person, capsys):
    Path(".env").write_text("JIRA_SERVER_URL=https://dev.example\n")
    assert run(capsys, "--env", "qa", "init")[0] == 0
    assert (dotenv_values(".env.qa")["STAGE"], len(dotenv_values(".env"))) == ("qa", 1)
    assert run(capsys, "--env", "dev", "init")[0] == 0, "`.env` is the first stage's"
    assert dotenv_values(".env")["STAGE"] == "dev"
    Path(".env.qa").write_text("STAGE=prod\n")
    code, output = run(capsys, "--env", "qa", "init")
    assert (code, "belongs to the stage 'prod'" in output) == (1, True)


def test_prod_has_names_of_secrets_that_are_stored_in_aws(aws, person, monkeypatch, capsys):
    for name, value in {"AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    assert run(capsys, "--env", "prod", "init")[0] == 0
    values = dotenv_values(".env.prod")
    assert (values["JIRA_API_TOKEN"], values["STATUS_PASSWORD"]) == (
        "ssm:/jpi/prod/jira-api-token", "ssm:/jpi/prod/status-password")
    assert [secret for secret in (JIRA_BOT_TOKEN, PAGERDUTY_KEY) if secret in Path(".env.prod").read_text()] == []
    ssm = boto3.client("ssm", region_name="eu-central-1", endpoint_url=aws.url)
    parameter = ssm.get_parameter(Name="/jpi/prod/jira-api-token", WithDecryption=True)["Parameter"]
    assert (parameter["Value"], parameter["Type"]) == (JIRA_BOT_TOKEN, "SecureString")
    person.asked.clear()
    assert (run(capsys, "--env", "prod", "init")[0], person.asked) == (0, []), "the names lead to what works"


@pytest.mark.parametrize("existing", ["", "STAGE=dev\nJIRA_USER_EMAIL=jpi-bot@example.com\n"])
def test_ctrl_c_leaves_nothing_half_written(person, capsys, existing):
    if existing:
        Path(".env").write_text(existing)
    person.answers["PAGERDUTY_API_TOKEN"] = [None]
    code, output = run(capsys, "init")
    assert (code, "Nothing was written." in output) == (130, True)
    assert sorted(path.name for path in Path().iterdir()) == [*([".env"] if existing else []), ".env.example"]
    assert not existing or Path(".env").read_text() == existing


def test_a_failure_while_writing_leaves_the_file_as_it_was(person, monkeypatch, capsys):
    Path(".env").write_text("STAGE=dev\n")
    written = []

    def write_two(file, name, value):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(name)

    monkeypatch.setattr(init.env_files, "write_env_variable", write_two)
    assert run(capsys, "init")[0] == 130
    assert (Path(".env").read_text(), Path(".env.new").exists()) == ("STAGE=dev\n", False)


def set_environment(world, monkeypatch, **changes):
    values = {name: world.environ[name] for name in ("JIRA_SERVER_URL", "JIRA_USER_EMAIL", "JIRA_API_TOKEN",
                                                     "PAGERDUTY_API_TOKEN", "PAGERDUTY_API_URL")}
    for name, value in {**values, **changes}.items():
        monkeypatch.setenv(name, value)


def test_without_a_person_the_environment_answers(world, person, monkeypatch, capsys):
    set_environment(world, monkeypatch)
    code, output = run(capsys, "init", "--no-input")
    assert (code, person.asked) == (0, []), output
    values = dotenv_values(".env")
    assert (values["AWS_REGION"], values["PAGERDUTY_USER_EMAIL"], values["JIRA_API_TOKEN"]) == (
        "us-east-1", world.environ["PAGERDUTY_USER_EMAIL"], JIRA_BOT_TOKEN)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    assert (run(capsys, "init", "--no-input")[0], dotenv_values(".env")) == (0, values), "the file is enough"


@pytest.mark.parametrize(("changes", "text"), [
    ({"JIRA_API_TOKEN": ""}, "JIRA_API_TOKEN is missing: set it in the environment"),
    ({"JIRA_API_TOKEN": "an-expired-token"}, "JIRA_API_TOKEN (***): the token is not valid"),
    ({"PAGERDUTY_USER_EMAIL": "nobody@example.com"}, "PAGERDUTY_USER_EMAIL (nobody@example.com): the key's"),
])
def test_without_a_person_what_does_not_work_is_an_error(world, person, monkeypatch, capsys, changes, text):
    set_environment(world, monkeypatch, **changes)
    code, output = run(capsys, "init", "--no-input")
    assert (code, text in output, "Nothing was written." in output, Path(".env").exists()) == (1, True, True, False)


@pytest.mark.parametrize(("text", "address"), [
    ("acme", "https://acme.atlassian.net"), ("acme.atlassian.net/", "https://acme.atlassian.net"),
    ("https://acme.atlassian.net/jira/projects?x=1", "https://acme.atlassian.net"),
    ("http://127.0.0.1:5001", "http://127.0.0.1:5001")])
def test_the_name_or_a_page_of_a_site_is_enough(text, address):
    assert settings_interview.complete_jira_address(text) == address


def test_what_the_example_has_is_no_answer():
    values = dotenv_values(".env.example")
    assert {values["JIRA_SERVER_URL"], values["JIRA_USER_EMAIL"], values["PAGERDUTY_USER_EMAIL"]} == {
        *init.EXAMPLE_VALUES}


def test_the_region_of_the_env_file_is_used_by_all_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    Path(".env").write_text("AWS_REGION=eu-west-1\n")
    assert (cli.main(["version"]), os.environ["AWS_REGION"]) == (0, "eu-west-1")
