"""What SQS answers and refuses, and what becomes of calls whose answers are lost; in memory and in moto."""

import pytest

from jpi.domain.actions import QUEUED
from jpi.errors import AwsOutage
from sandbox.aws import events_queue
from tests.ports.sqs import code_of, logged

SEND, RECEIVE = "AmazonSQS.SendMessageBatch", "AmazonSQS.ReceiveMessage"


def entry(name, **fields):
    return {"Id": name, "MessageBody": name, "MessageGroupId": "Q1", "MessageDeduplicationId": name, **fields}


def answer_to(call, **request):
    answer = call(**request)
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return answer


def test_answers_have_the_shape_of_boto3s(sqs):
    client, url = sqs.client, sqs.url
    fields = {"MessageBody": "a", "MessageGroupId": "Q1", "MessageDeduplicationId": "a"}
    sent = answer_to(client.send_message, QueueUrl=url, **fields)
    assert {*sent} == {"MessageId", "MD5OfMessageBody", "SequenceNumber"}
    batch = answer_to(client.send_message_batch, QueueUrl=url, Entries=[entry("b")])
    assert ({*batch}, {*batch["Successful"][0]}) == ({"Successful", "Failed"}, {"Id", *sent})
    messages = answer_to(client.receive_message, QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {*messages[0]} == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert (messages[0]["MessageId"], messages[0]["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    handles = [message["ReceiptHandle"] for message in messages]
    changed = [{"Id": "x", "ReceiptHandle": handles[0], "VisibilityTimeout": 9}]
    assert answer_to(client.change_message_visibility_batch, QueueUrl=url, Entries=changed) == {
        "Successful": [{"Id": "x"}], "Failed": []}
    assert answer_to(client.change_message_visibility, QueueUrl=url, ReceiptHandle=handles[0],
                     VisibilityTimeout=9) == {}
    assert answer_to(client.delete_message, QueueUrl=url, ReceiptHandle=handles[1]) == {}
    assert answer_to(client.receive_message, QueueUrl=url) == {}
    assert answer_to(client.set_queue_attributes, QueueUrl=url, Attributes={"VisibilityTimeout": "9"}) == {}
    assert answer_to(client.get_queue_attributes, QueueUrl=url, AttributeNames=["VisibilityTimeout"]) == {
        "Attributes": {"VisibilityTimeout": "9"}}
    assert answer_to(client.get_queue_attributes, QueueUrl=url) == {}
    assert answer_to(client.get_queue_url, QueueName=url.rsplit("/", 1)[-1]) == {"QueueUrl": url}


def test_a_message_shows_the_attributes_that_are_asked_for(sqs):
    sqs.send("a")
    [message] = sqs.client.receive_message(QueueUrl=sqs.url, AttributeNames=["SentTimestamp"],
                                           MessageSystemAttributeNames=["MessageGroupId"])["Messages"]
    assert {*message["Attributes"]} == {"SentTimestamp", "MessageGroupId"}
    sqs.show_again(message)
    assert {*sqs.receive()[0]["Attributes"]} == {
        "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
        "MessageDeduplicationId", "MessageGroupId", "SequenceNumber"}


def test_a_queue_is_made_once(sqs):
    name = sqs.url.rsplit("/", 1)[-1]
    settings = {"FifoQueue": "true", "VisibilityTimeout": str(events_queue.VISIBILITY_SECONDS)}
    assert code_of(sqs.client.create_queue, QueueName=name,
                   Attributes={**settings, "VisibilityTimeout": "9"}) == "QueueAlreadyExists"
    dead = sqs.parked_url.rsplit("/", 1)[-1]
    assert sqs.client.create_queue(QueueName=dead, Attributes={"FifoQueue": "true"})["QueueUrl"] == sqs.parked_url


@pytest.mark.parametrize(("entries", "code"), [
    ([entry(f"m{number}") for number in range(11)], "TooManyEntriesInBatchRequest"),
    ([], "EmptyBatchRequest"),
    ([entry("a"), entry("a", MessageDeduplicationId="b")], "BatchEntryIdsNotDistinct"),
    ([entry("a"), entry("b", Id="not an id")], "InvalidBatchEntryId"),
    ([entry("a"), entry("b", MessageBody="x" * 2**20)], "BatchRequestTooLong"),
])
def test_a_batch_that_is_none_is_refused_whole(sqs, entries, code):
    assert code_of(sqs.client.send_message_batch, QueueUrl=sqs.url, Entries=entries) == code
    assert sqs.queue.count_messages() == (0, 0)


@pytest.mark.parametrize(("missing", "code"), [
    ("MessageGroupId", "MissingParameter"), ("MessageDeduplicationId", "InvalidParameterValue")])
def test_a_message_needs_a_group_and_a_deduplication_id(sqs, missing, code):
    fields = {name: value for name, value in entry("a").items() if name not in (missing, "Id")}
    assert code_of(sqs.client.send_message, QueueUrl=sqs.url, **fields) == code


@pytest.mark.parametrize(("operation", "request_"), [
    ("send_message_batch", {"Entries": [entry("a")]}),
    ("send_message", {"MessageBody": "a", "MessageGroupId": "Q1", "MessageDeduplicationId": "1"}),
    ("receive_message", {}),
    ("delete_message", {"ReceiptHandle": "r"}),
    ("change_message_visibility", {"ReceiptHandle": "r", "VisibilityTimeout": 0}),
    ("change_message_visibility_batch", {"Entries": [{"Id": "0", "ReceiptHandle": "r", "VisibilityTimeout": 0}]}),
    ("get_queue_attributes", {"AttributeNames": ["QueueArn"]}),
    ("set_queue_attributes", {"Attributes": {"VisibilityTimeout": "9"}}),
])
def test_a_queue_that_is_not_there_is_refused(sqs, operation, request_):
    assert code_of(getattr(sqs.client, operation), QueueUrl=f"{sqs.url}x", **request_) in (
        "NonExistentQueue", "QueueDoesNotExist")


def test_to_jpi_a_queue_that_is_not_there_is_an_outage(sqs):
    with pytest.raises(AwsOutage, match=r"SQS send_message_batch: .*does not exist"):
        sqs.queue_at(f"{sqs.url}x").take([logged("log:1")])
    assert sqs.line.calls == [SEND], "a refusal is not tried again"
    assert code_of(sqs.client.get_queue_url, QueueName="x.fifo") in ("NonExistentQueue", "QueueDoesNotExist")


def test_an_event_whose_answer_is_lost_is_stored_once(sqs):
    sqs.line.fates = ["lost"]
    assert sqs.queue.take([logged("log:1"), logged("log:2")]) == [QUEUED, QUEUED]
    assert sqs.line.calls == [SEND, SEND]
    assert [0 <= seconds <= 0.05 for seconds in sqs.sleeps] == [True]
    assert len(sqs.receive()) == 2


@pytest.mark.parametrize(("fate", "stored"), [("unreachable", 0), ("lost", 1)])
def test_after_two_tries_it_is_an_outage_whatever_was_stored(sqs, fate, stored):
    sqs.line.fates = [fate, fate]
    with pytest.raises(AwsOutage, match="SQS send_message_batch"):
        sqs.queue.take([logged("log:1")])
    assert sqs.line.calls == [SEND, SEND]
    assert sqs.queue.count_messages() == (stored, 0)
    assert sqs.queue.take([logged("log:1")]) == [QUEUED]
    assert sqs.queue.count_messages() == (1, 0), "the sender comes again, and the double is dropped"


def test_messages_whose_receive_is_lost_are_in_flight_until_their_time_is_over(sqs):
    sqs.park("a")
    assert sqs.queue.dead_letter_url == sqs.parked_url
    # From here on only the receive is left to be lost.
    sqs.line.calls.clear()
    sqs.line.fates = ["lost"]
    assert sqs.queue.receive_dead_letters() == []
    assert sqs.line.calls == [RECEIVE, RECEIVE]
    sqs.clock.advance(601)
    [parked] = sqs.queue.receive_dead_letters()
    assert parked.body == "a"


def test_a_replay_whose_answers_are_lost_happens_once(sqs):
    sqs.park("a")
    [parked] = sqs.queue.receive_dead_letters()
    sqs.line.calls.clear()
    sqs.line.fates = ["lost", "fine", "lost"]
    sqs.queue.requeue_dead_letter(parked, "1")
    assert sqs.line.calls == [SEND, SEND, "AmazonSQS.DeleteMessage", "AmazonSQS.DeleteMessage"]
    assert (sqs.bodies(), sqs.queue.count_dead_letters()) == (["a"], 0)
    sqs.queue.requeue_dead_letter(parked, "1")
    assert sqs.queue.count_messages() == (0, 1), "the same replay again is a double"


def test_what_is_put_off_twice_since_the_answer_was_lost_is_put_off_once(sqs):
    sqs.send("a")
    [message] = sqs.receive()
    sqs.line.fates = ["lost"]
    sqs.queue.delay_messages({message["ReceiptHandle"]: 10})
    sqs.clock.advance(9)
    assert sqs.bodies() == []
    sqs.clock.advance(2)
    assert sqs.bodies() == ["a"]


def test_a_queue_by_name_is_looked_up_on_the_wire(sqs):
    queue = sqs.queue_at(sqs.url.rsplit("/", 1)[-1])
    assert (queue.url, queue.url) == (sqs.url, sqs.url)
    assert sqs.line.calls == ["AmazonSQS.GetQueueUrl"]
