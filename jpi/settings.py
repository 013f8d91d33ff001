"""Reads the settings from the environment into one typed object; one error names every problem."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jpi import secret_references
from jpi.env_files import DEFAULT_STAGE, get_variable, read_environment
from jpi.errors import SettingsError

Parser = Callable[[str], Any]

# This file may be missing; a file that SYNC_FILE names must exist.
DEFAULT_SYNC_FILE = "etc/sync.toml"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
SECONDS_PER_UNIT = {"minute": 60, "hour": 3_600, "day": 86_400}


def _parse_list(value: str) -> tuple[str, ...]:
    return tuple(part for part in map(str.strip, value.split(",")) if part)


def _parse_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be an address like https://name.example")
    return value.rstrip("/")


def _parse_service_url(value: str) -> str:
    """Return the address of a service that takes our token, which must not travel in the clear."""
    url = _parse_url(value)
    host = urlsplit(url).hostname or ""
    if not url.lower().startswith("https:") and host not in LOOPBACK_HOSTS and not host.endswith(".localhost"):
        raise ValueError("must begin with https:// (http:// is for this machine only)")
    return url


def _build_parser(pattern: str, problem: str) -> Parser:
    def parse_text(value: str) -> str:
        """Return the text if it matches the pattern."""
        if not re.fullmatch(pattern, value):
            raise ValueError(problem)
        return value

    return parse_text


_parse_email = _build_parser(r"[^@\s]+@[^@\s]+", "must be an e-mail address")
_parse_project_key = _build_parser(r"([A-Z][A-Z0-9_]+)?", "must be a Jira project key: capital letters and digits")
_parse_interval = _build_parser(r"1 (minute|hour|day)|(?!0|1 )\d+ (minutes|hours|days)",
                                "must be like '1 minute', '5 minutes' or '1 hour'")


def _parse_whole_number(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _parse_issue_keys(value: str) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[A-Z][A-Z0-9_]+-\d+", key) for key in _parse_list(value)):
        raise ValueError("must be issue keys, comma-separated, like TEAM-1,TEAM-2")
    return _parse_list(value)


def _parse_user_map(value: str) -> Mapping[str, str]:
    pairs = [pair.partition("=") for pair in _parse_list(value)]
    if not all(email.strip() and account.strip() for email, _, account in pairs):
        raise ValueError("must be like pd@example.com=jiraAccountId,...")
    return {email.strip().lower(): account.strip() for email, _, account in pairs}


def _parse_log_level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError("must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


def _parse_flag(value: str) -> bool:
    return value.strip().lower() in ("true", "1", "yes", "on")


def _define_setting(parse: Parser, default: str | None = None) -> Any:
    """Return a field of Settings, named like its variable in lower case; without a default it is required."""
    return field(metadata={"parse": parse, "default": default})


def _define_secret(parse: Parser, default: str | None = None, min_characters: int = 16) -> Any:
    """Return the same for a secret, which may be a reference. `min_characters`: 1 for one that a service issues."""
    return field(repr=False, metadata={"parse": parse, "default": default, "min_characters": min_characters})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Table names and a few others depend on other settings (`_resolve_fallbacks`)."""

    stage: str = _define_setting(str, DEFAULT_STAGE)
    cfn_role_arn: str = _define_setting(str, "")
    alarm_email: str = _define_setting(str, "")
    jira_server_url: str = _define_setting(_parse_service_url)
    jira_api_url: str = _define_setting(_parse_service_url, "")
    jira_user_email: str = _define_setting(_parse_email)
    jira_api_token: str = _define_secret(str, min_characters=1)
    jira_webhook_secret: tuple[str, ...] = _define_secret(_parse_list, "")
    jira_issue_stakeholders: tuple[str, ...] = _define_setting(_parse_issue_keys, "")
    jira_index_lag_seconds: int = _define_setting(_parse_whole_number, "30")
    pagerduty_api_token: str = _define_secret(str, min_characters=1)
    pagerduty_user_email: str = _define_setting(_parse_email)
    pagerduty_user_name: str = _define_setting(str, "")
    pagerduty_api_url: str = _define_setting(_parse_service_url, "https://api.pagerduty.com")
    pagerduty_webhook_secret: tuple[str, ...] = _define_secret(_parse_list, "")
    pagerduty_v2_token: tuple[str, ...] = _define_secret(_parse_list, "")
    pagerduty_poll_interval: str = _define_setting(_parse_interval, "1 minute")
    log_entries_poll_past_hours: int = _define_setting(_parse_whole_number, "6")
    incident_project_key: str = _define_setting(_parse_project_key, "INCIDENT")
    person_project_key: str = _define_setting(_parse_project_key, "PERSON")
    question_project_key: str = _define_setting(_parse_project_key, "QUESTION")
    timeline_project_key: str = _define_setting(_parse_project_key, "TIMELINE")
    questions_file: str = _define_setting(str, "etc/questions.json")
    sync_priorities: tuple[str, ...] = _define_setting(_parse_list, "P1")
    sync_file: str = _define_setting(str, DEFAULT_SYNC_FILE)
    user_map: Mapping[str, str] = _define_setting(_parse_user_map, "")
    incidents_table: str = _define_setting(str, "")
    log_entries_table: str = _define_setting(str, "")
    config_table: str = _define_setting(str, "")
    events_queue: str = _define_setting(str, "")
    is_offline: bool = _define_setting(_parse_flag, "")
    database_endpoint_url: str = _define_setting(_parse_url, "http://localhost:8002")
    status_password: str = _define_secret(str, "", min_characters=12)
    status_key: str = _define_secret(str, "")
    allow_plain_secrets: bool = _define_setting(_parse_flag, "")
    log_level: str = _define_setting(_parse_log_level, "INFO")

    @property
    def command(self) -> str:
        """Return the command line that works on this stage, without the subcommand."""
        return "jpi" if self.is_offline else f"jpi --env {self.stage}"

    @property
    def poll_interval_seconds(self) -> int:
        """Return the interval of the poll."""
        count, unit = self.pagerduty_poll_interval.split()
        return int(count) * SECONDS_PER_UNIT[unit.removesuffix("s")]

    @property
    def project_keys(self) -> list[str]:
        """Return the keys of the projects in use, the project of the incidents first."""
        return [key for key in (self.incident_project_key, self.question_project_key, self.person_project_key,
                                self.timeline_project_key) if key]


