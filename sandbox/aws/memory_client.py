"""A client of the in-memory SQS with the methods of boto3's: the same answers, errors and retries."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError, EndpointConnectionError

from sandbox.aws.fifo_queue import Refusal
from sandbox.call_interception import CallInterceptor, WireFault

# As many as jpi.aws.QUICK allows boto3.
ATTEMPTS = 2
Answer = dict[str, Any]


class SqsService(Protocol):
    """Performs a client's calls."""

    def perform_operation(self, operation: str, request: Mapping[str, Any]) -> Answer:
        """Perform one operation; raise Refusal if SQS would refuse it."""


def let_no_time_pass(seconds: float) -> None:
    """Return at once."""


class MemorySqsClient:
    """One client. `intercept` makes each call; it gets the name on the wire, such as `AmazonSQS.SendMessage`."""

    def __init__(self, service: SqsService, intercept: CallInterceptor, sleep: Callable[[float], object],
                 attempts: int) -> None:
        self._service = service
        self._intercept = intercept
        self._sleep = sleep
        self._attempts = attempts

    def create_queue(self, **request: Any) -> Answer:
        """Make a FIFO queue, or return the one that exists with the same attributes."""
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
        """Take up to ten messages into flight; never wait for more."""
        return self._call("receive_message", request)

    def delete_message(self, **request: Any) -> Answer:
        """Delete a message that is in flight."""
        return self._call("delete_message", request)

    def change_message_visibility(self, **request: Any) -> Answer:
        """Change when a message in flight is delivered again."""
        return self._call("change_message_visibility", request)

    def change_message_visibility_batch(self, **request: Any) -> Answer:
        """Change when up to ten messages in flight are delivered again."""
        return self._call("change_message_visibility_batch", request)

    def _call(self, operation: str, request: Mapping[str, Any]) -> Answer:
        name = operation.title().replace("_", "")
        for attempt in range(self._attempts):
            if attempt:
                # botocore's standard mode waits at random up to 0.05 s, 0.1 s ...; the mean keeps runs repeatable.
                self._sleep(0.025 * 2 ** (attempt - 1))
            try:
                answer: Answer = self._intercept(f"AmazonSQS.{name}", lambda: self._perform(name, operation, request))
            except WireFault:
                continue
            return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": attempt}}
        raise EndpointConnectionError(endpoint_url=f"AmazonSQS.{name}")

    def _perform(self, name: str, operation: str, request: Mapping[str, Any]) -> Answer:
        try:
            return self._service.perform_operation(operation, request)
        except Refusal as refusal:
            raise ClientError({"Error": {"Code": refusal.code, "Message": refusal.message}}, name) from refusal
