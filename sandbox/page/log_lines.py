"""Describe what happened as lines of the page's log: jpi's log, its API calls, webhooks, and people's actions. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.simulated_service import RecordedCall
from sandbox.webhook_outbox import Delivery

# What each action did, by its class in `jpi.domain.actions`.
ACTION_WORDS = {"CreateIncidentIssue": "created the issue and its linked issues", "TransitionIssue": "moved the issue",
                "AcceptStatus": "remembered the status, which is not copied to Jira",
                "AddComment": "commented on the issue",
                "AddTimeline": "wrote the timeline", "SetIncidentStatus": "set the incident's status",
                "EditIssue": "edited the issue", "EditIncident": "edited the incident",
                "MirrorNote": "copied the note into a comment", "EditComment": "edited the comment",
                "MirrorComment": "copied the comment into a note", "EditNote": "edited the note",
                "EndLink": "ended the link", "ReplaceManager": "linked another incident manager"}
EVENT_WORDS = {"IncidentAnnotated": "note written", "IncidentLogged": "log entries"}
IDLE_OUTCOMES = ("nothing to do", "ignored")
SERVICE_NAMES = {"jira": "Jira", "pagerduty": "PagerDuty"}
# Counts for CloudWatch, and API calls, which have lines of their own here.
OMITTED_MESSAGES = ("called", "received", "call")
# CloudWatch reads this key; it means nothing to people.
METRICS_KEY = "_aws"
MAX_CHARACTERS = 400


UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LogLine:
    """One line of the page's log. `about` names the incident or issue; `raw` is its JSON. The feed sets `at`.

    Kinds: event, idle (an event that changed nothing), poll, jpi (anything else in its log), call, webhook, person,
    switch, agree.
    """

    kind: str
    head: str
    detail: str = ""
    about: str = ""
    small: str = ""
    bad: bool = False
    raw: str = ""
    at: datetime = UNKNOWN_TIME

    @property
    def time(self) -> str:
        """Return the local time of day."""
        return f"{self.at.astimezone():%H:%M:%S}"


def line_from_log_record(fields: Mapping[str, Any], find_title: Callable[[str], str]) -> LogLine | None:
    """Make a line from jpi's log, or None if it is omitted; `find_title` returns an incident's title."""
    message = str(fields["message"])
    if message in OMITTED_MESSAGES:
        return None
    raw = json.dumps({key: value for key, value in fields.items() if key != METRICS_KEY}, indent=2, ensure_ascii=False)
    if "type" in fields and "outcome" in fields:
        return _line_from_outcome(fields, raw, find_title)
    is_bad = fields["level"] in ("WARNING", "ERROR", "CRITICAL")
    if message == "polled":
        return LogLine("poll", "Polled", _describe_poll(fields), raw=raw)
    return LogLine("jpi", capitalize_first(message), shorten_text(str(fields.get("reason", ""))),
                   _describe_subject(fields, find_title), bad=is_bad, raw=raw)


def _line_from_outcome(fields: Mapping[str, Any], raw: str, find_title: Callable[[str], str]) -> LogLine:
    outcome = str(fields["outcome"])
    has_failed = outcome == "failed"
    head = (f"Not applied: {fields.get('reason', 'no reason given')}" if has_failed
            else capitalize_first(describe_outcome(outcome)))
    kind = "idle" if outcome.partition(":")[0] in IDLE_OUTCOMES else "event"
    detail = f"{describe_event_type(str(fields['type']))}, by {fields.get('source', 'an unknown source')}"
    return LogLine(kind, shorten_text(head), detail, _describe_subject(fields, find_title),
                   f"{fields.get('duration_ms', '?')} ms", has_failed, raw)


def _describe_subject(fields: Mapping[str, Any], find_title: Callable[[str], str]) -> str:
    incident, issue = fields.get("incident"), fields.get("issue")
    title = shorten_text(find_title(str(incident)), 80) if incident else ""
    return " · ".join(part for part in (title, str(issue or "")) if part)


def _describe_poll(fields: Mapping[str, Any]) -> str:
    events, retries = int(fields.get("events", 0)), int(fields.get("again", 0))
    suffix = f", {retries} to read again" if retries else ""
    return f"{format_count(events, 'event')} from {format_count(fields.get('entries', 0), 'log entry')}{suffix}"


def describe_outcome(outcome: str) -> str:
    """Describe what was done, or why nothing was."""
    names = outcome.split(", ")
    return ", ".join(ACTION_WORDS[name] for name in names) if all(name in ACTION_WORDS for name in names) else outcome


def describe_event_type(event_type: str) -> str:
    """Describe an event's class."""
    return EVENT_WORDS.get(event_type, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event_type).lower())


def capitalize_first(words: str) -> str:
    """Return the text with a capital letter."""
    return words[:1].upper() + words[1:]


def line_from_call(call: RecordedCall) -> LogLine:
    """Make a line from one of jpi's API calls."""
    answer = str(call.status) if call.status else "no answer"
    is_bad = call.status == 0 or call.status >= 400
    return LogLine("call", call.method, shorten_text(call.path, 120),
                   small=f"{answer}, {call.duration_seconds * 1000:.0f} ms", bad=is_bad,
                   about=SERVICE_NAMES[call.service])


def line_from_delivery(service: str, delivery: Delivery) -> LogLine:
    """Make a line from a webhook that was delivered or lost."""
    payload = delivery.payload
    name = payload["event"]["event_type"] if service == "pagerduty" else payload["webhookEvent"]
    answer = "lost" if not delivery.answer_statuses else f"jpi answered {delivery.answer_statuses[-1] or 'nothing'}"
    is_accepted = any(200 <= status < 300 for status in delivery.answer_statuses)
    return LogLine("webhook", "webhook", str(name), SERVICE_NAMES[service], answer, bad=not is_accepted)


def line_from_person(description: str, about: str = "") -> LogLine:
    """Make a line from a person's action on this page."""
    return LogLine("person", description, about=shorten_text(about, 80))


def line_from_switch(description: str, is_on: bool) -> LogLine:
    """Make a line from a switch of this page."""
    return LogLine("switch", description, bad=is_on)


def line_from_agreement(seconds: float) -> LogLine:
    """Make the line that says that nothing differs any more."""
    return LogLine("agree", "Both sides agree again", small=f"after {seconds:.1f} s")


def shorten_text(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Cut a longer text, and say so."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text):,} characters)"


def format_count(number: int, noun: str) -> str:
    """Return the number with the noun in its right form."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number or 'no'} {noun if number == 1 else plural}"
