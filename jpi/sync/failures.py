"""What could not be applied, as its link remembers it: for `tools.replay`, and for the poll to come back to. Pure."""

from dataclasses import replace

from jpi.errors import JpiError, LostRace, Permanent, TooEarly
from jpi.sync.events import Event, IncidentLogged
from jpi.sync.link import Link

# The newest so many are remembered, so that a link never outgrows its row.
KEPT = 10
REASON_LIMIT = 500
FIRST_WAIT_SECONDS = 60.0
MOST_DOUBLINGS = 6


def worth_noting(error: JpiError) -> bool:
    """Whether something is wrong; meeting somebody else at work is not."""
    return not isinstance(error, LostRace | TooEarly)


def noted(link: Link, event_id: str, error: JpiError, now: float) -> Link:
    """The link with this failure as its newest."""
    others = {name: one for name, one in link.failed.items() if name != event_id}
    newest = {"reason": str(error)[:REASON_LIMIT], "at": now, "final": isinstance(error, Permanent)}
    return replace(link, failed=dict([*others.items(), (event_id, newest)][-KEPT:]))


def forgotten(link: Link, event: Event) -> Link:
    """The link once `event` was applied; a poll's brings everything, and so ends what had failed for good."""
    brings_all = isinstance(event, IncidentLogged)
    left = {name: one for name, one in link.failed.items() if name != event.id and not (brings_all and one["final"])}
    return replace(link, failed=left)


def due(link: Link, now: float) -> bool:
    """Whether the poll should come back to it: nobody is at it, and after a failure 2 minutes, 4, 8 ... an hour."""
    if any(until > now for until in link.holds.values()):
        return False
    waits = FIRST_WAIT_SECONDS * 2.0 ** min(len(link.failed), MOST_DOUBLINGS)
    return not link.failed or now >= _newest(link) + waits


def ended(link: Link, event: IncidentLogged, now: float) -> bool:
    """Whether it tells nothing new since the same ended for good, and it is too early to try that again."""
    return link.unfinished and bool(link.failed) and not due(link, now) and event.at.timestamp() <= _newest(link)


def _newest(link: Link) -> float:
    return max((float(one["at"]) for one in link.failed.values()), default=0.0)
