"""What neither webhooks nor log entries told: both sides' state, read, where it is not the agreed one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil

from jpi.domain.decide import COMMENTS, decide, from_the_beginning, qualifies
from jpi.domain.events import Event, IncidentGone, IncidentLogged, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.issue_drafts import LABEL
from jpi.domain.link import Link
from jpi.domain.model import Comment, Incident, Issue
from jpi.domain.policy import Policy
from jpi.domain.retry_state import due
from jpi.errors import Refused
from jpi.sync.ports import Clock, Jira, Links, Log, Logged, PagerDuty, Shown

# A comment may show a moment after the change of its issue does.
LATE_SECONDS = 300.0
NOT_FOUND = 404
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
                  began: datetime) -> tuple[list[IncidentLogged], list[IncidentGone]]:
        """Incidents that lack their issue or differ from it, but for those in `told`, whose log entries say so; and
        those that are gone.

        Those older than `began` may have been without one when jpi was set up, and stay so.
        """
        shown, gone = self._shown(set(open_links) - set(told))
        events = [IncidentLogged("", there.at, there.incident, read_at=now)
                  for one, there in shown.items() if one not in told]
        events = [event for event in events if event.incident.id in open_links or (
            qualifies(event, self._policy) and (event.incident.created or event.at) >= began)]
        ids = {event.incident.id for event in events}
        links = {**self._links.get_all(ids - open_links.keys()), **open_links}
        return [named(event, links[event.incident.id]) for event in events
                if due(links[event.incident.id], now.timestamp())
                and decide(event, links[event.incident.id], self._policy)], [
                    IncidentGone(f"gone:{one}:{open_links[one].version}", now, Incident(one), source="poll")
                    for one in gone]

    def issues(self, open_links: OpenLinks, since: datetime) -> list[IssueEvent]:
        """What Jira's webhooks should have told: issues whose state is not the agreed one; open ones, and those that
        changed after `since` though they had been dealt with.
        """
        now = self._clock()
        try:
            links = {**open_links, **self._changed(open_links, since, now)}
            linked = {one: link for one, link in links.items() if link.issue_key and due(link, now)}
            states = self._states(linked)
        except Exception as error:
            self._log.error("the open issues were not read", extra={"reason": repr(error)})
            return []
        return [event for event in states if self._is_news(event, linked[str(event.incident_id)])]

    def learn(self) -> None:
        """Learn once a day what an incident must not wait for."""
        try:
            self._jira.learn_site()
            for project, name in self._policy.kinds:
                self._jira.screens.learn(project, name)
        except Exception as error:
            self._log.warning("the site was not looked at", extra={"reason": repr(error)})

    def created(self, since: datetime) -> list[IssueCreated]:
        """New issues that are to open an incident, whose webhook may not have come; asked for only if any are to."""
        if not self._policy.open:
            return []
        projects = {project for rule in self._policy.open for project in rule.when.projects}
        named = sorted(projects) if all(rule.when.projects for rule in self._policy.open) else []
        try:
            found = self._jira.created(named, ceil((self._clock() - since.timestamp()) / 60) + 1)
        except Exception as error:
            self._log.error("new issues were not read", extra={"reason": repr(error)})
            return []
        return [IssueCreated(f"created:{issue.id}", at, issue, source="poll", incident_id=issue.key)
                for issue, at in found if self._policy.opens(issue) and not self._links.incident_of(issue.key)]

    def _is_news(self, event: IssueEvent, link: Link) -> bool:
        """Whether there is anything to write, or to remember, so that what was under way meanwhile comes too late."""
        newer = event.at.timestamp() > min(link.seen.get("jira", 0.0), link.seen.get(COMMENTS, 0.0))
        return newer or link.issue_status is None or bool(decide(event, link, self._policy))

    def _changed(self, open_links: OpenLinks, since: datetime, now: float) -> dict[str, Link]:
        """The links, none of them open, of the issues that changed since."""
        keys = self._jira.recent(LABEL, ceil((now - since.timestamp()) / 60) + 1)
        there = {link.issue_key for link in open_links.values()}
        incidents = [one for key in keys if key not in there and (one := self._links.incident_of(key))]
        return {one: link for one, link in self._links.get_all(incidents).items() if not link.ended}

    def everything(self, incident_id: str) -> Iterator[Event]:
        """One incident's whole log and state, then, once that was applied, its issue's state. May raise."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        found = by_incident(self._pagerduty.incident_log(incident_id), now)
        yield from (replace(event, whole=True) for event in found.values())
        link = self._links.get(incident_id)
        yield from self._states({incident_id: link} if link.issue_key else {})

    def _states(self, links: OpenLinks) -> list[IssueEvent]:
        """What each link's issue looks like, by its id, since its key changes with its project; and which are gone."""
        by_ref = {str(link.issue_id or link.issue_key): link for link in links.values()}
        now = datetime.fromtimestamp(self._clock(), UTC)
        read = self._jira.states(list(by_ref)) if by_ref else []
        found = [(self._policy.read(issue), at, link) for issue, at in read
                 if (link := by_ref.get(str(issue.id)) or by_ref.get(issue.key))]
        told = [(issue, at, link, self._moved(issue, link)) for issue, at, link in found]
        said = self._said([(str(issue.id), link) for issue, at, link in found
                           if at.timestamp() > link.seen.get(COMMENTS, 0.0)])
        there = {link.incident_id for _, _, link in found}
        gone = [IssueDeleted(f"gone:{link.issue_key}:{link.version}", now, Issue(str(link.issue_key), link.issue_id),
                             source="poll", incident_id=link.incident_id)
                for link in links.values() if link.incident_id not in there]
        return [*gone, *(IssueUpdated(f"read:{issue.key}:{link.version}:{at.timestamp()}", at, issue, source="poll",
                                      read_at=now, moved=moved, incident_id=link.incident_id,
                                      comments=tuple(said.get(str(issue.id), ())))
                         for issue, at, link, moved in told if moved is not None)]

    def _said(self, changed: Sequence[tuple[str, Link]]) -> dict[str, list[Comment]]:
        """The comments, by issue, that may be new to us."""
        if not changed or not self._policy.how("comments").reaches("pagerduty"):
            return {}
        found = self._jira.comments.of([issue_id for issue_id, _ in changed])
        since = {issue_id: link.seen.get(COMMENTS, 0.0) - LATE_SECONDS for issue_id, link in changed}
        return {one: [comment for comment in comments if comment.at.timestamp() > since[one]]
                for one, comments in found.items()}

    def _moved(self, issue: Issue, link: Link) -> bool | None:
        """Whether somebody moved it there, or its workflow begins there: known where it was seen before; None: unknown.
        """
        if link.issue_status is not None or issue.category != "indeterminate":
            return False
        try:
            return self._jira.moved(issue.key)
        except Exception as error:
            # One issue that cannot be looked into must not keep the others from being read.
            self._log.error("an issue's changes were not read", extra={"issue": issue.key, "reason": repr(error)})
            return None

    def _shown(self, wanted: set[str]) -> tuple[dict[str, Shown], list[str]]:
        """The account's open incidents; of those wanted, the ones open no more, each by itself; and which are gone."""
        try:
            shown = {one.incident.id: one for one in self._pagerduty.open_incidents()}
        except Exception as error:
            self._log.error("the open incidents were not read", extra={"reason": repr(error)})
            return {}, []
        gone = []
        for one in sorted(wanted - shown.keys()):
            try:
                shown[one] = self._pagerduty.shown(one)
            except Exception as error:
                self._log.error("an incident was not read", extra={"incident": one, "reason": repr(error)})
                gone += [one] if isinstance(error, Refused) and error.status == NOT_FOUND else []
        return shown, gone


