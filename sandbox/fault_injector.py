"""The wire between jpi and everything outside: count its calls, and break any of them."""

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, NoReturn
from unittest.mock import patch

import botocore.awsrequest
import botocore.exceptions
import requests
from botocore.httpsession import URLLib3Session
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from sandbox.call_interception import Crash, WireFault
from sandbox.clock import START
from sandbox.seed import JIRA_BOT_TOKEN
from sandbox.simulated_service import POSTED_READ_PATHS


@dataclass(frozen=True)
class InjectedFault:
    """A fault of a call, before or after its effect: an error answer (`status`), or no answer (`error`).

    `times`: how many equal calls in a row meet it, that is, the tries of one call.
    `scope`: the calls that can meet it: "any", "http" (to both services), "read" or "write" (the services'), or "jira".
    """

    name: str
    status: int = 0
    error: str = ""
    is_after_effect: bool = False
    times: int = 1
    retry_after: str = ""
    scope: str = "any"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = "{}"
    own_error: str = ""

    def fit_to_call(self, name: str) -> "InjectedFault":
        """Return this fault if the call of this name can meet it, else an outage."""
        is_http = not is_aws_call(name)
        can_meet = {"any": True, "http": is_http, "read": is_http and _is_read(name),
                    "write": is_http and not _is_read(name), "jira": " rest/api/" in name}
        return self if can_meet[self.scope] else FAULTS[0]

    def make_body(self, path: str) -> str:
        """Return the body of the answer to a call of this path; `own_error` as the service itself would write it."""
        jira, pagerduty = ({"errorMessages": [self.own_error], "errors": {}},
                           {"error": {"message": self.own_error, "code": 2000}})
        return json.dumps(jira if path.startswith("rest/api/") else pagerduty) if self.own_error else self.body


# A limit that is over: the worlds on sockets run by the machine's clock, those in this process from `START`.
RESET_TIME = START - timedelta(minutes=1)
# As many tries as jpi/http_client.py and jpi/store/models.py make.
TRIES_PER_ATTEMPT = 3
# First those before any effect, for all tries of a call; then those after the effect, whose answer is lost.
FAULTS = [InjectedFault("500", 500, times=TRIES_PER_ATTEMPT), InjectedFault("429", 429, times=TRIES_PER_ATTEMPT),
          InjectedFault("429, Retry-After 2", 429, retry_after="2", times=TRIES_PER_ATTEMPT),
          InjectedFault("429, Retry-After 600", 429, retry_after="600", times=TRIES_PER_ATTEMPT),
          InjectedFault("timeout", error="timeout", times=TRIES_PER_ATTEMPT),
          InjectedFault("refused", error="refused", times=TRIES_PER_ATTEMPT),
          InjectedFault("dropped after the effect", error="dropped", is_after_effect=True),
          InjectedFault("503 after the effect", 503, is_after_effect=True),
          InjectedFault("answered after the time-out", error="timeout", is_after_effect=True),
          InjectedFault("429, Retry-After a date", 429, retry_after=format_datetime(RESET_TIME, usegmt=True),
                        times=TRIES_PER_ATTEMPT, scope="http"),
          InjectedFault("429, X-RateLimit-Reset", 429, times=TRIES_PER_ATTEMPT, scope="http",
                        headers=(("X-RateLimit-Reset", f"{RESET_TIME:%Y-%m-%dT%H:%MZ}"),
                                 ("RateLimit-Reason", "jira-cost-based"))),
          InjectedFault("redirect", 302, times=TRIES_PER_ATTEMPT, scope="http",
                        headers=(("Location", "https://elsewhere.example/"),)),
          InjectedFault("404 in HTML", 404, times=TRIES_PER_ATTEMPT, scope="http", body="<html>Not here</html>",
                        headers=(("Content-Type", "text/html"),)),
          InjectedFault("404 of an edge", 404, times=TRIES_PER_ATTEMPT, scope="http",
                        body='{"status-code":404,"message":"null for uri"}'),
          # Without PagerDuty's details of an incident, jpi makes the issue of what the webhook says.
          InjectedFault("dead token, refused", 401, times=TRIES_PER_ATTEMPT, scope="jira",
                        body='{"message": "Unauthorized"}'),
          InjectedFault("dead token, anonymous", 404, times=TRIES_PER_ATTEMPT, scope="jira",
                        headers=(("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"),),
                        body='{"errorMessages": ["Issue does not exist or you do not have permission to see it."]}'),
          InjectedFault("403 on a read", 403, scope="read", own_error="Access Denied"),
          InjectedFault("400 on a write", 400, scope="write", own_error="Invalid Input Provided"),
          InjectedFault("404 between two answers", 404, scope="http", own_error="Not Found"),
          InjectedFault("another shape", 200, scope="read", body='["something else"]'),
          InjectedFault("another shape after the effect", 200, scope="write", is_after_effect=True,
                        body='["something else"]')]
DEATHS = [InjectedFault("death before", error="death"),
          InjectedFault("death after", error="death", is_after_effect=True)]

FaultPlan = Callable[[int, str], InjectedFault | None]


