"""Runs checks and collects their results: one check at a time, or the groups of several services side by side."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Thread

from jpi import wiring
from jpi.diagnostics.checks import Blocker, Check, CheckSkipped, Remark
from jpi.errors import JpiError, OutOfTime, Refused, RetryableError

CHECK_SECONDS = 10.0


@dataclass(frozen=True)
class CheckResult:
    """The result of a check. `message`: the problem and its remedy, or, where it is ok, a remark.

    `is_blocking`: every other check of the service would say the same.
    """

    check: str
    ok: bool
    message: str = ""
    was_skipped: bool = False
    is_blocking: bool = False

    def to_json(self) -> dict[str, str | bool]:
        """Return the result under the keys of `doctor --json` and of the cache."""
        return {"check": self.check, "ok": self.ok, "said": self.message, "looked": not self.was_skipped}


def run_check_groups(app: wiring.App, groups: Mapping[str, Mapping[str, Check]],
                     seconds: float = CHECK_SECONDS) -> Iterator[CheckResult]:
    """Run the groups of all services side by side and yield their results; wait for none longer than `seconds`."""
    running = [CheckGroup(app, name, checks) for name, checks in groups.items()]
    deadline = time.monotonic() + seconds
    for group in running:
        group.start()
    for group in running:
        group.join(max(0.0, deadline - time.monotonic()))
        yield from group.get_results()


class CheckGroup(Thread):
    """Runs the checks of one service in order. A daemon thread: a call that hangs does not keep the command alive."""

    def __init__(self, app: wiring.App, service: str, checks: Mapping[str, Check]) -> None:
        super().__init__(daemon=True)
        self._app = app
        self._checks = {f"{service} {name.replace('_', ' ')}": check for name, check in checks.items()}
        self._results: dict[str, list[CheckResult]] = {}

    def run(self) -> None:
        """Run the checks within the time of one thread's budget; only the first one if the service is of no use."""
        self._app.budget.start(CHECK_SECONDS)
        first, *others = self._checks
        self._results[first] = list(run_check(self._app, first, self._checks[first]))
        is_blocked = any(result.is_blocking for result in self._results[first])
        for name in others:
            self._results[name] = ([build_skipped_result(name, f"see {first}")] if is_blocked
                                   else list(run_check(self._app, name, self._checks[name])))

    def get_results(self) -> list[CheckResult]:
        """Return the results so far, and a timeout for each check that has none yet."""
        return [result for name in self._checks
                for result in self._results.get(name) or [_build_timeout_result(name)]]


def _build_timeout_result(name: str) -> CheckResult:
    return CheckResult(name, ok=False, message=f"no answer within {CHECK_SECONDS:.0f} s")


def run_check(app: wiring.App, name: str, check: Check) -> Iterator[CheckResult]:
    """Run one check and yield at least one result under this name."""
    try:
        messages = list(check(app))
    except CheckSkipped as reason:
        yield build_skipped_result(name, str(reason))
        return
    except OutOfTime:
        yield _build_timeout_result(name)
        return
    except Exception as error:
        if isinstance(error, Refused) and error.is_forbidden:
            # jpi itself needs no such right: an account with fewer rights is no fault.
            yield build_skipped_result(name, f"only an administrator's token may ({error})")
            return
        messages = [_describe_failure(error)]
    problems = [message for message in messages if not isinstance(message, Remark)]
    yield from (CheckResult(name, ok=False, message=problem, is_blocking=isinstance(problem, Blocker))
                for problem in problems)
    if not problems:
        yield CheckResult(name, ok=True, message="; ".join(messages))


def build_skipped_result(name: str, reason: str) -> CheckResult:
    """Return the result of a check that could not run, which is no problem."""
    return CheckResult(name, ok=True, message=f"not checked: {reason}", was_skipped=True)


def _describe_failure(error: Exception) -> str:
    if isinstance(error, RetryableError):
        return Blocker(error)
    # Errors of PynamoDB and boto3, and bugs: the other checks must still run.
    return str(error) if isinstance(error, JpiError) else f"the check failed: {error}"
