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
from jpi.tools.command_runner import run_command

RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, for machines.")
@click.option("--url", default="", help="The endpoint that the webhooks should point to.")
def check_installation(as_json: bool, url: str) -> int:
    """Check everything that can be wrong, in ten seconds.

    It prints one line for each check, with what to do; the exit code is 1 if a check fails. For a deployed jpi it reads
    the endpoint from CloudFormation, if the AWS credentials allow that; --url overrides it.
    """
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
