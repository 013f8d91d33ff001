"""The log of the sandbox's page: what happened in words, and how it is streamed to whoever looks on."""

import json
import logging
import re
from itertools import count
from typing import get_args

import pytest

from jpi.domain.actions import Action
from jpi.logs import make_logger, set_request_id
from sandbox.live_sandbox import LiveSandbox
from sandbox.page import log_lines
from sandbox.page.agreement_timer import AgreementTimer
from sandbox.page.log_feed import LogFeed, RenderedParts, format_server_sent_event, stream_events
from sandbox.simulated_service import RecordedCall
from sandbox.webhook_outbox import Delivery


@pytest.fixture
def feed(queued):
    log_feed = LogFeed(queued)
    yield log_feed
    log_feed.close()


def parse_events(chunks):
    matches = re.findall(r"(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)\n\n", "".join(chunks))
    return [(event, json.loads(data), int(number or 0)) for number, event, data in matches]


def test_the_stream_tells_what_is_new_and_what_differs(feed):
    parts, answers, numbers = {"state": "one", "jira": "same"}, [0], count(1)
    told_lines = stream_events(feed, 0, lambda lines: " ".join(line.head for _, line in lines),
                               lambda: RenderedParts(next(numbers), answers[0], dict(parts)))
    feed.add_line(log_lines.line_from_person("Rita came"))
    feed.add_line(log_lines.line_from_person("Jim came"))
    first = [next(told_lines), next(told_lines)]
    parts["state"] = "two\nlines"
    assert parse_events([*first, next(told_lines)]) == [
        ("log", "Rita came Jim came", 2), ("parts", {"number": 1, "parts": {"state": "one", "jira": "same"}}, 0),
        ("parts", {"number": 2, "parts": {"state": "two\nlines"}}, 0)]
    # A form was answered with parts of its own: whichever came last, the stream sets it right.
    answers[0] = 1
    assert parse_events([next(told_lines)]) == [("parts", {"number": 3, "parts": parts}, 0)]
    feed.add_line(log_lines.line_from_person("Jim left"))
    assert parse_events([next(told_lines)]) == [("log", "Jim left", 3)]
    feed.close()
    assert list(told_lines) == []


def test_a_quiet_stream_gives_a_sign_of_life(feed, monkeypatch):
    monkeypatch.setattr(feed, "wait_for_lines", lambda number: True)
    told_lines = stream_events(feed, 0, lambda lines: "", lambda: RenderedParts(1, 0, {}))
    assert next(told_lines) == ": still here\n\n"


def test_who_comes_again_gets_only_what_is_new(queued):
    live_sandbox = LiveSandbox(queued, interval_seconds=3600)
    client = live_sandbox.page.app.test_client()
    for _ in range(2):
        client.post("/switch/slow")
    for headers, path, expected in (({}, "/events?after=1", 1), ({"Last-Event-ID": "1"}, "/events?after=0", 1),
                                    ({}, "/events?after=999", 2), ({}, "/events?after=x", 2)):
        answer = client.get(path, headers=headers, buffered=False)
        assert answer.mimetype == "text/event-stream"
        [(event, html, _)] = parse_events([next(answer.response).decode()])
        assert (event, html.count("<li")) == ("log", expected)
        answer.close()
    live_sandbox.stop()


def test_the_log_is_bounded(feed):
    for number in range(400):
        feed.add_line(log_lines.line_from_person(str(number)))
    kept = feed.list_lines_after()
    assert (len(kept), kept[-1][0], kept[0][1].head) == (300, 400, "100")


def test_a_message_is_one_event_whatever_it_holds():
    assert format_server_sent_event("log", "a\n\nevent: x\r\ndata: y", 7).count("\n") == 4


def test_every_action_of_the_engine_has_words():
    assert {action_type.__name__ for action_type in get_args(Action)} == log_lines.ACTION_WORDS.keys()