SETTING_NAMES = tuple(setting.name.upper() for setting in fields(Settings))
SECRET_LENGTHS = {setting.name.upper(): setting.metadata["min_characters"] for setting in fields(Settings)
                  if "min_characters" in setting.metadata}
REQUIRED_SECRETS = ("JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN")
WEBHOOK_SECRETS = ("JIRA_WEBHOOK_SECRET", "PAGERDUTY_WEBHOOK_SECRET", "PAGERDUTY_V2_TOKEN")
# An empty value turns these off; for all others it means the default.
EMPTY_MEANS_OFF = ("person_project_key", "question_project_key", "timeline_project_key")


@dataclass(frozen=True)
class UsableSettings:
    """Settings with what is wrong with secrets, by variable: what needs such a secret stops, and nothing else."""

    settings: Settings
    secret_problems: Mapping[str, str]


def load(environ: Mapping[str, str] | None = None, resolve_secrets: bool = True) -> Settings:
    """Return the settings of `environ`, by default of the process and `.env`; SettingsError names every problem.

    `resolve_secrets`: True to fetch the secrets that references name.
    """
    values, problems, secret_problems = _read_settings(environ, resolve_secrets)
    _refuse_problems([*problems, *secret_problems.values()])
    return Settings(**{**values, **_resolve_fallbacks(values)})


def load_usable(environ: Mapping[str, str] | None = None) -> UsableSettings:
    """Return the settings as far as they can be used; SettingsError names every problem that no single secret has."""
    values, problems, secret_problems = _read_settings(environ, resolve_secrets=True)
    _refuse_problems(problems)
    return UsableSettings(Settings(**{**values, **_resolve_fallbacks(values)}), secret_problems)


def _refuse_problems(problems: Sequence[str]) -> None:
    if problems:
        raise SettingsError("The settings need mending:\n" + "\n".join(f"  {problem}" for problem in problems))


def _read_settings(environ: Mapping[str, str] | None,
                   resolve_secrets: bool) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    """Return the values, the problems, and those of secrets by variable."""
    environ = dict(read_environment() if environ is None else environ)
    allows_plain, is_offline = (_parse_flag(environ.get(name, "")) for name in ("ALLOW_PLAIN_SECRETS", "IS_OFFLINE"))
    rules = secret_references.SecretRules(environ.get("STAGE", "").strip(), allows_plain, resolve_secrets)
    # Offline only programs of this machine deliver.
    lengths = SECRET_LENGTHS | dict.fromkeys(WEBHOOK_SECRETS if is_offline else (), 1)
    secrets, secret_problems = rules.read_secrets(environ, lengths, WEBHOOK_SECRETS)
    # A required secret that cannot be used is not missing as well.
    environ |= {name: text or secret_references.WITHHELD if name in REQUIRED_SECRETS else text
                for name, text in secrets.items()}
    values, problems = dict[str, Any](), list[str]()
    for setting in fields(Settings):
        try:
            values[setting.name] = _parse_setting(setting.name, setting.metadata, environ)
        except ValueError as error:
            problems.append(f"{_describe_setting(setting, environ)} {error}")
    return values, problems, secret_problems


def _parse_setting(name: str, metadata: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    text, parse = environ.get(name.upper(), metadata["default"]), metadata["parse"]
    if not (text or "").strip() and name not in EMPTY_MEANS_OFF:
        text = metadata["default"]
    if text is None:
        raise ValueError("is missing")
    return parse(text.strip()) if text or parse not in (_parse_url, _parse_service_url) else ""


def _describe_setting(setting: Field[Any], environ: Mapping[str, str]) -> str:
    text = environ.get(name := setting.name.upper(), "").strip()
    return f"{name} ({text if setting.repr else '***'})" if text else name


def _resolve_fallbacks(values: Mapping[str, Any]) -> Mapping[str, Any]:
    stage, queue = values["stage"], values["events_queue"]
    offline_name = values["is_offline"] and "://" not in queue
    return {
        "jira_api_url": values["jira_api_url"] or values["jira_server_url"],
        "incidents_table": values["incidents_table"] or f"incidents-{stage}",
        "log_entries_table": values["log_entries_table"] or f"log-entries-{stage}",
        "config_table": values["config_table"] or f"config-{stage}",
        # serverless.yml sets a bare name, but offline that queue does not exist.
        "events_queue": "" if offline_name else queue,
    }


def get_secret_stored_at(name: str) -> datetime | None:
    """Return when the secret of this variable was stored; None if it is not a reference or AWS does not say."""
    return secret_references.get_stored_at(get_variable(name))


def get_sync_file_name() -> str:
    """Return the name of the sync file."""
    return get_variable("SYNC_FILE") or DEFAULT_SYNC_FILE
