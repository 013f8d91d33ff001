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
SYNC_FILE = "etc/sync.toml"
SECRET_NAMES = ("TOKEN", "SECRET", "PASSWORD")
SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


def _text(value: str) -> str:
    return value


def _several(value: str) -> tuple[str, ...]:
    return tuple(part for part in (one.strip() for one in value.split(",")) if part)


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be an address like https://name.example")
    return value.rstrip("/")


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise ValueError("must be an e-mail address")
    return value


def _whole(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _key(value: str) -> str:
    if value and not re.fullmatch(r"[A-Z][A-Z0-9_]+", value):
        raise ValueError("must be a Jira project key: capital letters and digits")
    return value


def _keys(value: str) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[A-Z][A-Z0-9_]+-\d+", key) for key in _several(value)):
        raise ValueError("must be issue keys, comma-separated, like TEAM-1,TEAM-2")
    return _several(value)


def _interval(value: str) -> str:
    if not re.fullmatch(r"1 (minute|hour|day)|(?!0|1 )\d+ (minutes|hours|days)", value):
        raise ValueError("must be like '1 minute', '5 minutes' or '1 hour'")
    return value


def _people(value: str) -> Mapping[str, str]:
    pairs = [one.partition("=") for one in _several(value)]
    if not all(email.strip() and account.strip() for email, _, account in pairs):
        raise ValueError("must be like pd@example.com=jiraAccountId,...")
    return {email.strip().lower(): account.strip() for email, _, account in pairs}


def _level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValueError("must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return value.upper()


def _flag(value: str) -> bool:
    return value.strip().lower() in ("true", "1", "yes", "on")


def _setting(parse: Parser, default: str | None = None) -> Any:
    """A field of Settings, named like its variable in lower case; no default: it must be given."""
    return field(metadata={"parse": parse, "default": default})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Table names and a few others fall back on other settings (`_fallbacks`)."""

    stage: str = _setting(_text, "dev")
    cfn_role_arn: str = _setting(_text, "")
    alarm_email: str = _setting(_text, "")
    jira_server_url: str = _setting(_url)
    jira_api_url: str = _setting(_url, "")
    jira_user_email: str = _setting(_email)
    jira_api_token: str = field(repr=False, metadata={"parse": _text, "default": None})
    jira_webhook_secret: tuple[str, ...] = field(repr=False, metadata={"parse": _several, "default": ""})
    jira_issue_stakeholders: tuple[str, ...] = _setting(_keys, "")
    jira_index_lag_seconds: int = _setting(_whole, "30")
    pagerduty_api_token: str = field(repr=False, metadata={"parse": _text, "default": None})
    pagerduty_user_email: str = _setting(_email)
    pagerduty_user_name: str = _setting(_text, "")
    pagerduty_api_url: str = _setting(_url, "https://api.pagerduty.com")
    pagerduty_webhook_secret: tuple[str, ...] = field(repr=False, metadata={"parse": _several, "default": ""})
    pagerduty_poll_interval: str = _setting(_interval, "1 minute")
    log_entries_poll_past_hours: int = _setting(_whole, "6")
    incident_project_key: str = _setting(_key, "INCIDENT")
    person_project_key: str = _setting(_key, "PERSON")
    question_project_key: str = _setting(_key, "QUESTION")
    timeline_project_key: str = _setting(_key, "TIMELINE")
    questions_file: str = _setting(_text, "etc/questions.json")
    sync_priorities: tuple[str, ...] = _setting(_several, "P1")
    sync_file: str = _setting(_text, SYNC_FILE)
    user_map: Mapping[str, str] = _setting(_people, "")
    incidents_table: str = _setting(_text, "")
    log_entries_table: str = _setting(_text, "")
    config_table: str = _setting(_text, "")
    events_queue: str = _setting(_text, "")
    is_offline: bool = _setting(_flag, "")
    database_endpoint_url: str = _setting(_url, "http://localhost:8002")
    status_password: str = field(repr=False, metadata={"parse": _text, "default": ""})
    log_level: str = _setting(_level, "INFO")

    @property
    def poll_seconds(self) -> int:
        """The interval of the poll."""
        count, unit = self.pagerduty_poll_interval.split()
        return int(count) * SECONDS[unit.removesuffix("s")]

    @property
    def projects(self) -> list[str]:
        """The keys of the projects in use, the incidents' first."""
        keys = (self.incident_project_key, self.question_project_key, self.person_project_key,
                self.timeline_project_key)
        return [key for key in keys if key]


# An empty value means "off" for these, and "the default" for all others.
MAY_BE_EMPTY = ("person_project_key", "question_project_key", "timeline_project_key")


def load(environ: Mapping[str, str] | None = None, look_up: bool = True) -> Settings:
    """The settings in `environ`, else of the process and `.env`; SettingsError names all that is wrong.

    `look_up`: whether secrets that are named rather than given are asked for.
    """
    environ = _environment() if environ is None else environ
    hidden = {name: environ[name] for one in fields(Settings) if not one.repr and (name := one.name.upper()) in environ}
    found, problems = secret_references.resolved(hidden) if look_up else (hidden, [])
    environ = {**environ, **found}
    values: dict[str, Any] = {}
    for one in fields(Settings):
        try:
            values[one.name] = _value(one.name, one.metadata, environ)
        except ValueError as error:
            problems.append(f"{one.name.upper()}{_shown(one.name, environ)} {error}")
    if problems:
        raise SettingsError("The settings need mending:\n" + "\n".join(f"  {problem}" for problem in problems))
    return Settings(**{**values, **_fallbacks(values)})


def _environment() -> Mapping[str, str]:
    # On Lambda there is no .env, and looking for one up the tree costs time.
    local = {} if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else dotenv_values(".env")
    return {**{name: value or "" for name, value in local.items()}, **os.environ}


def _value(name: str, metadata: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    given, default = environ.get(name.upper()), metadata["default"]
    if given is not None:
        given = given.strip()
    if not given and not (given == "" and name in MAY_BE_EMPTY):
        given = default
    if given is None:
        raise ValueError("is missing")
    return metadata["parse"](given) if given or metadata["parse"] is not _url else ""


def _shown(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name.upper(), "").strip()
    if not value:
        return ""
    return " (***)" if any(secret in name.upper() for secret in SECRET_NAMES) else f" ({value})"


def _fallbacks(values: Mapping[str, Any]) -> Mapping[str, Any]:
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


def given(name: str) -> str:
    """One variable as it was given, for whoever needs no other, or none of what its secrets stand for."""
    return _environment().get(name, "").strip()


def stored(name: str) -> datetime | None:
    """When the secret that this variable names was stored; None where it is given itself, or nobody can tell."""
    return secret_references.stored(given(name))


def sync_file() -> str:
    """The sync file's name."""
    return given("SYNC_FILE") or SYNC_FILE


def put(file: Path, name: str, value: str) -> None:
    """Set one variable in an env file, and leave all else as it is; a new file is for its owner only."""
    set_key(file, name, value, quote_mode="auto", follow_symlinks=True)
