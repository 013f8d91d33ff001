"""Settings from the environment: one typed object, everything wrong with it said at once."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values, set_key

from jpi import secret_references
from jpi.errors import SettingsError

Parser = Callable[[str], Any]

# Where the sync file is if it is anywhere.
DEFAULT_SYNC_FILE = "etc/sync.toml"
SECRET_NAME_PARTS = ("TOKEN", "SECRET", "PASSWORD")
SECONDS_PER_UNIT = {"minute": 60, "hour": 3_600, "day": 86_400}


def _parse_text(value: str) -> str:
    return value


def _parse_list(value: str) -> tuple[str, ...]:
    return tuple(part for part in (one.strip() for one in value.split(",")) if part)


def _parse_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be an address like https://name.example")
    return value.rstrip("/")


def _parse_email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise ValueError("must be an e-mail address")
    return value


def _parse_whole_number(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _parse_project_key(value: str) -> str:
    if value and not re.fullmatch(r"[A-Z][A-Z0-9_]+", value):
        raise ValueError("must be a Jira project key: capital letters and digits")
    return value


def _parse_issue_keys(value: str) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[A-Z][A-Z0-9_]+-\d+", key) for key in _parse_list(value)):
        raise ValueError("must be issue keys, comma-separated, like TEAM-1,TEAM-2")
    return _parse_list(value)


def _parse_interval(value: str) -> str:
    if not re.fullmatch(r"1 (minute|hour|day)|(?!0|1 )\d+ (minutes|hours|days)", value):
        raise ValueError("must be like '1 minute', '5 minutes' or '1 hour'")
    return value


def _parse_user_map(value: str) -> Mapping[str, str]:
    pairs = [one.partition("=") for one in _parse_list(value)]
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
    """A field of Settings, named like its variable in lower case; no default: it must be given."""
    return field(metadata={"parse": parse, "default": default})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Table names and a few others fall back on other settings (`_fallbacks`)."""

    stage: str = _define_setting(_parse_text, "dev")
    cfn_role_arn: str = _define_setting(_parse_text, "")
    alarm_email: str = _define_setting(_parse_text, "")
    jira_server_url: str = _define_setting(_parse_url)
    jira_api_url: str = _define_setting(_parse_url, "")
    jira_user_email: str = _define_setting(_parse_email)
    jira_api_token: str = field(repr=False, metadata={"parse": _parse_text, "default": None})
    jira_webhook_secret: tuple[str, ...] = field(repr=False, metadata={"parse": _parse_list, "default": ""})
    jira_issue_stakeholders: tuple[str, ...] = _define_setting(_parse_issue_keys, "")
    jira_index_lag_seconds: int = _define_setting(_parse_whole_number, "30")
    pagerduty_api_token: str = field(repr=False, metadata={"parse": _parse_text, "default": None})
    pagerduty_user_email: str = _define_setting(_parse_email)
    pagerduty_user_name: str = _define_setting(_parse_text, "")
    pagerduty_api_url: str = _define_setting(_parse_url, "https://api.pagerduty.com")
    pagerduty_webhook_secret: tuple[str, ...] = field(repr=False, metadata={"parse": _parse_list, "default": ""})
    pagerduty_poll_interval: str = _define_setting(_parse_interval, "1 minute")
    log_entries_poll_past_hours: int = _define_setting(_parse_whole_number, "6")
    incident_project_key: str = _define_setting(_parse_project_key, "INCIDENT")
    person_project_key: str = _define_setting(_parse_project_key, "PERSON")
    question_project_key: str = _define_setting(_parse_project_key, "QUESTION")
    timeline_project_key: str = _define_setting(_parse_project_key, "TIMELINE")
    questions_file: str = _define_setting(_parse_text, "etc/questions.json")
    sync_priorities: tuple[str, ...] = _define_setting(_parse_list, "P1")
    sync_file: str = _define_setting(_parse_text, DEFAULT_SYNC_FILE)
    user_map: Mapping[str, str] = _define_setting(_parse_user_map, "")
    incidents_table: str = _define_setting(_parse_text, "")
    log_entries_table: str = _define_setting(_parse_text, "")
    config_table: str = _define_setting(_parse_text, "")
    events_queue: str = _define_setting(_parse_text, "")
    is_offline: bool = _define_setting(_parse_flag, "")
    database_endpoint_url: str = _define_setting(_parse_url, "http://localhost:8002")
    status_password: str = field(repr=False, metadata={"parse": _parse_text, "default": ""})
    log_level: str = _define_setting(_parse_log_level, "INFO")

    @property
    def poll_interval_seconds(self) -> int:
        """The interval of the poll."""
        count, unit = self.pagerduty_poll_interval.split()
        return int(count) * SECONDS_PER_UNIT[unit.removesuffix("s")]

    @property
    def project_keys(self) -> list[str]:
        """The keys of the projects in use, the incidents' first."""
        keys = (self.incident_project_key, self.question_project_key, self.person_project_key,
                self.timeline_project_key)
        return [key for key in keys if key]


