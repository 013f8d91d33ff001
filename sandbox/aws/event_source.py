"""What Lambda does around our functions: brings the queue's messages, deletes those that were applied."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from jpi.handlers import events
from sandbox.clock import Clock

Message = dict[str, Any]
FUNCTION_SECONDS = 60.0


class LambdaContext:
    """What a function may ask of Lambda."""

    def __init__(self, clock: Clock, seconds: float = FUNCTION_SECONDS) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds before the function is cut off."""
        return max(0, round((self._ends - self._clock()) * 1000))


class EventSourceMapping:
    """The event source mapping between a queue and `jpi.handlers.events.handler`.

    `failed`: the messages that were not applied, by id. `patience`: in so many seconds they are brought again, sooner
    than jpi asked for.
    """

    def __init__(self, sqs: Any, url: str, clock: Clock, batch: int = 10,
                 handler: Callable[[Any, Any], Any] = events.handler) -> None:
        self._sqs = sqs
        self.url = url
        self._clock = clock
        self._batch_size = batch
        self._handler = handler
        self.failed_messages: dict[str, Message] = {}
        self.retry_seconds: int | None = None

    def process_batch(self) -> int:
        """Have one batch applied; how many messages are done with. One that fails is left to its visibility."""
        messages = self.receive_batch()
        if not messages:
            return 0
        answer = self._handler({"Records": [to_lambda_record(one) for one in messages]}, LambdaContext(self._clock))
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        done = [one for one in messages if one["MessageId"] not in failed]
        for one in done:
            # A message whose visibility is over meanwhile comes again, as with Lambda.
            with suppress(ClientError):
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
        self._remember_failed(messages, failed)
        return len(done)

    def _remember_failed(self, messages: list[Message], failed: Collection[str]) -> None:
        tried = {one["MessageId"]: one for one in messages}
        again = {name: one for name, one in tried.items() if name in failed}
        self.failed_messages = {name: one for name, one in self.failed_messages.items() if name not in tried} | again
        if self.retry_seconds is not None and again:
            self.return_failed_messages(self.retry_seconds)

    def return_failed_messages(self, seconds: int = 0) -> None:
        """Have what failed brought again in so many seconds."""
        for one in self.failed_messages.values():
            # One that is in flight once more has another receipt by now.
            with suppress(ClientError):
                self._sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"],
                                                    VisibilityTimeout=seconds)

    def receive_batch(self) -> list[Message]:
        """The next batch, in flight from now on."""
        found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=self._batch_size,
                                          AttributeNames=["All"], WaitTimeSeconds=0)
        messages: list[Message] = found.get("Messages", [])
        return messages

    def count_waiting(self) -> int:
        """How many messages are not done with, in flight or not."""
        return self.count_visible() + self._read_count("ApproximateNumberOfMessagesNotVisible")

    def count_visible(self) -> int:
        """How many messages could be received now, but for those that wait for another of their incident."""
        return self._read_count("ApproximateNumberOfMessages")

    def _read_count(self, name: str) -> int:
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(found["Attributes"][name])


def to_lambda_record(message: Message) -> dict[str, Any]:
    """A received message as Lambda hands it to a function: AWS, "Using Lambda with Amazon SQS"."""
    return {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
            "attributes": message["Attributes"], "messageAttributes": {}, "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:events.fifo",
            "awsRegion": "us-east-1"}
