"""Where a world runs: in this process, or on servers at 127.0.0.1."""

from collections.abc import Callable
from typing import Any, Protocol

import requests

from jpi import wiring
from jpi.settings import Settings
from jpi.tools.create_tables import create_table
from sandbox.aws.memory_rows import MemoryTables
from sandbox.aws.memory_sqs import MemorySqs
from sandbox.aws.memory_stores import make_memory_stores
from sandbox.call_interception import CallInterceptor, call_unchanged
from sandbox.clock import Clock
from sandbox.simulated_service import Server
from sandbox.wsgi_transport import HttpInterceptor, WsgiAdapter, WsgiApplication, make_wsgi_session, send_unchanged

Sleep = Callable[[float], None]


class Host(Protocol):
    """Runs the parts of a world."""

    database_url: str

    def serve_application(self, name: str, application: WsgiApplication, port: int) -> str:
        """Serve an application; return its address."""

    def use_clock(self, clock: Clock) -> None:
        """Make DynamoDB and SQS follow this clock."""

    def make_session(self) -> requests.Session | None:
        """Return a session for people and webhooks; None for real sockets."""

    def make_sqs_client(self) -> Any:
        """Return an SQS client for everyone but jpi."""

    def make_tables(self, app_settings: Settings) -> None:
        """Make jpi's tables."""

    def make_outside(self, clock: Callable[[], float], sleep: Sleep) -> wiring.Infrastructure:
        """Return the infrastructure that jpi uses."""

    def stop(self) -> None:
        """Stop serving."""


class InProcessHost:
    """Runs everything in this process: without sockets or threads, and only by the world's clock.

    `intercept_http` and `intercept_call` make jpi's calls to the services and to AWS, and may break them.
    """

    database_url = "http://dynamodb.localhost"

    def __init__(self, intercept_http: HttpInterceptor = send_unchanged,
                 intercept_call: CallInterceptor = call_unchanged) -> None:
        self._intercept_http = intercept_http
        self._intercept_call = intercept_call
        self._applications: dict[str, WsgiApplication] = {}

    def serve_application(self, name: str, application: WsgiApplication, port: int) -> str:
        """Answer requests to `http://<name>.localhost`."""
        url = f"http://{name}.localhost"
        self._applications[url] = application
        return url

    def use_clock(self, clock: Clock) -> None:
        """Start with empty tables and queues."""
        self._clock = clock
        self._tables, self._sqs = MemoryTables(clock), MemorySqs(clock)

    def make_session(self) -> requests.Session:
        """Return a session that reaches the applications served here."""
        return make_wsgi_session(self._applications, self._clock)

    def make_sqs_client(self) -> Any:
        """Return a client whose calls are not intercepted."""
        return self._sqs.make_client()

    def make_tables(self, app_settings: Settings) -> None:
        """Do nothing: the tables exist."""

    def make_outside(self, clock: Callable[[], float], sleep: Sleep) -> wiring.Infrastructure:
        """Return infrastructure whose calls all pass `intercept_http` and `intercept_call`."""
        return wiring.Infrastructure(clock, sleep, WsgiAdapter(self._applications, self._clock, self._intercept_http),
                                     make_memory_stores(self._tables, self._intercept_call, sleep),
                                     self._sqs.make_client(self._intercept_call, sleep))

    def set_table_lag(self, seconds: float) -> None:
        """Let the tables' indexes show what was written after so many seconds."""
        self._tables.index_lag_seconds = seconds

    def list_stateful_parts(self) -> dict[str, object]:
        """Return the objects that hold rows and messages, by name."""
        return {"tables": self._tables, "sqs": self._sqs}

    def stop(self) -> None:
        """Do nothing: no server runs."""


class AwsServer(Protocol):
    """DynamoDB and SQS on 127.0.0.1."""

    url: str

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Make SQS follow this clock."""

    def make_sqs_client(self) -> Any:
        """Return a new client."""


class LoopbackHost:
    """Runs servers on 127.0.0.1 in threads of this process; moto simulates DynamoDB and SQS."""

    def __init__(self, aws: AwsServer) -> None:
        self._aws = aws
        self.database_url = aws.url
        self._servers: list[Server] = []

    def serve_application(self, name: str, application: WsgiApplication, port: int) -> str:
        """Serve on this port; 0 picks a free one."""
        self._servers.append(Server(application, port))
        return self._servers[-1].url

    def use_clock(self, clock: Clock) -> None:
        """Make moto's SQS follow this clock."""
        self._aws.use_clock(clock)

    def make_session(self) -> None:
        """Return None: requests use sockets."""

    def make_sqs_client(self) -> Any:
        """Return a new client."""
        return self._aws.make_sqs_client()

    def make_tables(self, app_settings: Settings) -> None:
        """Make the tables in moto."""
        tables = wiring.bind_tables(app_settings)
        for model in (tables.links, tables.processed_ids, tables.config):
            create_table(model)

    def make_outside(self, clock: Callable[[], float], sleep: Sleep) -> wiring.Infrastructure:
        """Return the real infrastructure with this clock and sleep."""
        return wiring.Infrastructure(clock, sleep)

    def stop(self) -> None:
        """Stop the servers."""
        for server in self._servers:
            server.stop()
