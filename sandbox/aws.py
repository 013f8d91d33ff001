"""DynamoDB, embedded."""

import threading
from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.web import Server


class Dynamo(Server):
    """DynamoDB as moto simulates it, in this process, on loopback; what it held is gone when it stops."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(OneAtATime(DomainDispatcherApplication(create_backend_app)), port)


class OneAtATime:
    """A WSGI application that answers one request after the other.

    A conditional write is atomic in DynamoDB; in moto two threads may both find the condition true.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """WSGI."""
        with self._lock:
            return list(self._app(environ, start_response))
