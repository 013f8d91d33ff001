"""What could not be applied, as its link remembers it: for `tools.replay`, and for the poll to come back to. Pure."""

from dataclasses import replace

from jpi.domain.events import Event, IncidentLogged, IssueUpdated
from jpi.domain.field_merge import get_side
from jpi.domain.link import Link
from jpi.errors import JpiError, LostRace, PermanentError, TooEarly

# The newest so many are remembered, so that a link never outgrows its row.
MAX_FAILURES = 10
REASON_MAX_CHARACTERS = 500
FIRST_WAIT_SECONDS = 60.0
MAX_DOUBLINGS = 6


def needs_recording(error: JpiError) -> bool:
    """Whether something is wrong; meeting somebody else at work is not."""
    return not isinstance(error, LostRace | TooEarly)


def with_failure(link: Link, event: Event, error: JpiError, now: float) -> Link:
    """The link with this failure as its newest."""
    others = {name: one for name, one in link.failures.items() if name != event.id}
    times = link.failures.get(event.id, {"times": 0})["times"] + 1
    newest = {"reason": str(error)[:REASON_MAX_CHARACTERS], "at": now, "final": isinstance(error, PermanentError),
              "times": times, "side": get_side(event)}
    return replace(link, failures=dict([*others.items(), (event.id, newest)][-MAX_FAILURES:]))


def without_failure(link: Link, event: Event) -> Link:
    """The link once `event` was applied; one that brings all of its side ends what had failed there for good."""
    brings_all = isinstance(event, IssueUpdated) or (isinstance(event, IncidentLogged) and event.whole)
    ended = {name for name, one in link.failures.items() if brings_all and one["final"]
             and one["side"] == get_side(event)}
    return replace(link, failures={name: one for name, one in link.failures.items() if name not in {event.id, *ended}})


def retry_is_due(link: Link, now: float) -> bool:
    """Whether the poll should come back to it: nobody is at it, and after a failure 2 minutes, 4, 8 ... an hour."""
    if any(until > now for until in link.leases.values()):
        return False
    waits = FIRST_WAIT_SECONDS * 2.0 ** min(sum(one["times"] for one in link.failures.values()), MAX_DOUBLINGS)
    return not link.failures or now >= _get_last_failure_at(link) + waits


def is_backed_off(link: Link, event: IncidentLogged, now: float) -> bool:
    """Whether it tells nothing new since the same ended for good, and it is too early to try that again."""
    for_good = any(one["final"] for one in link.failures.values())
    return for_good and not retry_is_due(link, now) and event.at.timestamp() <= _get_last_failure_at(link)


def _get_last_failure_at(link: Link) -> float:
    return max((float(one["at"]) for one in link.failures.values()), default=0.0)
