"""What neither webhooks nor log entries told: both sides' state, read, where it is not the agreed one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil

from jpi.domain.decide import COMMENTS_READ_KEY, decide, has_whole_log, needs_issue
from jpi.domain.events import Event, IncidentGone, IncidentLogged, IssueCreated, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.issue_drafts import PAGERDUTY_LABEL
from jpi.domain.link import Link
from jpi.domain.model import Comment, Incident, IncidentSnapshot, Issue, LogEntrySnapshot
from jpi.domain.policy import Policy
from jpi.domain.retry_state import retry_is_due
from jpi.errors import Refused
from jpi.sync.ports import Clock, Jira, Links, Log, PagerDuty

# A comment may show a moment after the change of its issue does.
COMMENT_DELAY_SECONDS = 300.0
NOT_FOUND = 404
LinksById = Mapping[str, Link]


class Reconciler:
    """Reads, and compares; changes nothing."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, policy: Policy, clock: Clock, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._policy = policy
        self._clock = clock
        self._log = log

    def reconcile_incidents(self, logged_incident_ids: Collection[str], open_links: LinksById, now: datetime,
                            ignore_before: datetime) -> tuple[list[IncidentLogged], list[IncidentGone]]:
        """Incidents that lack their issue or differ from it, but for those in `told`, whose log entries say so; and
        those that are gone.

        Those older than `began` may have been without one when jpi was set up, and stay so.
        """
        shown, gone = self._read_incident_snapshots(set(open_links) - set(logged_incident_ids))
        events = [IncidentLogged("", there.changed_at, there.incident, read_at=now)
                  for one, there in shown.items() if one not in logged_incident_ids]
        events = [event for event in events if event.incident.id in open_links or (
            needs_issue(event, self._policy) and (event.incident.created or event.at) >= ignore_before)]
        ids = {event.incident.id for event in events}
        links = {**self._links.get_all(ids - open_links.keys()), **open_links}
        return [assign_event_id(event, links[event.incident.id]) for event in events
                if retry_is_due(links[event.incident.id], now.timestamp())
                and decide(event, links[event.incident.id], self._policy).actions], [
                    IncidentGone(f"gone:{one}:{open_links[one].version}", now, Incident(one), source="poll")
                    for one in gone]

    def reconcile_issues(self, open_links: LinksById, since: datetime) -> list[IssueEvent]:
        """What Jira's webhooks should have told: issues whose state is not the agreed one; open ones, and those that
        changed after `since` though they had been dealt with.
        """
        now = self._clock()
        try:
            links = {**open_links, **self._find_changed_links(open_links, since, now)}
            linked = {one: link for one, link in links.items() if link.issue_key and retry_is_due(link, now)}
            states = self._read_issue_events(linked)
        except Exception as error:
            self._log.error("the open issues were not read", extra={"reason": repr(error)})
            return []
        return [event for event in states if self._is_news(event, linked[str(event.incident_id)])]

    def warm_site_cache(self) -> None:
        """Learn once a day what an incident must not wait for."""
        try:
            self._jira.load_site_schema()
            for project, name in self._policy.created_issue_types:
                self._jira.create_screens.load(project, name)
        except Exception as error:
            self._log.warning("the site was not looked at", extra={"reason": repr(error)})

    def find_created_issues(self, since: datetime) -> list[IssueCreated]:
        """New issues that are to open an incident, whose webhook may not have come; asked for only if any are to."""
        if not self._policy.opening_rules:
            return []
        projects = {project for rule in self._policy.opening_rules for project in rule.condition.projects}
        named = sorted(projects) if all(rule.condition.projects for rule in self._policy.opening_rules) else []
        try:
            found = self._jira.find_recently_created(named, ceil((self._clock() - since.timestamp()) / 60) + 1)
        except Exception as error:
            self._log.error("new issues were not read", extra={"reason": repr(error)})
            return []
        return [IssueCreated(f"created:{issue.id}", at, issue, source="poll", incident_id=issue.key) for issue,
                at in found if self._policy.find_opening_rule(issue) and not self._links.find_incident_id(issue.key)]

    def _is_news(self, event: IssueEvent, link: Link) -> bool:
        """Whether there is anything to write, or to remember, so that what was under way meanwhile comes too late."""
        newer = event.at.timestamp() > min(link.watermarks.get("jira", 0.0),
                                           link.watermarks.get(COMMENTS_READ_KEY, 0.0))
        return newer or link.issue_status is None or bool(decide(event, link, self._policy).actions)

    def _find_changed_links(self, open_links: LinksById, since: datetime, now: float) -> dict[str, Link]:
        """The links, none of them open, of the issues that changed since."""
        keys = self._jira.find_recently_changed(PAGERDUTY_LABEL, ceil((now - since.timestamp()) / 60) + 1)
        there = {link.issue_key for link in open_links.values()}
        incidents = [one for key in keys if key not in there and (one := self._links.find_incident_id(key))]
        return {one: link for one, link in self._links.get_all(incidents).items() if not link.ended}

    def read_incident_events(self, incident_id: str) -> Iterator[Event]:
        """One incident's whole log and state, then, once that was applied, its issue's state. May raise."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        found = group_by_incident(self._pagerduty.list_incident_log_entries(incident_id), now)
        yield from (replace(event, whole=True) for event in found.values())
        link = self._links.get(incident_id)
        yield from self._read_issue_events({incident_id: link} if link.issue_key else {})

    def _read_issue_events(self, links: LinksById) -> list[IssueEvent]:
        """What each link's issue looks like, by its id, since its key changes with its project; and which are gone."""
        by_ref = {str(link.issue_id or link.issue_key): link for link in links.values()}
        now = datetime.fromtimestamp(self._clock(), UTC)
        read = self._jira.get_issue_states(list(by_ref)) if by_ref else []
        found = [(self._policy.with_team_category(issue), at, link) for issue, at in read
                 if (link := by_ref.get(str(issue.id)) or by_ref.get(issue.key))]
        told = [(issue, at, link, self._has_been_moved(issue, link)) for issue, at, link in found]
        said = self._read_new_comments([(str(issue.id), link) for issue, at,
                                        link in found if at.timestamp() > link.watermarks.get(COMMENTS_READ_KEY, 0.0)])
        there = {link.incident_id for _, _, link in found}
        gone = [IssueDeleted(f"gone:{link.issue_key}:{link.version}", now, Issue(str(link.issue_key), link.issue_id),
                             source="poll", incident_id=link.incident_id)
                for link in links.values() if link.incident_id not in there]
        return [*gone, *(IssueUpdated(f"read:{issue.key}:{link.version}:{at.timestamp()}", at, issue, source="poll",
                                      read_at=now, moved=moved, incident_id=link.incident_id,
                                      comments=tuple(said.get(str(issue.id), ())))
                         for issue, at, link, moved in told if moved is not None)]

    def _read_new_comments(self, changed: Sequence[tuple[str, Link]]) -> dict[str, list[Comment]]:
        """The comments, by issue, that may be new to us."""
        if not changed or not self._policy.field_policy("comments").is_synced_to("pagerduty"):
            return {}
        found = self._jira.comments.list_for_issues([issue_id for issue_id, _ in changed])
        since = {issue_id: link.watermarks.get(COMMENTS_READ_KEY, 0.0) - COMMENT_DELAY_SECONDS for issue_id,
                 link in changed}
        return {one: [comment for comment in comments if comment.at.timestamp() > since[one]]
                for one, comments in found.items()}

    def _has_been_moved(self, issue: Issue, link: Link) -> bool | None:
        """Whether somebody moved it there, or its workflow begins there: known where it was seen before; None: unknown.
        """
        if link.issue_status is not None or issue.category != "indeterminate":
            return False
        try:
            return self._jira.has_changed_status(issue.key)
        except Exception as error:
            # One issue that cannot be looked into must not keep the others from being read.
            self._log.error("an issue's changes were not read", extra={"issue": issue.key, "reason": repr(error)})
            return None

    def _read_incident_snapshots(self, incident_ids: set[str]) -> tuple[dict[str, IncidentSnapshot], list[str]]:
        """The account's open incidents; of those wanted, the ones open no more, each by itself; and which are gone."""
        try:
            shown = {one.incident.id: one for one in self._pagerduty.list_open_incidents()}
        except Exception as error:
            self._log.error("the open incidents were not read", extra={"reason": repr(error)})
            return {}, []
        gone = []
        for one in sorted(incident_ids - shown.keys()):
            try:
                shown[one] = self._pagerduty.get_snapshot(one)
            except Exception as error:
                self._log.error("an incident was not read", extra={"incident": one, "reason": repr(error)})
                gone += [one] if isinstance(error, Refused) and error.status == NOT_FOUND else []
        return shown, gone


