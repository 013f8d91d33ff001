"""What the status page says: facts, lists and histories in the words that its templates and its JSON show. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jpi.domain.conversation_rules import build_issue_url
from jpi.domain.link import Link
from jpi.domain.link_summary import LINK_STATES, LinkListItem
from jpi.domain.model import Side
from jpi.metrics import MANUAL_SOURCE
from jpi.status_page.health import HealthFacts, QueueDepth, assess_health, format_age

STATE_WORDS = {"failing": "not applied", "open": "open", "none": "no issue", "resolved": "resolved", "ended": "apart"}
JIRA_WORDS = {"triggered": "to do", "acknowledged": "in progress", "resolved": "done", "": "none"}
EVENT_WORDS = {"IncidentTriggered": "incident triggered", "IncidentAcknowledged": "incident acknowledged",
               "IncidentUnacknowledged": "incident unacknowledged", "IncidentResolved": "incident resolved",
               "IncidentReopened": "incident reopened", "IncidentPriorityUpdated": "priority changed",
               "IncidentReassigned": "incident reassigned", "IncidentAnnotated": "note written",
               "IncidentGone": "incident gone", "IncidentLogged": "state of the incident",
               "IssueUpdated": "issue changed", "IssueCreated": "issue made", "IssueCommented": "comment written",
               "IssueDeleted": "issue deleted"}
SOURCE_WORDS = {"webhook": "webhook", "poll": "read by the poll", MANUAL_SOURCE: "asked for by hand"}
CALL_METRICS = ("calls", "errors", "limited", "retries")
NO_TITLE = "(title not known yet)"
# Where no element can keep a text that runs the other way to itself: Unicode's isolates.
ISOLATION_FORMAT = "\u2068{}\u2069"
LEVEL_WORDS = {"green": "All is well", "amber": "Worth a look", "red": "Something is wrong"}


def format_time(at: float | None) -> str:
    """A time as people read it; empty where there is none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def format_time_ago(at: float | None, now: float) -> str:
    """The same, from now."""
    return f"{format_age(now - at)} ago" if at else "never"


def format_seconds(seconds: float | None) -> str:
    """How long, roughly."""
    if seconds is None:
        return "nothing to measure"
    return f"{seconds:.1f} s" if seconds < 10 else format_age(seconds)


def describe_health(facts: HealthFacts) -> dict[str, Any]:
    """The verdict, and a line for each thing it goes by: (its name, what it says)."""
    level, reasons = assess_health(facts)
    lag, no_queue = facts.lag_percentiles or {}, "not known" if facts.queue_error else "none"
    lines = [
        ("Last poll", format_time_ago(facts.last_poll_at, facts.now)),
        (
            "Lag, last hour",
            f"half within {format_seconds(lag.get('p50'))}, 95\u00a0% within {format_seconds(lag.get('p95'))}"
            if lag.get("p50") is not None
            else "no events",
        ),
        ("Queue", _describe_queue(facts.queue, facts.queue_wait_percentiles or {}) if facts.queue else no_queue),
        ("Dead letters", str(facts.queue.dead_letters) if facts.queue else no_queue),
        *((one["check"], _describe_probe(one)) for one in facts.probe_results),
    ]
    if not facts.probe_results:
        lines.append(("Tokens and webhooks", "not looked at yet: the poll does, once an hour"))
    return {"level": level, "headline": LEVEL_WORDS[level], "lines": lines,
            "reasons": [{"level": one, "text": text} for one, text in reasons]}


def _describe_queue(queue: QueueDepth, wait_percentiles: Mapping[str, float | None]) -> str:
    now = f"{queue.waiting} waiting, {queue.in_flight} under way"
    return (now if wait_percentiles.get("p95") is None
            else f"{now}; last hour, 95\u00a0% within {format_seconds(wait_percentiles['p95'])}")


def _describe_probe(probe: Mapping[str, Any]) -> str:
    if not probe.get("looked", True):
        if probe.get("silent"):
            return f"{probe['said']}; it is asked again soon"
        return "not checked: only an administrator's token may"
    return str(probe["said"] or "ok")


def build_incident_row(listed: LinkListItem, site: str, now: float) -> dict[str, Any]:
    """A line of the list."""
    card = listed.card
    title = card.title or NO_TITLE
    return {"incident": listed.incident_id, "title": title, "heading": ISOLATION_FORMAT.format(title),
            "priority": card.priority, "state": listed.state, "state_words": STATE_WORDS[listed.state],
            "incident_url": keep_web_url(card.url), "issue": card.issue,
            "issue_url": keep_web_url(build_issue_url(site, card.issue)) if card.issue else "",
            "pagerduty": card.pagerduty or "not known", "jira": JIRA_WORDS.get(card.jira, card.jira),
            "equal_at": format_time(card.equal_at), "equal_ago": format_time_ago(card.equal_at, now) if card.equal_at
            else "", "equal_by": EVENT_WORDS.get(card.equal_by, card.equal_by), "trouble": card.trouble}


def keep_web_url(url: str) -> str:
    """An address to link to; anything that is none is not linked."""
    return url if url.startswith(("https://", "http://")) else ""


def build_history(link: Link, now: float) -> list[dict[str, Any]]:
    """Every event that came, the newest first, with what was done about it."""
    return [_build_history_entry(one, now) for one in reversed(link.history)]


def _build_history_entry(entry: Mapping[str, Any], now: float) -> dict[str, Any]:
    steps = [{**step, "at": format_time(step["at"])} for step in entry["steps"]]
    return {"event": entry["event"], "type": entry["type"], "what": EVENT_WORDS.get(entry["type"], entry["type"]),
            "side": entry["side"], "source": SOURCE_WORDS.get(entry["source"], entry["source"]),
            "happened": format_time(entry["happened"]), "at": format_time(entry["at"]),
            "ago": format_time_ago(entry["at"], now), "result": classify_entry(entry), "why": entry.get("why", ""),
            "steps": steps, "reason": entry.get("reason", ""), "advice": entry.get("advice", ""),
            "times": entry.get("times", 1), "first": format_time(entry.get("first")),
            "request": entry.get("request", "")}


def classify_entry(entry: Mapping[str, Any]) -> str:
    """What came of it, in a word: `failed`, `partly`, `done`, `ignored`."""
    if "reason" in entry:
        return "failed"
    if not entry["steps"]:
        return "ignored"
    return "done" if all(step["ok"] for step in entry["steps"]) else "partly"


def list_states() -> Sequence[tuple[str, str]]:
    """What the list may be narrowed to: (state, its name)."""
    return [(one, STATE_WORDS[one]) for one in LINK_STATES]


def sum_counts(quarters: Mapping[float, Mapping[str, int]]) -> dict[str, int]:
    """All counts of the last day, by name: `events/<source>/<type>/<result>`, `api/<service>/<what>`."""
    totals: dict[str, int] = {}
    for counts in quarters.values():
        for name, count in counts.items():
            if name.startswith(("events/", "api/")):
                totals[name] = totals.get(name, 0) + count
    return dict(sorted(totals.items()))


def build_call_rows(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Of counts by name, those of calls, a row a service."""
    return [{"service": side.display_name, **{what: counts.get(f"api/{side}/{what}", 0) for what in CALL_METRICS}}
            for side in Side]


def build_event_rows(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Of counts by name, those of events, a row a source, type and result."""
    found = [(name.split("/"), count) for name, count in counts.items() if name.startswith("events/")]
    return [{"source": SOURCE_WORDS.get(source, source), "what": EVENT_WORDS.get(what, what), "result": result,
             "count": count} for (_, source, what, result), count in found]
