"""SQS in memory and in moto, set up alike for the contract: a queue, its dead letters, and a line that can break."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.httpsession import URLLib3Session

from jpi.aws import Location
from jpi.domain.events import IncidentLogged
from jpi.domain.model import Incident
from jpi.queue import EventQueue
from sandbox.aws import events_queue
from sandbox.aws.memory_sqs import MemorySqs
from sandbox.call_interception import WireFault

PLACE = Location("us-east-1", is_offline=True)


class StillClock:
    """Epoch seconds that pass only when they are told to."""

    def __init__(self):
        self.seconds = 1_800_000_000.0

    def __call__(self):
        return self.seconds

    def advance(self, seconds):
        self.seconds += seconds


class Line:
    """Carries jpi's calls: `calls` are their names, `fates` what becomes of the next: "unreachable", "lost", "fine"."""

    def __init__(self):
        self.calls = []
        self.fates = []

    def __call__(self, name, call):
        self.calls.append(name)
        fate = self.fates.pop(0) if self.fates else "fine"
        if fate == "unreachable":
            raise WireFault(name)
        answer = call()
        if fate == "lost":
            raise WireFault(name)
        return answer


class Backend:
    """One SQS: `client` reaches it undisturbed, `queue` is jpi's and reaches it over `line`."""

    def __init__(self, clock, line, client):
        self.clock = clock
        self.line = line
        self.client = client
        self.sleeps = []
        self.url, self.parked_url = events_queue.make_events_queue(client, f"port-{uuid4().hex[:8]}")
        self.use(None)

    def use(self, client):
        """Have jpi call SQS by this client; None: by its own."""
        self.queue = EventQueue(self.url, PLACE, lambda event: "Q1", client=client, inspection_wait_seconds=0)

    def queue_at(self, name):
        return EventQueue(name, PLACE, lambda event: "Q1", client=self.queue.client)

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.clock.advance(seconds)

    def send(self, *names, group="Q1", url=None):
        """Send a message each, whose name is its body and its deduplication id."""
        return [self.client.send_message(QueueUrl=url or self.url, MessageBody=name, MessageGroupId=group,
                                         MessageDeduplicationId=name) for name in names]

    def receive(self, most=10, url=None, **options):
        return self.client.receive_message(QueueUrl=url or self.url, MaxNumberOfMessages=most, AttributeNames=["All"],
                                           WaitTimeSeconds=0, **options).get("Messages", [])

    def bodies(self, most=10, url=None, **options):
        return [message["Body"] for message in self.receive(most, url, **options)]

    def delete(self, *messages):
        for message in messages:
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def show_again(self, *messages, seconds=0):
        """Have them visible in so many seconds, and a moment pass: moto shows nothing in the very moment."""
        for message in messages:
            self.client.change_message_visibility(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"],
                                                  VisibilityTimeout=seconds)
        self.clock.advance(0.001)

    def drain(self):
        """Receive and delete until nothing comes; return the bodies in the order in which they came."""
        bodies = []
        while messages := self.receive():
            bodies += [message["Body"] for message in messages]
            self.delete(*messages)
        return bodies

    def park(self, *names, group="Q1"):
        """Have messages received until they are dead letters; the queue holds no others."""
        self.send(*names, group=group)
        while self.queue.count_messages() != (0, 0):
            self.receive()
            self.clock.advance(events_queue.VISIBILITY_SECONDS + 1)
        self.line.calls.clear()


def memory():
    clock, line = StillClock(), Line()
    sqs = MemorySqs(clock)
    backend = Backend(clock, line, sqs.make_client())
    backend.use(sqs.make_client(line, backend.sleep))
    return backend


def moto(monkeypatch, aws):
    clock, line = StillClock(), Line()
    aws.use_clock(clock)
    backend = Backend(clock, line, aws.make_sqs_client())
    monkeypatch.setattr(time, "sleep", backend.sleep)
    send = URLLib3Session.send

    def send_over_line(session, request):
        if b"Credential=offline/" not in request.headers["Authorization"]:
            return send(session, request)
        try:
            return line(request.headers["X-Amz-Target"].decode(), lambda: send(session, request))
        except WireFault as fault:
            raise ConnectionClosedError(endpoint_url=request.url) from fault

    monkeypatch.setattr(URLLib3Session, "send", send_over_line)
    return backend


def logged(name, incident_id="Q1"):
    """An event of jpi's, stored under the incident and with its name as deduplication id."""
    return IncidentLogged(name, datetime(2026, 11, 20, tzinfo=UTC), Incident(incident_id))


def code_of(call, **request):
    """The code with which a call is refused, without SQS's prefix, which moto leaves out of some."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]["Code"].removeprefix("AWS.SimpleQueueService.")
