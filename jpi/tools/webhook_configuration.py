"""Makes the webhooks of both services that point at a deployed jpi, or brings them up to date.

It takes tokens that may do so: a PagerDuty administrator's or manager's, a Jira administrator's.
Example: python -m jpi.tools.webhook_configuration --url https://x.execute-api.us-east-1.amazonaws.com/dev \\
    --write-env .env
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from jpi import aws, settings, wiring
from jpi.errors import JpiError, Refused, ServiceUnavailable, SettingsError
from jpi.pagerduty.subscriptions import ACCOUNT_SCOPE
from jpi.settings import Settings
from jpi.tools.webhooks import SecretStore, WebhookSetup

CALL_BUDGET_SECONDS = 120.0
PING_ATTEMPTS, PING_PAUSE_SECONDS = 30, 2.0


def is_loopback(host: str) -> bool:
    """True if the host is this machine by its name: RFC 6761 gives all of `.localhost` to it."""
    return host in ("127.0.0.1", "localhost") or host.endswith(".localhost")


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Exit code 0 when all is as it should be, 1 where it is not (`--check`) or cannot be made, 2 for wrong options."""
    parser = _build_parser()
    chosen = parser.parse_args(arguments)
    parts = urlsplit(chosen.url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        parser.error("--url must be an https address: both services deliver to no other")
    if parts.path.endswith("-webhook"):
        parser.error("--url is the endpoint that `sls deploy` prints, without /pagerduty-webhook or /jira-webhook")
    try:
        there = wiring.build_app(settings.load(), replace(wiring.make_infrastructure(), sleep=sleep))
        _check_parameter_path(chosen.ssm, there.settings.stage)
        there.budget.start(CALL_BUDGET_SECONDS)
        scopes = [*(("team", one) for one in chosen.team), *(("service", one)
                                                             for one in chosen.service)] or [ACCOUNT_SCOPE]
        webhooks = WebhookSetup(there, chosen.url.rstrip("/"), scopes, _build_secret_store(chosen, there.settings))
        return _run(webhooks, chosen, there, sleep)
    except SettingsError as error:
        print(error, file=sys.stderr)
    except JpiError as error:
        print(_describe_error(error), file=sys.stderr)
    except aws.CALL_ERRORS as error:
        print(f"AWS: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{chosen.write_env}: {error.strerror}", file=sys.stderr)
    return 1


def _check_parameter_path(path: str | None, stage: str) -> None:
    """The deployed functions may read no other parameters than these."""
    if path and not f"{path.rstrip('/')}/".startswith(f"/jpi/{stage}/"):
        raise SettingsError(f"--ssm must be /jpi/{stage}, or below it: the functions of the stage '{stage}' may read "
                            "nothing else")


def _run(webhooks: WebhookSetup, options: argparse.Namespace, app: wiring.App, sleep: Callable[[float], None]) -> int:
    if options.list or options.delete:
        lines = list(webhooks.describe_webhooks() if options.list else webhooks.delete())
        print("\n".join(lines) or f"No webhook points to {options.url}.")
        return 0
    for wanted, act in ((options.enable, webhooks.enable_pagerduty), (options.rotate, webhooks.rotate_secrets),
                        (options.finish, webhooks.finish_rotation)):
        if wanted:
            act()
    found = list(webhooks.find_problems())
    for line, mend in found:
        if not options.check:
            mend()
        print(f"{line}{'' if options.check else ' -> done'}", flush=True)
    if not found:
        print("Both services' webhooks are as they should be.")
    return int(options.check and bool(found)) or (_ping_and_wait(webhooks, app, sleep) if options.ping else 0)


def _ping_and_wait(webhooks: WebhookSetup, app: wiring.App, sleep: Callable[[float], None]) -> int:
    """Send PagerDuty's test, and wait until the deployed jpi has noted that it came."""
    # The cache never fails; where its table cannot be read, there is nothing to wait for.
    app.cursor.load()
    before = app.cache.get_stored(wiring.PING_CACHE_KEY)
    webhooks.ping_pagerduty()
    for _ in range(PING_ATTEMPTS):
        if app.cache.get_stored(wiring.PING_CACHE_KEY) != before:
            print("PagerDuty's test has arrived, with a valid signature.")
            return 0
        print("waiting for PagerDuty's test ...", flush=True)
        sleep(PING_PAUSE_SECONDS)
    print("PagerDuty's test did not arrive: see the log of `app`, whether the secret is deployed, and whether "
          f"{app.settings.config_table} is this endpoint's table.", file=sys.stderr)
    return 1


def _build_secret_store(options: argparse.Namespace, app_settings: Settings) -> SecretStore:
    """Keeps a new secret, in front of those there are, where it is wanted; else shows it.

    What is only named in the settings stays so: nothing that stands in AWS is written into a file.
    """
    named = {name: settings.get_variable(name) for name in ("PAGERDUTY_WEBHOOK_SECRET", "JIRA_WEBHOOK_SECRET")}
    known = {"PAGERDUTY_WEBHOOK_SECRET": app_settings.pagerduty_webhook_secret,
             "JIRA_WEBHOOK_SECRET": app_settings.jira_webhook_secret}

    def _keep(name: str, secret: str) -> None:
        known[name] = (secret, *known[name])
        named[name] = ",".join(filter(None, (secret, named[name])))
        try:
            _store_secret(options, name, named[name], ",".join(known[name]))
        except (OSError, *aws.CALL_ERRORS):
            # PagerDuty tells its secret only now: lost, it would cost a webhook.
            print(f"{name}={named[name]}\nIt could not be stored, and is not shown again: put it where it belongs.")
            raise

    return _keep


def _store_secret(options: argparse.Namespace, name: str, reference: str, value: str) -> None:
    if options.write_env:
        settings.write_env_variable(options.write_env, name, reference)
        print(f"{name}: written to {options.write_env}; deploy, or restart what serves, to have it used")
    if options.ssm:
        path = f"{options.ssm.rstrip('/')}/{name.lower().replace('_', '-')}"
        ssm = aws.make_client("ssm", aws.Location(aws.get_region()))
        ssm.put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
        print(f"{name}: stored; set {name}=ssm:{path} and deploy")
    if not (options.write_env or options.ssm):
        print(f"{name}={reference}\nIt is not shown again: put it where your settings are, and deploy.")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.webhook_configuration", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the endpoint that `sls deploy` prints")
    parser.add_argument("--team", action="append", default=[], metavar="ID", help="for a PagerDuty team only")
    parser.add_argument("--service", action="append", default=[], metavar="ID", help="for a PagerDuty service")
    parser.add_argument("--write-env", type=Path, metavar="FILE", help="put new secrets into this env file")
    parser.add_argument("--ssm", metavar="PATH", help="put new secrets under this path of AWS's Parameter Store")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="change nothing; say what is not as it should be")
    only.add_argument("--list", action="store_true", help="list the webhooks that point there")
    only.add_argument("--enable", action="store_true", help="switch on again what PagerDuty has switched off")
    only.add_argument("--delete", action="store_true", help="take away the webhooks that point there")
    only.add_argument("--rotate", action="store_true", help="new secrets, not used yet: deploy, then --finish")
    only.add_argument("--finish", action="store_true", help="use the new secrets, once they are deployed")
    parser.add_argument("--ping", action="store_true", help="send PagerDuty's test and wait for it to arrive")
    return parser


def _describe_error(error: JpiError) -> str:
    if isinstance(error, Refused) and (error.is_unauthorized or error.is_forbidden):
        needed = ("an administrator's or manager's token" if error.service == "PagerDuty"
                  else "a Jira administrator's token")
        return f"{error.service} does not let this token do that; it takes {needed}. ({error})"
    return f"{error} Is the address right?" if isinstance(error, ServiceUnavailable) else str(error)


if __name__ == "__main__":
    sys.exit(main())
