"""Where a world runs: all in this process, or on servers of 127.0.0.1."""

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
    """What a world needs of where it runs."""

    database_url: str

    def serve(self, name: str, application: WsgiApplication, port: int) -> str:
        """Serve an application; its address."""

    def use_clock(self, clock: Clock) -> None:
        """Have DynamoDB and SQS go by this clock."""

    def make_session(self) -> requests.Session | None:
        """Return what carries the requests of people and webhooks; None: sockets."""

    def make_sqs_client(self) -> Any:
        """Return a client of SQS for whoever is not jpi."""

    def make_tables(self, chosen: Settings) -> None:
        """Make jpi's tables."""

    def make_outside(self, clock: Clock, sleep: Sleep) -> wiring.Infrastructure:
        """Return what jpi reaches the outside through."""

    def stop(self) -> None:
        """Stop serving."""


class InProcessHost:
    """Everything in this process: no sockets, no threads, and no time but the world's clock.

    `carry_http` and `carry` may let something become of each of jpi's calls: to the services, and to AWS.
    """

    database_url = "http://dynamodb.localhost"

    def __init__(self, intercept_http: HttpInterceptor = send_unchanged,
                 intercept_call: CallInterceptor = call_unchanged) -> None:
        self._intercept_http = intercept_http
        self._intercept_call = intercept_call
        self._applications: dict[str, WsgiApplication] = {}

    def serve(self, name: str, application: WsgiApplication, port: int) -> str:
        """Answer requests to `http://<name>.localhost`."""
        url = f"http://{name}.localhost"
        self._applications[url] = application
        return url

    def use_clock(self, clock: Clock) -> None:
        """Begin with empty tables and queues."""
        self._clock = clock
        self._tables, self._sqs = MemoryTables(clock), MemorySqs(clock)

    def make_session(self) -> requests.Session:
        """Return a session that reaches what is served here."""
        return make_wsgi_session(self._applications, self._clock)

    def make_sqs_client(self) -> Any:
        """Return a client whose calls nothing becomes of."""
        return self._sqs.make_client()

    def make_tables(self, chosen: Settings) -> None:
        """Nothing to make: the tables are there."""

    def make_outside(self, clock: Clock, sleep: Sleep) -> wiring.Infrastructure:
        """Return what jpi reaches the outside through, all of it by way of `carry_http` and `carry`."""
        return wiring.Infrastructure(clock, sleep, WsgiAdapter(self._applications, self._clock, self._intercept_http),
                                     make_memory_stores(self._tables, self._intercept_call, sleep),
                                     self._sqs.make_client(self._intercept_call, sleep))

    def list_stateful_parts(self) -> dict[str, object]:
        """Return what holds the rows and the messages, by name."""
        return {"tables": self._tables, "sqs": self._sqs}

    def stop(self) -> None:
        """Nothing to stop."""


class AwsServer(Protocol):
    """DynamoDB and SQS, served somewhere on 127.0.0.1."""

    url: str

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Have SQS go by this clock."""

    def make_sqs_client(self) -> Any:
        """Return a client of its own."""


class LoopbackHost:
    """Servers on 127.0.0.1 in threads of this process, DynamoDB and SQS as moto simulates them."""

    def __init__(self, aws: AwsServer) -> None:
        self._aws = aws
        self.database_url = aws.url
        self._servers: list[Server] = []

    def serve(self, name: str, application: WsgiApplication, port: int) -> str:
        """Serve on this port, 0 for any free one."""
        self._servers.append(Server(application, port))
        return self._servers[-1].url

    def use_clock(self, clock: Clock) -> None:
        """Have moto's SQS go by this clock."""
        self._aws.use_clock(clock)

    def make_session(self) -> None:
        """Return nothing: requests go over sockets."""

    def make_sqs_client(self) -> Any:
        """Return a client of its own."""
        return self._aws.make_sqs_client()

    def make_tables(self, chosen: Settings) -> None:
        """Make them in moto."""
        tables = wiring.bind_tables(chosen)
        for model in (tables.links, tables.processed_ids, tables.config):
            create_table(model)

    def make_outside(self, clock: Clock, sleep: Sleep) -> wiring.Infrastructure:
        """Return the real outside, but for time."""
        return wiring.Infrastructure(clock, sleep)

    def stop(self) -> None:
        """Stop the servers."""
        for server in self._servers:
            server.stop()
