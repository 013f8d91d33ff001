"""Decides whether an incident or an issue is gone: not by one look, and not by what a stranger is told."""

from dataclasses import replace

from jpi.domain.events import Event, IncidentGone, IssueDeleted
from jpi.domain.link import FirstLook, Link
from jpi.domain.model import Side
from jpi.domain.write_limits import WriteLog
from jpi.errors import TooEarly
from jpi.sync.ports import Clock, Jira, Links, Log, PagerDuty

# A read replica that lags, or a site that moves, is seen through by then.
SECOND_LOOK_SECONDS = 120.0


class EndingRule:
    """Looks for what is said to be gone, twice, on a side that has named our account."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, clock: Clock, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._clock = clock
        self._log = log

    def is_gone(self, link: Link, side: Side) -> bool:
        """True if a second look, two minutes after the first and in another invocation, does not find it either.

        Raises TooEarly until then, and IdentityDoubt while the side may not know us; both are retried.
        """
        if self.is_visible(link, side):
            return False
        invocation = self._jira.verify_identity() if side is Side.JIRA else self._pagerduty.verify_identity()
        now, first = self._clock(), link.missing_since.get(side)
        if first is None:
            first = FirstLook(now, invocation)
            self._links.save(link.with_first_look(side, first))
        wait = first.at + SECOND_LOOK_SECONDS - now
        if wait > 0 or first.invocation == invocation:
            raise TooEarly(f"{side.display_name} does not show {_name_thing(link, side)}: jpi looks again before the "
                           "link ends", retry_after_seconds=max(wait, 1.0))
        return True

    def resume_if_seen(self, event: Event, link: Link) -> Link:
        """Return the link, resumed if the event's side shows again what it did not show before."""
        look = link.missing_since.get(event.side)
        if look is None or isinstance(event, IssueDeleted | IncidentGone) or event.observed_at <= look.at:
            return link
        # A webhook proves that it was there once; the poll has read.
        if event.source != "poll" and not self.is_visible(link, event.side):
            return link
        if link.ended:
            self._log.info("a link resumed", extra={"incident": link.incident_id, "issue": link.issue_key})
        return link.with_seen(event.side)

    def resume_link(self, incident_id: str) -> bool:
        """Resume a link that is paused, or had ended if both sides show it; return False if one does not."""
        link = self._links.get(incident_id)
        if link.is_opening:
            return True
        if link.write_log.pause:
            link = self._links.save(replace(link, write_log=WriteLog()))
        if link.ended:
            if not all(self.is_visible(link, side) for side in Side):
                return False
            self._links.save(replace(link, ended=False, missing_since={}))
        return True

    def is_visible(self, link: Link, side: Side) -> bool:
        """True if the side shows the link's incident or issue."""
        if side is Side.PAGERDUTY:
            return self._pagerduty.has_incident(link.incident_id)
        return self._jira.has_issue(link.issue_id or str(link.issue_key))


def _name_thing(link: Link, side: Side) -> str:
    return link.incident_id if side is Side.PAGERDUTY else str(link.issue_key)
