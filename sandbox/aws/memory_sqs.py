"""SQS in memory: the parts that jpi and the sandbox use, without a socket, by a clock that others advance.

It knows FIFO queues and a few attributes; it refuses anything else instead of ignoring it.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.aws.fifo_queue import (
    LARGEST_BYTES,
    LONGEST_VISIBILITY_SECONDS,
    FifoQueue,
    Message,
    Refusal,
    compute_digest,
    format_sequence_number,
    read_dead_letter_name,
    refuse_value,
    select_attributes,
)
from sandbox.aws.memory_client import ATTEMPTS, MemorySqsClient, let_no_time_pass
from sandbox.call_interception import CallInterceptor, call_unchanged

ADDRESS = "http://sqs.localhost/123456789012/"
# Most messages that one call sends, changes or receives.
MAX_BATCH_ENTRIES = 10
ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
Answer = dict[str, Any]
Entry = Mapping[str, Any]


class MemorySqs:
    """All queues, by name in `queues`; operations run one after another, whichever threads ask for them.

    `perform_operation` takes the names and arguments of boto3's methods, and raises Refusal; `make_client` returns a
    client that raises boto3's errors.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.queues: dict[str, FifoQueue] = {}
        self._clock = clock
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def make_client(self, intercept: CallInterceptor = call_unchanged,
                    sleep: Callable[[float], object] = let_no_time_pass, attempts: int = ATTEMPTS) -> MemorySqsClient:
        """Return a new client; `intercept` makes its calls, up to `attempts` times, with sleeps in between."""
        return MemorySqsClient(self, intercept, sleep, attempts)

    def perform_operation(self, operation: str, request: Mapping[str, Any]) -> Answer:
        """Perform one operation, named like boto3's method; raise Refusal if SQS would refuse it."""
        with self._lock:
            answer: Answer = getattr(self, f"_{operation}")(**request)
            return answer

    def _create_queue(self, QueueName: str, Attributes: Mapping[str, str]) -> Answer:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,75}\.fifo", QueueName) or Attributes.get("FifoQueue") != "true":
            refuse_value("QueueName", QueueName, "The name of a FIFO queue can only include alphanumeric characters, "
                                           "hyphens, or underscores, must end with .fifo and be 1 to 80 in length.")
        queue = FifoQueue(QueueName)
        self._set_attributes(queue, Attributes)
        existing = self.queues.setdefault(QueueName, queue)
        if _list_settings(existing) != _list_settings(queue):
            raise Refusal("QueueAlreadyExists", "A queue already exists with the same name and a different value.")
        return {"QueueUrl": ADDRESS + QueueName}

    def _get_queue_url(self, QueueName: str) -> Answer:
        return {"QueueUrl": ADDRESS + self._find_queue(QueueName).name}

    def _get_queue_attributes(self, QueueUrl: str, AttributeNames: Sequence[str] = ()) -> Answer:
        queue = self._find_queue(QueueUrl)
        in_flight = queue.count_in_flight(self._clock())
        attributes = {**_list_settings(queue), "QueueArn": queue.arn, "ApproximateNumberOfMessagesDelayed": "0",
                      "ApproximateNumberOfMessages": str(len(queue.messages) - in_flight),
                      "ApproximateNumberOfMessagesNotVisible": str(in_flight)}
        for name in AttributeNames:
            if name not in (*attributes, "All", "RedrivePolicy"):
                raise Refusal("InvalidAttributeName", f"Unknown Attribute {name}.")
        selected = select_attributes(attributes, AttributeNames)
        return {"Attributes": selected} if selected else {}

    def _set_queue_attributes(self, QueueUrl: str, Attributes: Mapping[str, str]) -> Answer:
        self._set_attributes(self._find_queue(QueueUrl), Attributes)
        return {}

    def _send_message(self, QueueUrl: str, **entry: str) -> Answer:
        return self._send_entry(self._find_queue(QueueUrl), **entry)

    def _send_message_batch(self, QueueUrl: str, Entries: Sequence[Entry]) -> Answer:
        queue = self._find_queue(QueueUrl)
        size = sum(len(entry["MessageBody"].encode()) for entry in Entries)
        if size > LARGEST_BYTES:
            raise Refusal("AWS.SimpleQueueService.BatchRequestTooLong",
                          f"Batch requests cannot be longer than {LARGEST_BYTES} bytes. You have sent {size} bytes.")
        return _perform_entries(Entries, lambda **entry: self._send_entry(queue, **entry))

    def _receive_message(self, QueueUrl: str, MaxNumberOfMessages: int = 1, VisibilityTimeout: int | None = None,
                         WaitTimeSeconds: int = 0, AttributeNames: Sequence[str] = (),
                         MessageSystemAttributeNames: Sequence[str] = ()) -> Answer:
        queue = self._find_queue(QueueUrl)
        if not 1 <= MaxNumberOfMessages <= MAX_BATCH_ENTRIES:
            refuse_value("MaxNumberOfMessages", MaxNumberOfMessages,
                         f"Must be between 1 and {MAX_BATCH_ENTRIES}, if provided.")
        if not 0 <= WaitTimeSeconds <= 20:
            refuse_value("WaitTimeSeconds", WaitTimeSeconds, "Must be >= 0 and <= 20, if provided.")
        seconds = queue.visibility_seconds if VisibilityTimeout is None else _check_visibility(VisibilityTimeout)
        dead_letters = self.queues.get(read_dead_letter_name(queue.redrive_policy))
        messages = queue.receive_messages(MaxNumberOfMessages, seconds, self._clock(), dead_letters)
        names = [*AttributeNames, *MessageSystemAttributeNames]
        return {"Messages": [_to_received_message(queue, message, names) for message in messages]} if messages else {}

    def _delete_message(self, QueueUrl: str, ReceiptHandle: str) -> Answer:
        self._find_queue(QueueUrl).delete(ReceiptHandle, self._clock())
        return {}

    def _change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> Answer:
        self._find_queue(QueueUrl).change_visibility(ReceiptHandle, _check_visibility(VisibilityTimeout), self._clock())
        return {}

    def _change_message_visibility_batch(self, QueueUrl: str, Entries: Sequence[Entry]) -> Answer:
        self._find_queue(QueueUrl)
        return _perform_entries(Entries, lambda **entry: self._change_message_visibility(QueueUrl, **entry))

    def _find_queue(self, name_or_url: str) -> FifoQueue:
        queue = self.queues.get(name_or_url.rsplit("/", 1)[-1])
        if queue is None:
            raise Refusal("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        queue.forget_old(self._clock())
        return queue

    def _send_entry(self, queue: FifoQueue, MessageBody: str, MessageGroupId: str = "",
                    MessageDeduplicationId: str = "") -> Answer:
        accepted = queue.send(MessageBody, MessageGroupId, MessageDeduplicationId, self._clock())
        return {"MessageId": accepted.message_id, "MD5OfMessageBody": compute_digest(MessageBody),
                "SequenceNumber": format_sequence_number(accepted.sequence)}

    def _set_attributes(self, queue: FifoQueue, attributes: Mapping[str, str]) -> None:
        for name in attributes:
            if name not in ("FifoQueue", "VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"):
                raise Refusal("InvalidAttributeName", f"Unknown Attribute {name}.")
        redrive_policy = attributes.get("RedrivePolicy", queue.redrive_policy)
        if redrive_policy and read_dead_letter_name(redrive_policy) not in self.queues:
            refuse_value("RedrivePolicy", redrive_policy, "Dead letter target does not exist.")
        queue.redrive_policy = redrive_policy
        queue.visibility_seconds = _check_visibility(int(attributes.get("VisibilityTimeout", queue.visibility_seconds)))
        queue.retention_seconds = int(attributes.get("MessageRetentionPeriod", queue.retention_seconds))


def _list_settings(queue: FifoQueue) -> dict[str, str]:
    settings = {"FifoQueue": "true", "VisibilityTimeout": str(queue.visibility_seconds),
                "MessageRetentionPeriod": str(queue.retention_seconds)}
    return settings | ({"RedrivePolicy": queue.redrive_policy} if queue.redrive_policy else {})


def _check_visibility(seconds: int) -> int:
    if not 0 <= seconds <= LONGEST_VISIBILITY_SECONDS:
        refuse_value("VisibilityTimeout", seconds, f"Must be between 0 and {LONGEST_VISIBILITY_SECONDS}, if provided.")
    return seconds


def _to_received_message(queue: FifoQueue, message: Message, names: Sequence[str]) -> Answer:
    answer = {"MessageId": message.id, "ReceiptHandle": queue.make_receipt(message),
              "MD5OfBody": compute_digest(message.body), "Body": message.body}
    attributes = select_attributes(message.to_attributes(), names)
    return {**answer, "Attributes": attributes} if attributes else answer


def _perform_entries(entries: Sequence[Entry], perform: Callable[..., Answer]) -> Answer:
    """Perform each entry of a batch in order; a refused entry stops no other."""
    _check_batch([entry["Id"] for entry in entries])
    successful: list[Answer] = []
    failed: list[Answer] = []
    for entry in entries:
        number = {"Id": entry["Id"]}
        try:
            successful.append(number | perform(**{name: value for name, value in entry.items() if name != "Id"}))
        except Refusal as refusal:
            failed.append({**number, "SenderFault": True, "Code": refusal.code, "Message": refusal.message})
    return {"Successful": successful, "Failed": failed}


def _check_batch(ids: Sequence[str]) -> None:
    prefix = "AWS.SimpleQueueService."
    if not ids:
        raise Refusal(f"{prefix}EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(ids) > MAX_BATCH_ENTRIES:
        raise Refusal(f"{prefix}TooManyEntriesInBatchRequest",
                      f"Maximum number of entries per request are {MAX_BATCH_ENTRIES}. You have sent {len(ids)}.")
    if not all(ENTRY_ID.fullmatch(name) for name in ids):
        raise Refusal(f"{prefix}InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, "
                                                      "hyphens and underscores. It can be at most 80 letters long.")
    if len({*ids}) < len(ids):
        raise Refusal(f"{prefix}BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
