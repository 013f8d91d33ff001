"""The events' SQS FIFO queue."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jpi import aws, event_codec
from jpi.aws import Location
from jpi.domain.events import Event, IssueEvent, get_incident_id
from jpi.errors import AwsOutage
from jpi.sync.event_sink import NO_LINKED_INCIDENT

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# Most that one call takes: AWS, SendMessageBatch and ChangeMessageVisibilityBatch.
MAX_BATCH_MESSAGES = 10
# What SQS takes for ids, less what `replay` adds.
DEDUPLICATION_ID_PATTERN = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,100}")
# How long a message that is looked at is kept from others, should whoever looks be stopped.
INSPECTION_VISIBILITY_SECONDS = 600
# Asked without waiting, SQS may answer that there is nothing though there is: AWS, short and long polling.
INSPECTION_WAIT_SECONDS = 1


@dataclass(frozen=True)
class DeadLetter:
    """A message of the dead-letter queue; `sent` is when it was parked, in epoch seconds."""

    message_id: str
    receipt_handle: str
    incident_id: str
    body: str
    dead_lettered_at: float


class EventQueue:
    """Stores events, in order by incident, until the `events` function has applied them."""

    http_status = 202

    def __init__(self, name_or_url: str, place: Location, find_group: Callable[[IssueEvent], str | None], *,
                 client: "SQSClient | None" = None) -> None:
        """`group_of`: the incident of an issue's event, else what it is to be kept in order with; None: nobody's.

        `client`: a ready SQS client; None: boto3's, built when it is first needed.
        """
        self._name_or_url = name_or_url
        self._place = place
        self._find_group = find_group
        self._ready_client = client

    def __call__(self, events: Sequence[Event]) -> list[str | Exception]:
        """Store them all; Outage where any was not: then they are to be sent again, and doubles are sorted out."""
        found = [self._with_incident_id(event) for event in events]
        self._send_entries([_to_entry(part) for event in found if get_incident_id(event)
                            for part in event_codec.split_to_fit(event)])
        return ["queued" if get_incident_id(event) else NO_LINKED_INCIDENT for event in found]

    def delay_messages(self, seconds_by_receipt: Mapping[str, int]) -> None:
        """Have SQS bring these messages again after so many seconds, rather than when the visibility ends."""
        entries = [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                   for receipt, seconds in seconds_by_receipt.items()]
        for start in range(0, len(entries), MAX_BATCH_MESSAGES):
            batch = [{"Id": str(number), **one} for number,
                     one in enumerate(entries[start : start + MAX_BATCH_MESSAGES])]
            self._call_sqs("change_message_visibility_batch", QueueUrl=self.url, Entries=batch)

    @cached_property
    def url(self) -> str:
        """The queue's address; a name is looked up once."""
        if "://" in self._name_or_url:
            return self._name_or_url
        return str(self._call_sqs("get_queue_url", QueueName=self._name_or_url)["QueueUrl"])

    @cached_property
    def client(self) -> "SQSClient":
        """The SQS client."""
        if self._ready_client is not None:
            return self._ready_client
        parts = urlsplit(self._name_or_url)
        endpoint = f"{parts.scheme}://{parts.netloc}" if self._place.is_offline else ""
        there: SQSClient = aws.make_client("sqs", replace(self._place, endpoint_url=endpoint), aws.QUICK_CONFIG)
        return there

    @cached_property
    def dead_letter_url(self) -> str:
        """The address of the dead-letter queue."""
        found = self._call_sqs("get_queue_attributes", QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
        policy = found.get("Attributes", {}).get("RedrivePolicy")
        if not policy:
            raise AwsOutage(f"the queue {self._name_or_url} has no dead-letter queue")
        name = json.loads(policy)["deadLetterTargetArn"].rsplit(":", 1)[-1]
        return str(self._call_sqs("get_queue_url", QueueName=name)["QueueUrl"])

    def count_dead_letters(self) -> int:
        """How many events are in the dead-letter queue, or nearly: SQS counts approximately."""
        found = self._call_sqs("get_queue_attributes", QueueUrl=self.dead_letter_url,
                               AttributeNames=["ApproximateNumberOfMessages"])
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def count_messages(self) -> tuple[int, int]:
        """How many events wait to be applied, and how many are being applied or were put off; nearly."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._call_sqs("get_queue_attributes", QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def receive_dead_letters(self) -> list["DeadLetter"]:
        """What is in the dead-letter queue, the oldest first; of each incident the first ten, as SQS shows no more.

        Nobody else sees them for ten minutes, unless `release` gives them free.
        """
        found: dict[str, DeadLetter] = {}
        while batch := self._call_sqs("receive_message", QueueUrl=self.dead_letter_url,
                                      MaxNumberOfMessages=MAX_BATCH_MESSAGES,
                                      VisibilityTimeout=INSPECTION_VISIBILITY_SECONDS,
                                      WaitTimeSeconds=INSPECTION_WAIT_SECONDS, AttributeNames=["All"]).get("Messages"):
            if all(message["MessageId"] in found for message in batch):
                # It took so long that the first ones are there again.
                break
            found |= {message["MessageId"]: _parse_dead_letter(message) for message in batch}
        return sorted(found.values(), key=lambda one: one.dead_lettered_at)

    def release_dead_letters(self, dead_letters: Iterable["DeadLetter"]) -> None:
        """Leave these where they are."""
        for one in dead_letters:
            self._call_sqs("change_message_visibility", QueueUrl=self.dead_letter_url, ReceiptHandle=one.receipt_handle,
                           VisibilityTimeout=0)

    def requeue_dead_letter(self, dead_letter: "DeadLetter", replay_id: str) -> None:
        """Bring it back to the queue, under an id that SQS has not seen: it forgets one only after five minutes."""
        dedup = hashlib.sha256(f"{dead_letter.message_id}:{replay_id}".encode()).hexdigest()
        self._send_entries([{"Id": "0", "MessageBody": dead_letter.body, "MessageGroupId": dead_letter.incident_id,
                             "MessageDeduplicationId": dedup}])
        self._call_sqs("delete_message", QueueUrl=self.dead_letter_url, ReceiptHandle=dead_letter.receipt_handle)

    def _with_incident_id(self, event: Event) -> Event:
        if not isinstance(event, IssueEvent) or event.incident_id:
            return event
        return replace(event, incident_id=self._find_group(event))

    def _send_entries(self, entries: Sequence["SendMessageBatchRequestEntryTypeDef"]) -> None:
        for batch in _split_into_batches(entries):
            answer = self._call_sqs("send_message_batch", QueueUrl=self.url, Entries=batch)
            if answer.get("Failed"):
                raise AwsOutage(
                    f"SQS did not take {len(answer['Failed'])} messages: {answer['Failed'][0].get('Message')}"
                )

    def _call_sqs(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except aws.CALL_ERRORS as error:
            raise AwsOutage(f"SQS {operation}: {error}") from error


def _parse_dead_letter(message: Mapping[str, Any]) -> DeadLetter:
    attributes = message["Attributes"]
    return DeadLetter(message["MessageId"], message["ReceiptHandle"], attributes["MessageGroupId"], message["Body"],
                      int(attributes["SentTimestamp"]) / 1000)


def _to_entry(event: Event) -> "SendMessageBatchRequestEntryTypeDef":
    dedup = (event.id if DEDUPLICATION_ID_PATTERN.fullmatch(event.id)
             else hashlib.sha256(event.id.encode("utf-8", "replace")).hexdigest())
    return {"Id": "0", "MessageBody": event_codec.encode_event(event), "MessageGroupId": str(get_incident_id(event)),
            "MessageDeduplicationId": dedup}


def _split_into_batches(entries: Sequence["SendMessageBatchRequestEntryTypeDef"]
             ) -> Iterator[list["SendMessageBatchRequestEntryTypeDef"]]:
    """As few as fit: ten messages, and 256 KiB together."""
    batch: list[SendMessageBatchRequestEntryTypeDef] = []
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
