"""What jpi relies on of SQS's dead letters: parked, looked at, released and replayed; in memory and in moto."""

import pytest

from jpi.errors import AwsOutage
from sandbox.aws import events_queue


def test_what_was_received_too_often_is_parked_and_its_group_goes_on(sqs):
    [sent] = sqs.send("a")
    for _ in range(events_queue.RECEIVES):
        assert sqs.bodies() == ["a"]
        sqs.clock.advance(events_queue.VISIBILITY_SECONDS + 1)
    sqs.send("b")
    assert sqs.queue.count_dead_letters() == 0
    assert sqs.bodies() == ["b"]
    assert (sqs.queue.count_dead_letters(), sqs.queue.count_messages()) == (1, (0, 1))
    [parked] = sqs.queue.receive_dead_letters()
    assert (parked.message_id, parked.incident_id, parked.body) == (sent["MessageId"], "Q1", "a")


def test_parked_messages_are_looked_at_in_their_order_and_kept_from_others_for_ten_minutes(sqs):
    for group in ("Q1", "Q2"):
        sqs.park(f"{group}-first", f"{group}-second", group=group)
    assert [parked.body for parked in sqs.queue.receive_dead_letters()] == [
        "Q1-first",
        "Q1-second",
        "Q2-first",
        "Q2-second",
    ]
    assert sqs.queue.receive_dead_letters() == []
    sqs.clock.advance(601)
    assert [parked.body for parked in sqs.queue.receive_dead_letters() if parked.body.endswith("first")] == [
        "Q1-first",
        "Q2-first",
    ]


def test_released_messages_can_be_looked_at_again_at_once(sqs):
    sqs.park("a")
    sqs.park("b", group="Q2")
    sqs.queue.release_dead_letters(sqs.queue.receive_dead_letters())
    sqs.clock.advance(0.001)
    assert [parked.body for parked in sqs.queue.receive_dead_letters()] == ["a", "b"]


def test_of_an_incident_ten_parked_messages_are_seen(sqs):
    sqs.send(*(f"m{number:02}" for number in range(12)), url=sqs.parked_url)
    sqs.send("other", group="Q2", url=sqs.parked_url)
    assert [parked.body for parked in sqs.queue.receive_dead_letters()] == [
        *(f"m{number:02}" for number in range(10)),
        "other",
    ]
    assert sqs.queue.count_dead_letters() == 2


def test_a_replayed_message_is_back_in_the_queue_and_parked_no_more(sqs):
    sqs.park("a", "b", group="Q7")
    for parked in sqs.queue.receive_dead_letters():
        sqs.queue.requeue_dead_letter(parked, "1")
    messages = [(message["Body"], message["Attributes"]["MessageGroupId"]) for message in sqs.receive()]
    assert messages == [("a", "Q7"), ("b", "Q7")]
    sqs.clock.advance(1000)
    assert (sqs.queue.receive_dead_letters(), sqs.queue.count_dead_letters()) == ([], 0)


def test_a_queue_without_dead_letters_says_so(sqs):
    sqs.client.set_queue_attributes(QueueUrl=sqs.url, Attributes={"RedrivePolicy": ""})
    with pytest.raises(AwsOutage, match="has no dead-letter queue"):
        sqs.queue.count_dead_letters()
    sqs.send("a")
    for _ in range(events_queue.RECEIVES + 2):
        assert sqs.bodies() == ["a"]
        sqs.clock.advance(1000)
