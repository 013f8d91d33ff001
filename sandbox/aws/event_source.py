"""What Lambda does around jpi's functions: deliver the queue's messages, and delete those that were applied."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from jpi.handlers import events
from sandbox.clock import Clock

Message = dict[str, Any]
FUNCTION_SECONDS = 60.0


class LambdaContext:
    """The context that Lambda gives a function."""

    def __init__(self, clock: Clock, seconds: float = FUNCTION_SECONDS) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds before the function is cut off."""
        return max(0, round((self._ends - self._clock()) * 1000))


class EventSourceMapping:
    """The event source mapping between a queue and `jpi.handlers.events.handler`.

    `failed_messages`: those not applied, by id. `retry_seconds`: deliver these again after this time, sooner than
    jpi asked for.
    """

    def __init__(self, sqs: Any, url: str, clock: Clock, batch: int = 10,
                 handler: Callable[[Any, Any], Any] = events.handler) -> None:
        self._sqs = sqs
        self.url = url
        self._clock = clock
        self.batch_size = batch
        self._handler = handler
        self.failed_messages: dict[str, Message] = {}
        self.retry_seconds: int | None = None

    def process_batch(self) -> int:
        """Have one batch applied; return how many messages are done. A failed one stays hidden for its visibility."""
        messages = self.receive_batch()
        if not messages:
            return 0
        answer = self._handler({"Records": [to_lambda_record(message) for message in messages]},
                               LambdaContext(self._clock))
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        done = [message for message in messages if message["MessageId"] not in failed]
        for message in done:
            # A message whose visibility has ended meanwhile is delivered again, as with Lambda.
            with suppress(ClientError):
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        self._remember_failed(messages, failed)
        return len(done)

    def _remember_failed(self, messages: list[Message], failed: Collection[str]) -> None:
        tried = {message["MessageId"]: message for message in messages}
        failed_now = {message_id: message for message_id, message in tried.items() if message_id in failed}
        self.failed_messages = {message_id: message for message_id,
                                message in self.failed_messages.items() if message_id not in tried} | failed_now
        if self.retry_seconds is not None and failed_now:
            self.return_failed_messages(self.retry_seconds)

    def return_failed_messages(self, seconds: int = 0) -> None:
        """Have the failed messages delivered again after so many seconds."""
        for message in self.failed_messages.values():
            # A message that is in flight again has another receipt by now.
            with suppress(ClientError):
                self._sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"],
                                                    VisibilityTimeout=seconds)

    def receive_batch(self) -> list[Message]:
        """Receive the next batch, which is in flight from now on."""
        answer = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=self.batch_size,
                                           AttributeNames=["All"], WaitTimeSeconds=0)
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def count_waiting(self) -> int:
        """Return how many messages are not done, in flight or not."""
        return self.count_visible() + self._read_count("ApproximateNumberOfMessagesNotVisible")

    def count_visible(self) -> int:
        """Return how many messages could be received now, without those that wait for another of their incident."""
        return self._read_count("ApproximateNumberOfMessages")

    def _read_count(self, name: str) -> int:
        answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(answer["Attributes"][name])


def to_lambda_record(message: Message) -> dict[str, Any]:
    """Return a received message as Lambda hands it to a function: AWS, "Using Lambda with Amazon SQS"."""
    return {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
            "attributes": message["Attributes"], "messageAttributes": {}, "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:events.fifo",
            "awsRegion": "us-east-1"}
