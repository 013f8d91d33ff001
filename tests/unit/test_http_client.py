"""One outgoing call: what is tried again, what never is, and when there is no time left."""

import json
import threading

import pytest
import requests
import urllib3

from jpi.errors import OutcomeUnknown, PermanentError, Refused, ServiceUnavailable
from jpi.http_client import ApiClient, Budget
from sandbox.clock import Clock


def make_answer(status=200, body=None, headers=None):
    answer = requests.Response()
    answer.status_code = status
    answer._content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    answer.headers.update(headers or {})
    return answer


REFUSED_CONNECTION = requests.ConnectionError(
    urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.NewConnectionError(None, "refused")))
DROPPED = requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted."))
LIMIT = make_answer(429, headers={"Retry-After": "2"})


@pytest.fixture
def make_api():
    """`make_api(*outcomes)` returns (client, requests sent, clock); each outcome is an answer or an error."""
    def make_client(*outcomes, seconds=25.0):
        clock, sent, left = Clock(), [], list(outcomes)

        def send(method, path, params, body, timeout):
            sent.append((method, path, timeout, clock()))
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return ApiClient("Jira", send, Budget(clock, seconds), clock.advance), sent, clock

    return make_client


@pytest.mark.parametrize("fault", [make_answer(500), make_answer(503), make_answer(408), LIMIT, DROPPED,
                                   REFUSED_CONNECTION, requests.ReadTimeout()])
def test_a_read_is_tried_again(make_api, fault):
    api, sent, _ = make_api(fault, make_answer(200, {"a": 1}))
    assert api.request("GET", "/x") == {"a": 1}
    assert len(sent) == 2


@pytest.mark.parametrize("fault", [LIMIT, REFUSED_CONNECTION, requests.ConnectTimeout()])
def test_a_write_is_tried_again_only_where_it_had_no_effect(make_api, fault):
    api, sent, _ = make_api(fault, make_answer(201, {"a": 1}))
    assert api.request("POST", "/x") == {"a": 1}
    assert len(sent) == 2


@pytest.mark.parametrize("fault", [make_answer(500), make_answer(503, headers={"Retry-After": "1"}), DROPPED,
                                   requests.ReadTimeout(), requests.exceptions.ChunkedEncodingError()])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_with_an_unknown_outcome_is_never_sent_twice(make_api, method, fault):
    api, sent, _ = make_api(fault)
    with pytest.raises(OutcomeUnknown):
        api.request(method, "/x")
    assert len(sent) == 1


def test_a_post_that_only_asks_is_a_read(make_api):
    api, _, _ = make_api(DROPPED, make_answer(200, {}))
    assert api.request("POST", "/search/jql", is_read=True) == {}


def test_tries_are_bounded(make_api):
    api, sent, _ = make_api(*[make_answer(502)] * 9)
    with pytest.raises(ServiceUnavailable, match="Jira GET /x failed with 502"):
        api.request("GET", "/x")
    assert len(sent) == 3


@pytest.mark.parametrize(("headers", "pause"), [
    ({"Retry-After": "3"}, 3.0), ({"ratelimit-reset": "2"}, 2.0), ({}, 0.5),
    ({"Retry-After": "Fri, 20 Nov 2026 03:00:00 GMT"}, 0.5),
])
def test_the_pause_is_what_the_service_asks_for(make_api, headers, pause):
    api, sent, _ = make_api(make_answer(429, headers=headers), make_answer())
    assert api.request("GET", "/x") is None
    assert sent[1][3] - sent[0][3] == pause


@pytest.mark.parametrize(("retry_after", "seconds"), [("5", 25.0), ("3", 3.5)])
def test_a_pause_too_long_gives_the_work_back_with_what_was_asked_for(make_api, retry_after, seconds):
    api, sent, _ = make_api(make_answer(429, headers={"Retry-After": retry_after}), seconds=seconds)
    with pytest.raises(ServiceUnavailable) as caught:
        api.request("GET", "/x")
    assert (len(sent), caught.value.retry_after_seconds) == (1, float(retry_after))


def test_timeouts_end_with_the_budget(make_api):
    api, sent, _ = make_api(make_answer(), seconds=4.0)
    api.request("GET", "/x")
    assert sent[0][2] == (2.0, 4.0)
    api, sent, _ = make_api(seconds=0.5)
    with pytest.raises(ServiceUnavailable, match="no time left"):
        api.request("GET", "/x")
    assert sent == []


def test_a_refusal_says_why(make_api):
    jira = {"errorMessages": ["No."], "errors": {"summary": "Too long."}}
    api, _, _ = make_api(make_answer(400, jira))
    with pytest.raises(Refused, match=r"Jira POST /x was refused with 400: No\.; summary: Too long\.") as caught:
        api.request("POST", "/x")
    refused = caught.value
    assert (refused.service, refused.method, refused.path, refused.status) == ("Jira", "POST", "/x", 400)
    assert (refused.field_errors, refused.answer) == ({"summary": "Too long."}, jira)
    pagerduty = {"error": {"message": "Invalid", "code": 2001, "errors": ["Title is empty"]}}
    api, _, _ = make_api(make_answer(400, pagerduty))
    with pytest.raises(Refused, match="Invalid; Title is empty") as caught:
        api.request("PUT", "/x")
    assert caught.value.vendor_code == 2001


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"text"', {"errors": ["a list"]},
                                  {"error": {"message": "x"}}])
def test_a_refusal_in_another_shape_is_a_refusal(make_api, body):
    api, _, _ = make_api(make_answer(404, body))
    with pytest.raises(Refused):
        api.request("GET", "/x")


def test_an_answer_that_is_not_json_is_permanent(make_api):
    api, _, _ = make_api(make_answer(200, b"<html>"))
    with pytest.raises(PermanentError, match="other than JSON"):
        api.request("GET", "/x")


def test_each_thread_has_a_budget_of_its_own():
    budget = Budget(Clock())
    budget.start(300.0)
    seen = []
    worker = threading.Thread(target=lambda: (budget.start(5.0), seen.append(budget.get_remaining_seconds())))
    worker.start()
    worker.join()
    assert (seen, budget.get_remaining_seconds()) == ([5.0], 300.0)
