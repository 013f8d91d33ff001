"""The command `jpi webhooks`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click

from jpi import aws, env_files, settings, wiring
from jpi.diagnostics.checks import find_endpoint
from jpi.errors import SettingsError
from jpi.pagerduty.subscriptions import ACCOUNT_SCOPE
from jpi.settings import Settings
from jpi.tools.command_runner import require_at_most_one, run_command
from jpi.tools.webhooks import SecretStore, WebhookSetup

CALL_BUDGET_SECONDS = 120.0
PING_ATTEMPTS, PING_PAUSE_SECONDS = 30, 2.0


def is_loopback(host: str) -> bool:
    """True if the host is this machine by its name: RFC 6761 gives all of `.localhost` to it."""
    return host in ("127.0.0.1", "localhost") or host.endswith(".localhost")


def _validate_url(context: click.Context, option: click.Parameter, url: str | None) -> str:
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise click.BadParameter("must be an https address: both services deliver to no other")
    if parts.path.endswith("-webhook"):
        raise click.BadParameter("must be the endpoint that `sls deploy` prints, without /pagerduty-webhook or "
                                 "/jira-webhook")
    return url.rstrip("/")


@click.command("webhooks")
@click.option("--url", callback=_validate_url,
              help="The endpoint that `sls deploy` prints; by default read from CloudFormation.")
@click.option("--team", "teams", multiple=True, metavar="ID", help="Subscribe to a PagerDuty team only.")
@click.option("--service", "services", multiple=True, metavar="ID", help="Subscribe to a PagerDuty service only.")
@click.option("--write-env", type=Path, metavar="FILE", help="Write new secrets into this env file.")
@click.option("--ssm", metavar="PATH", help="Store new secrets under this path of AWS's Parameter Store.")
@click.option("--check", is_flag=True, help="Change nothing; list what is wrong, with exit code 1.")
@click.option("--list", is_flag=True, help="List the webhooks to this endpoint.")
@click.option("--enable", is_flag=True, help="Enable what PagerDuty has switched off.")
@click.option("--delete", is_flag=True, help="Delete the webhooks to this endpoint.")
@click.option("--rotate", is_flag=True, help="Add new secrets without using them yet: deploy, then --finish.")
@click.option("--finish", is_flag=True, help="Use the new secrets, once they are deployed.")
@click.option("--ping", is_flag=True, help="Send PagerDuty's test and wait for it to arrive.")
def configure_webhooks(url: str, teams: tuple[str, ...], services: tuple[str, ...], write_env: Path | None,
                       ssm: str | None, ping: bool, **actions: bool) -> int:
    """Create or update both services' webhooks.

    They will deliver to --url, or to the stage's endpoint. The command needs the tokens of a PagerDuty administrator or
    manager, and of a Jira administrator.

    \b
    Example:
      jpi webhooks --write-env .env
      jpi webhooks --url https://x.execute-api.us-east-1.amazonaws.com/dev --write-env .env
    """
    require_at_most_one(**actions)
    infrastructure = wiring.make_infrastructure()
    app = wiring.build_app(settings.load(), infrastructure)
    _check_parameter_path(ssm, app.settings.stage)
    if write_env:
        env_files.refuse_other_stage(write_env, app.settings.stage)
    app.budget.start(CALL_BUDGET_SECONDS)
    scopes = [*(("team", team) for team in teams), *(("service", service) for service in services)]
    url = url or _find_endpoint(app.settings)
    webhooks = WebhookSetup(app, url, scopes or [ACCOUNT_SCOPE], _build_secret_store(write_env, ssm, app.settings))
    if actions["list"] or actions["delete"]:
        lines = list(webhooks.describe_webhooks() if actions["list"] else webhooks.delete())
        print("\n".join(lines) or f"No webhook points to {url}.")
        return 0
    for name, act in (("enable", webhooks.enable_pagerduty), ("rotate", webhooks.rotate_secrets),
                      ("finish", partial(webhooks.finish_rotation, infrastructure.http_adapter))):
        if actions[name]:
            act()
    if _fix_problems(webhooks, actions["check"]) and actions["check"]:
        return 1
    return _ping_and_wait(webhooks, app, infrastructure.sleep) if ping else 0


def _find_endpoint(app_settings: Settings) -> str:
    """Return the endpoint of the deployed stage; raise a usage error where CloudFormation names none."""
    url = "" if app_settings.is_offline else find_endpoint(app_settings.stage)
    if not url:
        raise click.UsageError(f"Missing option '--url': CloudFormation names no endpoint of jpi-{app_settings.stage}. "
                               "Run `sls deploy` first, or give the endpoint that it printed.")
    return url


def _check_parameter_path(path: str | None, stage: str) -> None:
    """Raise SettingsError if the deployed functions may not read parameters under this path."""
    if path and not f"{path.rstrip('/')}/".startswith(f"/jpi/{stage}/"):
        raise SettingsError(f"--ssm must be /jpi/{stage}, or below it: the functions of the stage '{stage}' may read "
                            "nothing else")


def _fix_problems(webhooks: WebhookSetup, only_check: bool) -> bool:
    """Print what is wrong with the webhooks and fix it, unless only checking; return True if anything was wrong."""
    problems = list(webhooks.find_problems())
    for problem, fix in problems:
        if not only_check:
            fix()
        print(f"{problem}{'' if only_check else ' -> fixed'}", flush=True)
    if not problems:
        print("Both services' webhooks are correct.")
    return bool(problems)


def _ping_and_wait(webhooks: WebhookSetup, app: wiring.App, sleep: Callable[[float], None]) -> int:
    """Send PagerDuty's test, and wait until the deployed jpi has recorded its arrival."""
    # Reading the cache never fails; reading the cursor does if their table cannot be read.
    app.cursor.load()
    before = app.cache.get_stored(wiring.PING_CACHE_KEY)
    webhooks.ping_pagerduty()
    for _ in range(PING_ATTEMPTS):
        if app.cache.get_stored(wiring.PING_CACHE_KEY) != before:
            print("PagerDuty's test has arrived, with a valid signature.")
            return 0
        print("waiting for PagerDuty's test ...", flush=True)
        sleep(PING_PAUSE_SECONDS)
    print("PagerDuty's test did not arrive. Check the log of `app`, that the secret is deployed, and that "
          f"{app.settings.config_table} is this endpoint's table.", file=sys.stderr)
    return 1


