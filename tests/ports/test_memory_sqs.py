"""The in-memory SQS where moto does otherwise than AWS's documentation says, and what only memory can: be copied."""

import copy
import pickle

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sandbox.aws import events_queue
from sandbox.aws.memory_sqs import MemorySqs
from sandbox.call_interception import WireFault
from tests.ports.sqs import StillClock, code_of, memory

HALF_A_DAY = 12 * 3600


@pytest.fixture
def sqs(monkeypatch):
    monkeypatch.setattr(events_queue, "RECEIVES", 3)
    return memory()


def change(sqs, message, seconds):
    sqs.client.change_message_visibility(QueueUrl=sqs.url, ReceiptHandle=message["ReceiptHandle"],
                                         VisibilityTimeout=seconds)


def test_a_double_is_dropped_though_the_first_is_deleted_and_answered_alike(sqs):
    # moto: forgets a message that is deleted, and answers each double with an id of its own.
    [first] = sqs.send("a")
    assert sqs.drain() == ["a"]
    sqs.clock.advance(299)
    [double] = sqs.send("a")
    assert {**double, "ResponseMetadata": 0} == {**first, "ResponseMetadata": 0}
    assert sqs.drain() == []
    sqs.clock.advance(1)
    [again] = sqs.send("a")
    assert again["MessageId"] != first["MessageId"]
    assert int(again["SequenceNumber"]) > int(first["SequenceNumber"])


def test_a_double_does_not_prolong_the_five_minutes(sqs):
    # moto: the same, as long as the first is in the queue.
    for _ in range(3):
        sqs.send("a")
        sqs.clock.advance(150)
    assert sqs.drain() == ["a", "a"]


def test_a_message_is_visible_in_the_moment_in_which_its_time_is_over(sqs):
    # moto: only after it, and then it brings a group's messages one by one.
    sqs.send("a", "b")
    messages = sqs.receive()
    sqs.clock.advance(events_queue.VISIBILITY_SECONDS - 0.1)
    assert sqs.bodies() == []
    sqs.clock.advance(0.1)
    messages = sqs.receive()
    assert len(messages) == 2
    for message in messages:
        change(sqs, message, 0)
    assert sqs.bodies() == ["a", "b"]


@pytest.mark.parametrize("received_again", [False, True])
def test_a_receipt_whose_time_is_over_does_nothing(sqs, received_again):
    # moto: deletes by it, and hides the message anew.
    sqs.send("a")
    [message] = sqs.receive()
    sqs.clock.advance(events_queue.VISIBILITY_SECONDS)
    if received_again:
        assert sqs.bodies() == ["a"]
    change(sqs, message, 900)
    assert code_of(sqs.client.delete_message, QueueUrl=sqs.url,
                   ReceiptHandle=message["ReceiptHandle"]) == "InvalidParameterValue"
    sqs.clock.advance(events_queue.VISIBILITY_SECONDS)
    assert sqs.bodies() == ["a"]


def test_a_deleted_message_cannot_be_put_off(sqs):
    # moto: ReceiptHandleIsInvalid.
    sqs.send("a")
    [message] = sqs.receive()
    sqs.delete(message)
    with pytest.raises(ClientError, match="not available for visibility timeout change"):
        change(sqs, message, 0)


def test_twelve_hours_in_flight_are_counted_from_the_receive(sqs):
    # moto: from the sending.
    sqs.send("a")
    sqs.clock.advance(3 * HALF_A_DAY)
    [message] = sqs.receive()
    change(sqs, message, HALF_A_DAY)
    sqs.clock.advance(1)
    change(sqs, message, HALF_A_DAY - 1)
    with pytest.raises(ClientError, match="beyond the limit"):
        change(sqs, message, HALF_A_DAY)


def test_a_dead_letter_gets_a_new_time_and_another_deduplication_id(sqs):
    # moto: keeps both, and so loses the second of two dead letters of one id.
    [first] = sqs.send("a")
    sqs.park()
    [second] = sqs.send("a")
    parked_at = sqs.clock() + 3 * (events_queue.VISIBILITY_SECONDS + 1)
    sqs.park()
    messages = sqs.receive(url=sqs.parked_url)
    ids = [first["MessageId"], second["MessageId"]]
    assert [message["MessageId"] for message in messages] == ids
    assert [message["Attributes"]["MessageDeduplicationId"] for message in messages] == ids
    assert messages[1]["Attributes"]["SentTimestamp"] == str(int(parked_at * 1000))
    assert messages[1]["Attributes"]["ApproximateReceiveCount"] == "4"


@pytest.mark.parametrize(("fields", "code"), [
    ({"MessageGroupId": ""}, "MissingParameter"), ({"MessageDeduplicationId": "é"}, "InvalidParameterValue"),
    ({"MessageGroupId": "Q" * 129}, "InvalidParameterValue"), ({"MessageBody": "\x00"}, "InvalidMessageContents"),
    ({"MessageBody": ""}, "InvalidParameterValue"),
])
def test_an_entry_that_is_refused_hinders_no_other(sqs, fields, code):
    # moto: refuses the whole batch, or takes it.
    entries = [{"Id": name, "MessageBody": name, "MessageGroupId": "Q1", "MessageDeduplicationId": name,
                **(fields if name == "b" else {})} for name in "abc"]
    answer = sqs.client.send_message_batch(QueueUrl=sqs.url, Entries=entries)
    assert [(failed["Id"], failed["Code"], failed["SenderFault"]) for failed in answer["Failed"]] == [("b", code, True)]
    assert sqs.drain() == ["a", "c"]