# An empty value means "off" for these, and "the default" for all others.
EMPTY_MEANS_OFF = ("person_project_key", "question_project_key", "timeline_project_key")


def load(environ: Mapping[str, str] | None = None, resolve_secrets: bool = True) -> Settings:
    """The settings in `environ`, else of the process and `.env`; SettingsError names all that is wrong.

    `look_up`: whether secrets that are named rather than given are asked for.
    """
    environ = _read_environment() if environ is None else environ
    hidden = {name: environ[name] for one in fields(Settings) if not one.repr and (name := one.name.upper()) in environ}
    found, problems = secret_references.resolve_references(hidden) if resolve_secrets else (hidden, [])
    environ = {**environ, **found}
    values: dict[str, Any] = {}
    for one in fields(Settings):
        try:
            values[one.name] = _parse_setting(one.name, one.metadata, environ)
        except ValueError as error:
            problems.append(f"{one.name.upper()}{_show_masked(one.name, environ)} {error}")
    if problems:
        raise SettingsError("The settings need mending:\n" + "\n".join(f"  {problem}" for problem in problems))
    return Settings(**{**values, **_resolve_fallbacks(values)})


def _read_environment() -> Mapping[str, str]:
    # On Lambda there is no .env, and looking for one up the tree costs time.
    local = {} if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else dotenv_values(".env")
    return {**{name: value or "" for name, value in local.items()}, **os.environ}


def _parse_setting(name: str, metadata: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    given, default = environ.get(name.upper()), metadata["default"]
    if given is not None:
        given = given.strip()
    if not given and not (given == "" and name in EMPTY_MEANS_OFF):
        given = default
    if given is None:
        raise ValueError("is missing")
    return metadata["parse"](given) if given or metadata["parse"] is not _parse_url else ""


def _show_masked(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name.upper(), "").strip()
    if not value:
        return ""
    return " (***)" if any(secret in name.upper() for secret in SECRET_NAME_PARTS) else f" ({value})"


def _resolve_fallbacks(values: Mapping[str, Any]) -> Mapping[str, Any]:
    stage, queue = values["stage"], values["events_queue"]
    offline_name = values["is_offline"] and "://" not in queue
    return {
        "jira_api_url": values["jira_api_url"] or values["jira_server_url"],
        "incidents_table": values["incidents_table"] or f"incidents-{stage}",
        "log_entries_table": values["log_entries_table"] or f"log-entries-{stage}",
        "config_table": values["config_table"] or f"config-{stage}",
        # serverless.yml gives a bare name; offline there is no queue behind it.
        "events_queue": "" if offline_name else queue,
    }


def get_variable(name: str) -> str:
    """One variable as it was given, for whoever needs no other, or none of what its secrets stand for."""
    return _read_environment().get(name, "").strip()


def get_secret_stored_at(name: str) -> datetime | None:
    """When the secret that this variable names was stored; None where it is given itself, or nobody can tell."""
    return secret_references.get_stored_at(get_variable(name))


def get_sync_file_name() -> str:
    """The sync file's name."""
    return get_variable("SYNC_FILE") or DEFAULT_SYNC_FILE


def write_env_variable(file: Path, name: str, value: str) -> None:
    """Set one variable in an env file, and leave all else as it is; a new file is for its owner only."""
    set_key(file, name, value, quote_mode="auto", follow_symlinks=True)