def _build_secret_store(write_env: Path | None, ssm: str | None, app_settings: Settings) -> SecretStore:
    """Return a function that stores a new secret in front of the old ones, or prints it if there is no place for it.

    A reference to a secret in AWS stays a reference: its value is not written into a file.
    """
    references = {name: env_files.get_variable(name) for name in ("PAGERDUTY_WEBHOOK_SECRET", "JIRA_WEBHOOK_SECRET")}
    secrets = {"PAGERDUTY_WEBHOOK_SECRET": app_settings.pagerduty_webhook_secret,
               "JIRA_WEBHOOK_SECRET": app_settings.jira_webhook_secret}

    def _store_in_front(name: str, secret: str) -> None:
        secrets[name] = (secret, *secrets[name])
        references[name] = ",".join(filter(None, (secret, references[name])))
        try:
            _store_secret(write_env, ssm, name, references[name], ",".join(secrets[name]))
        except (OSError, *aws.CALL_ERRORS):
            # PagerDuty shows its secret only once: without it, the webhook is lost.
            print(f"{name}={references[name]}\nIt could not be stored and is not shown again: add it to your settings.")
            raise

    return _store_in_front


def _store_secret(write_env: Path | None, ssm: str | None, name: str, reference: str, value: str) -> None:
    if write_env:
        env_files.write_env_variable(write_env, name, reference)
        print(f"{name}: written to {write_env}; to use it, deploy, or restart the server")
    if ssm:
        path = f"{ssm.rstrip('/')}/{name.lower().replace('_', '-')}"
        client = aws.make_client("ssm", aws.Location(aws.get_region()))
        client.put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
        print(f"{name}: stored; set {name}=ssm:{path} and deploy")
    if not (write_env or ssm):
        print(f"{name}={reference}\nIt is not shown again: add it to your settings, and deploy.")


main = partial(run_command, configure_webhooks)

if __name__ == "__main__":
    sys.exit(main())
