"""A FIFO queue of the in-memory SQS: plain data, and the rules by which messages arrive, hide and go.

The rules are those of AWS's Amazon SQS Developer Guide and API Reference.
"""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NoReturn
from uuid import uuid4

DEDUPLICATION_SECONDS = 300
# A message is in flight for at most twelve hours after it was received: AWS, ChangeMessageVisibility.
LONGEST_VISIBILITY_SECONDS = 12 * 3600
# AWS takes 1 MiB today; jpi keeps within the former 256 KiB, and this queue enforces that.
LARGEST_BYTES = 256 * 1024
# AWS, SendMessage: what a body may contain, and what MessageGroupId and MessageDeduplicationId may be.
FORBIDDEN_TEXT = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TOKEN = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")
ARN = "arn:aws:sqs:us-east-1:123456789012:"


class Refusal(Exception):
    """Raised when SQS refuses a request; `code` names the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def refuse_value(name: str, value: object, reason: str) -> NoReturn:
    """Refuse the value of a parameter."""
    raise Refusal("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}")


@dataclass
class Message:
    """A message that waits or is in flight; times are epoch seconds."""

    id: str
    body: str
    group_id: str
    deduplication_id: str
    sent_at: float
    sequence: int
    receives: int = 0
    first_received_at: float = 0.0
    received_at: float = 0.0
    hidden_until: float = 0.0

    def is_in_flight(self, now: float) -> bool:
        """True if a receiver holds the message and its visibility timeout is not over."""
        return now < self.hidden_until

    def to_attributes(self) -> dict[str, str]:
        """Return what ReceiveMessage calls system attributes."""
        return {"SenderId": "AIDAMEMORY", "SentTimestamp": _format_milliseconds(self.sent_at),
                "ApproximateReceiveCount": str(self.receives),
                "ApproximateFirstReceiveTimestamp": _format_milliseconds(self.first_received_at),
                "MessageDeduplicationId": self.deduplication_id, "MessageGroupId": self.group_id,
                "SequenceNumber": format_sequence_number(self.sequence)}


@dataclass
class AcceptedMessage:
    """What was accepted under a deduplication id, and when; a duplicate gets the same answer."""

    message_id: str
    sequence: int
    accepted_at: float


@dataclass
class FifoQueue:
    """One queue: `messages` in the order in which they were sent; `accepted` by deduplication id."""

    name: str
    visibility_seconds: int = 30
    retention_seconds: int = 4 * 86400
    redrive_policy: str = ""
    messages: list[Message] = field(default_factory=list)
    accepted: dict[str, AcceptedMessage] = field(default_factory=dict)
    last_sequence: int = 0

    @property
    def arn(self) -> str:
        """Return the queue's ARN."""
        return ARN + self.name

    def forget_old(self, now: float) -> None:
        """Drop messages past their retention period, and deduplication ids past their five minutes."""
        self.messages = [message for message in self.messages if now - message.sent_at < self.retention_seconds]
        self.accepted = {key: first for key, first in self.accepted.items()
                         if now - first.accepted_at < DEDUPLICATION_SECONDS}

    def send(self, body: str, group_id: str, deduplication_id: str, now: float) -> AcceptedMessage:
        """Accept a message. A duplicate gets the answer of the first one, and is not added."""
        _check_message(body, group_id, deduplication_id)
        if deduplication_id not in self.accepted:
            message = self._append(str(uuid4()), body, group_id, deduplication_id, now)
            self.accepted[deduplication_id] = AcceptedMessage(message.id, message.sequence, now)
        return self.accepted[deduplication_id]

    def receive_messages(self, limit: int, seconds: int, now: float, dead_letters: "FifoQueue | None") -> list[Message]:
        """Take the next messages into flight, of groups with none in flight; bury those received too often."""
        blocked = {message.group_id for message in self.messages if message.is_in_flight(now)}
        taken: list[Message] = []
        for message in [message for message in self.messages if message.group_id not in blocked]:
            if len(taken) == limit:
                break
            if dead_letters is not None and message.receives >= self.read_max_receives():
                self.messages.remove(message)
                dead_letters.add_dead_letter(message, now)
                continue
            message.receives += 1
            message.first_received_at = message.first_received_at or now
            message.received_at, message.hidden_until = now, now + seconds
            taken.append(message)
        return taken

    def add_dead_letter(self, message: Message, now: float) -> None:
        """Add another queue's message as a dead letter.

        Its time and deduplication id are new; else one of two dead letters with the same id would be lost: AWS,
        "Setting-up dead-letter queue retention" and "Configure a dead-letter queue redrive".
        """
        dead_letter = self._append(message.id, message.body, message.group_id, message.id, now)
        dead_letter.receives, dead_letter.first_received_at = message.receives, message.first_received_at

    def read_max_receives(self) -> int:
        """Return how often a message may be received before it becomes a dead letter."""
        return int(json.loads(self.redrive_policy)["maxReceiveCount"])

    def make_receipt(self, message: Message) -> str:
        """Return the handle of this receive of the message; the next receive has another."""
        return f"{self.name}/{message.id}/{message.receives}"

    def delete(self, receipt: str, now: float) -> None:
        """Delete the message, if it still exists. A FIFO queue refuses a receipt whose visibility has ended."""
        message = self._find_received(receipt)
        if message is None:
            return
        if not self._is_current(receipt, message, now):
            refuse_value("ReceiptHandle", receipt, "The receipt handle has expired.")
        self.messages.remove(message)

    def change_visibility(self, receipt: str, seconds: int, now: float) -> None:
        """Hide the message for so long from now on; do nothing if this receive of it has ended."""
        message = self._find_received(receipt)
        if message is None:
            refuse_value("ReceiptHandle", receipt,
                         "Message does not exist or is not available for visibility timeout change.")
        if not self._is_current(receipt, message, now):
            return
        if now + seconds - message.received_at > LONGEST_VISIBILITY_SECONDS:
            refuse_value("VisibilityTimeout", seconds, "Total VisibilityTimeout for the message is beyond the limit "
                                                 f"[{LONGEST_VISIBILITY_SECONDS} seconds]")
        message.hidden_until = now + seconds

    def count_in_flight(self, now: float) -> int:
        """Return how many messages are in flight."""
        return sum(message.is_in_flight(now) for message in self.messages)

    def _append(self, message_id: str, body: str, group_id: str, deduplication_id: str, now: float) -> Message:
        self.last_sequence += 1
        message = Message(message_id, body, group_id, deduplication_id, now, self.last_sequence)
        self.messages.append(message)
        return message

    def _find_received(self, receipt: str) -> Message | None:
        """Return the message of the receipt; None if it was deleted."""
        if not re.fullmatch(rf"{re.escape(self.name)}/[0-9a-f-]{{36}}/\d+", receipt):
            raise Refusal("ReceiptHandleIsInvalid", f'The input receipt handle "{receipt}" is not valid.')
        message_id = receipt.split("/")[1]
        return next((message for message in self.messages if message.id == message_id), None)

    def _is_current(self, receipt: str, message: Message, now: float) -> bool:
        return receipt == self.make_receipt(message) and message.is_in_flight(now)


