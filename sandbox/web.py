"""What both simulated services share: a loopback HTTP server, a record of calls, and faults to inject."""

import base64
import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Request, Response

from sandbox.clock import Clock

logging.getLogger("werkzeug").setLevel(logging.ERROR)


@dataclass
class Call:
    """One request that a simulated service got, and what it answered (`status` 0: the connection was dropped)."""

    service: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int = 0
    answer: Any = None
    seconds: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    @property
    def token(self) -> str:
        """The token it was made with: Jira's Basic password, PagerDuty's `Token token=`."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            return base64.b64decode(value).decode().partition(":")[2]
        return value.removeprefix("token=")

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path} -> {self.status or 'dropped'}"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call: before or after its effect, as an answer or (`status` 0) a dropped connection."""

    status: int = 0
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "{}"


class Simulation:
    """A WSGI application around a Flask app: records every call, adds latency, injects faults, one call at a time."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.app = Flask(f"sandbox.{name}")
        self.app.json.sort_keys = False  # type: ignore[attr-defined]
        self.calls: list[Call] = []
        self.latency = 0.0
        self.fault: Callable[[Call], Fault | None] = lambda call: None
        self.heard: Callable[[Call], None] = lambda call: None
        self.lock = threading.RLock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """WSGI."""
        call = self._received(Request(environ))
        if self.latency:
            time.sleep(self.latency)
        with self.lock:
            self.calls.append(call)
            response = self._respond(call, environ)
        call.seconds = time.perf_counter() - call.started
        if response is not None:
            call.status, call.answer = response.status_code, response.get_json(silent=True)
        self.heard(call)
        if response is None:
            drop_connection(environ)
            return []
        return response(environ, start_response)

    def _received(self, request: Request) -> Call:
        # The application behind has to read the body once more.
        request.environ["wsgi.input"] = io.BytesIO(request.get_data())
        query = {key: request.args.getlist(key) for key in request.args}
        return Call(self.name, request.method, request.path, query, dict(request.headers),
                    request.get_json(silent=True))

    def _respond(self, call: Call, environ: dict[str, Any]) -> Response | None:
        fault = self.fault(call)
        response = None if fault and not fault.after else Response.from_app(self.app, environ)
        if fault and fault.status:
            return Response(fault.body, fault.status, fault.headers, content_type="application/json")
        return None if fault else response


def drop_connection(environ: dict[str, Any]) -> None:
    """Close the client's connection without an answer, as a broken network does."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("dropped by the sandbox")


class Server:
    """A WSGI application served on 127.0.0.1 by threads of this process until `stop`."""

    def __init__(self, app: Any, port: int = 0) -> None:
        self._server: BaseWSGIServer = make_server("127.0.0.1", port, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and release the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
