"""The command `jpi doctor`."""

import json
import os
import sys
from collections.abc import Iterator
from functools import cache, partial

import click

from jpi import settings, wiring
from jpi.diagnostics.checks import find_endpoint, list_check_groups
from jpi.diagnostics.runner import CheckResult, run_check_groups
from jpi.errors import SettingsError
from jpi.settings import Settings
from jpi.tools.command_runner import require_at_most_one, run_command
from jpi.tools.first_incident import FirstIncident

RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, for machines.")
@click.option("--url", default="", help="The endpoint that the webhooks should point to.")
@click.option("--first-incident", "service", metavar="SERVICE",
              help="Check nothing: open a P1 on this PagerDuty service, wait for its issue, resolve it, clean up.")
def check_installation(as_json: bool, url: str, service: str | None) -> int:
    """Check everything that can be wrong, in ten seconds.

    It prints one line for each check, with what to do; the exit code is 1 if a check fails. For a deployed jpi it reads
    the endpoint from CloudFormation, if the AWS credentials allow that; --url overrides it.

    --first-incident plays an incident on the real services, to see jpi work. Whoever is on call is notified, with low
    urgency unless your rules demand another. The exit code is 0 if the issue was created and then done.

    \b
    Examples:
      jpi --env prod doctor
      jpi --env prod doctor --first-incident Checkout
    """
    require_at_most_one(**{"json": as_json, "first-incident": service})
    if service:
        infrastructure = wiring.make_infrastructure()
        return FirstIncident(wiring.build_app(settings.load(), infrastructure), infrastructure.sleep).run(service)
    results = []
    for result in _run_all_checks(url.rstrip("/")):
        results.append(result)
        if not as_json:
            print(_format_result(result), flush=True)
    if as_json:
        print(json.dumps([result.to_json() for result in results], indent=2))
    return int(not all(result.ok for result in results))


def _run_all_checks(url: str) -> Iterator[CheckResult]:
    try:
        loaded_settings = settings.load()
        app = wiring.build_app(loaded_settings)
    except SettingsError as error:
        yield CheckResult("settings", ok=False, message=str(error))
        return
    yield CheckResult("settings", ok=True)
    yield from run_check_groups(app, list_check_groups(cache(partial(_resolve_endpoint, url, loaded_settings))))


def _resolve_endpoint(url: str, app_settings: Settings) -> str:
    return url or ("" if app_settings.is_offline else find_endpoint(app_settings.stage))


def _format_result(result: CheckResult) -> str:
    mark, colour = ("BAD", RED) if not result.ok else ("?  ", GREEN) if result.was_skipped else ("ok ", GREEN)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"{colour}{mark}{PLAIN}"
    return f"{mark}  {result.check}{': ' if result.message else ''}{result.message}"


main = partial(run_command, check_installation)

if __name__ == "__main__":
    sys.exit(main())
