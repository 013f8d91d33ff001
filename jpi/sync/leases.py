"""Runs work that must happen once: takes a lease on the link first, and looks for the result before repeating."""

from collections.abc import Callable
from typing import TypeVar

from jpi.domain.link import Link
from jpi.errors import OutcomeUnknown, Refused, ServiceUnavailable, TooEarly
from jpi.sync.ports import Clock, Links

Result = TypeVar("Result")

# Longer than `events` (60 seconds) and `app` (29) live: after this, the worker that began is gone.
LEASE_SECONDS = 90.0


class RefusedUnderLease(Refused):
    """A refusal of work that changed its link; `link`: as it is since, where it had a lease saved without that."""

    def __init__(self, refused: Refused, link: Link) -> None:
        super().__init__(refused.service, refused.method, refused.path, refused.status, refused.messages,
                         refused.field_errors, refused.vendor_code, refused.answer)
        self.link = link


class Leases:
    """Leases on links, by the name of the work: only the first worker that tries can save one."""

    def __init__(self, links: Links, clock: Clock) -> None:
        self._links = links
        self._clock = clock

    def is_outcome_unknown(self, link: Link, key: str) -> bool:
        """True if the work was begun and its outcome is unknown. Raise TooEarly while another worker may be at it."""
        until = link.leases.get(key)
        if until is None:
            return False
        wait = until - self._clock()
        if wait > 0:
            raise TooEarly(f"{key} of {link.incident_id} was begun and its outcome is not known yet",
                           retry_after_seconds=wait)
        return True

    def run_with_lease(self, link: Link, key: str, work: Callable[[], Result],
                       visible_after: float = 0.0) -> tuple[Link, Result]:
        """Do the work under a lease; return the link without the lease, not saved yet, and the work's result.

        `visible_after`: seconds until a search finds what the work did.
        """
        link = self._save_lease(link, key, self._clock() + LEASE_SECONDS + visible_after)
        try:
            result = work()
        except Refused as refused:
            raise RefusedUnderLease(refused, self._links.save(link.without_lease(key))) from refused
        except ServiceUnavailable:
            self._links.save(link.without_lease(key))
            raise
        except OutcomeUnknown as unknown:
            self._save_lease(link, key, self._clock() + visible_after + unknown.retry_after_seconds)
            raise
        return link.without_lease(key), result

    def _save_lease(self, link: Link, key: str, until: float) -> Link:
        return self._links.save(link.with_lease(key, until))
