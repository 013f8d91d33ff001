"""What could not be applied, as its link remembers it: for `tools.replay`, and for the poll to come back to. Pure."""

from dataclasses import replace

from jpi.domain.events import Event, IncidentLogged, IssueUpdated
from jpi.domain.field_merge import side_of
from jpi.domain.link import Link
from jpi.errors import JpiError, LostRace, Permanent, TooEarly

# The newest so many are remembered, so that a link never outgrows its row.
KEPT = 10
REASON_LIMIT = 500
FIRST_WAIT_SECONDS = 60.0
MOST_DOUBLINGS = 6


def worth_noting(error: JpiError) -> bool:
    """Whether something is wrong; meeting somebody else at work is not."""
    return not isinstance(error, LostRace | TooEarly)


def noted(link: Link, event: Event, error: JpiError, now: float) -> Link:
    """The link with this failure as its newest."""
    others = {name: one for name, one in link.failed.items() if name != event.id}
    times = link.failed.get(event.id, {"times": 0})["times"] + 1
    newest = {"reason": str(error)[:REASON_LIMIT], "at": now, "final": isinstance(error, Permanent), "times": times,
              "side": side_of(event)}
    return replace(link, failed=dict([*others.items(), (event.id, newest)][-KEPT:]))


def forgotten(link: Link, event: Event) -> Link:
    """The link once `event` was applied; one that brings all of its side ends what had failed there for good."""
    brings_all = isinstance(event, IssueUpdated) or (isinstance(event, IncidentLogged) and event.whole)
    ended = {name for name, one in link.failed.items() if brings_all and one["final"] and one["side"] == side_of(event)}
    return replace(link, failed={name: one for name, one in link.failed.items() if name not in {event.id, *ended}})


def due(link: Link, now: float) -> bool:
    """Whether the poll should come back to it: nobody is at it, and after a failure 2 minutes, 4, 8 ... an hour."""
    if any(until > now for until in link.holds.values()):
        return False
    waits = FIRST_WAIT_SECONDS * 2.0 ** min(sum(one["times"] for one in link.failed.values()), MOST_DOUBLINGS)
    return not link.failed or now >= _newest(link) + waits


def ended(link: Link, event: IncidentLogged, now: float) -> bool:
    """Whether it tells nothing new since the same ended for good, and it is too early to try that again."""
    for_good = any(one["final"] for one in link.failed.values())
    return for_good and not due(link, now) and event.at.timestamp() <= _newest(link)


def _newest(link: Link) -> float:
    return max((float(one["at"]) for one in link.failed.values()), default=0.0)
