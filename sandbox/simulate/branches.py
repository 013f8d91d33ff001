"""Counts the rare branches of jpi that histories reach: a search that never meets one of them is not believed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from jpi.errors import IdentityDoubt, LostRace, OutcomeUnknown, TooEarly
from jpi.jira.client import JiraClient
from jpi.sync.executors import DecisionExecutor
from jpi.sync.leases import Leases, RefusedUnderLease
from jpi.sync.poller import Poller
from jpi.sync.service import SyncService

# Gets what a method returned or raised.
IsReached = Callable[[Any], bool]


def _is_raised(kind: type[BaseException]) -> IsReached:
    return lambda result: isinstance(result, kind)


def _is_value(result: Any) -> bool:
    return bool(result) and not isinstance(result, BaseException)


BRANCHES: Mapping[str, tuple[type, str, IsReached]] = {
    "lease taken over": (Leases, "is_outcome_unknown", lambda result: result is True),
    "lease of another worker respected": (Leases, "is_outcome_unknown", _is_raised(TooEarly)),
    "outcome unknown under a lease": (Leases, "run_with_lease", _is_raised(OutcomeUnknown)),
    "refused under a lease": (Leases, "run_with_lease", _is_raised(RefusedUnderLease)),
    "look before a repeat met the issue": (JiraClient, "find_created_issue", _is_value),
    "race lost": (SyncService, "_apply_once", _is_raised(LostRace)),
    "race lost three times": (SyncService, "_apply_with_retries", _is_raised(LostRace)),
    "token not known": (SyncService, "_apply_with_retries", _is_raised(IdentityDoubt)),
    "poll failed and its cursor stayed": (Poller, "run", _is_raised(BaseException)),
    "window not read": (Poller, "_read_window", _is_raised(BaseException)),
    "whole log read": (Poller, "_read_whole_log", _is_value),
    "action refused and kept": (DecisionExecutor, "_keep_refused_action", _is_value)}


@contextmanager
def count_branches() -> Iterator[Counter[str]]:
    """Count how often each branch is reached while inside."""
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        for owner, name in {(owner, name) for owner, name, _ in BRANCHES.values()}:
            checks = {branch: is_reached for branch, (other, method, is_reached) in BRANCHES.items()
                      if (other, method) == (owner, name)}
            stack.enter_context(patch.object(owner, name, _wrap_method(getattr(owner, name), checks, counts)))
        yield counts


def _wrap_method(method: Callable[..., Any], checks: Mapping[str, IsReached],
                 counts: Counter[str]) -> Callable[..., Any]:
    @wraps(method)
    def call_and_count(*arguments: Any, **named: Any) -> Any:
        """Call the method, and count the branches that its result shows."""
        try:
            result = method(*arguments, **named)
        except BaseException as error:
            counts.update(branch for branch, is_reached in checks.items() if is_reached(error))
            raise
        counts.update(branch for branch, is_reached in checks.items() if is_reached(result))
        return result

    return call_and_count
