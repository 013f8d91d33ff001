"""Serve DynamoDB and SQS, simulated by moto, in this process."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import boto3
import moto.sqs.models
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.aws.moto_speed import speed_up_moto
from sandbox.clock import RunningClock
from sandbox.simulated_service import Server

speed_up_moto()
REGION = "us-east-1"


class Aws(Server):
    """DynamoDB and SQS as moto simulates them, on loopback in this process; it keeps its data in memory only."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(SerializedApplication(DomainDispatcherApplication(create_backend_app)), port)
        self.use_clock(RunningClock())

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Make SQS's timeouts and delays follow this clock; moto has one clock for all queues."""
        moto.sqs.models.unix_time = lambda *_: clock()  # type: ignore[attr-defined]
        moto.sqs.models.unix_time_millis = lambda *_: clock() * 1000.0  # type: ignore[attr-defined]

    def make_sqs_client(self) -> Any:
        """Return a new client."""
        return boto3.client("sqs", region_name=REGION, endpoint_url=self.url, aws_access_key_id="sandbox",
                            aws_secret_access_key="sandbox")


def _list_groups_in_flight(queue: moto.sqs.models.Queue) -> set[str]:
    """Return the groups with a message in flight. moto also counts messages whose visibility has ended."""
    return {message.group_id for message in queue.pending_messages if message.group_id is not None
            and not message.visible}


moto.sqs.models.Queue.pending_message_groups = property(_list_groups_in_flight)  # type: ignore[assignment]


class SerializedApplication:
    """A WSGI application that answers one request after the other.

    A conditional write is atomic in DynamoDB; in moto two threads may both find the condition true.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one WSGI request."""
        with self._lock:
            return list(self._app(environ, start_response))