class FaultInjector:
    """Records the names of jpi's calls in `calls`; `plan` chooses a fault by number and name."""

    def __init__(self, plan: FaultPlan = lambda number, name: None) -> None:
        self.calls: list[str] = []
        self.faults_met: list[str] = []
        self._plan = plan

    def reset_plan(self, plan: FaultPlan) -> None:
        """Forget the calls, and choose faults by another plan."""
        self._plan = plan
        self.calls.clear()
        self.faults_met.clear()

    def intercept_http(self, request: requests.PreparedRequest,
                       send: Callable[[], requests.Response]) -> requests.Response:
        """Make or break a request to one of the services."""
        name = f"{request.method} {_read_path(str(request.url))}"
        answer: requests.Response = self._pass_or_break(name, send, lambda fault: _make_http_answer(request, fault),
                                                       _HTTP_ERRORS)
        return answer

    def intercept_call(self, name: str, call: Callable[[], Any]) -> Any:
        """Make or break a call to the simulated DynamoDB or SQS of this process."""

        def break_call(fault: InjectedFault) -> NoReturn:
            raise WireFault(f"{name}: {fault.name}")

        return self._pass_or_break(name, call, break_call, dict.fromkeys(_AWS_ERRORS, WireFault))

    @contextmanager
    def intercept_sockets(self) -> Iterator["FaultInjector"]:
        """Intercept jpi's calls over sockets while inside; not those of people and of the simulations."""
        http, aws = HTTPAdapter.send, URLLib3Session.send

        def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            if not _is_from_jpi(request):
                return http(adapter, request, **options)
            return self.intercept_http(request, lambda: http(adapter, request, **options))

        def send_aws(session: URLLib3Session, request: Any) -> Any:
            if b"Credential=offline/" not in request.headers["Authorization"]:
                return aws(session, request)
            name = request.headers["X-Amz-Target"].decode()
            return self._pass_or_break(name, lambda: aws(session, request),
                                       lambda fault: _make_aws_answer(request, fault), _AWS_ERRORS)

        with patch.object(HTTPAdapter, "send", send), patch.object(URLLib3Session, "send", send_aws):
            yield self

    def _pass_or_break(self, name: str, send: Callable[[], Any], answer: Callable[[InjectedFault], Any],
                       no_answer: Mapping[str, Callable[[str], Exception]]) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        fault = self._plan(number, name)
        if fault is None:
            return send()
        fault = fault.fit_to_call(name)
        self.faults_met.append(f"{name}: {fault.name}")
        if fault.is_after_effect:
            # The answer is lost.
            with suppress(Exception):
                send()
        if fault.error == "death":
            raise Crash
        if fault.error:
            raise no_answer[fault.error](name)
        return answer(fault)


def pair_calls_with_faults(calls: int, faults: Sequence[InjectedFault]) -> list[tuple[int, InjectedFault]]:
    """Pair each call with each fault. Each call begins with the next fault, so that any sample has all faults."""
    return [(call, faults[(call + number) % len(faults)]) for call in range(calls) for number in range(len(faults))]


def classify_fault(fault: InjectedFault, name: str) -> Any:
    """Return what matters of a fault for this call: DynamoDB and SQS in memory have one error for all."""
    fault = fault.fit_to_call(name)
    return (fault.is_after_effect, fault.times, fault.error == "death") if is_aws_call(name) else fault


def plan_fault_at(number: int, fault: InjectedFault) -> FaultPlan:
    """Plan this fault for the call of this number, and for its repetitions."""
    left, broken_name = fault.times, ""

    def choose_fault(now: int, name: str) -> InjectedFault | None:
        nonlocal left, broken_name
        if now == number:
            left, broken_name = fault.fit_to_call(name).times, name
        if now < number or not left or name != broken_name:
            left = 0 if now > number else left
            return None
        left -= 1
        return fault

    return choose_fault


def is_aws_call(name: str) -> bool:
    """True if the call of this name goes to DynamoDB or SQS."""
    return name.startswith(("DynamoDB_", "AmazonSQS"))


def _is_read(name: str) -> bool:
    return name.startswith("GET ") or name.endswith(POSTED_READ_PATHS)


def _is_from_jpi(request: requests.PreparedRequest) -> bool:
    header: Any = request.headers.get("Authorization", "")
    header = header.decode() if isinstance(header, bytes) else header
    kind, _, value = header.partition(" ")
    return JIRA_BOT_TOKEN in base64.b64decode(value).decode() if kind == "Basic" else "pagerduty-key-of-jpi" in value


def _read_path(url: str) -> str:
    return "/".join(part for part in url.split("?")[0].split("/")[3:])


def _make_http_answer(request: requests.PreparedRequest, fault: InjectedFault) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer.request, answer.url = fault.status, request, str(request.url)
    answer._content = fault.make_body(_read_path(str(request.url))).encode()
    answer.raw = io.BytesIO(answer._content)
    answer.headers.update(fault.headers)
    if fault.retry_after:
        answer.headers.update({"Retry-After": fault.retry_after, "ratelimit-reset": fault.retry_after})
    return answer


def _make_aws_answer(request: Any, fault: InjectedFault) -> botocore.awsrequest.AWSResponse:
    status, code = (400, "ThrottlingException") if fault.status == 429 else (fault.status, "InternalServerError")
    raw: Any = io.BytesIO(json.dumps({"__type": f"com.amazonaws#{code}", "message": "simulated"}).encode())
    raw.stream = lambda: iter([raw.getvalue()])
    headers: Any = {}
    return botocore.awsrequest.AWSResponse(request.url, status, headers, raw)


def _make_connection_refusal(name: str) -> requests.RequestException:
    nobody: Any = None
    return requests.ConnectionError(MaxRetryError(nobody, name, NewConnectionError(nobody, "Connection refused")))


_HTTP_ERRORS: Mapping[str, Callable[[str], Exception]] = {
    "timeout": requests.ReadTimeout, "refused": _make_connection_refusal,
                "dropped": lambda name: requests.ConnectionError(ProtocolError("Connection aborted.", name))}
_AWS_ERRORS: Mapping[str, Callable[[str], Exception]] = {
    "timeout": lambda name: botocore.exceptions.ReadTimeoutError(endpoint_url=name),
               "refused": lambda name: botocore.exceptions.EndpointConnectionError(endpoint_url=name),
               "dropped": lambda name: botocore.exceptions.ConnectionClosedError(endpoint_url=name)}
