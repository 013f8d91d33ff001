"""Looks at everything that can be wrong with a jpi, in ten seconds: a line each, and what to do.

Example: python -m jpi.tools.doctor
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from jpi import settings, wiring
from jpi.errors import JpiError, Refused, SettingsError
from jpi.tools.checks import GROUPS, Check

SECONDS = 10.0
RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"
UNAUTHORIZED, FORBIDDEN = 401, 403


@dataclass(frozen=True)
class Found:
    """What a check found; `said` is what is wrong and what to do, or, where it is `ok`, what could not be looked at."""

    check: str
    ok: bool
    said: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where all is well, 1 where anything is not, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m jpi.tools.doctor", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="as a JSON list, for machines")
    chosen = parser.parse_args(arguments)
    try:
        found = [Found("settings", ok=True), *examined(wiring.build(settings.load()))]
    except SettingsError as error:
        found = [Found("settings", ok=False, said=str(error))]
    if chosen.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        print("\n".join(map(_line, found)))
    return int(not all(one.ok for one in found))


def examined(there: wiring.Jpi) -> list[Found]:
    """What all checks found; those of different services side by side."""
    with ThreadPoolExecutor(len(GROUPS)) as pool:
        groups = [pool.submit(_group, there, name, checks) for name, checks in GROUPS.items()]
        return [found for group in groups for found in group.result()]


def _group(there: wiring.Jpi, name: str, checks: dict[str, Check]) -> list[Found]:
    there.budget.start(SECONDS)
    return [found for one, check in checks.items() for found in checked(there, f"{name} {one}", check)]


def checked(there: wiring.Jpi, name: str, check: Check) -> Iterator[Found]:
    """What one check found: at least one thing, under this name."""
    try:
        wrong = list(check(there))
    except Refused as refused:
        if refused.status == FORBIDDEN:
            # jpi itself need not be allowed to: an account with fewer rights is no fault.
            yield Found(name, ok=True, said=f"not looked at, since it takes an administrator's token ({refused})")
            return
        wrong = [_refused(refused)]
    except JpiError as error:
        wrong = [str(error)]
    except Exception as error:
        # PynamoDB's and boto3's own, and anything that nobody thought of: the other checks go on.
        wrong = [f"could not be looked at: {error}"]
    yield from (Found(name, ok=False, said=said) for said in wrong)
    if not wrong:
        yield Found(name, ok=True)


def _refused(refused: Refused) -> str:
    if refused.status == UNAUTHORIZED:
        return f"the token is not taken: make a new one ({refused})"
    return str(refused)


def _line(found: Found) -> str:
    mark, colour = ("ok " if not found.said else "?  ", GREEN) if found.ok else ("BAD", RED)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"{colour}{mark}{PLAIN}"
    return f"{mark}  {found.check}{': ' if found.said else ''}{found.said}"


if __name__ == "__main__":
    sys.exit(main())
