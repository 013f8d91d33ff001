"""One outgoing call: what is tried again, what never is, and when there is no time left."""

import json
import threading

import pytest
import requests
import urllib3

from jpi.error_answers import parse_wait_seconds
from jpi.errors import AddressError, IdentityDoubt, OutcomeUnknown, Refused, ServiceUnavailable
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

        return ApiClient("Jira", send, Budget(clock, seconds), clock.advance, "JIRA_SERVER_URL"), sent, clock

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
    api, _, _ = make_api(make_answer(400, body))
    with pytest.raises(Refused):
        api.request("GET", "/x")


@pytest.mark.parametrize(("body", "reason"), [
    ({"message": "Not allowed."}, "Not allowed."),
    ({"errorMessages": "Only a text."}, "Only a text."),
    ({"errors": ["First.", {"message": "Second."}]}, "First.; Second."),
    ({"error": {"message": "Invalid", "errors": ["Title is empty"]}}, "Invalid; Title is empty"),
    ({"error": "invalid_token", "error_description": "It has expired."}, "invalid_token; It has expired."),
    ({"code": 401, "message": "Unauthorized; scope does not match"}, "Unauthorized; scope does not match"),
    ({"status-code": 404, "message": "null for uri"}, "null for uri"),
    ({"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "Not a number."},
     "Not a number.; Bad Request"),
    ({"errorMessages": [], "errors": {"summary": ["Too long.", "Too loud."]}}, "summary: Too long.; Too loud."),
    ([{"message": "One."}, "Two."], "One.; Two."),
    (b"<!doctype html><html><head><title>Site\n temporarily  unavailable</title>",
     "an HTML page: Site temporarily unavailable"),
    (b"<p>Oops", "an HTML page"), (b"  Not  found\n", "Not found"), (b"", "no reason given"),
    (b"null", "no reason given"),
    (b"[" * 100_000, "[" * 300), ({"errorMessages": ["x" * 9_999]}, "x" * 300),
])
def test_an_error_of_any_shape_gives_its_reason(make_api, body, reason):
    api, _, _ = make_api(make_answer(403, body))
    with pytest.raises(Refused) as caught:
        api.request("GET", "/x")
    assert str(caught.value) == f"Jira GET /x was refused with 403: {reason}"


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"Retry-After": "30"}, 30.0), ({"ratelimit-reset": "20"}, 20.0),
    ({"Retry-After": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60.0),
    ({"X-RateLimit-Reset": "2026-01-01T00:20:00Z", "RateLimit-Reason": "jira-cost-based"}, 1200.0),
    ({"X-RateLimit-Reset": "2026-01-01T00:20Z"}, 1200.0), ({"X-RateLimit-Reset": "1767225900"}, 300.0),
    ({"X-RateLimit-Reset": "2026-01-09T00:00:00Z"}, 3600.0), ({"X-RateLimit-Reset": "2025-12-31T23:00:00Z"}, 0.0),
    ({"Retry-After": "5", "X-RateLimit-Reset": "2026-01-01T00:20:00Z"}, 5.0),
    ({"Retry-After": "soon"}, 0.0), ({"Retry-After": "9" * 5_000}, 0.0), ({}, 0.0),
])
def test_a_rate_limit_says_how_long_to_wait_by_any_header(headers, seconds):
    answer = make_answer(429, headers=headers)
    assert parse_wait_seconds(answer, now=1767225600.0) == seconds