def test_a_batch_has_256_kib_of_bytes(sqs):
    # moto: 1 MiB, of characters.
    def send(body):
        entries = [{"Id": name, "MessageBody": body, "MessageGroupId": "Q1", "MessageDeduplicationId": name}
                   for name in "ab"]
        return sqs.client.send_message_batch(QueueUrl=sqs.url, Entries=entries)

    assert len(send("é" * 2**16)["Successful"]) == 2
    with pytest.raises(ClientError, match="BatchRequestTooLong"):
        send("é" * 2**16 + "x")
    assert code_of(sqs.client.send_message, QueueUrl=sqs.url, MessageBody="x" * (2**18 + 1), MessageGroupId="Q1",
                   MessageDeduplicationId="1") == "InvalidParameterValue"


def test_a_message_is_gone_when_its_retention_is_over(sqs):
    # moto: receives it no more, but counts it.
    sqs.client.set_queue_attributes(QueueUrl=sqs.url, Attributes={"MessageRetentionPeriod": "3600"})
    sqs.send("a")
    sqs.clock.advance(3599)
    assert sqs.queue.count_messages() == (1, 0)
    sqs.clock.advance(1)
    assert sqs.queue.count_messages() == (0, 0)


def test_it_never_waits(sqs):
    # moto: waits for real, by a clock that may stand still.
    assert sqs.client.receive_message(QueueUrl=sqs.url, WaitTimeSeconds=20).get("Messages") is None
    assert sqs.sleeps == []


@pytest.mark.parametrize(("operation", "attributes", "code"), [
    ("set", {"RedrivePolicy": '{"deadLetterTargetArn": "arn:x:none.fifo", "maxReceiveCount": 3}'},
     "InvalidParameterValue"),
    ("set", {"VisibilityTimeout": "43201"}, "InvalidParameterValue"),
    ("set", {"ContentBasedDeduplication": "true"}, "InvalidAttributeName"),
    ("get", ["Nonsense"], "InvalidAttributeName"),
])
def test_what_is_not_simulated_is_refused_and_changes_nothing(sqs, operation, attributes, code):
    before = copy.deepcopy(sqs.client.get_queue_attributes(QueueUrl=sqs.url, AttributeNames=["All"]))
    name = "Attributes" if operation == "set" else "AttributeNames"
    assert code_of(getattr(sqs.client, f"{operation}_queue_attributes"), QueueUrl=sqs.url, **{name: attributes}) == code
    assert sqs.client.get_queue_attributes(QueueUrl=sqs.url, AttributeNames=["All"]) == before
    with pytest.raises(TypeError, match="DelaySeconds"):
        sqs.client.send_message(QueueUrl=sqs.url, MessageBody="a", MessageGroupId="Q1", DelaySeconds=1)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda sqs: pickle.loads(pickle.dumps(sqs))])
def test_a_copy_goes_its_own_way(copied):
    clock = StillClock()
    original = MemorySqs(clock)
    url, _ = events_queue.make_events_queue(original.make_client(), "events")
    message = {"QueueUrl": url, "MessageBody": "a", "MessageGroupId": "Q1", "MessageDeduplicationId": "1"}
    original.make_client().send_message(**message)
    twin = copied(original)
    assert twin.queues == original.queues
    [received] = twin.make_client().receive_message(QueueUrl=url)["Messages"]
    twin.make_client().delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
    twin.make_client().send_message(**message)
    assert twin.make_client().receive_message(QueueUrl=url).get("Messages") is None, "it remembers the double"
    [same] = original.make_client().receive_message(QueueUrl=url)["Messages"]
    assert same["Body"] == "a"


def test_an_operation_is_done_whole_before_the_next_begins():
    # moto: its server answers one request after the other.
    locked = []

    def clock():
        locked.append(sqs._lock.locked())
        return 0.0

    sqs = MemorySqs(clock)
    url, _ = events_queue.make_events_queue(sqs.make_client(), "events")
    sqs.make_client().send_message(QueueUrl=url, MessageBody="a", MessageGroupId="Q1", MessageDeduplicationId="1")
    sqs.make_client().receive_message(QueueUrl=url)
    assert {*locked} == {True}
    assert not sqs._lock.locked()


def test_a_client_tries_as_often_as_it_is_made_to_and_sleeps_longer_each_time():
    calls, sleeps = [], []

    def break_down(name, call):
        calls.append(name)
        raise WireFault(name)

    client = MemorySqs(StillClock()).make_client(break_down, sleeps.append, attempts=4)
    with pytest.raises(EndpointConnectionError):
        client.get_queue_url(QueueName="x.fifo")
    assert calls == ["AmazonSQS.GetQueueUrl"] * 4
    assert sleeps == [0.025, 0.05, 0.1]


def test_what_else_the_line_raises_passes_through_at_once():
    class Crash(BaseException):
        pass

    def die(name, call):
        raise Crash

    with pytest.raises(Crash):
        MemorySqs(StillClock()).make_client(die).get_queue_url(QueueName="x.fifo")
