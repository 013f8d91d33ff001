"""A client of the in-memory SQS, called as boto3's: what it answers, raises and tries again."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError, EndpointConnectionError

from sandbox.aws.fifo_queue import Refusal
from sandbox.call_interception import CallInterceptor, WireFault

# As often as jpi.aws.QUICK lets boto3 try.
ATTEMPTS = 2
Answer = dict[str, Any]


class SqsService(Protocol):
    """What performs a client's calls."""

    def perform(self, operation: str, request: Mapping[str, Any]) -> Answer:
        """Do one operation; raise Refusal where it is refused."""


def let_no_time_pass(seconds: float) -> None:
    """Return at once."""


class MemorySqsClient:
    """Calls of one client, each carried by `carry` under its name on the wire, `AmazonSQS.SendMessage` and the like."""

    def __init__(self, service: SqsService, carry: CallInterceptor, sleep: Callable[[float], object],
                 attempts: int) -> None:
        self._service = service
        self._intercept = carry
        self._sleep = sleep
        self._attempts = attempts

    def create_queue(self, **request: Any) -> Answer:
        """Make a FIFO queue, or find it as it is asked for."""
        return self._call("create_queue", request)

    def get_queue_url(self, **request: Any) -> Answer:
        """Return the address of a queue."""
        return self._call("get_queue_url", request)

    def get_queue_attributes(self, **request: Any) -> Answer:
        """Return a queue's settings and counts."""
        return self._call("get_queue_attributes", request)

    def set_queue_attributes(self, **request: Any) -> Answer:
        """Change a queue's settings."""
        return self._call("set_queue_attributes", request)

    def send_message(self, **request: Any) -> Answer:
        """Send a message."""
        return self._call("send_message", request)

    def send_message_batch(self, **request: Any) -> Answer:
        """Send up to ten messages."""
        return self._call("send_message_batch", request)

    def receive_message(self, **request: Any) -> Answer:
        """Take up to ten messages into flight; never wait for any."""
        return self._call("receive_message", request)

    def delete_message(self, **request: Any) -> Answer:
        """Delete a message that is in flight."""
        return self._call("delete_message", request)

    def change_message_visibility(self, **request: Any) -> Answer:
        """Have a message in flight come again earlier or later."""
        return self._call("change_message_visibility", request)

    def change_message_visibility_batch(self, **request: Any) -> Answer:
        """Have up to ten messages in flight come again earlier or later."""
        return self._call("change_message_visibility_batch", request)

    def _call(self, operation: str, request: Mapping[str, Any]) -> Answer:
        name = operation.title().replace("_", "")
        for attempt in range(self._attempts):
            if attempt:
                # botocore's standard mode draws up to 0.05 s, 0.1 s ...; this is the mean, so that runs are alike.
                self._sleep(0.025 * 2 ** (attempt - 1))
            try:
                answer: Answer = self._intercept(f"AmazonSQS.{name}", lambda: self._perform(name, operation, request))
            except WireFault:
                continue
            return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": attempt}}
        raise EndpointConnectionError(endpoint_url=f"AmazonSQS.{name}")

    def _perform(self, name: str, operation: str, request: Mapping[str, Any]) -> Answer:
        try:
            return self._service.perform(operation, request)
        except Refusal as refusal:
            raise ClientError({"Error": {"Code": refusal.code, "Message": refusal.message}}, name) from refusal
