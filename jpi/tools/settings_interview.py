"""Asks for the settings that nobody else can know, and tests each answer with the services at once."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import click

from jpi import aws, secret_references, settings, wiring
from jpi.diagnostics.token_checks import describe_jira_doubt
from jpi.errors import IdentityDoubt, JpiError, PermanentError, Refused, SettingsError
from jpi.jira.users import find_scoped_address
from jpi.settings import SECRET_LENGTHS, Settings

CALL_BUDGET_SECONDS = 60.0
PAGERDUTY_URLS = ("https://api.pagerduty.com", "https://api.eu.pagerduty.com")
# What a trial needs beside the answers; it reads no file of the team's.
TRIAL_VALUES = {"JIRA_SERVER_URL": "https://trial.invalid", "JIRA_USER_EMAIL": "trial@example.com",
                "JIRA_API_TOKEN": "trial", "PAGERDUTY_API_TOKEN": "trial", "PAGERDUTY_USER_EMAIL": "trial@example.com",
                "ALLOW_PLAIN_SECRETS": "1", "QUESTION_PROJECT_KEY": "", "SYNC_FILE": os.devnull}
TRIAL_NAMES = ("JIRA_SERVER_URL", "JIRA_API_URL", "JIRA_USER_EMAIL", "JIRA_API_TOKEN", "PAGERDUTY_API_URL",
               "PAGERDUTY_API_TOKEN", "PAGERDUTY_USER_EMAIL", "INCIDENT_PROJECT_KEY")
JIRA_HINT = ("Make it at https://id.atlassian.com/manage-profile/security/api-tokens, signed in as {email}. With "
                   "scopes it needs read:jira-work, write:jira-work and read:jira-user; SECURITY.md lists permissions.")
PAGERDUTY_HINT = ("Make it in PagerDuty under Integrations > API Access Keys: a key that may write (not "
                        "\"Read-only\").")


@dataclass(frozen=True)
class Question:
    """A setting to ask for. `check` returns a remark about an answer, or raises what is wrong with it."""

    name: str
    text: str
    check: Callable[[str], str]
    hint: str = ""
    default: str = ""


class SettingsInterview:
    """Asks for the settings of one stage. `values`: what is known; the answers are added to it."""

    def __init__(self, values: dict[str, str], environ: Mapping[str, str] | None,
                 infrastructure: wiring.Infrastructure) -> None:
        """`environ`: asked in the place of a person; None asks the person."""
        self._values = values
        self._environ = environ
        self._infrastructure = infrastructure
        # Known once Jira's token has passed.
        self.can_make_project = False

    def run(self) -> dict[str, str]:
        """Ask all questions; return the values with the answers."""
        for question in self._list_questions():
            self._values[question.name] = self._ask(question)
        return self._values

    def _list_questions(self) -> Iterator[Question]:
        """Yield the questions in an order in which each may need the answers before it."""
        yield Question("AWS_REGION", "AWS region", self._check_region, default=aws.get_region())
        yield Question("JIRA_SERVER_URL", "Jira's address, like https://name.atlassian.net", self._check_jira_address)
        yield Question("JIRA_USER_EMAIL", "E-mail of jpi's account on Jira", self._check_format("JIRA_USER_EMAIL"),
                       "Give jpi accounts of its own on both services: what people do with its account is not copied "
                       "at once.")
        yield Question("JIRA_API_TOKEN", "Jira API token of that account", self._check_jira_token,
                       JIRA_HINT.format(email=self._values["JIRA_USER_EMAIL"]))
        yield Question("PAGERDUTY_API_TOKEN", "PagerDuty API key", self._check_pagerduty_token, PAGERDUTY_HINT)
        yield Question("PAGERDUTY_USER_EMAIL", "Login e-mail of jpi's user on PagerDuty", self._check_pagerduty_email,
                       "PagerDuty shows this user on everything that jpi writes.", self._values["JIRA_USER_EMAIL"])

    def _ask(self, question: Question) -> str:
        """Return the first answer that passes its check: what is known, then what the environment or a person says."""
        text = self._values.get(question.name, "")
        while True:
            is_known = bool(text)
            text = text or self._read_answer(question)
            try:
                remark = question.check(self._resolve(text))
            except (ValueError, JpiError) as error:
                problem = f"{question.name}{' (***)' if question.name in SECRET_LENGTHS else f' ({text})'}: {error}"
                if self._environ is not None and not (is_known and self._environ.get(question.name)):
                    raise SettingsError(f"{problem}\nNothing was written.") from error
                print(f"BAD  {problem}", flush=True)
                text = ""
            else:
                print(f"ok   {question.name}: {'kept; ' if is_known else ''}{remark}", flush=True)
                return text if secret_references.is_reference(text) else self._normalise(question.name, text)

    def _read_answer(self, question: Question) -> str:
        if self._environ is not None:
            text = self._environ.get(question.name, "").strip() or question.default
            if not text:
                raise SettingsError(f"{question.name} is missing: set it in the environment, or run `jpi init` without "
                                    "--no-input. Nothing was written.")
            return text
        if question.hint:
            print(question.hint)
        text = click.prompt(question.text, default=question.default or None,
                            hide_input=question.name in SECRET_LENGTHS)
        return str(text).strip()

    @staticmethod
    def _resolve(text: str) -> str:
        secrets, problems = secret_references.resolve_references({"value": text})
        if problems:
            raise PermanentError(problems["value"])
        return secrets["value"]

    @staticmethod
    def _normalise(name: str, text: str) -> str:
        return complete_jira_address(text) if name == "JIRA_SERVER_URL" else text

    def _build_trial(self, **values: str) -> wiring.App:
        """Return an app with the answers so far and these values."""
        answers = {name: self._resolve(self._values[name]) for name in TRIAL_NAMES if self._values.get(name)}
        app = wiring.build_app(settings.load({**TRIAL_VALUES, **answers, **values}), self._infrastructure)
        app.budget.start(CALL_BUDGET_SECONDS)
        return app

    @staticmethod
    def _check_region(region: str) -> str:
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            raise ValueError("must be a region of AWS, like us-east-1 or eu-central-1")
        return region

    @staticmethod
    def _check_format(name: str) -> Callable[[str], str]:
        """Return a check by the setting's own rule."""
        parse: Any = next(setting.metadata["parse"] for setting in fields(Settings) if setting.name == name.lower())
        return lambda text: str(parse(text))

    def _check_jira_address(self, text: str) -> str:
        url = complete_jira_address(text)
        self._check_format("JIRA_SERVER_URL")(url)
        app = self._build_trial(JIRA_SERVER_URL=url, JIRA_API_URL="", JIRA_API_TOKEN=TRIAL_VALUES["JIRA_API_TOKEN"])
        try:
            app.jira.get_server_time()
        except (IdentityDoubt, Refused):
            # Somebody answers who wants to know who asks.
            return f"{url} answers"
        return f"{url} answers"

    def _check_jira_token(self, token: str) -> str:
        app = self._build_trial(JIRA_API_TOKEN=token)
        try:
            app.jira.fetch_own_id()
        except IdentityDoubt as doubt:
            address = find_scoped_address(app.jira.api, app.settings.jira_server_url)
            if address is None or address == self._values.get("JIRA_API_URL", ""):
                raise PermanentError(describe_jira_doubt(app, doubt)) from doubt
            app = self._build_trial(JIRA_API_TOKEN=token, JIRA_API_URL=address)
            try:
                app.jira.fetch_own_id()
            except IdentityDoubt as second_doubt:
                raise PermanentError(describe_jira_doubt(app, second_doubt)) from second_doubt
            self._values["JIRA_API_URL"] = address
        return f"works at {app.settings.jira_api_url}; {self._describe_project(app)}"

    def _describe_project(self, app: wiring.App) -> str:
        key = app.settings.incident_project_key
        is_administrator = not app.jira.find_missing_permissions(["ADMINISTER"])
        has_project = app.jira.admin.find_project(key) is not None
        self.can_make_project = is_administrator and not has_project
        project = f"the project {key} exists" if has_project else f"there is no project {key} yet"
        return f"{project}; the account is {'an' if is_administrator else 'no'} administrator"

    def _check_pagerduty_token(self, token: str) -> str:
        for url in dict.fromkeys(filter(None, (self._values.get("PAGERDUTY_API_URL"), *PAGERDUTY_URLS))):
            app = self._build_trial(PAGERDUTY_API_TOKEN=token, PAGERDUTY_API_URL=url)
            try:
                app.pagerduty.api.request("GET", "/users", {"limit": 1})
            except IdentityDoubt:
                continue
            self._values["PAGERDUTY_API_URL"] = url
            priorities = app.pagerduty.get_priority_names()
            hint = "" if priorities else "; enable priorities under Account Settings > Incident Priorities"
            return f"works at {url}{hint}"
        raise PermanentError("PagerDuty takes this key in no region (US, EU): make a new one")

    def _check_pagerduty_email(self, email: str) -> str:
        self._check_format("PAGERDUTY_USER_EMAIL")(email)
        if self._build_trial().pagerduty.users.search_id(email) is None:
            raise ValueError("the key's PagerDuty account has no user with this e-mail")
        return "PagerDuty knows this user"


def complete_jira_address(text: str) -> str:
    """Return the address of a site; its name alone, or a page of it, will do."""
    address = text if "://" in text else f"https://{text}"
    scheme, _, rest = address.partition("://")
    host = rest.partition("/")[0]
    return f"{scheme}://{host if '.' in host or ':' in host else f'{host}.atlassian.net'}"