def group_by_incident(found: Iterable[LogEntrySnapshot], read_at: datetime) -> dict[str, IncidentLogged]:
    """One event an incident: its entries, in order, with its newest state."""
    groups: dict[str, list[LogEntrySnapshot]] = {}
    for one in found:
        groups.setdefault(one.incident.id, []).append(one)
    return {incident_id: _build_event(group, read_at) for incident_id, group in groups.items()}


def assign_event_id(event: IncidentLogged, link: Link) -> IncidentLogged:
    """The event with an id of what it tells and of the link it was compared with.

    SQS takes an id once in five minutes: the same again, before anybody did anything about it, is not stored again.
    """
    last = event.entries[-1].id if event.entries else ""
    return replace(event, id=f"log:{event.incident.id}:{link.version or 0}:{event.at.timestamp():.0f}:{last}")


def sort_by_time(events: Iterable[IncidentLogged]) -> list[IncidentLogged]:
    """The oldest first."""
    return sorted(events, key=lambda event: (event.at, event.id))


def _build_event(group: Sequence[LogEntrySnapshot], read_at: datetime) -> IncidentLogged:
    newest = max(group, key=lambda one: one.changed_at)
    entries = sorted((one.entry for one in group), key=lambda entry: (entry.at, entry.id))
    told = next((one.incident for one in group if one.incident.details), newest.incident)
    incident: Incident = replace(newest.incident, details=told.details, trigger=told.trigger)
    event = IncidentLogged(f"log:{incident.id}:{read_at.timestamp()}", newest.changed_at, incident,
                           entries=tuple(entries), read_at=read_at)
    return replace(event, whole=has_whole_log(event))
