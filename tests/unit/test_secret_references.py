"""Secrets by name: fetched together, never shown; without references AWS is not called."""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from jpi import aws, secret_references, settings
from jpi.errors import SettingsError

NAMED = {"JIRA_SERVER_URL": "https://a.example", "JIRA_USER_EMAIL": "a@a.example", "JIRA_API_TOKEN": "ssm:/jpi/qa/jira",
         "PAGERDUTY_API_TOKEN": "secretsmanager:jpi/qa/pagerduty", "PAGERDUTY_USER_EMAIL": "a@a.example",
         "JIRA_WEBHOOK_SECRET": "ssm:/jpi/qa/hook, plain-hook-secret,ssm:/jpi/qa/older"}


@pytest.fixture
def account(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        ssm = boto3.client("ssm", region_name="us-east-1")
        for name, value in {"jira": "jira-token-of-qa", "hook": "new-hook-secret-of-qa",
                            "older": "old-hook-secret-of-qa"}.items():
            ssm.put_parameter(Name=f"/jpi/qa/{name}", Value=value, Type="SecureString")
        boto3.client("secretsmanager", region_name="us-east-1").create_secret(
            Name="jpi/qa/pagerduty", SecretString="pagerduty-key-of-qa")
        yield ssm


@pytest.fixture
def services(monkeypatch):
    """Return the services for which a client is made, in order."""
    services, make_client = [], aws.make_client
    monkeypatch.setattr(secret_references.aws, "make_client",
                        lambda service, *more: (services.append(service), make_client(service, *more))[1])
    return services


def test_each_stands_for_what_is_stored(account, services):
    loaded = settings.load(NAMED)
    assert (loaded.jira_api_token, loaded.pagerduty_api_token, loaded.jira_webhook_secret) == (
        "jira-token-of-qa", "pagerduty-key-of-qa",
        ("new-hook-secret-of-qa", "plain-hook-secret", "old-hook-secret-of-qa"))
    assert services == ["ssm", "secretsmanager"]


def test_nobody_is_asked_where_nothing_is_named(services):
    assert secret_references.resolve_references({"JIRA_API_TOKEN": "plain",
                                                 "X": "a, b"}) == ({"JIRA_API_TOKEN": "plain", "X": "a, b"}, {})
    assert services == []


def test_more_names_than_one_call_takes(account, services):
    for number in range(12):
        account.put_parameter(Name=f"/jpi/qa/{number}", Value=f"v{number}", Type="SecureString")
    secrets, _ = secret_references.resolve_references(
        {"PAGERDUTY_WEBHOOK_SECRET": ",".join(f"ssm:/jpi/qa/{number}" for number in range(12))}
    )
    assert secrets == {"PAGERDUTY_WEBHOOK_SECRET": ",".join(f"v{number}" for number in range(12))}
    assert services == ["ssm"]


def test_a_version_may_be_named(account):
    assert settings.load({**NAMED, "JIRA_API_TOKEN": "ssm:/jpi/qa/jira:1"}).jira_api_token == "jira-token-of-qa"


def test_tables_are_made_without_any_secret(monkeypatch, services):
    assert settings.load(NAMED, resolve_secrets=False).config_table == "config-dev"
    assert services == []


def test_what_is_missing_is_named_and_no_value_is_told(account):
    with pytest.raises(SettingsError) as caught:
        settings.load({**NAMED, "JIRA_API_TOKEN": "ssm:/jpi/qa/none", "PAGERDUTY_API_TOKEN": "secretsmanager:none",
                       "LOG_LEVEL": "LOUD"})
    text = str(caught.value)
    assert "JIRA_API_TOKEN (ssm:/jpi/qa/none): there is no such parameter" in text
    assert "PAGERDUTY_API_TOKEN (secretsmanager:none): An error occurred (ResourceNotFoundException)" in text
    assert "LOG_LEVEL (LOUD) must be" in text, "everything that is wrong, at once"
    assert "JIRA_WEBHOOK_SECRET" not in text


class Refusing:
    """A Parameter Store that refuses one name, and with it whatever is asked for beside it."""

    def __init__(self, code):
        self.code = code

    def get_parameters(self, Names, WithDecryption):
        if "/jpi/qa/jira" in Names:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetParameters")
        return {"Parameters": [{"Name": name, "Value": "v"} for name in Names], "InvalidParameters": []}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ExpiredTokenException"])
def test_why_is_said_in_awss_words_and_of_that_name_only(monkeypatch, code):
    monkeypatch.setattr(secret_references.aws, "make_client", lambda *_: Refusing(code))
    secrets, problems = secret_references.resolve_references({name: NAMED[name].partition(",")[0] for name in (
        "JIRA_API_TOKEN", "JIRA_WEBHOOK_SECRET")})
    assert secrets["JIRA_WEBHOOK_SECRET"] == "v"
    assert list(problems) == ["JIRA_API_TOKEN"]
    assert problems["JIRA_API_TOKEN"].startswith(f"JIRA_API_TOKEN (ssm:/jpi/qa/jira): An error occurred ({code})")


def test_without_a_way_to_aws_it_says_so(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"JIRA_API_TOKEN \(ssm:/jpi/qa/jira\): Could not connect"):
        settings.load(NAMED)
