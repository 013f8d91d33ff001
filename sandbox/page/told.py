"""What happened, told in words: jpi's log, its API calls, webhooks, and what people did. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.web import Call
from sandbox.webhooks import Delivery

# What an outcome's actions came to, by their classes in `jpi.domain.actions`.
DONE = {
    "CreateIncidentIssue": "made the issue and what is linked to it", "TransitionIssue": "moved the issue",
    "AgreeOnStatus": "both had the same status already", "AddComment": "commented on the issue",
    "AddTimeline": "wrote the timeline", "SetIncidentStatus": "set the incident's status",
    "EditIssue": "edited the issue", "EditIncident": "edited the incident",
    "CarryNote": "carried the note over as a comment", "EditComment": "edited the comment",
    "CarryComment": "carried the comment over as a note", "EditNote": "edited the note",
    "EndLink": "ended the link", "MoveManager": "linked another incident manager",
}
HEARD = {"IncidentAnnotated": "note written", "IncidentLogged": "log entries"}
IDLE = ("nothing to do", "ignored")
SERVICES = {"jira": "Jira", "pagerduty": "PagerDuty"}
# Counts for CloudWatch, and calls, of which each has a line of its own here.
LEFT_OUT = ("called", "received", "call")
# What makes CloudWatch count, and means nothing to people.
COUNTED = "_aws"
MOST = 400


BEFORE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Line:
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
    at: datetime = BEFORE

    @property
    def time(self) -> str:
        """The time of day here."""
        return f"{self.at.astimezone():%H:%M:%S}"


def of_record(fields: Mapping[str, Any], name: Callable[[str], str]) -> Line | None:
    """A line of jpi's log; `name` says an incident's title. None for one that says nothing new."""
    message = str(fields["message"])
    if message in LEFT_OUT:
        return None
    raw = json.dumps({key: value for key, value in fields.items() if key != COUNTED}, indent=2, ensure_ascii=False)
    if "type" in fields and "outcome" in fields:
        return _of_event(fields, raw, name)
    bad = fields["level"] in ("WARNING", "ERROR", "CRITICAL")
    if message == "polled":
        return Line("poll", "Polled", _of_poll(fields), raw=raw)
    return Line("jpi", sentence(message), short(str(fields.get("reason", ""))), _about(fields, name), bad=bad, raw=raw)


def _of_event(fields: Mapping[str, Any], raw: str, name: Callable[[str], str]) -> Line:
    outcome = str(fields["outcome"])
    failed = outcome == "failed"
    head = f"Not applied: {fields.get('reason', 'no reason given')}" if failed else sentence(in_words(outcome))
    kind = "idle" if outcome.partition(":")[0] in IDLE else "event"
    what = f"{heard(str(fields['type']))}, by {fields.get('source', 'whom is not said')}"
    return Line(kind, short(head), what, _about(fields, name), f"{fields.get('duration_ms', '?')} ms", failed, raw)


def _about(fields: Mapping[str, Any], name: Callable[[str], str]) -> str:
    incident, issue = fields.get("incident"), fields.get("issue")
    return " · ".join([*([short(name(str(incident)), 80)] if incident else []), *([str(issue)] if issue else [])])


def _of_poll(fields: Mapping[str, Any]) -> str:
    events, again = int(fields.get("events", 0)), int(fields.get("again", 0))
    later = f", {again} to be read again" if again else ""
    return f"{counted(events, 'piece')} of news in {counted(fields.get('entries', 0), 'log entry')}{later}"


def in_words(outcome: str) -> str:
    """An outcome of the engine's: what was done, or why nothing was."""
    names = outcome.split(", ")
    return ", ".join(DONE[one] for one in names) if all(one in DONE for one in names) else outcome


def heard(event_type: str) -> str:
    """An event's class in words."""
    return HEARD.get(event_type, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event_type).lower())


def sentence(words: str) -> str:
    """With a capital letter."""
    return words[:1].upper() + words[1:]


def of_call(call: Call) -> Line:
    """An API call of jpi's."""
    came = str(call.status) if call.status else "no answer"
    bad = call.status == 0 or call.status >= 400
    return Line("call", call.method, short(call.path, 120), small=f"{came}, {call.seconds * 1000:.0f} ms", bad=bad,
                about=SERVICES[call.service])


def of_delivery(service: str, delivery: Delivery) -> Line:
    """A webhook on its way to jpi, or lost."""
    found = delivery.event
    name = found["event"]["event_type"] if service == "pagerduty" else found["webhookEvent"]
    came = "lost" if not delivery.answers else f"jpi answered {delivery.answers[-1] or 'nothing'}"
    well = any(200 <= status < 300 for status in delivery.answers)
    return Line("webhook", "webhook", str(name), SERVICES[service], came, bad=not well)


def of_person(said: str, about: str = "") -> Line:
    """What somebody did on this page."""
    return Line("person", said, about=short(about, 80))


def of_switch(said: str, broken: bool) -> Line:
    """What a switch on this page did."""
    return Line("switch", said, bad=broken)


def of_agreement(seconds: float) -> Line:
    """That nothing differs any more."""
    return Line("agree", "Both sides agree again", small=f"after {seconds:.1f} s")


def short(text: str, most: int = MOST) -> str:
    """Cut where it is longer, and said so."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def counted(number: int, thing: str) -> str:
    """The number with the thing in its plural."""
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number or 'no'} {thing if number == 1 else many}"
