"""Where a world runs: all in this process, or on servers of 127.0.0.1."""

from collections.abc import Callable
from typing import Any, Protocol

import requests

from jpi import wiring
from jpi.settings import Settings
from jpi.tools.create_tables import create
from sandbox.aws.memory_sqs import MemorySqs
from sandbox.aws.memory_state import MemoryTables
from sandbox.aws.memory_tables import memory_stores
from sandbox.clock import Clock
from sandbox.transport import Application, CarryHttp, WsgiAdapter, carry_http, session_to
from sandbox.web import Server
from sandbox.wire import Carry, carry_directly

Sleep = Callable[[float], None]


class Place(Protocol):
    """What a world needs of where it runs."""

    database_url: str

    def serve(self, name: str, application: Application, port: int) -> str:
        """Serve an application; its address."""

    def follow(self, clock: Clock) -> None:
        """Have DynamoDB and SQS go by this clock."""

    def session(self) -> requests.Session | None:
        """Return what carries the requests of people and webhooks; None: sockets."""

    def sqs(self) -> Any:
        """Return a client of SQS for whoever is not jpi."""

    def make_tables(self, chosen: Settings) -> None:
        """Make jpi's tables."""

    def outside(self, clock: Clock, sleep: Sleep) -> wiring.Outside:
        """Return what jpi reaches the outside through."""

    def stop(self) -> None:
        """Stop serving."""


class InProcess:
    """Everything in this process: no sockets, no threads, and no time but the world's clock.

    `carry_http` and `carry` may let something become of each of jpi's calls: to the services, and to AWS.
    """

    database_url = "http://dynamodb.localhost"

    def __init__(self, carry_http: CarryHttp = carry_http, carry: Carry = carry_directly) -> None:
        self._carry_http = carry_http
        self._carry = carry
        self._applications: dict[str, Application] = {}

    def serve(self, name: str, application: Application, port: int) -> str:
        """Answer requests to `http://<name>.localhost`."""
        url = f"http://{name}.localhost"
        self._applications[url] = application
        return url

    def follow(self, clock: Clock) -> None:
        """Begin with empty tables and queues."""
        self._clock = clock
        self._tables, self._sqs = MemoryTables(clock), MemorySqs(clock)

    def session(self) -> requests.Session:
        """Return a session that reaches what is served here."""
        return session_to(self._applications, self._clock)

    def sqs(self) -> Any:
        """Return a client whose calls nothing becomes of."""
        return self._sqs.client()

    def make_tables(self, chosen: Settings) -> None:
        """Nothing to make: the tables are there."""

    def outside(self, clock: Clock, sleep: Sleep) -> wiring.Outside:
        """Return what jpi reaches the outside through, all of it by way of `carry_http` and `carry`."""
        return wiring.Outside(
            clock, sleep, WsgiAdapter(self._applications, self._clock, self._carry_http),
            memory_stores(self._tables, self._carry, sleep), self._sqs.client(self._carry, sleep))

    def holders(self) -> dict[str, object]:
        """Return what holds the rows and the messages, by name."""
        return {"tables": self._tables, "sqs": self._sqs}

    def stop(self) -> None:
        """Nothing to stop."""


class AwsServer(Protocol):
    """DynamoDB and SQS, served somewhere on 127.0.0.1."""

    url: str

    def follow(self, clock: Callable[[], float]) -> None:
        """Have SQS go by this clock."""

    def sqs(self) -> Any:
        """Return a client of its own."""


class Loopback:
    """Servers on 127.0.0.1 in threads of this process, DynamoDB and SQS as moto simulates them."""

    def __init__(self, aws: AwsServer) -> None:
        self._aws = aws
        self.database_url = aws.url
        self._servers: list[Server] = []

    def serve(self, name: str, application: Application, port: int) -> str:
        """Serve on this port, 0 for any free one."""
        self._servers.append(Server(application, port))
        return self._servers[-1].url

    def follow(self, clock: Clock) -> None:
        """Have moto's SQS go by this clock."""
        self._aws.follow(clock)

    def session(self) -> None:
        """Return nothing: requests go over sockets."""

    def sqs(self) -> Any:
        """Return a client of its own."""
        return self._aws.sqs()

    def make_tables(self, chosen: Settings) -> None:
        """Make them in moto."""
        tables = wiring.tables(chosen)
        for model in (tables.links, tables.ledger, tables.config):
            create(model)

    def outside(self, clock: Clock, sleep: Sleep) -> wiring.Outside:
        """Return the real outside, but for time."""
        return wiring.Outside(clock, sleep)

    def stop(self) -> None:
        """Stop the servers."""
        for server in self._servers:
            server.stop()
