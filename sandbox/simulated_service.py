"""What both simulated services share: an HTTP server, a record of calls, and faults to inject."""

import base64
import io
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, Response, request
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wsgi import get_input_stream

from sandbox.clock import Clock

logging.getLogger("werkzeug").setLevel(logging.ERROR)
# Each call takes at least this long, so that no two happen at the same time.
MIN_CALL_SECONDS = 0.001
# Keys of a request's environment: the state that is served, and the seconds that the service takes.
STATE_KEY = "sandbox.state"
LATENCY_KEY = "sandbox.latency"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
POSTED_READ_PATHS = ("/search/jql", "/search/approximate-count", "/issue/bulkfetch", "/comment/list")


@dataclass
class RecordedCall:
    """One request to a simulated service, and its answer (`status` 0: the connection was dropped)."""

    service: str
    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    raw_body: bytes
    started_at: float = 0.0
    status: int = 0
    raw_answer: bytes = b""
    duration_seconds: float = 0.0
    sequence_number: int = field(default_factory=count().__next__)

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Return the query's values by name."""
        return parse_qs(self.query_string, keep_blank_values=True)

    @cached_property
    def body(self) -> Any:
        """Return the request's JSON, or None."""
        return _parse_json(self.raw_body)

    @cached_property
    def answer(self) -> Any:
        """Return the answer's JSON, or None."""
        return _parse_json(self.raw_answer)

    @property
    def token(self) -> str:
        """Return the token of the call: Jira's Basic password, or PagerDuty's `Token token=`."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            return base64.b64decode(value).decode().partition(":")[2]
        return value.removeprefix("token=")

    @property
    def is_write(self) -> bool:
        """True if the call changes something. Jira has reads that are POSTed."""
        return self.method not in ("GET", "HEAD") and not self.path.endswith(POSTED_READ_PATHS)

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path} -> {self.status or 'dropped'}"


@dataclass(frozen=True)
class HttpFault:
    """A fault of a call, before or after its effect: an error answer, or (`status` 0) a dropped connection."""

    status: int = 0
    is_after_effect: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "{}"


@dataclass(frozen=True)
class WsgiAnswer:
    """An HTTP answer of a WSGI application."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


def _parse_json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


class SimulatedService:
    """A WSGI application that serves a state: records every call, adds latency, injects faults, one call at a time.

    Switches: `latency_seconds` of each call, `pass_time` (how that time passes), `choose_fault` (None: no fault),
    `change_body` of an answer.
    `calls` holds all calls; `call_listener` gets each of them.
    """

    def __init__(self, name: str, app: Flask, state: Any, clock: Clock) -> None:
        self.name = name
        self.state = state
        self.clock = clock
        self.app = app
        self.calls: list[RecordedCall] = []
        self.latency_seconds = 0.0
        self.pass_time: Callable[[float], None] = clock.advance
        self.choose_fault: Callable[[RecordedCall], HttpFault | None] = lambda call: None
        self.change_body: Callable[[RecordedCall, bytes], bytes] = lambda call, body: body
        self.call_listener: Callable[[RecordedCall], None] = lambda call: None
        self.lock = threading.RLock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one WSGI request."""
        environ |= {STATE_KEY: self.state, LATENCY_KEY: self.latency_seconds}
        call = self._record_call(environ)
        self.clock.advance(MIN_CALL_SECONDS)
        if self.latency_seconds:
            self.pass_time(self.latency_seconds)
        with self.lock:
            self.calls.append(call)
            answer = self._make_answer(call, environ)
        call.duration_seconds = self.clock() - call.started_at
        if answer is not None:
            call.status, call.raw_answer = int(answer.status.partition(" ")[0]), answer.body
        self.call_listener(call)
        if answer is None:
            drop_connection(environ)
            return []
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _record_call(self, environ: dict[str, Any]) -> RecordedCall:
        stream = environ["wsgi.input"]
        raw = stream.getvalue() if isinstance(stream, io.BytesIO) else get_input_stream(environ).read()
        # The application reads the body again.
        environ |= {"wsgi.input": io.BytesIO(raw), "CONTENT_LENGTH": str(len(raw))}
        return RecordedCall(self.name, environ["REQUEST_METHOD"], _decode_path(environ),
                            environ.get("QUERY_STRING", ""), _read_headers(environ), raw, self.clock())

    def _make_answer(self, call: RecordedCall, environ: dict[str, Any]) -> WsgiAnswer | None:
        fault = self.choose_fault(call)
        answer = None if fault and not fault.is_after_effect else _run_flask_app(self.app, environ)
        if fault and fault.status:
            headers = [("Content-Type", "application/json"), *fault.headers.items()]
            return WsgiAnswer(f"{fault.status} {HTTP_STATUS_CODES.get(fault.status, '')}", headers, fault.body.encode())
        if fault or answer is None:
            return None
        body = self.change_body(call, answer.body)
        return answer if body == answer.body else _replace_body(answer, body)


def _replace_body(answer: WsgiAnswer, body: bytes) -> WsgiAnswer:
    headers = [(name, value) for name, value in answer.headers if name != "Content-Length"]
    return WsgiAnswer(answer.status, [*headers, ("Content-Length", str(len(body)))], body)


def _read_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    names = {name: name.removeprefix("HTTP_").replace("_", "-").title() for name in environ
             if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and environ[name])}
    return {header: environ[name] for name, header in names.items()}


def _decode_path(environ: dict[str, Any]) -> str:
    return str(environ.get("PATH_INFO", "")).encode("latin-1").decode("utf-8", "replace")


def _run_flask_app(app: Flask, environ: dict[str, Any]) -> WsgiAnswer:
    parts, status, headers = run_wsgi_app(app, environ, buffered=True)
    return WsgiAnswer(status, list(headers), b"".join(parts))


def make_flask_app(name: str) -> Flask:
    """Make a Flask app that keeps the order of JSON keys."""
    app = Flask(f"sandbox.{name}")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    return app


def get_served_state() -> Any:
    """Return the state that the current request is for."""
    return request.environ[STATE_KEY]


def make_empty_response(status: int) -> Response:
    """Make a response without a body, and so without a content type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def drop_connection(environ: dict[str, Any]) -> None:
    """Close the client's connection without an answer, as a broken network does."""
    if "werkzeug.socket" in environ:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("dropped by the sandbox")


def is_foreign_request(environ: Mapping[str, Any]) -> bool:
    """True if a page of another site asks through somebody's browser, by a name that leads here or across origins."""
    host = str(environ.get("HTTP_HOST", ""))
    origin = environ.get("HTTP_ORIGIN")
    return urlsplit(f"//{host}").hostname not in LOOPBACK_HOSTS or origin not in (None, f"http://{host}")


class LoopbackOnly:
    """A WSGI application that refuses foreign requests before the one behind it sees them."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one WSGI request."""
        if is_foreign_request(environ):
            start_response("403 FORBIDDEN", [("Content-Type", "text/plain"), ("Connection", "close")])
            return [b"The sandbox answers this machine only."]
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


class Server:
    """A WSGI application served on 127.0.0.1 by threads of this process until `stop`."""

    def __init__(self, app: Any, port: int = 0) -> None:
        self._server: BaseWSGIServer = make_server("127.0.0.1", port, LoopbackOnly(app), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and release the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
