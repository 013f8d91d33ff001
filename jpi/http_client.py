"""Makes the calls to a service: bounded in time and attempts, failures as our own error types."""

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
from requests.adapters import BaseAdapter
from urllib3.exceptions import NewConnectionError

from jpi.error_answers import describe_server_fault, get_limit_reason, is_own_error, parse_refusal, parse_wait_seconds
from jpi.errors import (
    AddressError,
    IdentityDoubt,
    OutcomeUnknown,
    OutOfTime,
    Refused,
    RetryableError,
    ServiceUnavailable,
)
from jpi.identity_check import IdentityCheck
from jpi.json_fields import decode_json

log = logging.getLogger("jpi")

MAX_ATTEMPTS = 3
CONNECT_TIMEOUT_SECONDS = 3.05
READ_TIMEOUT_SECONDS = 10.0
WRITE_TIMEOUT_SECONDS = 20.0
# A service may go on this long with a request whose sender has stopped waiting.
LATE_EFFECT_SECONDS = 30.0
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 4.0
MAX_ADDRESS_LENGTH = 200
COUNT_NAMES = ("calls", "errors", "limited", "retries")
READ_METHODS = frozenset({"GET", "HEAD"})


# Sends one request once: method, path, query, JSON body, (connect, read) timeouts in seconds.
Transport = Callable[[str, str, Mapping[str, Any], Any, tuple[float, float]], requests.Response]


class Budget(threading.local):
    """The seconds that an invocation (one a thread) has left for outgoing calls; each invocation calls `start`."""

    def __init__(self, clock: Callable[[], float], seconds: float = 25.0) -> None:
        self._clock = clock
        self.start(seconds)

    def start(self, seconds: float) -> None:
        """Allow this many seconds from now, in a new invocation."""
        self._ends_at = self._clock() + seconds
        self._invocation_id = uuid.uuid4().hex

    def get_invocation_id(self) -> str:
        """Return what names this invocation among all."""
        return self._invocation_id

    def get_remaining_seconds(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._ends_at - self._clock())

    def get_time(self) -> float:
        """Return the time now, in epoch seconds."""
        return self._clock()

    def get_timeouts(self, longest: float = READ_TIMEOUT_SECONDS) -> tuple[float, float]:
        """Return (connect, read) timeouts that end before the budget does; raise OutOfTime if that is too short."""
        left = self.get_remaining_seconds()
        if left < 1.0:
            raise OutOfTime("there is no time left for another call")
        return min(CONNECT_TIMEOUT_SECONDS, left / 2), min(longest, left)


