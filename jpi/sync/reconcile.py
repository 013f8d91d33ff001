"""What neither webhooks nor log entries told: both sides' state, read, where it is not the agreed one."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from jpi.sync.events import IncidentLogged, IssueUpdated
from jpi.sync.failures import due
from jpi.sync.link import Link
from jpi.sync.policy import Policy
from jpi.sync.ports import Clock, Jira, Links, Log, PagerDuty, Shown
from jpi.sync.rules import decide, qualifies

OpenLinks = Mapping[str, Link]


class Reconcile:
    """Reads, and compares; changes nothing."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, policy: Policy, clock: Clock, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._policy = policy
        self._clock = clock
        self._log = log

    def incidents(self, told: Collection[str], open_links: OpenLinks, now: datetime,
                  began: datetime) -> list[IncidentLogged]:
        """Incidents that lack their issue or differ from it, but for those in `told`, whose log entries say so.

        Those older than `began` may have been without one when jpi was set up, and stay so.
        """
        shown = self._shown(set(open_links) - set(told))
        events = [IncidentLogged(f"read:{one}:{now.timestamp()}", there.at, there.incident, read_at=now)
                  for one, there in shown.items() if one not in told]
        events = [event for event in events if event.incident.id in open_links or (
            qualifies(event, self._policy) and (event.incident.created or event.at) >= began)]
        ids = {event.incident.id for event in events}
        links = {**self._links.get_all(ids - open_links.keys()), **open_links}
        return [event for event in events if due(links[event.incident.id], now.timestamp())
                and decide(event, links[event.incident.id], self._policy)]

    def issues(self, open_links: OpenLinks) -> list[IssueUpdated]:
        """What Jira's webhooks should have told: open issues whose state is not the agreed one."""
        by_key = {link.issue_key: link for link in open_links.values() if link.issue_key}
        now = datetime.fromtimestamp(self._clock(), UTC)
        try:
            states = self._jira.states(list(by_key)) if by_key else []
        except Exception as error:
            self._log.error("the open issues were not read", extra={"reason": repr(error)})
            return []
        events = [IssueUpdated(f"read:{issue.key}:{now.timestamp()}", at, issue, source="poll", read_at=now,
                               incident_id=by_key[issue.key].incident_id)
                  for issue, at in states if issue.key in by_key]
        return [event for event in events if decide(event, by_key[event.issue.key], self._policy)]

    def _shown(self, wanted: set[str]) -> dict[str, Shown]:
        """The account's open incidents; and of those wanted, the ones that are open no more, each by itself."""
        try:
            shown = {one.incident.id: one for one in self._pagerduty.open_incidents()}
        except Exception as error:
            self._log.error("the open incidents were not read", extra={"reason": repr(error)})
            return {}
        return shown | {one: there for one in sorted(wanted - shown.keys()) if (there := self._by_itself(one))}

    def _by_itself(self, incident_id: str) -> Shown | None:
        try:
            return self._pagerduty.shown(incident_id)
        except Exception as error:
            self._log.error("an incident was not read", extra={"incident": incident_id, "reason": repr(error)})
            return None