def test_a_rate_limit_is_named(make_api):
    api, _, _ = make_api(make_answer(429, headers={"RateLimit-Reason": "jira-cost-based", "Retry-After": "60"}))
    with pytest.raises(ServiceUnavailable, match=r"refused by a rate limit \(jira-cost-based\)"):
        api.request("POST", "/x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_a_redirect_is_a_fault_of_the_address(make_api, method, status):
    """The error is retryable and had no effect; the call is not repeated at once."""
    api, sent, _ = make_api(make_answer(status, b"<html>", {"Location": "https://me:pw@new.example/rest?token=1"}))
    with pytest.raises(AddressError, match=r"to https://new\.example/rest\. .* set JIRA_SERVER_URL to") as caught:
        api.request(method, "/x")
    assert (isinstance(caught.value, ServiceUnavailable), len(sent)) == (True, 1)


def test_an_answer_that_is_not_json_is_no_answer(make_api):
    api, sent, _ = make_api(make_answer(200, b"<html>"), make_answer(200, {}))
    assert (api.request("GET", "/x"), len(sent)) == ({}, 2)
    api, sent, _ = make_api(make_answer(200, b"<html>"))
    with pytest.raises(OutcomeUnknown, match="other than JSON"):
        api.request("POST", "/x")
    assert len(sent) == 1


def test_each_thread_has_a_budget_of_its_own():
    budget = Budget(Clock())
    budget.start(300.0)
    seen = []
    worker = threading.Thread(target=lambda: (budget.start(5.0), seen.append(budget.get_remaining_seconds())))
    worker.start()
    worker.join()
    assert (seen, budget.get_remaining_seconds()) == ([5.0], 300.0)


@pytest.mark.parametrize("body", [b"<html>", b"", {"status-code": 404, "message": "null for uri"}])
def test_a_404_that_the_service_did_not_write_is_an_outage(make_api, body):
    api, sent, _ = make_api(make_answer(404, body), make_answer(404, body), make_answer(404, body))
    with pytest.raises(ServiceUnavailable, match="not answered by the service itself"):
        api.read_if_exists("/x")
    assert len(sent) == 3


@pytest.mark.parametrize(("status", "body", "is_page"), [
    (503, b"<!DOCTYPE html><title>Maintenance</title>", True), (503, b"\n<html></html>", True),
    (503, {"errorMessages": ["Overloaded."]}, False), (503, None, False), (500, b"<html></html>", False)])
def test_a_maintenance_page_is_told_apart_from_a_503_of_the_service(make_api, status, body, is_page):
    api, _, _ = make_api(*[make_answer(status, body)] * 3)
    with pytest.raises(ServiceUnavailable) as raised:
        api.request("GET", "/x")
    assert ("the site may be in maintenance" in str(raised.value)) is is_page


FAILED_SIGN_IN = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}


@pytest.mark.parametrize("answer", [make_answer(401), make_answer(200, {"issues": []}, FAILED_SIGN_IN),
                                    make_answer(404, {"errorMessages": ["No."]}, FAILED_SIGN_IN)])
def test_what_a_stranger_is_told_is_no_answer_and_asked_for_once(make_api, answer):
    api, sent, _ = make_api(answer)
    with pytest.raises(IdentityDoubt, match="Check JIRA_API_TOKEN"):
        api.read_if_exists("/x")
    assert len(sent) == 1
    assert api.identity.take_doubt().token == "JIRA_API_TOKEN"
    assert api.identity.take_doubt() is None


def test_a_write_that_a_stranger_was_granted_may_be_done(make_api):
    api, _, _ = make_api(make_answer(201, {}, FAILED_SIGN_IN))
    with pytest.raises(OutcomeUnknown):
        api.request("POST", "/x")


def test_one_missing_scope_is_a_refusal(make_api):
    api, _, _ = make_api(make_answer(401, {"code": 401, "message": "Unauthorized; scope does not match"}))
    with pytest.raises(Refused):
        api.request("GET", "/x")


def test_not_there_is_believed_once_the_account_is_proved_in_this_invocation(make_api):
    api, _, _ = make_api(*[make_answer(404, {"errorMessages": ["No."]})] * 4)
    proofs = []
    api.identity.prove_account = lambda: proofs.append("asked")
    assert (api.read_if_exists("/x"), api.write_if_exists("DELETE", "/x")) == ({}, False)
    assert len(proofs) == 1
    api._budget.start(25.0)
    api.read_if_exists("/x")
    assert len(proofs) == 2
