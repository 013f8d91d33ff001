"""Stores events in the SQS FIFO queue and handles its dead letters."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from jpi import aws, event_codec
from jpi.aws import Location
from jpi.domain.actions import NO_LINKED_INCIDENT, QUEUED, Outcome
from jpi.domain.events import Event, IssueEvent, get_incident_id
from jpi.errors import AwsOutage

# An entry of SendMessageBatch.
Entry = dict[str, str]
# AWS's limit on the entries of SendMessageBatch and ChangeMessageVisibilityBatch.
MAX_BATCH_MESSAGES = 10
# The ids that SQS accepts, kept shorter than its limit of 128 characters.
DEDUPLICATION_ID_PATTERN = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,100}")
# How long an inspected dead letter stays hidden from others if the inspecting process dies.
INSPECTION_VISIBILITY_SECONDS = 600
# Without a wait SQS may answer that there are no messages although there are (short polling).
INSPECTION_WAIT_SECONDS = 1


@dataclass(frozen=True)
class DeadLetter:
    """A message of the dead-letter queue; `dead_lettered_at` is in epoch seconds."""

    message_id: str
    receipt_handle: str
    incident_id: str
    body: str
    dead_lettered_at: float


class EventQueue:
    """Stores events in order by incident until the `events` function has applied them."""

    http_status = 202

    def __init__(self, name_or_url: str, location: Location, find_group: Callable[[IssueEvent], str | None], *,
                 client: Any = None, inspection_wait_seconds: int = INSPECTION_WAIT_SECONDS) -> None:
        """`find_group` returns the message group of an issue's event; None if the event concerns no incident.

        `client`: a ready SQS client; None builds boto3's at the first call.
        """
        self._name_or_url = name_or_url
        self._location = location
        self._find_group = find_group
        self._inspection_wait_seconds = inspection_wait_seconds
        if client is not None:
            self.client = client

    def take(self, events: Sequence[Event]) -> list[Outcome | Exception]:
        """Store all events; AwsOutage if any was not stored: the sender repeats them, and SQS removes duplicates."""
        events = [self._with_incident_id(event) for event in events]
        self._send_entries([_to_entry(part, message) for event in events if get_incident_id(event)
                            for part, message in event_codec.encode_in_parts(event)])
        return [QUEUED if get_incident_id(event) else NO_LINKED_INCIDENT for event in events]

    def delay_messages(self, seconds_by_receipt: Mapping[str, int]) -> None:
        """Have SQS deliver these messages again after so many seconds, rather than when their visibility ends."""
        entries = [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                   for receipt, seconds in seconds_by_receipt.items()]
        for start in range(0, len(entries), MAX_BATCH_MESSAGES):
            batch = [{"Id": str(number), **entry}
                     for number, entry in enumerate(entries[start : start + MAX_BATCH_MESSAGES])]
            self._call_sqs("change_message_visibility_batch", QueueUrl=self.url, Entries=batch)

    @cached_property
    def url(self) -> str:
        """Return the queue's URL; a name is looked up once."""
        if "://" in self._name_or_url:
            return self._name_or_url
        return str(self._call_sqs("get_queue_url", QueueName=self._name_or_url)["QueueUrl"])

    @cached_property
    def client(self) -> Any:
        """Return the SQS client."""
        parts = urlsplit(self._name_or_url)
        endpoint = f"{parts.scheme}://{parts.netloc}" if self._location.is_offline else ""
        return aws.make_client("sqs", replace(self._location, endpoint_url=endpoint), aws.QUICK_CONFIG)

    @cached_property
    def dead_letter_url(self) -> str:
        """Return the URL of the dead-letter queue."""
        policy = self._read_attributes(self.url, "RedrivePolicy").get("RedrivePolicy")
        if not policy:
            raise AwsOutage(f"the queue {self._name_or_url} has no dead-letter queue")
        name = json.loads(policy)["deadLetterTargetArn"].rsplit(":", 1)[-1]
        return str(self._call_sqs("get_queue_url", QueueName=name)["QueueUrl"])

    def count_dead_letters(self) -> int:
        """Return the approximate number of dead letters."""
        name = "ApproximateNumberOfMessages"
        return int(self._read_attributes(self.dead_letter_url, name)[name])

    def count_messages(self) -> tuple[int, int]:
        """Return the approximate numbers of events that wait, and that are being applied or delayed."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        attributes = self._read_attributes(self.url, *names)
        return int(attributes[names[0]]), int(attributes[names[1]])

    def receive_dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters, the oldest first, and of each incident the first ten, as SQS shows no more.

        They stay hidden from others for ten minutes, or until `release_dead_letters`.
        """
        dead_letters: dict[str, DeadLetter] = {}
        options = {"QueueUrl": self.dead_letter_url, "AttributeNames": ["All"],
                   "MaxNumberOfMessages": MAX_BATCH_MESSAGES, "WaitTimeSeconds": self._inspection_wait_seconds,
                   "VisibilityTimeout": INSPECTION_VISIBILITY_SECONDS}
        while batch := self._call_sqs("receive_message", **options).get("Messages"):
            if all(message["MessageId"] in dead_letters for message in batch):
                # The inspection took so long that the first messages are visible again.
                break
            dead_letters |= {message["MessageId"]: _parse_dead_letter(message) for message in batch}
        return sorted(dead_letters.values(), key=lambda dead_letter: dead_letter.dead_lettered_at)

    def release_dead_letters(self, dead_letters: Iterable[DeadLetter]) -> None:
        """Make these visible again, where they are."""
        for dead_letter in dead_letters:
            self._call_sqs("change_message_visibility", QueueUrl=self.dead_letter_url,
                           ReceiptHandle=dead_letter.receipt_handle, VisibilityTimeout=0)

    def requeue_dead_letter(self, dead_letter: DeadLetter, replay_id: str) -> None:
        """Move it back to the queue, under a new id, because SQS drops an id that it saw in the last five minutes."""
        dedup = hashlib.sha256(f"{dead_letter.message_id}:{replay_id}".encode()).hexdigest()
        self._send_entries([{"Id": "0", "MessageBody": dead_letter.body, "MessageGroupId": dead_letter.incident_id,
                             "MessageDeduplicationId": dedup}])
        self._call_sqs("delete_message", QueueUrl=self.dead_letter_url, ReceiptHandle=dead_letter.receipt_handle)

    def _with_incident_id(self, event: Event) -> Event:
        if not isinstance(event, IssueEvent) or event.incident_id:
            return event
        return replace(event, incident_id=self._find_group(event))

    def _send_entries(self, entries: Sequence[Entry]) -> None:
        for batch in _split_into_batches(entries):
            if failures := self._call_sqs("send_message_batch", QueueUrl=self.url, Entries=batch).get("Failed"):
                raise AwsOutage(f"SQS did not take {len(failures)} messages: {failures[0].get('Message')}")

    def _read_attributes(self, url: str, *names: str) -> dict[str, str]:
        answer = self._call_sqs("get_queue_attributes", QueueUrl=url, AttributeNames=list(names))
        return dict(answer.get("Attributes", {}))

    def _call_sqs(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except aws.CALL_ERRORS as error:
            raise AwsOutage(f"SQS {operation}: {error}") from error


def _parse_dead_letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes = message["Attributes"]
    return DeadLetter(message["MessageId"], message["ReceiptHandle"], attributes["MessageGroupId"], message["Body"],
                      int(attributes["SentTimestamp"]) / 1000)


def _to_entry(event: Event, message: str) -> Entry:
    dedup = (event.id if DEDUPLICATION_ID_PATTERN.fullmatch(event.id)
             else hashlib.sha256(event.id.encode("utf-8", "replace")).hexdigest())
    return {"Id": "0", "MessageBody": message, "MessageGroupId": str(get_incident_id(event)),
            "MessageDeduplicationId": dedup}


def _split_into_batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield batches of at most ten messages and 256 KiB."""
    batch: list[Entry] = []
    room = event_codec.MAX_MESSAGE_BYTES
    for entry in entries:
        size = event_codec.count_bytes(entry["MessageBody"])
        if len(batch) == MAX_BATCH_MESSAGES or size > room:
            yield batch
            batch, room = [], event_codec.MAX_MESSAGE_BYTES
        batch.append({**entry, "Id": str(len(batch))})
        room -= size
    if batch:
        yield batch
