"""Settings: defaults, fallbacks, and one error that names every problem."""

import json

import pytest
from dotenv import dotenv_values

from jpi import settings, wiring
from jpi.errors import SettingsError
from jpi.settings import load

REQUIRED = {"JIRA_SERVER_URL": "https://acme.atlassian.net/", "JIRA_USER_EMAIL": "bot@acme.example",
            "JIRA_API_TOKEN": "jira-token-of-acme", "PAGERDUTY_API_TOKEN": "pagerduty-key-of-acme",
            "PAGERDUTY_USER_EMAIL": "bot@acme.example"}


def test_the_defaults_are_the_documented_ones():
    loaded = load(REQUIRED)
    assert loaded.jira_server_url == loaded.jira_api_url == "https://acme.atlassian.net"
    assert (loaded.incidents_table, loaded.log_entries_table, loaded.config_table) == (
        "incidents-dev", "log-entries-dev", "config-dev")
    assert (loaded.pagerduty_api_url, loaded.pagerduty_poll_interval) == ("https://api.pagerduty.com", "1 minute")
    assert (loaded.log_entries_poll_past_hours, loaded.jira_index_lag_seconds) == (6, 30)
    assert (loaded.sync_priorities, loaded.jira_webhook_secret, loaded.is_offline) == (("P1",), (), False)


def test_what_is_given_counts():
    loaded = load({**REQUIRED, "STAGE": "qa", "JIRA_API_URL": "https://api.atlassian.com/ex/jira/1",
                  "LOG_LEVEL": "debug", "PAGERDUTY_WEBHOOK_SECRET": "the-old-hook-secret, the-new-hook-secret",
                  "JIRA_ISSUE_STAKEHOLDERS": "TEAM-1,TEAM-2",
                  "USER_MAP": "Ann@acme.example=712020:1", "IS_OFFLINE": "True", "EVENTS_QUEUE": "jpi-qa-events.fifo",
                  "CONFIG_TABLE": "mine", "SYNC_PRIORITIES": "P1,P2"})
    assert loaded.jira_api_url == "https://api.atlassian.com/ex/jira/1"
    assert loaded.pagerduty_webhook_secret == ("the-old-hook-secret", "the-new-hook-secret")
    assert loaded.jira_issue_stakeholders == ("TEAM-1", "TEAM-2")
    assert loaded.user_map == {"ann@acme.example": "712020:1"}
    assert (loaded.incidents_table, loaded.config_table) == ("incidents-qa", "mine")
    assert (loaded.sync_priorities, loaded.log_level) == (("P1", "P2"), "DEBUG")
    assert loaded.events_queue == "", "offline a bare queue name counts as none"


def test_an_empty_project_key_means_off_and_other_empty_values_the_default():
    loaded = load({**REQUIRED, "QUESTION_PROJECT_KEY": "", "INCIDENT_PROJECT_KEY": "", "STAGE": " "})
    assert (loaded.question_project_key, loaded.incident_project_key, loaded.stage) == ("", "INCIDENT", "dev")


def test_everything_wrong_is_said_at_once_and_no_secret_is_shown():
    wrong = {"JIRA_SERVER_URL": "acme", "JIRA_API_TOKEN": "jira-secret", "PAGERDUTY_POLL_INTERVAL": "1 minutes",
             "JIRA_INDEX_LAG_SECONDS": "-1", "PERSON_PROJECT_KEY": "people", "JIRA_ISSUE_STAKEHOLDERS": "someone",
             "USER_MAP": "a=", "LOG_LEVEL": "LOUD", "JIRA_USER_EMAIL": "me", "PAGERDUTY_API_URL": "ftp://x"}
    with pytest.raises(SettingsError) as caught:
        load(wrong)
    text = str(caught.value)
    assert "jira-secret" not in text
    assert "PAGERDUTY_API_TOKEN is missing" in text
    assert "PAGERDUTY_USER_EMAIL is missing" in text
    assert all(f"{name} (" in text for name in wrong if name != "JIRA_API_TOKEN")


@pytest.mark.parametrize(
    ("interval", "good"),
    [
        ("1 minute", True),
        ("5 minutes", True),
        ("1 hour", True),
        ("2 days", True),
        ("1 hours", False),
        ("2 minute", False),
        ("0 minutes", False),
        ("minute", False),
    ],
)
def test_the_interval_is_what_aws_takes(interval, good):
    if good:
        assert load({**REQUIRED, "PAGERDUTY_POLL_INTERVAL": interval}).pagerduty_poll_interval == interval
    else:
        with pytest.raises(SettingsError):
            load({**REQUIRED, "PAGERDUTY_POLL_INTERVAL": interval})


@pytest.mark.parametrize("name", ["JIRA_SERVER_URL", "JIRA_API_URL", "PAGERDUTY_API_URL"])
def test_a_token_travels_in_the_clear_on_this_machine_only(name):
    for host in ("127.0.0.1:8080", "[::1]:8080", "localhost", "jira.localhost:1"):
        assert getattr(load({**REQUIRED, name: f"http://{host}"}), name.lower()) == f"http://{host}"
    for host in ("acme.atlassian.net", "localhost.example", "localhost@acme.example", "127.0.0.1.example", "10.0.0.1"):
        with pytest.raises(SettingsError, match=rf"{name} \(http://.*\) must begin with https://"):
            load({**REQUIRED, name: f"http://{host}"})


def test_secrets_are_not_in_the_settings_text():
    loaded = load({**REQUIRED, "JIRA_API_TOKEN": "the-jira-secret-of-acme",
                   "JIRA_WEBHOOK_SECRET": "the-hook-secret-of-acme"})
    assert "secret" not in repr(loaded).replace("allow_plain_secrets", "")


def test_a_local_env_file_is_read_and_the_environment_wins(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("\n".join(f"{name}={value}" for name, value in REQUIRED.items()) + "\nSTAGE=file\n")
    monkeypatch.chdir(tmp_path)
    for name in (*REQUIRED, "STAGE", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert (load().stage, load().log_level) == ("file", "INFO")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert load().log_level == "DEBUG"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "app")
    with pytest.raises(SettingsError):
        load()


def test_the_example_is_a_valid_setting_of_everything():
    example = dotenv_values(".env.example")
    tokens = {name: REQUIRED[name] for name in ("JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN")}
    loaded = load({**{name: value or "" for name, value in example.items()}, **tokens})
    assert loaded.stage == "dev"
    assert list(example.keys() ^ {field.name.upper() for field in settings.fields(settings.Settings)}) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        ("{", "must be a JSON list"),
        ('[{"description": "x"}]', "must be a JSON list"),
        ('["x"]', "must be a JSON list"),
        ("5", "must be a JSON list"),
    ],
)
def test_a_questions_file_that_is_not_one_is_said_by_name(tmp_path, content, problem):
    file = tmp_path / "questions.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"(?s)QUESTIONS_FILE .*" + problem):
        wiring.load_policy(load({**REQUIRED, "QUESTIONS_FILE": str(file)}))


def test_questions_are_read_only_where_they_have_a_project(tmp_path):
    file = tmp_path / "questions.json"
    file.write_text(json.dumps([{"summary": "Why?"}, {"summary": "Who?", "description": "Names."}]))
    environ = {**REQUIRED, "QUESTIONS_FILE": str(file)}
    assert [question.summary for question in wiring.load_policy(load(environ)).questions] == ["Why?", "Who?"]
    without_project = {**environ, "QUESTION_PROJECT_KEY": "", "QUESTIONS_FILE": "nowhere"}
    assert wiring.load_policy(load(without_project)).questions == ()