class RefusingAdapter(BaseAdapter):
    """Stands in place of the network and raises an error for every request."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def send(self, *_: Any, **__: Any) -> requests.Response:
        """Raise the error."""
        raise self._error

    def close(self) -> None:
        """Do nothing: there is no connection."""


class ApiClient:
    """Calls one service. Repeats a read after any fault, a write only if it certainly had no effect."""

    def __init__(self, service: str, send: Transport, budget: Budget, sleep: Callable[[float], None],
                 address_setting: str) -> None:
        """`address_setting`: where the service's address is set."""
        self._service = service
        self._address_setting = address_setting
        self._send = send
        self._budget = budget
        self._sleep = sleep
        self._counts: Counter[str] = Counter()
        self.identity = IdentityCheck(service, budget.get_invocation_id)
        # Why the newest call got no answer from the service itself; empty if it got one.
        self.outage = ""

    def drain_counts(self) -> dict[str, int]:
        """Return and reset the numbers of `calls`, `errors` (5xx or no answer), `limited` (429) and `retries`.

        Empty if there were no calls.
        """
        counts, self._counts = self._counts, Counter()
        return {name: counts[name] for name in COUNT_NAMES} if counts else {}

    def request(self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None,
                is_read: bool = False) -> Any:
        """Return the decoded answer, None if it is empty. `is_read`: a POST that changes nothing.

        Raises Refused (4xx), AddressError (3xx), IdentityDoubt (from a stranger's view), ServiceUnavailable (no
        effect), OutcomeUnknown (a write that may have had one).
        """
        is_read = is_read or method in READ_METHODS
        retryable = RetryableError if is_read else ServiceUnavailable
        retrying = tenacity.Retrying(retry=tenacity.retry_if_exception_type(retryable)
                                     & tenacity.retry_if_not_exception_type((AddressError, IdentityDoubt)),
                                     wait=_get_backoff_seconds,
                                     sleep=self._sleep, reraise=True,
                                     stop=lambda state: state.attempt_number >= MAX_ATTEMPTS
                                     or self._has_no_time_to_retry(state),
                                     before_sleep=lambda _: self._counts.update(retries=1))
        return retrying(self._send_once, method, path, params or {}, body, is_read)

    def write_if_exists(self, method: str, path: str, body: Any = None) -> bool:
        """Write; return False if the thing does not exist (404), as a service that knows us says."""
        try:
            self.request(method, path, body=body)
        except Refused as refused:
            if not refused.is_not_found:
                raise
            self.identity.verify_account()
            return False
        return True

    def read_if_exists(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read; return an empty mapping if the thing does not exist (404), as a service that knows us says."""
        try:
            return self.request("GET", path, params)
        except Refused as refused:
            if not refused.is_not_found:
                raise
            self.identity.verify_account()
            return {}

    def _has_no_time_to_retry(self, state: tenacity.RetryCallState) -> bool:
        return state.upcoming_sleep > min(MAX_BACKOFF_SECONDS, self._budget.get_remaining_seconds() - 1.0)

    def _send_once(self, method: str, path: str, params: Mapping[str, Any], body: Any, is_read: bool) -> Any:
        call = f"{self._service} {method} {path}"
        try:
            timeout = self._budget.get_timeouts(READ_TIMEOUT_SECONDS if is_read else WRITE_TIMEOUT_SECONDS)
            self._counts.update(calls=1)
            answer = self._send_and_log(method, path, params, body, timeout)
        except requests.RequestException as error:
            self._counts.update(errors=1)
            outage = _classify_network_error(call, error, is_read)
            self.outage = str(outage)
            raise outage from error
        self._counts.update(limited=answer.status_code == HTTPStatus.TOO_MANY_REQUESTS,
                            errors=answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR)
        is_redirect = HTTPStatus.MULTIPLE_CHOICES <= answer.status_code < HTTPStatus.BAD_REQUEST
        failure = (_build_address_error(call, answer, self._address_setting) if is_redirect
                   else _parse_temporary_failure(call, answer, is_read, self._budget.get_time()))
        self.outage = str(failure or "") if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS else ""
        if isinstance(failure, AddressError):
            raise failure
        refused = None if answer.ok else parse_refusal(self._service, method, path, answer)
        if doubt := self.identity.find_doubt(call, answer.status_code, answer.headers, str(refused)):
            # Had somebody unknown written something, it would be done.
            raise OutcomeUnknown(str(doubt)) if answer.ok and not is_read else doubt
        if refused is None:
            return _decode_json(call, answer, is_read)
        raise failure or refused

    def _send_and_log(self, method: str, path: str, params: Mapping[str, Any], body: Any,
                      timeout: tuple[float, float]) -> requests.Response:
        """Send the request and log it for debugging, without its query and body, which may hold e-mail addresses."""
        started, result = time.perf_counter(), "no answer"
        try:
            answer = self._send(method, path, params, body, timeout)
            result = str(answer.status_code)
        finally:
            log.debug("call", extra={"api": self._service, "method": method, "path": path, "came": result,
                                     "ms": round((time.perf_counter() - started) * 1000)})
        return answer


def _get_backoff_seconds(state: tenacity.RetryCallState) -> float:
    """Return the pause that the service asks for, else half a second, doubled with each attempt."""
    error = state.outcome.exception() if state.outcome else None
    requested = error.retry_after_seconds if isinstance(error, RetryableError) else 0.0
    return requested or FIRST_BACKOFF_SECONDS * 2.0 ** (state.attempt_number - 1)


def _classify_network_error(call: str, error: requests.RequestException, is_read: bool) -> RetryableError:
    """Return ServiceUnavailable if the request never got out, else OutcomeUnknown for a write."""
    text = f"{call} got no answer ({type(error).__name__})"
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if is_read or isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return ServiceUnavailable(text)
    return OutcomeUnknown(text, retry_after_seconds=LATE_EFFECT_SECONDS if isinstance(error, requests.Timeout) else 0.0)


def _parse_temporary_failure(call: str, answer: requests.Response, is_read: bool, now: float) -> RetryableError | None:
    """Return the error of a rate limit or server fault; None if the service refused the request itself."""
    status, seconds = answer.status_code, parse_wait_seconds(answer, now)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        limit = get_limit_reason(answer)
        return ServiceUnavailable(f"{call} was refused by a rate limit{f' ({limit})' if limit else ''}",
                                  retry_after_seconds=seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY):
        text = describe_server_fault(call, answer)
        return ServiceUnavailable(text, retry_after_seconds=seconds) if is_read else OutcomeUnknown(text)
    if status == HTTPStatus.NOT_FOUND and not is_own_error(answer):
        # The edge of a site in maintenance, moving or suspended: the service itself was not reached.
        return ServiceUnavailable(f"{call} was not answered by the service itself (404): the site may be in "
                                  "maintenance, moved or suspended")
    return None


def _build_address_error(call: str, answer: requests.Response, setting: str) -> AddressError:
    """Return the error of a redirect, without the query of the address that it names."""
    target = urlsplit(urljoin(str(answer.url or ""), answer.headers.get("Location", "")))
    address = f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}"[:MAX_ADDRESS_LENGTH]
    return AddressError(f"{call} was redirected ({answer.status_code}) to {address}. jpi follows no redirect: set "
                        f"{setting} to the address at which the service itself answers")


def _decode_json(call: str, answer: requests.Response, is_read: bool) -> Any:
    try:
        return decode_json(answer.content) if answer.content else None
    except ValueError as error:
        # A proxy's page, or half an answer: the service may have done what it was asked to.
        raise (ServiceUnavailable if is_read else OutcomeUnknown)(
            f"{call} answered something other than JSON") from error
