"""Reads error answers: the reason, whatever the shape of the body, and how long to wait, whichever header says so."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests

from jpi.errors import Refused
from jpi.json_fields import decode_json

MAX_REASONS = 10
MAX_REASON_LENGTH = 300
MAX_WAIT_SECONDS = 3_600.0
# A number of seconds beyond this is a time in epoch seconds.
MIN_EPOCH_SECONDS = 1_000_000_000.0
# Jira's: developer.atlassian.com/cloud/jira/platform/rate-limiting/. PagerDuty's: ratelimit-reset, in seconds.
WAIT_HEADERS = ("Retry-After", "ratelimit-reset", "X-RateLimit-Reset")
# The fields with a reason, besides `errors` and `error`: Jira's, gateways', those of application/problem+json, OAuth's.
REASON_FIELDS = ("errorMessages", "message", "errorMessage", "error_description", "detail", "title")
# Jira's, application/problem+json, PagerDuty's.
OWN_ERROR_FIELDS = frozenset({"errorMessages", "errors", "detail", "title", "error"})
MAINTENANCE_TEXT = "an HTML page answered, not the service itself: the site may be in maintenance"
HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,300})", re.IGNORECASE)


def parse_refusal(service: str, method: str, path: str, answer: requests.Response) -> Refused:
    """Return the refusal with every reason that the body gives."""
    try:
        body = decode_json(answer.content)
    except ValueError:
        return Refused(service, method, path, answer.status_code, list(_read_text_reason(answer)))
    data = body if isinstance(body, dict) else {}
    error = data["error"] if isinstance(data.get("error"), dict) else {}
    named = data["errors"] if isinstance(data.get("errors"), dict) else {}
    field_errors = {str(name)[:MAX_REASON_LENGTH]: text for name, value in named.items()
                    if (text := "; ".join(_list_reasons(value)))}
    # A field's own reason is not repeated among those of the whole.
    rest = {name: value for name, value in data.items() if value is not named} if data else body
    code = error.get("code")
    return Refused(service, method, path, answer.status_code, _list_reasons(rest), field_errors,
                   vendor_code=code if isinstance(code, int) else 0, answer=body)


def is_own_error(answer: requests.Response) -> bool:
    """True if the body has the shape of Jira's or PagerDuty's errors; what stands before them answers otherwise."""
    try:
        body = decode_json(answer.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and not OWN_ERROR_FIELDS.isdisjoint(body)


def describe_server_fault(call: str, answer: requests.Response) -> str:
    """Say that the call failed; both services' own 503 is JSON, and a page for people tells of maintenance."""
    is_page = answer.content[:MAX_REASON_LENGTH].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    hint = f": {MAINTENANCE_TEXT}" if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and is_page else ""
    return f"{call} failed with {answer.status_code}{hint}"


def parse_wait_seconds(answer: requests.Response, now: float) -> float:
    """Return the wait of the first header that asks for one, at most an hour; 0 if none does.

    A header holds a number of seconds, a time in epoch seconds, an ISO time or an HTTP date.
    """
    waits = [_parse_wait(answer.headers.get(name, ""), now) for name in WAIT_HEADERS]
    return min(MAX_WAIT_SECONDS, next((seconds for seconds in waits if seconds > 0.0), 0.0))


def get_limit_reason(answer: requests.Response) -> str:
    """Return the limit that was reached, where Jira names it."""
    return str(answer.headers.get("RateLimit-Reason", ""))[:MAX_REASON_LENGTH]


def _parse_wait(text: str, now: float) -> float:
    if re.fullmatch(r"\d{1,13}(\.\d{1,9})?", text):
        seconds = float(text)
        return seconds - now if seconds > MIN_EPOCH_SECONDS else seconds
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = parse(text[:MAX_REASON_LENGTH])
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, OverflowError):
            continue
    return 0.0


def _list_reasons(value: Any) -> list[str]:
    """Return the reasons in a value of any shape, each once."""
    return list(dict.fromkeys(_read_reasons(value, depth=3)))[:MAX_REASONS]


def _read_reasons(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield value.strip()[:MAX_REASON_LENGTH]
    elif isinstance(value, list) and depth:
        for item in value[:MAX_REASONS]:
            yield from _read_reasons(item, depth - 1)
    elif isinstance(value, dict) and depth:
        for name in ("error", *REASON_FIELDS, "errors"):
            yield from _read_reasons(value.get(name), depth - 1)


def _read_text_reason(answer: requests.Response) -> Iterator[str]:
    """Yield the title of an HTML page, or the beginning of any other text."""
    text = answer.content[:10_000].decode("utf-8", "replace")
    if title := HTML_TITLE.search(text):
        yield f"an HTML page: {' '.join(title[1].split())}"
    elif text.lstrip().startswith("<"):
        yield "an HTML page"
    elif text.strip():
        yield " ".join(text.split())[:MAX_REASON_LENGTH]