def by_incident(found: Iterable[Logged], read_at: datetime) -> dict[str, IncidentLogged]:
    """One event an incident: its entries, in order, with its newest state."""
    groups: dict[str, list[Logged]] = {}
    for one in found:
        groups.setdefault(one.incident.id, []).append(one)
    return {incident_id: _event(group, read_at) for incident_id, group in groups.items()}


def named(event: IncidentLogged, link: Link) -> IncidentLogged:
    """The event with an id of what it tells and of the link it was compared with.

    SQS takes an id once in five minutes: the same again, before anybody did anything about it, is not stored again.
    """
    last = event.entries[-1].id if event.entries else ""
    return replace(event, id=f"log:{event.incident.id}:{link.version or 0}:{event.at.timestamp():.0f}:{last}")


def in_order(events: Iterable[IncidentLogged]) -> list[IncidentLogged]:
    """The oldest first."""
    return sorted(events, key=lambda event: (event.at, event.id))


def _event(group: Sequence[Logged], read_at: datetime) -> IncidentLogged:
    newest = max(group, key=lambda one: one.at)
    entries = sorted((one.entry for one in group), key=lambda entry: (entry.at, entry.id))
    told = next((one.incident for one in group if one.incident.details), newest.incident)
    incident: Incident = replace(newest.incident, details=told.details, trigger=told.trigger)
    event = IncidentLogged(f"log:{incident.id}:{read_at.timestamp()}", newest.at, incident, entries=tuple(entries),
                           read_at=read_at)
    return replace(event, whole=from_the_beginning(event))
