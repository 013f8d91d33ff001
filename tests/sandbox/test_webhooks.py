"""The outbox's delivery rules, against a receiver on loopback that answers as it is told."""

import threading
from dataclasses import replace

import pytest
from flask import Flask, request

from sandbox.clock import Clock
from sandbox.pagerduty.webhooks import PAGERDUTY_RULES
from sandbox.simulated_service import Server
from sandbox.webhook_outbox import Outbox

HOUR = 3600.0


class Receiver:
    """Answers the statuses of `answers` in turn, then 202; `got` is the bodies in order."""

    def __init__(self):
        self.answers, self.got, self.headers = [], [], []
        self.awake = threading.Event()
        app = Flask("receiver")
        app.add_url_rule("/", "hook", self.hook, methods=["POST"])
        app.add_url_rule("/slow", "slow", self.slow, methods=["POST"])
        self.server = Server(app)

    def hook(self):
        self.got.append(request.get_data(as_text=True))
        self.headers.append(request.headers)
        return "", self.answers.pop(0) if self.answers else 202, {"Location": "/elsewhere"}

    def slow(self):
        self.awake.wait(5)
        return "", 200


@pytest.fixture
def receiver():
    there = Receiver()
    yield there
    there.awake.set()
    there.server.stop()


@pytest.fixture
def outbox():
    return Outbox(Clock(), PAGERDUTY_RULES)


def push(outbox, receiver, body, group="g", subscription="S", path="/"):
    outbox.add_delivery(receiver.server.url + path, {"X-Custom": "yes"}, body.encode(), group, subscription)


def left(outbox):
    return len(outbox.pending), len(outbox.delivered), len(outbox.dropped)


@pytest.mark.parametrize(("status", "fate"), [
    (200, (0, 1, 0)), (202, (0, 1, 0)), (204, (0, 1, 0)),
    (429, (1, 0, 0)), (500, (1, 0, 0)), (503, (1, 0, 0)),
    (400, (0, 0, 1)), (401, (0, 0, 1)), (404, (0, 0, 1)), (413, (0, 0, 1)), (302, (0, 0, 1)),
])
def test_what_an_answer_does_to_a_delivery(outbox, receiver, status, fate):
    receiver.answers = [status]
    push(outbox, receiver, "{}")
    assert outbox.deliver_due() == 1
    assert left(outbox) == fate
    assert len(receiver.got) == 1, "a redirect is not followed"


def test_headers_and_body_arrive_as_pushed(outbox, receiver):
    push(outbox, receiver, '{"a": 1}')
    outbox.deliver_due()
    assert (receiver.got, receiver.headers[0]["X-Custom"]) == (['{"a": 1}'], "yes")
    assert outbox.delivered[0].payload == {"a": 1}


def test_no_answer_in_time_is_tried_again(receiver):
    outbox = Outbox(Clock(), replace(PAGERDUTY_RULES, timeout_seconds=0.1))
    push(outbox, receiver, "{}", path="/slow")
    outbox.deliver_due()
    assert outbox.pending[0].answer_statuses == [0]


def test_nobody_there_is_tried_again(outbox, receiver):
    receiver.server.stop()
    push(outbox, receiver, "{}")
    outbox.deliver_due()
    assert outbox.pending[0].answer_statuses == [0]
    receiver.server = Server(Flask("another"))


def test_pagerdutys_timeout_is_five_seconds():
    assert PAGERDUTY_RULES.timeout_seconds == 5.0


def test_retries_come_later_and_later_and_end_after_two_days(outbox, receiver):
    receiver.answers = [500] * 200
    push(outbox, receiver, "{}")
    waited = []
    for _ in range(200):
        assert outbox.deliver_due() == 1
        if not outbox.pending:
            break
        assert outbox.deliver_due() == 0, "not before it is due"
        waited.append(outbox.pending[0].due_at - outbox.clock())
        outbox.clock.advance(waited[-1])
    assert [round(one) for one in waited[:8]] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert max(waited) <= HOUR
    assert 47 * HOUR < sum(waited) < 49 * HOUR
    assert left(outbox) == (0, 0, 1)


def test_later_deliveries_of_a_group_wait_and_keep_their_order(outbox, receiver):
    receiver.answers = [503]
    for body, group in [("1", "a"), ("2", "b"), ("3", "a"), ("4", "b")]:
        push(outbox, receiver, body, group)
    outbox.deliver_due()
    assert receiver.got == ["1", "2", "4"], "3 stands behind 1"
    outbox.clock.advance(31)
    outbox.deliver_due()
    assert receiver.got == ["1", "2", "4", "1", "3"]


def test_a_drop_lets_the_next_of_its_group_through(outbox, receiver):
    receiver.answers = [400]
    push(outbox, receiver, "1")
    push(outbox, receiver, "2")
    outbox.deliver_due()
    assert (receiver.got, left(outbox)) == (["1", "2"], (0, 1, 1))


def drop_three(outbox, receiver):
    receiver.answers = [400] * 3
    for body in "123":
        push(outbox, receiver, body, group=body)
        outbox.deliver_due()


def test_three_drops_in_a_row_switch_the_subscription_off_for_a_day(outbox, receiver):
    drop_three(outbox, receiver)
    push(outbox, receiver, "lost")
    push(outbox, receiver, "another's", subscription="T")
    outbox.deliver_due()
    assert receiver.got[3:] == ["another's"]
    outbox.clock.advance(24 * HOUR + 1)
    push(outbox, receiver, "after")
    outbox.deliver_due()
    assert receiver.got[4:] == ["after"]


def test_a_delivery_between_drops_starts_the_count_again(outbox, receiver):
    receiver.answers = [400, 400, 200, 400, 400, 200]
    for body in "123456":
        push(outbox, receiver, body)
        outbox.deliver_due()
    assert (outbox.disabled_until, left(outbox)) == ({}, (0, 2, 4))


def test_switching_off_loses_what_was_waiting(outbox, receiver):
    receiver.answers = [503]
    push(outbox, receiver, "held", group="other")
    outbox.deliver_due()
    drop_three(outbox, receiver)
    assert outbox.pending == []


def test_switching_off_within_one_pump_tries_nothing_more(outbox, receiver):
    receiver.answers = [400] * 4
    for body in "1234":
        push(outbox, receiver, body, group=body)
    outbox.deliver_due()
    assert (receiver.got, outbox.pending) == (["1", "2", "3"], [])


def test_while_losing_nothing_is_kept(outbox, receiver):
    outbox.is_losing = True
    push(outbox, receiver, "1")
    outbox.is_losing = False
    push(outbox, receiver, "2")
    outbox.deliver_due()
    assert receiver.got == ["2"]
