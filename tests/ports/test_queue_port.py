"""What jpi relies on of SQS, held against the one in memory and moto's: order, hiding, doubles."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from jpi.domain.actions import QUEUED
from sandbox.aws import event_source, events_queue
from tests.ports.sqs import code_of, logged


def test_messages_of_a_group_come_in_the_order_in_which_they_were_sent(sqs):
    sqs.send("a", "b")
    sqs.queue.take([logged(f"log:{number}") for number in range(9)])
    ids = [message["Attributes"]["MessageDeduplicationId"] for message in sqs.receive() + sqs.receive()]
    assert ids == ["a", "b", *(f"log:{number}" for number in range(8))]


def test_at_most_as_many_come_as_are_asked_for_and_one_if_none_says(sqs):
    for number in range(12):
        sqs.send(f"m{number}", group=f"Q{number}")
    assert len(sqs.client.receive_message(QueueUrl=sqs.url)["Messages"]) == 1
    assert (len(sqs.receive(3)), len(sqs.receive()), sqs.receive()) == (3, 8, [])
    assert code_of(sqs.client.receive_message, QueueUrl=sqs.url, MaxNumberOfMessages=11) == "InvalidParameterValue"
    assert code_of(sqs.client.receive_message, QueueUrl=sqs.url, MaxNumberOfMessages=0) == "InvalidParameterValue"


def test_a_group_waits_while_any_of_its_messages_is_in_flight(sqs):
    sqs.send("a", "b", "c")
    first, second = sqs.receive(2)
    sqs.send("x", group="Q2")
    assert sqs.bodies() == ["x"]
    sqs.delete(first)
    assert sqs.bodies() == []
    sqs.delete(second)
    assert sqs.bodies() == ["c"]


def test_what_comes_again_comes_before_what_was_sent_after_it(sqs):
    sqs.send("a", "b", "c")
    sqs.show_again(*sqs.receive(1))
    assert sqs.bodies(2) == ["a", "b"]
    sqs.clock.advance(events_queue.VISIBILITY_SECONDS + 1)
    assert sqs.drain() == ["a", "b", "c"]


def test_a_later_message_does_not_overtake_one_that_is_put_off(sqs):
    sqs.send("a", "b")
    first, second = sqs.receive()
    sqs.queue.delay_messages({first["ReceiptHandle"]: 900})
    sqs.show_again(second)
    assert sqs.bodies() == []
    sqs.clock.advance(901)
    assert sqs.drain() == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "seconds"), [({}, events_queue.VISIBILITY_SECONDS), ({"VisibilityTimeout": 40}, 40)]
)
def test_a_message_is_hidden_for_the_visibility_timeout(sqs, options, seconds):
    sqs.send("a")
    assert sqs.bodies(**options) == ["a"]
    sqs.clock.advance(seconds - 1)
    assert sqs.bodies() == []
    sqs.clock.advance(2)
    assert sqs.bodies() == ["a"]


@pytest.mark.parametrize("seconds", [5, 1000])
def test_a_changed_visibility_counts_from_the_change(sqs, seconds):
    sqs.send("a")
    [message] = sqs.receive()
    sqs.clock.advance(100)
    sqs.show_again(message, seconds=seconds)
    sqs.clock.advance(seconds - 1)
    assert sqs.bodies() == []
    sqs.clock.advance(2)
    assert sqs.bodies() == ["a"]


def test_a_visibility_of_nothing_shows_a_message_at_once(sqs):
    sqs.send("a")
    sqs.show_again(*sqs.receive())
    assert sqs.bodies() == ["a"]


def test_a_message_may_be_received_without_hiding_it(sqs):
    sqs.send("a")
    assert sqs.bodies(VisibilityTimeout=0) == ["a"]
    sqs.clock.advance(0.001)
    assert sqs.bodies() == ["a"]


def test_more_than_a_batch_is_put_off_each_for_its_own_time(sqs):
    for number in range(12):
        sqs.send(f"m{number:02}", group=f"Q{number}")
    messages = sqs.receive() + sqs.receive()
    sqs.queue.delay_messages({message["ReceiptHandle"]: 10 * number for number, message in enumerate(messages)})
    sqs.clock.advance(0.001)
    assert sqs.bodies() == ["m00"]
    sqs.clock.advance(110)
    assert len(sqs.bodies() + sqs.bodies()) == 11
    assert sqs.line.calls == ["AmazonSQS.ChangeMessageVisibilityBatch"] * 2


def test_a_receipt_that_is_none_hinders_no_other(sqs):
    sqs.send("a")
    [message] = sqs.receive()
    sqs.queue.delay_messages({"nonsense": 0, message["ReceiptHandle"]: 0})
    sqs.clock.advance(0.001)
    assert sqs.bodies() == ["a"]
    entries = [{"Id": "x", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0}]
    answer = sqs.client.change_message_visibility_batch(QueueUrl=sqs.url, Entries=entries)
    assert [(failed["Id"], failed["Code"], failed["SenderFault"]) for failed in answer["Failed"]] == [
        ("x", "ReceiptHandleIsInvalid", True)]
    for call, options in ((sqs.client.delete_message, {}),
                          (sqs.client.change_message_visibility, {"VisibilityTimeout": 0})):
        assert code_of(call, QueueUrl=sqs.url, ReceiptHandle="nonsense", **options) == "ReceiptHandleIsInvalid"


def test_a_visibility_of_more_than_twelve_hours_is_refused(sqs):
    sqs.send("a")
    [message] = sqs.receive()
    assert code_of(sqs.client.change_message_visibility, QueueUrl=sqs.url, ReceiptHandle=message["ReceiptHandle"],
                   VisibilityTimeout=12 * 3600 + 1) == "InvalidParameterValue"


def test_each_receive_counts_and_has_a_receipt_of_its_own(sqs):
    sqs.send("a")
    sent_at = sqs.clock()
    receipts = set()
    for count in range(1, 4):
        sqs.clock.advance(1000)
        [message] = sqs.receive()
        receipts.add(message["ReceiptHandle"])
        attributes = message["Attributes"]
        assert attributes["ApproximateReceiveCount"] == str(count)
        assert attributes["SentTimestamp"] == str(int(sent_at * 1000))
        assert attributes["ApproximateFirstReceiveTimestamp"] == str(int((sent_at + 1000) * 1000))
    assert len(receipts) == 3


def test_a_message_is_deleted_for_good_and_twice_without_harm(sqs):
    sqs.send("a")
    messages = sqs.receive()
    sqs.delete(*messages, *messages)
    sqs.clock.advance(1000)
    assert (sqs.bodies(), sqs.queue.count_messages()) == ([], (0, 0))


@pytest.mark.parametrize(("seconds", "bodies"), [(299.9, []), (300.0, ["a"])])
def test_a_double_is_dropped_for_five_minutes(sqs, seconds, bodies):
    sqs.send("a")
    sqs.clock.advance(seconds)
    sqs.send("a")
    assert sqs.bodies() == ["a", *bodies]


def test_a_double_in_another_group_or_batch_is_one_too_and_in_another_queue_is_none(sqs):
    for _ in range(2):
        assert sqs.queue.take([logged("log:1"), logged("log:1", "Q2"), logged("log:2")]) == [QUEUED] * 3
    sqs.send("log:1", group="Q3")
    sqs.send("log:1", url=sqs.parked_url)
    assert [message["Attributes"]["MessageGroupId"] for message in sqs.receive()] == ["Q1", "Q1"]
    assert sqs.bodies(url=sqs.parked_url) == ["log:1"]


def test_it_counts_what_waits_and_what_is_in_flight(sqs):
    sqs.send("a", "b", "c")
    assert sqs.queue.count_messages() == (3, 0)
    [message] = sqs.receive(1)
    assert sqs.queue.count_messages() == (2, 1)
    sqs.clock.advance(events_queue.VISIBILITY_SECONDS + 1)
    assert sqs.queue.count_messages() == (3, 0)
    sqs.delete(*sqs.receive(2))
    assert sqs.queue.count_messages() == (1, 0)
    assert message["Body"] == "a"


def test_a_batch_goes_through_the_function_and_what_fails_stays(sqs):
    sqs.send("good", group="Q1")
    sqs.send("bad", group="Q2")
    records = []

    def handler(event, context):
        records.extend(event["Records"])
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    function = event_source.EventSourceMapping(sqs.client, sqs.url, sqs.clock, handler=handler)
    assert function.process_batch() == 1
    assert (function.count_visible(), function.count_waiting()) == (0, 1)
    function.return_failed_messages()
    sqs.clock.advance(0.001)
    [message] = function.receive_batch()
    assert event_source.to_lambda_record(message)["body"] == "bad"
    assert [record["attributes"]["ApproximateReceiveCount"] for record in records] == ["1", "1"]


def test_two_never_have_one_message_or_one_group_in_hand(sqs):
    for number in range(20):
        sqs.send(f"m{number}", group=f"Q{number % 10}")
    with ThreadPoolExecutor(4) as pool:
        taken = [body for bodies in pool.map(lambda _: sqs.bodies(1), range(16)) for body in bodies]
    assert sorted(taken) == [f"m{number}" for number in range(10)]
