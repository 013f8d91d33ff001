"""What the status page says: facts, lists and histories in the words that its templates and its JSON show. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jpi.domain.conversation_rules import address
from jpi.domain.descriptions import SIDES
from jpi.domain.link import Link
from jpi.domain.link_summary import STATES, Listed
from jpi.metrics import BY_HAND
from jpi.status_page.health import Facts, Queued, age, verdict

STATE_WORDS = {"failing": "not applied", "open": "open", "none": "no issue", "resolved": "resolved", "ended": "apart"}
JIRA_WORDS = {"triggered": "to do", "acknowledged": "in progress", "resolved": "done", "": "none"}
EVENT_WORDS = {
    "IncidentTriggered": "incident triggered", "IncidentAcknowledged": "incident acknowledged",
    "IncidentUnacknowledged": "incident unacknowledged", "IncidentResolved": "incident resolved",
    "IncidentReopened": "incident reopened", "IncidentPriorityUpdated": "priority changed",
    "IncidentReassigned": "incident reassigned", "IncidentAnnotated": "note written",
    "IncidentGone": "incident gone", "IncidentLogged": "state of the incident", "IssueUpdated": "issue changed",
    "IssueCreated": "issue made", "IssueCommented": "comment written", "IssueDeleted": "issue deleted",
}
SOURCE_WORDS = {"webhook": "webhook", "poll": "read by the poll", BY_HAND: "asked for by hand"}
FIGURES = ("calls", "errors", "limited", "retries")
NO_TITLE = "(title not known yet)"
# Where no element can keep a text that runs the other way to itself: Unicode's isolates.
ISOLATED = "\u2068{}\u2069"
LEVEL_WORDS = {"green": "All is well", "amber": "Worth a look", "red": "Something is wrong"}


def moment(at: float | None) -> str:
    """A time as people read it; empty where there is none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def ago(at: float | None, now: float) -> str:
    """The same, from now."""
    return f"{age(now - at)} ago" if at else "never"


def seconds(value: float | None) -> str:
    """How long, roughly."""
    if value is None:
        return "nothing to measure"
    return f"{value:.1f} s" if value < 10 else age(value)


def health(facts: Facts) -> dict[str, Any]:
    """The verdict, and a line for each thing it goes by: (its name, what it says)."""
    level, reasons = verdict(facts)
    lag, no_queue = facts.lag or {}, "not known" if facts.queue_silent else "none"
    lines = [
        ("Last poll", ago(facts.polled, facts.now)),
        ("Lag, last hour", f"half within {seconds(lag.get('p50'))}, 95\u00a0% within {seconds(lag.get('p95'))}"
         if lag.get("p50") is not None else "no events"),
        ("Queue", _queue(facts.queue, facts.wait or {}) if facts.queue else no_queue),
        ("Dead letters", str(facts.queue.parked) if facts.queue else no_queue),
        *((one["check"], _watched(one)) for one in facts.watched),
    ]
    if not facts.watched:
        lines.append(("Tokens and webhooks", "not looked at yet: the poll does, once an hour"))
    return {"level": level, "headline": LEVEL_WORDS[level], "lines": lines,
            "reasons": [{"level": one, "text": text} for one, text in reasons]}


def _queue(queue: Queued, wait: Mapping[str, float | None]) -> str:
    now = f"{queue.waiting} waiting, {queue.under_way} under way"
    return now if wait.get("p95") is None else f"{now}; last hour, 95\u00a0% within {seconds(wait['p95'])}"


def _watched(one: Mapping[str, Any]) -> str:
    if not one.get("looked", True):
        if one.get("silent"):
            return f"{one['said']}; it is asked again soon"
        return "not looked at: it takes an administrator's token"
    return str(one["said"] or "ok")


def row(listed: Listed, site: str, now: float) -> dict[str, Any]:
    """A line of the list."""
    card = listed.card
    title = card.title or NO_TITLE
    return {
        "incident": listed.incident_id, "title": title, "heading": ISOLATED.format(title), "priority": card.priority,
        "state": listed.state, "state_words": STATE_WORDS[listed.state], "incident_url": web(card.url),
        "issue": card.issue, "issue_url": web(address(site, card.issue)) if card.issue else "",
        "pagerduty": card.pagerduty or "not known", "jira": JIRA_WORDS.get(card.jira, card.jira),
        "equal_at": moment(card.equal_at), "equal_ago": ago(card.equal_at, now) if card.equal_at else "",
        "equal_by": EVENT_WORDS.get(card.equal_by, card.equal_by), "trouble": card.trouble,
    }


def web(url: str) -> str:
    """An address to link to; anything that is none is not linked."""
    return url if url.startswith(("https://", "http://")) else ""


def history(link: Link, now: float) -> list[dict[str, Any]]:
    """Every event that came, the newest first, with what was done about it."""
    return [_entry(one, now) for one in reversed(link.history)]


def _entry(one: Mapping[str, Any], now: float) -> dict[str, Any]:
    steps = [{**step, "at": moment(step["at"])} for step in one["steps"]]
    return {
        "event": one["event"], "type": one["type"], "what": EVENT_WORDS.get(one["type"], one["type"]),
        "side": one["side"], "source": SOURCE_WORDS.get(one["source"], one["source"]),
        "happened": moment(one["happened"]), "at": moment(one["at"]), "ago": ago(one["at"], now),
        "result": result(one), "why": one.get("why", ""), "steps": steps, "reason": one.get("reason", ""),
        "advice": one.get("advice", ""), "times": one.get("times", 1), "first": moment(one.get("first")),
        "request": one.get("request", ""),
    }


def result(one: Mapping[str, Any]) -> str:
    """What came of it, in a word: `failed`, `partly`, `done`, `ignored`."""
    if "reason" in one:
        return "failed"
    if not one["steps"]:
        return "ignored"
    return "done" if all(step["ok"] for step in one["steps"]) else "partly"


def states() -> Sequence[tuple[str, str]]:
    """What the list may be narrowed to: (state, its name)."""
    return [(one, STATE_WORDS[one]) for one in STATES]


def counted(quarters: Mapping[float, Mapping[str, int]]) -> dict[str, int]:
    """All counts of the last day, by name: `events/<source>/<type>/<result>`, `api/<service>/<what>`."""
    totals: dict[str, int] = {}
    for counts in quarters.values():
        for name, count in counts.items():
            if name.startswith(("events/", "api/")):
                totals[name] = totals.get(name, 0) + count
    return dict(sorted(totals.items()))


def calls(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Of counts by name, those of calls, a row a service."""
    return [{"service": words, **{what: counts.get(f"api/{name}/{what}", 0) for what in FIGURES}}
            for name, words in SIDES.items()]


def events(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Of counts by name, those of events, a row a source, type and result."""
    found = [(name.split("/"), count) for name, count in counts.items() if name.startswith("events/")]
    return [{"source": SOURCE_WORDS.get(source, source), "what": EVENT_WORDS.get(what, what), "result": result,
             "count": count} for (_, source, what, result), count in found]
