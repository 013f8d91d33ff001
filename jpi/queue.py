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
from jpi.aws import Place
from jpi.domain.events import Event, IssueEvent, incident_of
from jpi.errors import Outage
from jpi.sync.event_sink import NOBODYS

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# Most that one call takes: AWS, SendMessageBatch and ChangeMessageVisibilityBatch.
BATCH = 10
# What SQS takes for ids, less what `replay` adds.
ID = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,100}")
# How long a message that is looked at is kept from others, should whoever looks be stopped.
LOOK_SECONDS = 600
# Asked without waiting, SQS may answer that there is nothing though there is: AWS, short and long polling.
LOOK_WAIT_SECONDS = 1


@dataclass(frozen=True)
class Parked:
    """A message of the dead-letter queue; `sent` is when it was parked, in epoch seconds."""

    id: str
    receipt: str
    incident_id: str
    body: str
    sent: float


class Queue:
    """Stores events, in order by incident, until the `events` function has applied them."""

    status = 202

    def __init__(self, name: str, place: Place, group_of: Callable[[IssueEvent], str | None], *,
                 client: "SQSClient | None" = None) -> None:
        """`group_of`: the incident of an issue's event, else what it is to be kept in order with; None: nobody's.

        `client`: a ready SQS client; None: boto3's, built when it is first needed.
        """
        self._name = name
        self._place = place
        self._group_of = group_of
        self._ready_client = client

    def __call__(self, events: Sequence[Event]) -> list[str | Exception]:
        """Store them all; Outage where any was not: then they are to be sent again, and doubles are sorted out."""
        found = [self._with_incident(event) for event in events]
        self._send([_entry(part) for event in found if incident_of(event) for part in event_codec.fitting(event)])
        return ["queued" if incident_of(event) else NOBODYS for event in found]

    def put_off(self, seconds_by_receipt: Mapping[str, int]) -> None:
        """Have SQS bring these messages again after so many seconds, rather than when the visibility ends."""
        entries = [{"ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                   for receipt, seconds in seconds_by_receipt.items()]
        for start in range(0, len(entries), BATCH):
            batch = [{"Id": str(number), **one} for number, one in enumerate(entries[start : start + BATCH])]
            self._call("change_message_visibility_batch", QueueUrl=self.url, Entries=batch)

    @cached_property
    def url(self) -> str:
        """The queue's address; a name is looked up once."""
        if "://" in self._name:
            return self._name
        return str(self._call("get_queue_url", QueueName=self._name)["QueueUrl"])

    @cached_property
    def client(self) -> "SQSClient":
        """The SQS client."""
        if self._ready_client is not None:
            return self._ready_client
        parts = urlsplit(self._name)
        endpoint = f"{parts.scheme}://{parts.netloc}" if self._place.offline else ""
        there: SQSClient = aws.client("sqs", replace(self._place, endpoint=endpoint), aws.QUICK)
        return there

    @cached_property
    def parked_url(self) -> str:
        """The address of the dead-letter queue."""
        found = self._call("get_queue_attributes", QueueUrl=self.url, AttributeNames=["RedrivePolicy"])
        policy = found.get("Attributes", {}).get("RedrivePolicy")
        if not policy:
            raise Outage(f"the queue {self._name} has no dead-letter queue")
        name = json.loads(policy)["deadLetterTargetArn"].rsplit(":", 1)[-1]
        return str(self._call("get_queue_url", QueueName=name)["QueueUrl"])

    def parked_count(self) -> int:
        """How many events are in the dead-letter queue, or nearly: SQS counts approximately."""
        found = self._call("get_queue_attributes", QueueUrl=self.parked_url,
                           AttributeNames=["ApproximateNumberOfMessages"])
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def waiting(self) -> tuple[int, int]:
        """How many events wait to be applied, and how many are being applied or were put off; nearly."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._call("get_queue_attributes", QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def parked(self) -> list["Parked"]:
        """What is in the dead-letter queue, the oldest first; of each incident the first ten, as SQS shows no more.

        Nobody else sees them for ten minutes, unless `release` gives them free.
        """
        found: dict[str, Parked] = {}
        while batch := self._call("receive_message", QueueUrl=self.parked_url, MaxNumberOfMessages=BATCH,
                                  VisibilityTimeout=LOOK_SECONDS, WaitTimeSeconds=LOOK_WAIT_SECONDS,
                                  AttributeNames=["All"]).get("Messages"):
            if all(message["MessageId"] in found for message in batch):
                # It took so long that the first ones are there again.
                break
            found |= {message["MessageId"]: _parked(message) for message in batch}
        return sorted(found.values(), key=lambda one: one.sent)

    def release(self, parked: Iterable["Parked"]) -> None:
        """Leave these where they are."""
        for one in parked:
            self._call("change_message_visibility", QueueUrl=self.parked_url, ReceiptHandle=one.receipt,
                       VisibilityTimeout=0)

    def replay(self, parked: "Parked", number: str) -> None:
        """Bring it back to the queue, under an id that SQS has not seen: it forgets one only after five minutes."""
        dedup = hashlib.sha256(f"{parked.id}:{number}".encode()).hexdigest()
        self._send([{"Id": "0", "MessageBody": parked.body, "MessageGroupId": parked.incident_id,
                     "MessageDeduplicationId": dedup}])
        self._call("delete_message", QueueUrl=self.parked_url, ReceiptHandle=parked.receipt)

    def _with_incident(self, event: Event) -> Event:
        if not isinstance(event, IssueEvent) or event.incident_id:
            return event
        return replace(event, incident_id=self._group_of(event))

    def _send(self, entries: Sequence["SendMessageBatchRequestEntryTypeDef"]) -> None:
        for batch in _batches(entries):
            answer = self._call("send_message_batch", QueueUrl=self.url, Entries=batch)
            if answer.get("Failed"):
                raise Outage(f"SQS did not take {len(answer['Failed'])} messages: {answer['Failed'][0].get('Message')}")

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except aws.FAILURES as error:
            raise Outage(f"SQS {operation}: {error}") from error


def _parked(message: Mapping[str, Any]) -> Parked:
    attributes = message["Attributes"]
    return Parked(message["MessageId"], message["ReceiptHandle"], attributes["MessageGroupId"], message["Body"],
                  int(attributes["SentTimestamp"]) / 1000)


def _entry(event: Event) -> "SendMessageBatchRequestEntryTypeDef":
    dedup = event.id if ID.fullmatch(event.id) else hashlib.sha256(event.id.encode("utf-8", "replace")).hexdigest()
    return {"Id": "0", "MessageBody": event_codec.text(event), "MessageGroupId": str(incident_of(event)),
            "MessageDeduplicationId": dedup}


def _batches(entries: Sequence["SendMessageBatchRequestEntryTypeDef"]
             ) -> Iterator[list["SendMessageBatchRequestEntryTypeDef"]]:
    """As few as fit: ten messages, and 256 KiB together."""
    batch: list[SendMessageBatchRequestEntryTypeDef] = []
    room = event_codec.LIMIT
    for entry in entries:
        size = event_codec.size(entry["MessageBody"])
        if len(batch) == BATCH or size > room:
            yield batch
            batch, room = [], event_codec.LIMIT
        batch.append({**entry, "Id": str(len(batch))})
        room -= size
    if batch:
        yield batch
