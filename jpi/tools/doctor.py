"""Looks at everything that can be wrong with a jpi, in ten seconds: a line each, and what to do.

Of a deployed jpi, whose stack its AWS credentials may look at, it knows the endpoint; --url says it otherwise.
Example: python -m jpi.tools.doctor
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from threading import Thread

from jpi import settings, wiring
from jpi.diagnostics.checks import Check, CheckSkipped, Remark, find_endpoint, list_check_groups
from jpi.errors import JpiError, OutOfTime, Refused, SettingsError
from jpi.settings import Settings

CHECK_SECONDS = 10.0
RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"
UNAUTHORIZED, FORBIDDEN = 401, 403


@dataclass(frozen=True)
class CheckResult:
    """What a check found; `said` is what is wrong and what to do; where it is `ok`, what is worth saying.

    `looked`: whether it could be looked at.
    """

    check: str
    ok: bool
    said: str = ""
    looked: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where all is well, 1 where anything is not, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.doctor", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="as a JSON list, for machines")
    parser.add_argument("--url", default="", help="the endpoint that the webhooks should point to")
    chosen = parser.parse_args(arguments)
    found = []
    for one in _run_all_checks(chosen.url.rstrip("/")):
        found.append(one)
        if not chosen.json:
            print(_format_result(one), flush=True)
    if chosen.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    return int(not all(one.ok for one in found))


def _run_all_checks(url: str) -> Iterator[CheckResult]:
    try:
        chosen = settings.load()
        there = wiring.build_app(chosen)
    except SettingsError as error:
        yield CheckResult("settings", ok=False, said=str(error))
        return
    yield CheckResult("settings", ok=True)
    yield from run_check_groups(there, list_check_groups(cache(partial(_resolve_endpoint, url, chosen))))


def _resolve_endpoint(url: str, chosen: Settings) -> str:
    return url or ("" if chosen.is_offline else find_endpoint(chosen.stage))


def run_check_groups(app: wiring.App, groups: Mapping[str, Mapping[str, Check]],
                     seconds: float = CHECK_SECONDS) -> Iterator[CheckResult]:
    """What all checks found; those of different services side by side, and none waited for longer than this."""
    running = [CheckGroup(app, name, checks) for name, checks in groups.items()]
    ends = time.monotonic() + seconds
    for group in running:
        group.start()
    for group in running:
        group.join(max(0.0, ends - time.monotonic()))
        yield from group.get_results()


class CheckGroup(Thread):
    """The checks of one service, one after the other. It ends with the command, whatever it still waits for."""

    def __init__(self, app: wiring.App, service: str, checks: Mapping[str, Check]) -> None:
        super().__init__(daemon=True)
        self._app = app
        self._checks = {f"{service} {name}": check for name, check in checks.items()}
        self._results: dict[str, list[CheckResult]] = {}

    def run(self) -> None:
        """Make them."""
        self._app.budget.start(CHECK_SECONDS)
        for name, check in self._checks.items():
            self._results[name] = list(run_check(self._app, name, check))

    def get_results(self) -> list[CheckResult]:
        """What those found that are done; of the others, that they are not."""
        return [one for name in self._checks for one in self._results.get(name) or [_build_timeout_result(name)]]


def _build_timeout_result(name: str) -> CheckResult:
    return CheckResult(name, ok=False, said=f"no answer within {CHECK_SECONDS:.0f} s")


def run_check(app: wiring.App, name: str, check: Check) -> Iterator[CheckResult]:
    """What one check found: at least one thing, under this name."""
    try:
        said = list(check(app))
    except CheckSkipped as reason:
        yield CheckResult(name, ok=True, said=f"not looked at: {reason}", looked=False)
        return
    except Refused as refused:
        if refused.status == FORBIDDEN:
            # jpi itself need not be allowed to: an account with fewer rights is no fault.
            why = f"not looked at, since it takes an administrator's token ({refused})"
            yield CheckResult(name, ok=True, said=why, looked=False)
            return
        said = [_describe_refusal(refused)]
    except OutOfTime:
        yield _build_timeout_result(name)
        return
    except JpiError as error:
        said = [str(error)]
    except Exception as error:
        # PynamoDB's and boto3's own, and anything that nobody thought of: the other checks go on.
        said = [f"could not be looked at: {error}"]
    wrong = [one for one in said if not isinstance(one, Remark)]
    yield from (CheckResult(name, ok=False, said=one) for one in wrong)
    if not wrong:
        yield CheckResult(name, ok=True, said="; ".join(said))


def _describe_refusal(refused: Refused) -> str:
    if refused.status == UNAUTHORIZED:
        return f"the token is not taken: make a new one ({refused})"
    return str(refused)


def _format_result(result: CheckResult) -> str:
    mark, colour = ("ok ", GREEN) if result.ok and result.looked else ("?  ", GREEN) if result.ok else ("BAD", RED)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"{colour}{mark}{PLAIN}"
    return f"{mark}  {result.check}{': ' if result.said else ''}{result.said}"


if __name__ == "__main__":
    sys.exit(main())
