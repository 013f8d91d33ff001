"""The command `jpi init`."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import click

from jpi import aws, env_files, wiring
from jpi.env_files import DEFAULT_STAGE, ENV_FILE
from jpi.secret_references import is_reference
from jpi.settings import SETTING_NAMES
from jpi.tools.command_runner import run_command
from jpi.tools.jira_configuration import configure_jira
from jpi.tools.settings_interview import SettingsInterview

EXAMPLE_FILE = Path(".env.example")
# What the example has in the place of a value.
EXAMPLE_VALUES = ("https://username.atlassian.net", "you@example.com")
# The secrets that jpi may choose, with their random bytes. PagerDuty chooses that of its webhook.
CHOSEN_SECRETS = {"JIRA_WEBHOOK_SECRET": 32, "STATUS_PASSWORD": 24}
# Where the interview looks first, if somebody has set it.
ADDRESSES = ("JIRA_API_URL", "PAGERDUTY_API_URL")
# Prod takes no secrets in plain text.
REFERENCE_STAGE = "prod"
STORED_SECRETS = ("JIRA_API_TOKEN", "PAGERDUTY_API_TOKEN", *CHOSEN_SECRETS)
SITE_QUESTION = "Make the projects, types and fields that the Jira site lacks now, as `jpi site` does?"
NEXT_STEPS = (("{command} site", "makes what the Jira site lacks (needs a Jira administrator's token)"),
              ("sls deploy{option}", "deploys jpi"),
              ("{command} webhooks {store}", "makes both webhooks"),
              ("sls deploy{option}", "deploys the webhooks' secrets"),
              ("{command} doctor --first-incident <service>", "opens a P1, and sees whether all works"))


@click.command("init")
@click.option("--no-input", is_flag=True, help="Ask nothing: take from the environment what the env file lacks.")
@click.pass_context
def write_settings(context: click.Context, no_input: bool) -> None:
    """Ask for the settings, test them, and write the env file.

    It tests each answer with the services at once, and keeps what the file has and what works, so it can be run again.
    Nothing is written before all answers are known. It prints no secret. The file is .env, or .env.STAGE with --env
    STAGE; only you can read it. In prod, secrets are stored in AWS's Parameter Store, and the file has their names.

    \b
    Examples:
      jpi init
      jpi --env qa init
      JIRA_SERVER_URL=... JIRA_API_TOKEN=... jpi init --no-input
    """
    stage = context.find_root().params.get("stage")
    file = _choose_file(stage)
    values = _read_values(file)
    env_files.use_region(values.get("AWS_REGION", ""))
    stage = stage or values.get("STAGE") or DEFAULT_STAGE
    env_files.refuse_other_stage(file, stage)
    environ = dict(os.environ) if no_input else None
    addresses = {name: environ[name] for name in ADDRESSES if environ and environ.get(name) and not values.get(name)}
    interview = SettingsInterview({**values, **addresses, "STAGE": stage}, environ, wiring.make_infrastructure())
    try:
        answers = interview.run()
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nNothing was written. Without a terminal, use --no-input.", err=True)
        raise
    for name, size in CHOSEN_SECRETS.items():
        if not values.get(name):
            answers[name] = secrets.token_urlsafe(size)
            print(f"ok   {name}: chosen at random")
    changes = {name: value for name, value in answers.items() if value != values.get(name)}
    if stage == REFERENCE_STAGE and not values.get("ALLOW_PLAIN_SECRETS"):
        changes = _store_secrets(changes, stage, answers["AWS_REGION"])
    _write_file(file, changes)
    print(f"Written to {file}, for your eyes only: {', '.join(changes)}." if changes else f"{file} stays as it is.")
    if interview.can_make_project and not no_input and click.confirm(SITE_QUESTION, default=True):
        env_files.use_stage(stage, SETTING_NAMES)
        context.invoke(configure_jira, step=None, check=False, samples=False)
    print("\n".join(["Next:", *_describe_next_steps(file, stage)]))


def _describe_next_steps(file: Path, stage: str) -> Iterator[str]:
    is_named = file.name != ENV_FILE
    words = {"command": f"jpi --env {stage}" if is_named else "jpi", "option": f" --env {stage}" if is_named else "",
             "store": f"--ssm /jpi/{stage}" if stage == REFERENCE_STAGE else f"--write-env {file}"}
    steps = [(command.format(**words), purpose) for command, purpose in NEXT_STEPS]
    width = max(len(command) for command, _ in steps)
    return (f"  {command:<{width}}  {purpose}" for command, purpose in steps)


def _choose_file(stage: str | None) -> Path:
    """Return the env file of the stage; the first stage's may be called `.env`."""
    file = Path(f"{ENV_FILE}.{stage}")
    return Path(ENV_FILE) if stage is None or (stage == DEFAULT_STAGE and not file.exists()) else file


def _read_values(file: Path) -> dict[str, str]:
    """Return what the file has, without the example's texts."""
    return {name: value for name, value in env_files.read_env_file(str(file)).items() if value not in EXAMPLE_VALUES}


def _store_secrets(changes: Mapping[str, str], stage: str, region: str) -> dict[str, str]:
    """Store the new secrets in AWS; return the changes with their names in their place."""
    references, client = dict(changes), aws.make_client("ssm", aws.Location(region))
    for name in STORED_SECRETS:
        if name in changes and not is_reference(changes[name]):
            path = f"/jpi/{stage}/{name.lower().replace('_', '-')}"
            client.put_parameter(Name=path, Value=changes[name], Type="SecureString", Overwrite=True)
            references[name] = f"ssm:{path}"
            print(f"ok   {name}: stored in AWS as {path}")
    return references


def _write_file(file: Path, changes: Mapping[str, str]) -> None:
    """Set these variables in the env file: all of them, or after any failure none."""
    target = file.resolve()
    draft = target.with_name(f"{target.name}.new")
    template = next((path for path in (target, EXAMPLE_FILE) if path.exists()), None)
    try:
        draft.touch(mode=env_files.PRIVATE_MODE)
        draft.write_text(template.read_text(encoding="utf-8") if template else "", encoding="utf-8")
        for name, value in changes.items():
            env_files.write_env_variable(draft, name, value)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


main = partial(run_command, write_settings)

if __name__ == "__main__":
    sys.exit(main())
