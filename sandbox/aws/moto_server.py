"""DynamoDB and SQS, embedded."""

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
    """DynamoDB and SQS as moto simulates them, in this process, on loopback; what they held is gone when it stops."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(SerializedApplication(DomainDispatcherApplication(create_backend_app)), port)
        self.use_clock(RunningClock())

    def use_clock(self, clock: Callable[[], float]) -> None:
        """Have SQS's timeouts and delays go by this clock; moto knows only one for all queues."""
        moto.sqs.models.unix_time = lambda *_: clock()  # type: ignore[attr-defined]
        moto.sqs.models.unix_time_millis = lambda *_: clock() * 1000.0  # type: ignore[attr-defined]

    def make_sqs_client(self) -> Any:
        """A client of its own."""
        return boto3.client("sqs", region_name=REGION, endpoint_url=self.url, aws_access_key_id="sandbox",
                            aws_secret_access_key="sandbox")


def _list_groups_in_flight(queue: moto.sqs.models.Queue) -> set[str]:
    """moto counts messages whose visibility has ended as well, and so brings a group's second before its first."""
    return {one.group_id for one in queue.pending_messages if one.group_id is not None and not one.visible}


moto.sqs.models.Queue.pending_message_groups = property(_list_groups_in_flight)  # type: ignore[assignment]


class SerializedApplication:
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
