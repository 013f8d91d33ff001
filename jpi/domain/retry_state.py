"""The failures that a link remembers, and when the poll retries them. Pure."""

from dataclasses import replace

from jpi.domain.events import Event, IncidentLogged, IssueUpdated
from jpi.domain.link import Failure, Link
from jpi.errors import JpiError, LostRace, PermanentError, TooEarly

# The newest so many are kept, so that a link never outgrows its row.
MAX_FAILURES = 10
REASON_MAX_CHARACTERS = 500
FIRST_WAIT_SECONDS = 60.0
MAX_DOUBLINGS = 6


def needs_recording(error: JpiError) -> bool:
    """True if something is wrong; losing a race to another worker is not."""
    return not isinstance(error, LostRace | TooEarly)


def with_failure(link: Link, event: Event, error: JpiError, now: float) -> Link:
    """Return the link with this failure as its newest."""
    others = [(event_id, failure) for event_id, failure in link.failures.items() if event_id != event.id]
    attempts = link.failures[event.id].attempts + 1 if event.id in link.failures else 1
    newest = Failure(event.side, str(error)[:REASON_MAX_CHARACTERS], now, isinstance(error, PermanentError),
                     attempts)
    return replace(link, failures=dict([*others, (event.id, newest)][-MAX_FAILURES:]))


def without_failure(link: Link, event: Event) -> Link:
    """Return the link once `event` was applied; an event with all of its side ends that side's permanent failures."""
    brings_all = isinstance(event, IssueUpdated) or (isinstance(event, IncidentLogged) and event.whole)
    return replace(
        link,
        failures={
            event_id: failure
            for event_id, failure in link.failures.items()
            if event_id != event.id and not (brings_all and failure.permanent and failure.side is event.side)
        },
    )


def retry_is_due(link: Link, now: float) -> bool:
    """True if the poll should retry the link: no lease is held, it is not paused, and a failure is old enough.

    After a failure 2, 4, 8 ... 60 minutes go by.
    """
    if link.write_log.is_paused(now) or any(until > now for until in link.leases.values()):
        return False
    waits = FIRST_WAIT_SECONDS * 2.0 ** min(sum(failure.attempts for failure in link.failures.values()), MAX_DOUBLINGS)
    return not link.failures or now >= _get_last_failure_at(link) + waits


def is_backed_off(link: Link, event: IncidentLogged, now: float) -> bool:
    """True if the event is no newer than a permanent failure of its link, and it is too early to retry that."""
    is_permanent = any(failure.permanent for failure in link.failures.values())
    return is_permanent and not retry_is_due(link, now) and event.at.timestamp() <= _get_last_failure_at(link)


def _get_last_failure_at(link: Link) -> float:
    return max((failure.at for failure in link.failures.values()), default=0.0)
