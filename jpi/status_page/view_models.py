"""Builds what the templates and the JSON of the status page show: health, lists and histories in words. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jpi.diagnostics.probes import ProbeResult
from jpi.domain.backlog import describe_step
from jpi.domain.conversation_rules import build_issue_url
from jpi.domain.descriptions import remediation_for
from jpi.domain.events import MANUAL_SOURCE
from jpi.domain.link import Link
from jpi.domain.link_parts import HistoryEntry
from jpi.domain.link_summary import LINK_STATES, LinkListItem
from jpi.domain.model import Side
from jpi.metrics import CountName
from jpi.status_page.health import HealthFacts, assess_health, format_age

STATE_WORDS = {"failing": "not applied", "open": "open", "none": "no issue", "resolved": "resolved",
               "ended": "sync ended"}
JIRA_WORDS = {"triggered": "to do", "acknowledged": "in progress", "resolved": "done", "": "none"}
EVENT_WORDS = {"IncidentTriggered": "incident triggered", "IncidentAcknowledged": "incident acknowledged",
               "IncidentUnacknowledged": "incident unacknowledged", "IncidentResolved": "incident resolved",
               "IncidentReopened": "incident reopened", "IncidentPriorityUpdated": "priority changed",
               "IncidentReassigned": "incident reassigned", "IncidentAnnotated": "note added",
               "IncidentGone": "incident gone", "IncidentLogged": "incident logged",
               "IssueUpdated": "issue changed", "IssueCreated": "issue created", "IssueCommented": "comment added",
               "IssueDeleted": "issue deleted"}
SOURCE_WORDS = {"webhook": "webhook", "poll": "poll", MANUAL_SOURCE: "sync by hand"}
CALL_METRICS = ("calls", "errors", "limited", "retries")
NO_TITLE = "(title not known yet)"
# Unicode's isolates: a page title cannot hold a <bdi>, and a title may run from right to left.
ISOLATION_FORMAT = "\u2068{}\u2069"
LEVEL_WORDS = {"green": "All is well", "amber": "Worth a look", "red": "Something is wrong"}


def format_time(at: float | None) -> str:
    """Format a time in UTC; empty where there is none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def format_time_ago(at: float | None, now: float) -> str:
    """Format how long ago a time was."""
    return f"{format_age(now - at)} ago" if at else "never"


def format_seconds(seconds: float) -> str:
    """Format a duration roughly."""
    return f"{seconds:.1f} s" if seconds < 10 else format_age(seconds)


def describe_health(facts: HealthFacts) -> dict[str, Any]:
    """Return the level with its headline and reasons, and the facts as (name, text)."""
    level, reasons = assess_health(facts)
    probes = [(result.check, _describe_probe(result, facts)) for result in facts.probe_results]
    lines = [("Last poll", format_time_ago(facts.last_poll_at, facts.now)), ("Lag, last hour", _describe_lag(facts)),
             *_describe_queue(facts),
             *(probes or [("Tokens and webhooks", "not checked yet: the poll checks them once an hour")])]
    return {"level": level, "headline": LEVEL_WORDS[level], "lines": lines,
            "reasons": [reason._asdict() for reason in reasons]}


def _describe_lag(facts: HealthFacts) -> str:
    if facts.lag.p50 is None or facts.lag.p95 is None:
        return "no events"
    return f"median {format_seconds(facts.lag.p50)}, p95 {format_seconds(facts.lag.p95)}"


def _describe_queue(facts: HealthFacts) -> list[tuple[str, str]]:
    if not facts.queue:
        text = "not known" if facts.queue_error else "none"
        return [("Queue", text), ("Dead letters", text)]
    p95 = facts.queue_wait.p95
    wait = "" if p95 is None else f"; wait in the last hour: p95 {format_seconds(p95)}"
    return [("Queue", f"{facts.queue.waiting} waiting, {facts.queue.in_flight} in progress{wait}"),
            ("Dead letters", str(facts.queue.dead_letters))]


def _describe_probe(result: ProbeResult, facts: HealthFacts) -> str:
    if not result.was_skipped:
        age = f" ({format_time_ago(facts.probed_at, facts.now)})" if facts.probed_at else ""
        is_down = any(result.check.startswith(outage.service) for outage in facts.outages)
        return f"{result.message or 'ok'}{age}{', before the service went down' if is_down else ''}"
    if result.got_no_answer:
        return f"{result.message}; jpi asks again soon"
    return "not checked: only an administrator's token may"


