"""Secrets by name: looked up together, never shown, and nobody asked where there is none."""

import boto3
import pytest
from moto import mock_aws

from jpi import aws, secrets, settings
from jpi.errors import SettingsError

NAMED = {"JIRA_SERVER_URL": "https://a.example", "JIRA_USER_EMAIL": "a@a.example", "JIRA_API_TOKEN": "ssm:/jpi/qa/jira",
         "PAGERDUTY_API_TOKEN": "secretsmanager:jpi/qa/pagerduty", "PAGERDUTY_USER_EMAIL": "a@a.example",
         "JIRA_WEBHOOK_SECRET": "ssm:/jpi/qa/hook, plain,ssm:/jpi/qa/older"}


@pytest.fixture
def account(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        ssm = boto3.client("ssm", region_name="us-east-1")
        for name, value in {"jira": "jira-token", "hook": "new", "older": "old"}.items():
            ssm.put_parameter(Name=f"/jpi/qa/{name}", Value=value, Type="SecureString")
        boto3.client("secretsmanager", region_name="us-east-1").create_secret(
            Name="jpi/qa/pagerduty", SecretString="pd-token")
        yield ssm


@pytest.fixture
def asked(monkeypatch):
    """The services that were asked, in order."""
    found, real = [], aws.client
    monkeypatch.setattr(secrets.aws, "client", lambda service, place: (found.append(service), real(service, place))[1])
    return found


def test_each_stands_for_what_is_stored(account, asked):
    chosen = settings.load(NAMED)
    assert (chosen.jira_api_token, chosen.pagerduty_api_token, chosen.jira_webhook_secret) == (
        "jira-token", "pd-token", ("new", "plain", "old"))
    assert asked == ["ssm", "secretsmanager"]


def test_nobody_is_asked_where_nothing_is_named(asked):
    assert secrets.resolved({"JIRA_API_TOKEN": "plain", "X": ""}) == {"JIRA_API_TOKEN": "plain", "X": ""}
    assert asked == []


def test_more_names_than_one_call_takes(account, asked):
    for number in range(12):
        account.put_parameter(Name=f"/jpi/qa/{number}", Value=f"v{number}", Type="SecureString")
    there = secrets.resolved({"PAGERDUTY_WEBHOOK_SECRET": ",".join(f"ssm:/jpi/qa/{number}" for number in range(12))})
    assert there == {"PAGERDUTY_WEBHOOK_SECRET": ",".join(f"v{number}" for number in range(12))}
    assert asked == ["ssm", "ssm"]


def test_what_is_missing_is_named_and_no_value_is_told(account):
    with pytest.raises(SettingsError) as caught:
        settings.load({**NAMED, "JIRA_API_TOKEN": "ssm:/jpi/qa/none", "PAGERDUTY_API_TOKEN": "secretsmanager:none"})
    said = str(caught.value)
    assert "JIRA_API_TOKEN: ssm:/jpi/qa/none is not there" in said
    assert "PAGERDUTY_API_TOKEN: secretsmanager:none is not there" in said
    assert "new" not in said


def test_without_a_way_to_aws_it_says_so(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"cannot be looked up \(ssm\)"):
        settings.load(NAMED)
