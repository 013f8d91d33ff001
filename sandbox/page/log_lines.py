"""What happened, told in words: jpi's log, its API calls, webhooks, and what people did. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.simulated_service import RecordedCall
from sandbox.webhook_outbox import Delivery

# What an outcome's actions came to, by their classes in `jpi.domain.actions`.
ACTION_WORDS = {"CreateIncidentIssue": "made the issue and what is linked to it", "TransitionIssue": "moved the issue",
                "AcceptStatus": "both had the same status already", "AddComment": "commented on the issue",
                "AddTimeline": "wrote the timeline", "SetIncidentStatus": "set the incident's status",
                "EditIssue": "edited the issue", "EditIncident": "edited the incident",
                "MirrorNote": "carried the note over as a comment", "EditComment": "edited the comment",
                "MirrorComment": "carried the comment over as a note", "EditNote": "edited the note",
                "EndLink": "ended the link", "ReplaceManager": "linked another incident manager"}
EVENT_WORDS = {"IncidentAnnotated": "note written", "IncidentLogged": "log entries"}
IDLE_OUTCOMES = ("nothing to do", "ignored")
SERVICE_NAMES = {"jira": "Jira", "pagerduty": "PagerDuty"}
# Counts for CloudWatch, and calls, of which each has a line of its own here.
OMITTED_MESSAGES = ("called", "received", "call")
# What makes CloudWatch count, and means nothing to people.
METRICS_KEY = "_aws"
MAX_CHARACTERS = 400


UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LogLine:
    """One line of the page's log. `kind` is whose it is; `about` names the incident or issue; `raw` is its JSON.

    The feed says `at` what time it came.

    Kinds: event, idle (an event that changed nothing), poll, jpi (anything else in its log), call, webhook, person,
    switch, agree.
    """

    kind: str
    head: str
    what: str = ""
    about: str = ""
    small: str = ""
    bad: bool = False
    raw: str = ""
    at: datetime = UNKNOWN_TIME

    @property
    def time(self) -> str:
        """The time of day here."""
        return f"{self.at.astimezone():%H:%M:%S}"


def line_from_log_record(fields: Mapping[str, Any], name: Callable[[str], str]) -> LogLine | None:
    """A line of jpi's log; `name` says an incident's title. None for one that says nothing new."""
    message = str(fields["message"])
    if message in OMITTED_MESSAGES:
        return None
    raw = json.dumps({key: value for key, value in fields.items() if key != METRICS_KEY}, indent=2, ensure_ascii=False)
    if "type" in fields and "outcome" in fields:
        return _line_from_outcome(fields, raw, name)
    bad = fields["level"] in ("WARNING", "ERROR", "CRITICAL")
    if message == "polled":
        return LogLine("poll", "Polled", _describe_poll(fields), raw=raw)
    return LogLine("jpi", capitalize_first(message), shorten_text(str(fields.get("reason", ""))),
                   _describe_subject(fields, name), bad=bad, raw=raw)


def _line_from_outcome(fields: Mapping[str, Any], raw: str, name: Callable[[str], str]) -> LogLine:
    outcome = str(fields["outcome"])
    failed = outcome == "failed"
    head = (f"Not applied: {fields.get('reason', 'no reason given')}" if failed
            else capitalize_first(describe_outcome(outcome)))
    kind = "idle" if outcome.partition(":")[0] in IDLE_OUTCOMES else "event"
    what = f"{describe_event_type(str(fields['type']))}, by {fields.get('source', 'whom is not said')}"
    return LogLine(kind, shorten_text(head), what, _describe_subject(fields, name),
                   f"{fields.get('duration_ms', '?')} ms", failed, raw)


def _describe_subject(fields: Mapping[str, Any], name: Callable[[str], str]) -> str:
    incident, issue = fields.get("incident"), fields.get("issue")
    title = shorten_text(name(str(incident)), 80) if incident else ""
    return " · ".join(part for part in (title, str(issue or "")) if part)


def _describe_poll(fields: Mapping[str, Any]) -> str:
    events, again = int(fields.get("events", 0)), int(fields.get("again", 0))
    later = f", {again} to be read again" if again else ""
    return f"{format_count(events, 'piece')} of news in {format_count(fields.get('entries', 0), 'log entry')}{later}"


def describe_outcome(outcome: str) -> str:
    """An outcome of the engine's: what was done, or why nothing was."""
    names = outcome.split(", ")
    return ", ".join(ACTION_WORDS[one] for one in names) if all(one in ACTION_WORDS for one in names) else outcome


def describe_event_type(event_type: str) -> str:
    """An event's class in words."""
    return EVENT_WORDS.get(event_type, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event_type).lower())


def capitalize_first(words: str) -> str:
    """With a capital letter."""
    return words[:1].upper() + words[1:]


def line_from_call(call: RecordedCall) -> LogLine:
    """An API call of jpi's."""
    came = str(call.status) if call.status else "no answer"
    bad = call.status == 0 or call.status >= 400
    return LogLine("call", call.method, shorten_text(call.path, 120),
                   small=f"{came}, {call.duration_seconds * 1000:.0f} ms", bad=bad, about=SERVICE_NAMES[call.service])


def line_from_delivery(service: str, delivery: Delivery) -> LogLine:
    """A webhook on its way to jpi, or lost."""
    found = delivery.payload
    name = found["event"]["event_type"] if service == "pagerduty" else found["webhookEvent"]
    came = "lost" if not delivery.answer_statuses else f"jpi answered {delivery.answer_statuses[-1] or 'nothing'}"
    well = any(200 <= status < 300 for status in delivery.answer_statuses)
    return LogLine("webhook", "webhook", str(name), SERVICE_NAMES[service], came, bad=not well)


def line_from_person(said: str, about: str = "") -> LogLine:
    """What somebody did on this page."""
    return LogLine("person", said, about=shorten_text(about, 80))


def line_from_switch(said: str, broken: bool) -> LogLine:
    """What a switch on this page did."""
    return LogLine("switch", said, bad=broken)


def line_from_agreement(seconds: float) -> LogLine:
    """That nothing differs any more."""
    return LogLine("agree", "Both sides agree again", small=f"after {seconds:.1f} s")


def shorten_text(text: str, most: int = MAX_CHARACTERS) -> str:
    """Cut where it is longer, and said so."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def format_count(number: int, thing: str) -> str:
    """The number with the thing in its plural."""
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number or 'no'} {thing if number == 1 else many}"
