"""Checks in ten seconds everything that can be wrong with a jpi: one line for each check, with what to do.

For a deployed jpi it reads the endpoint from CloudFormation, if the AWS credentials allow that; --url overrides it.
Example: python -m jpi.tools.doctor
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache, partial

from jpi import settings, wiring
from jpi.diagnostics.checks import find_endpoint, list_check_groups
from jpi.diagnostics.runner import CheckResult, run_check_groups
from jpi.errors import SettingsError
from jpi.settings import Settings

RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return exit code 0 where all checks pass, 1 where one fails, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.doctor", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print a JSON list, for machines")
    parser.add_argument("--url", default="", help="the endpoint that the webhooks should point to")
    options = parser.parse_args(arguments)
    results = []
    for result in _run_all_checks(options.url.rstrip("/")):
        results.append(result)
        if not options.json:
            print(_format_result(result), flush=True)
    if options.json:
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


if __name__ == "__main__":
    sys.exit(main())
