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
from jpi.diagnostics.checks import Check, NotLookedAt, Told, endpoint, groups
from jpi.errors import JpiError, OutOfTime, Refused, SettingsError
from jpi.settings import Settings

SECONDS = 10.0
RED, GREEN, PLAIN = "\033[31m", "\033[32m", "\033[0m"
UNAUTHORIZED, FORBIDDEN = 401, 403


@dataclass(frozen=True)
class Found:
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
    for one in _all(chosen.url.rstrip("/")):
        found.append(one)
        if not chosen.json:
            print(_line(one), flush=True)
    if chosen.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    return int(not all(one.ok for one in found))


def _all(url: str) -> Iterator[Found]:
    try:
        chosen = settings.load()
        there = wiring.build(chosen)
    except SettingsError as error:
        yield Found("settings", ok=False, said=str(error))
        return
    yield Found("settings", ok=True)
    yield from examined(there, groups(cache(partial(_here, url, chosen))))


def _here(url: str, chosen: Settings) -> str:
    return url or ("" if chosen.is_offline else endpoint(chosen.stage))


def examined(there: wiring.Jpi, all_: Mapping[str, Mapping[str, Check]], seconds: float = SECONDS) -> Iterator[Found]:
    """What all checks found; those of different services side by side, and none waited for longer than this."""
    running = [Group(there, name, checks) for name, checks in all_.items()]
    ends = time.monotonic() + seconds
    for group in running:
        group.start()
    for group in running:
        group.join(max(0.0, ends - time.monotonic()))
        yield from group.found()


class Group(Thread):
    """The checks of one service, one after the other. It ends with the command, whatever it still waits for."""

    def __init__(self, there: wiring.Jpi, service: str, checks: Mapping[str, Check]) -> None:
        super().__init__(daemon=True)
        self._there = there
        self._checks = {f"{service} {name}": check for name, check in checks.items()}
        self._found: dict[str, list[Found]] = {}

    def run(self) -> None:
        """Make them."""
        self._there.budget.start(SECONDS)
        for name, check in self._checks.items():
            self._found[name] = list(checked(self._there, name, check))

    def found(self) -> list[Found]:
        """What those found that are done; of the others, that they are not."""
        return [one for name in self._checks for one in self._found.get(name) or [_late(name)]]


def _late(name: str) -> Found:
    return Found(name, ok=False, said=f"no answer within {SECONDS:.0f} s")


def checked(there: wiring.Jpi, name: str, check: Check) -> Iterator[Found]:
    """What one check found: at least one thing, under this name."""
    try:
        said = list(check(there))
    except NotLookedAt as reason:
        yield Found(name, ok=True, said=f"not looked at: {reason}", looked=False)
        return
    except Refused as refused:
        if refused.status == FORBIDDEN:
            # jpi itself need not be allowed to: an account with fewer rights is no fault.
            why = f"not looked at, since it takes an administrator's token ({refused})"
            yield Found(name, ok=True, said=why, looked=False)
            return
        said = [_refused(refused)]
    except OutOfTime:
        yield _late(name)
        return
    except JpiError as error:
        said = [str(error)]
    except Exception as error:
        # PynamoDB's and boto3's own, and anything that nobody thought of: the other checks go on.
        said = [f"could not be looked at: {error}"]
    wrong = [one for one in said if not isinstance(one, Told)]
    yield from (Found(name, ok=False, said=one) for one in wrong)
    if not wrong:
        yield Found(name, ok=True, said="; ".join(said))


def _refused(refused: Refused) -> str:
    if refused.status == UNAUTHORIZED:
        return f"the token is not taken: make a new one ({refused})"
    return str(refused)


def _line(found: Found) -> str:
    mark, colour = ("ok ", GREEN) if found.ok and found.looked else ("?  ", GREEN) if found.ok else ("BAD", RED)
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        mark = f"{colour}{mark}{PLAIN}"
    return f"{mark}  {found.check}{': ' if found.said else ''}{found.said}"


if __name__ == "__main__":
    sys.exit(main())
