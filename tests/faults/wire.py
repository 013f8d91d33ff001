"""The wire between jpi and everything outside: counts its calls, and makes any of them go wrong."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn
from unittest.mock import patch

import botocore.awsrequest
import botocore.exceptions
import requests
from botocore.httpsession import URLLib3Session
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from sandbox.cast import TOKEN
from sandbox.wire import WireFault
from tests.fakes.faults import Crash


@dataclass(frozen=True)
class Fault:
    """What becomes of a call: an answer (`status`), or none (`error`); before its effect or after it.

    `times`: how many calls in a row meet it that are the same, that is, tries of one.
    """

    name: str
    status: int = 0
    error: str = ""
    after: bool = False
    times: int = 1
    retry_after: str = ""


# As often as one attempt tries: clients/calls.py and store/models.py.
TRIES = 3
# Refused before any effect, for as long as one attempt tries; done, but the answer is lost.
FAULTS = [
    Fault("500", 500, times=TRIES), Fault("429", 429, times=TRIES),
    Fault("429, Retry-After 2", 429, retry_after="2", times=TRIES),
    Fault("429, Retry-After 600", 429, retry_after="600", times=TRIES),
    Fault("timeout", error="timeout", times=TRIES), Fault("refused", error="refused", times=TRIES),
    Fault("dropped after the effect", error="dropped", after=True), Fault("503 after the effect", 503, after=True),
]
DEATHS = [Fault("death before", error="death"), Fault("death after", error="death", after=True)]

Plan = Callable[[int, str], Fault | None]


class Wire:
    """Counts jpi's calls from 0 in `calls`, each by name; `plan` says what becomes of each."""

    def __init__(self, plan: Plan = lambda number, name: None) -> None:
        self.calls: list[str] = []
        self.met: list[str] = []
        self._plan = plan

    def carry_http(self, request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
        """Carry a request to one of the services."""
        name = f"{request.method} {_path(request.url)}"
        return self._through(name, send, lambda fault: _answer(request, fault), _NO_HTTP_ANSWER)

    def carry(self, name: str, call: Callable[[], Any]) -> Any:
        """Carry a call to the simulated DynamoDB or SQS of this process."""

        def break_call(fault: Fault) -> NoReturn:
            raise WireFault(f"{name}: {fault.name}")

        return self._through(name, call, break_call, dict.fromkeys(_NO_AWS_ANSWER, WireFault))

    @contextmanager
    def on_sockets(self) -> Iterator["Wire"]:
        """While in it, jpi's calls over sockets go through here; those of people and of the simulations do not."""
        http, aws = HTTPAdapter.send, URLLib3Session.send

        def send(adapter, request, **options):
            if not _is_jpis(request):
                return http(adapter, request, **options)
            return self.carry_http(request, lambda: http(adapter, request, **options))

        def send_aws(session, request):
            if b"Credential=offline/" not in request.headers["Authorization"]:
                return aws(session, request)
            name = request.headers["X-Amz-Target"].decode()
            return self._through(name, lambda: aws(session, request), lambda fault: _aws_answer(request, fault),
                                 _NO_AWS_ANSWER)

        with patch.object(HTTPAdapter, "send", send), patch.object(URLLib3Session, "send", send_aws):
            yield self

    def _through(self, name, send, answer, no_answer):
        number = len(self.calls)
        self.calls.append(name)
        fault = self._plan(number, name)
        if fault is None:
            return send()
        self.met.append(f"{name}: {fault.name}")
        if fault.after:
            # Whatever it would have answered is lost.
            with suppress(Exception):
                send()
        if fault.error == "death":
            raise Crash
        if fault.error:
            raise no_answer[fault.error](name)
        return answer(fault)


def all_pairs(calls, faults):
    """Each call with each fault; call by call, each beginning with the next fault, so that a sample has all faults."""
    return [(call, faults[(call + number) % len(faults)]) for call in range(calls) for number in range(len(faults))]


def kind_of(fault, name):
    """What of a fault makes a difference to this call: DynamoDB and SQS in memory have one error for all."""
    is_aws = name.startswith(("DynamoDB_", "AmazonSQS"))
    return (fault.after, fault.times, fault.error == "death") if is_aws else fault


def at(number: int, fault: Fault) -> Plan:
    """This fault at the call of this number, and at those that follow it at once and are called the same."""
    state = {"left": fault.times, "name": ""}

    def plan(now, name):
        if now == number:
            state["name"] = name
        if now < number or not state["left"] or name != state["name"]:
            state["left"] = 0 if now > number else state["left"]
            return None
        state["left"] -= 1
        return fault

    return plan


def _is_jpis(request) -> bool:
    given = request.headers.get("Authorization", "")
    given = given.decode() if isinstance(given, bytes) else given
    kind, _, value = given.partition(" ")
    return TOKEN in base64.b64decode(value).decode() if kind == "Basic" else "pagerduty-key" in value


def _path(url: str) -> str:
    return "/".join(part for part in url.split("?")[0].split("/")[3:])


def _answer(request, fault: Fault) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer.request, answer.url = fault.status, request, request.url
    answer.raw, answer._content = io.BytesIO(b"{}"), b"{}"
    if fault.retry_after:
        answer.headers.update({"Retry-After": fault.retry_after, "ratelimit-reset": fault.retry_after})
    return answer


def _aws_answer(request, fault: Fault) -> botocore.awsrequest.AWSResponse:
    limited = fault.status == 429
    code = "ThrottlingException" if limited else "InternalServerError"
    raw = io.BytesIO(json.dumps({"__type": f"com.amazonaws#{code}", "message": "simulated"}).encode())
    raw.stream = lambda: iter([raw.getvalue()])
    return botocore.awsrequest.AWSResponse(request.url, 400 if limited else fault.status, {}, raw)


def _refused(name: str) -> requests.RequestException:
    reason = NewConnectionError(None, "Connection refused")
    return requests.ConnectionError(MaxRetryError(None, name, reason))


_NO_HTTP_ANSWER = {
    "timeout": requests.ReadTimeout,
    "refused": _refused,
    "dropped": lambda name: requests.ConnectionError(ProtocolError("Connection aborted.", name)),
}
_NO_AWS_ANSWER = {
    "timeout": lambda name: botocore.exceptions.ReadTimeoutError(endpoint_url=name),
    "refused": lambda name: botocore.exceptions.EndpointConnectionError(endpoint_url=name),
    "dropped": lambda name: botocore.exceptions.ConnectionClosedError(endpoint_url=name),
}