def read_dead_letter_name(redrive_policy: str) -> str:
    """Return the name of the dead-letter queue; "" if the policy names none."""
    return str(json.loads(redrive_policy)["deadLetterTargetArn"].rsplit(":", 1)[-1]) if redrive_policy else ""


def format_sequence_number(sequence: int) -> str:
    """Write a sequence number as SQS does, in 20 digits."""
    return f"{sequence:020d}"


def compute_digest(body: str) -> str:
    """Return the MD5 digest by which senders and receivers check a body."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def select_attributes(attributes: dict[str, str], names: Collection[str]) -> dict[str, str]:
    """Return the requested attributes."""
    return {name: value for name, value in attributes.items() if name in names or "All" in names}


def _check_message(body: str, group_id: Any, deduplication_id: Any) -> None:
    if not group_id:
        raise Refusal("MissingParameter", "The request must contain the parameter MessageGroupId.")
    if not deduplication_id:
        raise Refusal("InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or "
                                               "MessageDeduplicationId provided explicitly")
    for name, value in (("MessageGroupId", group_id), ("MessageDeduplicationId", deduplication_id)):
        if not TOKEN.fullmatch(value):
            refuse_value(name, value,
                         f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.")
    if FORBIDDEN_TEXT.search(body):
        raise Refusal("InvalidMessageContents", "The message contains characters outside the allowed set.")
    if not 0 < len(body.encode()) <= LARGEST_BYTES:
        raise Refusal("InvalidParameterValue", f"Message must be between 1 and {LARGEST_BYTES} bytes long.")


def _format_milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