@pytest.mark.parametrize(("extra", "level", "line"), [
    ({"type": "IncidentTriggered", "outcome": "CreateIncidentIssue, AddTimeline", "incident": "Q1",
      "issue": "INCIDENT-1", "source": "webhook", "duration_ms": 7}, logging.INFO,
     ("event", "Created the issue and its linked issues, wrote the timeline", "incident triggered, by webhook",
      "Q1 · INCIDENT-1", "7 ms", False)),
    ({"type": "IssueUpdated", "outcome": "nothing to do", "source": "poll"}, logging.INFO,
     ("idle", "Nothing to do", "issue updated, by poll", "", "? ms", False)),
    ({"type": "IssueUpdated", "outcome": "ignored: done by our own account", "source": "webhook"}, logging.INFO,
     ("idle", "Ignored: done by our own account", "issue updated, by webhook", "", "? ms", False)),
    ({"type": "IncidentResolved", "outcome": "failed", "reason": "it broke", "source": "webhook", "duration_ms": 1},
     logging.WARNING, ("event", "Not applied: it broke", "incident resolved, by webhook", "", "1 ms", True)),
    ({"entries": 1, "events": 0, "again": 2}, logging.INFO,
     ("poll", "Polled", "no events from 1 log entry, 2 to read again", "", "", False)),
    ({"reason": "x" * 999, "incident": "Q1"}, logging.ERROR,
     ("jpi", "An incident was not read", "x" * 400 + " … (999 characters)", "Q1", "", True)),
])
def test_jpis_log_is_told_in_words_with_its_json_behind(feed, extra, level, line):
    message = "polled" if "entries" in extra else "an incident was not read"
    logging.getLogger("jpi").log(level, message, extra=extra)
    [(_, told_line)] = feed.list_lines_after()
    assert (told_line.kind, told_line.head, told_line.detail, told_line.about, told_line.small, told_line.bad) == line
    raw = json.loads(told_line.raw)
    assert raw.items() >= {"level": logging.getLevelName(level), "message": message, "service": "jpi", **extra}.items()


def test_it_is_noticed_when_both_sides_agree_again_and_how_long_that_took():
    looks = [(0.0, True, None), (10.0, False, None), (11.0, False, None), (12.0, True, None), (12.5, False, None),
             (13.0, True, None), (13.9, True, None), (14.0, True, 3.0), (15.0, True, None), (20.0, False, None),
             (21.0, True, None), (22.0, True, 1.0)]
    times = iter([at for at, _, _ in looks])
    agreement = AgreementTimer(lambda: next(times))
    assert [agreement.observe_agreement(agree) for _, agree, _ in looks] == [took for _, _, took in looks]
    assert log_lines.line_from_agreement(2.5).small == "after 2.5 s"


def test_what_stands_in_every_line_is_in_the_json_and_what_only_counts_is_not(feed):
    set_request_id(make_logger("INFO", "test"), "the request's id")
    logging.getLogger("jpi").info("polled", extra={"_aws": {}})
    [(_, line)] = feed.list_lines_after()
    assert json.loads(line.raw)["request"] == "the request's id"
    assert "_aws" not in line.raw


def test_lines_that_only_count_are_left_out(feed):
    logging.getLogger("jpi").info("called", extra={"api": "jira", "calls": 3})
    assert feed.list_lines_after() == []


def test_calls_and_webhooks_have_lines():
    call = RecordedCall("jira", "GET", "/rest", "", {}, b"", duration_seconds=0.0123)
    assert (log_lines.line_from_call(call).small, log_lines.line_from_call(call).bad) == ("no answer, 12 ms", True)
    call.status = 200
    assert (log_lines.line_from_call(call).small, log_lines.line_from_call(call).bad) == ("200, 12 ms", False)
    hook = Delivery("", {}, b'{"webhookEvent": "comment_created"}', "", 0.0)
    assert (log_lines.line_from_delivery("jira", hook).small,
            log_lines.line_from_delivery("jira", hook).bad) == ("lost", True)
    hook.answer_statuses = [500, 202]
    assert (log_lines.line_from_delivery("jira", hook).small,
            log_lines.line_from_delivery("jira", hook).bad) == ("jpi answered 202", False)