def build_incident_row(listed: LinkListItem, site: str, now: float) -> dict[str, Any]:
    """Build a row of the list."""
    card = listed.card
    title = card.title or NO_TITLE
    return {"incident": listed.incident_id, "title": title, "heading": ISOLATION_FORMAT.format(title),
            "priority": card.priority, "state": listed.state, "state_words": STATE_WORDS[listed.state],
            "incident_url": keep_web_url(card.url), "issue": card.issue,
            "issue_url": keep_web_url(build_issue_url(site, card.issue)) if card.issue else "",
            "pagerduty": card.pagerduty or ("not known" if listed.incident_id != card.issue else "no incident yet"),
            "jira": JIRA_WORDS.get(card.jira, card.jira),
            "equal_at": format_time(card.equal_at), "equal_ago": format_time_ago(card.equal_at, now) if card.equal_at
            else "", "equal_by": EVENT_WORDS.get(card.equal_by, card.equal_by), "trouble": card.trouble}


def keep_web_url(url: str) -> str:
    """Return the URL if it is a web address, else an empty text, so that no script gets linked."""
    return url if url.startswith(("https://", "http://")) else ""


def build_refused_steps(link: Link, now: float) -> list[dict[str, Any]]:
    """Build what services refused of a link: what, who refused it, why, how often, and when jpi tries again."""
    return [{"what": describe_step(step.id), "service": step.service, "reason": step.reason, "times": step.attempts,
             "first": format_time(step.first_at), "next": "soon" if step.next_try_at <= now else
             format_time(step.next_try_at)} for step in link.backlog.refused_steps]


def build_history(link: Link, now: float) -> list[dict[str, Any]]:
    """Build the history of a link, newest event first, with the actions on each."""
    return [_build_history_entry(entry, now) for entry in reversed(link.history)]


def _build_history_entry(entry: HistoryEntry, now: float) -> dict[str, Any]:
    steps = [{"what": step.text, "ok": step.is_done, "at": format_time(step.at)} for step in entry.steps]
    failure = entry.failure
    return {"event": entry.event_id, "type": entry.event_type,
            "what": EVENT_WORDS.get(entry.event_type, entry.event_type), "side": entry.side.display_name,
            "source": SOURCE_WORDS.get(entry.source, entry.source), "happened": format_time(entry.happened_at),
            "at": format_time(entry.at), "ago": format_time_ago(entry.at, now), "result": classify_entry(entry),
            "why": entry.no_action_reason, "steps": steps, "reason": failure.reason if failure else "",
            "advice": remediation_for(failure) if failure else "", "times": entry.count,
            "first": format_time(entry.first_at), "request": entry.request}


def classify_entry(entry: HistoryEntry) -> str:
    """Return the result of an event: `failed`, `partly`, `done` or `ignored`."""
    if entry.failure:
        return "failed"
    if not entry.steps:
        return "ignored"
    return "done" if entry.is_whole else "partly"


def list_states() -> Sequence[tuple[str, str]]:
    """Return the states that the list can be filtered by: (state, words)."""
    return [(state, STATE_WORDS[state]) for state in LINK_STATES]


def sum_counts(quarters: Mapping[float, Mapping[CountName, int]]) -> dict[CountName, int]:
    """Add up the counts of events and API calls of the last day, by name."""
    totals: Counter[CountName] = Counter()
    for counts in quarters.values():
        totals.update(counts)
    return {name: count for name, count in sorted(totals.items()) if name[0] in ("events", "api")}


def build_call_rows(counts: Mapping[CountName, int]) -> list[dict[str, Any]]:
    """Build a row of API calls for each service."""
    return [{"service": side.display_name,
             **{metric: counts.get(("api", side, metric), 0) for metric in CALL_METRICS}} for side in Side]


def build_event_rows(counts: Mapping[CountName, int]) -> list[dict[str, Any]]:
    """Build a row of events for each source, type and result."""
    events = [(name, count) for name, count in counts.items() if name[0] == "events"]
    return [{"source": SOURCE_WORDS.get(source, source), "what": EVENT_WORDS.get(event_type, event_type),
             "result": result, "count": count} for (_, source, event_type, result), count in events]
