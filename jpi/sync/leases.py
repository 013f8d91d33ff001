"""Work that must happen once: claimed on the link before it starts, looked into before it is repeated."""

from collections.abc import Callable
from typing import TypeVar

from jpi.domain.link import Link
from jpi.errors import OutcomeUnknown, Refused, ServiceUnavailable, TooEarly
from jpi.sync.ports import Clock, Links

T = TypeVar("T")

# Longer than any invocation lives: after this, whoever began the work is gone.
LEASE_SECONDS = 90.0


class Leases:
    """Claims are holds on links; saving one fails for all but the first who tries."""

    def __init__(self, links: Links, clock: Clock) -> None:
        self._links = links
        self._clock = clock

    def is_outcome_unknown(self, link: Link, part: str) -> bool:
        """Whether `part` was begun and nobody knows how it ended; TooEarly while somebody may still be at it."""
        until = link.leases.get(part)
        if until is None:
            return False
        wait = until - self._clock()
        if wait > 0:
            raise TooEarly(f"{part} of {link.incident_id} was begun and its outcome is not known yet",
                           retry_after_seconds=wait)
        return True

    def run_with_lease(self, link: Link, part: str, work: Callable[[], T],
                       visible_after: float = 0.0) -> tuple[Link, T]:
        """Do `work` under a claim; (the link without it, not saved yet, and what `work` returned).

        `settles`: seconds until what `work` did can be seen by whoever looks for it.
        """
        link = self._save_lease(link, part, self._clock() + LEASE_SECONDS + visible_after)
        try:
            done = work()
        except (Refused, ServiceUnavailable):
            self._links.save(link.without_lease(part))
            raise
        except OutcomeUnknown as unknown:
            self._save_lease(link, part, self._clock() + visible_after + unknown.retry_after_seconds)
            raise
        return link.without_lease(part), done

    def _save_lease(self, link: Link, part: str, until: float) -> Link:
        return self._links.save(link.with_lease(part, until))
