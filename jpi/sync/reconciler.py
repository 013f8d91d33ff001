"""Reads both sides and makes events of what differs from the agreed state, where webhooks and logs told nothing."""

from collections.abc import Collection, Iterator, Set
from dataclasses import replace
from datetime import UTC, datetime

from jpi.domain.decide import decide, needs_issue
from jpi.domain.events import Event, IncidentEvent, IncidentGone, IncidentLogged, IssueDeleted, IssueEvent, IssueUpdated
from jpi.domain.issue_drafts import PAGERDUTY_LABEL
from jpi.domain.link import ISSUE_KEY_PATTERN, Link
from jpi.domain.model import Incident, IncidentSnapshot, Issue, IssueComments, IssueStates, Side
from jpi.domain.policy import Policy
from jpi.domain.retry_state import has_unread_log, needs_whole_log_now, retry_is_due
from jpi.errors import IdentityDoubt, JpiError, Refused
from jpi.sync.event_sink import assign_event_id, group_by_incident
from jpi.sync.issue_changes import IssueChanges, LinksById, OpeningReader, count_minutes_since
from jpi.sync.poll_errors import PollErrors
from jpi.sync.ports import Clock, Jira, Links, Log, PagerDuty

# A comment may show a moment after the change of its issue does.
COMMENT_DELAY_SECONDS = 300.0


class Reconciler:
    """Reads and compares; changes nothing."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, policy: Policy, clock: Clock, log: Log,
                 errors: PollErrors) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._policy = policy
        self._clock = clock
        self._log = log
        self._errors = errors
        self.openings = OpeningReader(jira, links, policy, clock, log, errors)

    def reconcile_incidents(self, logged_ids: Set[str], open_links: LinksById, now: datetime,
                            ignore_before: datetime) -> list[IncidentEvent]:
        """Return events of incidents that lack their issue, differ from it or are gone.

        Those in `logged_ids` are left out, since their log entries are events already; so are incidents without an
        issue from before `ignore_before`, when jpi was set up. Raise IdentityDoubt if PagerDuty may not know us.
        """
        snapshots = self._read_incident_snapshots(open_links.keys() - set(logged_ids))
        if logged_ids.isdisjoint(open_links) and not any(snapshots.get(incident_id) for incident_id in open_links):
            self._verify_pagerduty()
        read = [IncidentLogged("", snapshot.changed_at, snapshot.incident, read_at=now)
                for incident_id, snapshot in snapshots.items() if snapshot and incident_id not in logged_ids]
        events = [event for event in read if event.incident.id in open_links or (
            needs_issue(event, self._policy) and (event.incident.created or event.at) >= ignore_before)]
        links = {**self._links.get_all({event.incident.id for event in events} - open_links.keys()), **open_links}
        drifted = [assign_event_id(event, links[event.incident.id]) for event in events
                   if retry_is_due(links[event.incident.id], now.timestamp())
                   and (_is_shown_again(event, links[event.incident.id])
                        or decide(event, links[event.incident.id], self._policy).actions
                        or _has_due_unread_log(links[event.incident.id], now))]
        gone = [IncidentGone(f"gone:{incident_id}:{open_links[incident_id].version}", now, Incident(incident_id),
                             source="poll") for incident_id, snapshot in snapshots.items()
                if snapshot is None and retry_is_due(open_links[incident_id], now.timestamp())]
        return [*drifted, *gone]

    def reconcile_issues(self, open_links: LinksById, since: datetime, unread_ids: Collection[str]) -> IssueChanges:
        """Return events of issues that differ from what was agreed: open ones, and those changed after `since`.

        `unread_ids`: the incidents whose issue the last poll could not read.
        """
        with self._errors.contain_errors("the open issues were not read"):
            now = self._clock()
            links = {**self._find_changed_links(open_links, since, unread_ids), **open_links}
            due_links = {incident_id: link for incident_id, link in links.items()
                         if link.issue_key and retry_is_due(link, now)}
            events, still_unread_ids = self._read_issue_events(due_links)
            if not any(isinstance(event, IssueUpdated) for event in events):
                # Nothing of ours was seen: a stranger would have seen as much.
                self._jira.verify_identity()
            news = [event for event in events if self._is_news(event, due_links[str(event.incident_id)])]
            return IssueChanges(news, True, still_unread_ids - open_links.keys())
        return IssueChanges([], False, frozenset(unread_ids))

    def warm_site_cache(self) -> None:
        """Read once a day what creating an issue needs, so that no incident waits for that."""
        with self._errors.contain_errors("the site was not read"):
            try:
                self._jira.load_site_schema()
                for project, name in self._policy.created_issue_types:
                    self._jira.create_screens.load(project, name)
            except JpiError as error:
                self._log.warning("the site was not read", extra={"reason": repr(error)})

    def read_incident_events(self, incident_id: str) -> Iterator[Event]:
        """Yield an event of the incident's whole log and state, then, once it was applied, of its issue's state.

        An issue's key in place of the id stands for its incident, which may still have to be opened.
        """
        if ISSUE_KEY_PATTERN.fullmatch(incident_id):
            issue_key, incident_id = incident_id, self._links.find_incident_id(incident_id) or ""
            if not incident_id:
                yield from self.openings.read_openings(self._links.get_all([issue_key]))
                return
        now = datetime.fromtimestamp(self._clock(), UTC)
        logged = group_by_incident(self._pagerduty.list_incident_log_entries(incident_id), now)
        yield from (replace(event, whole=True) for event in logged.values())
        link = self._links.get(incident_id)
        yield from self._read_issue_events({incident_id: link} if link.issue_key else {})[0]

    def _is_news(self, event: IssueEvent, link: Link) -> bool:
        """True if there is anything to write, or to remember so that a late webhook of before changes nothing."""
        if Side.JIRA in link.missing_since:
            return isinstance(event, IssueUpdated) or not link.ended
        is_newer = event.at.timestamp() > min(link.watermarks[Side.JIRA].snapshot_at,
                                              link.watermarks[Side.JIRA].comments_read_until)
        is_unread = link.status.on_jira is None or link.write_log.pause is not None
        is_due = link.backlog.is_due(Side.JIRA, event.observed_at)
        return is_newer or is_unread or is_due or bool(decide(event, link, self._policy).actions)

    def _verify_pagerduty(self) -> None:
        try:
            self._pagerduty.verify_identity()
        except IdentityDoubt:
            raise
        except JpiError as error:
            self._errors.handle_error(error, "PagerDuty's account was not verified", {})

    def _find_changed_links(self, open_links: LinksById, since: datetime,
                            unread_ids: Collection[str]) -> dict[str, Link]:
        """Return the links of the issues that changed since or could not be read; none that is open.

        Ended ones whose issue was gone are among them.
        """
        keys = self._jira.find_recently_changed(PAGERDUTY_LABEL, count_minutes_since(since, self._clock()),
                                                self._policy.incident_issue_types)
        open_keys = {link.issue_key for link in open_links.values()}
        incident_ids = [incident_id for key in keys if key not in open_keys
                        and (incident_id := self._links.find_incident_id(key))]
        links = self._links.get_all({*incident_ids, *unread_ids} - open_links.keys())
        return {incident_id: link for incident_id, link in links.items()
                if not link.ended or Side.JIRA in link.missing_since}

    def _read_issue_events(self, links: LinksById) -> tuple[list[IssueEvent], frozenset[str]]:
        """Read each link's issue, by id since its key changes with its project.

        Return their events, and the incidents whose issue, or something of it, could not be read.
        """
        link_by_ref = {str(link.issue_id or link.issue_key): link for link in links.values()}
        now = datetime.fromtimestamp(self._clock(), UTC)
        answer = self._jira.get_issue_states(list(link_by_ref)) if link_by_ref else IssueStates()
        unread_ids = {link_by_ref[ref].incident_id for ref in answer.unread_ids}
        read = [(self._policy.with_team_category(issue), at, link) for issue, at in answer.states
                if (link := link_by_ref.get(str(issue.id)) or link_by_ref.get(issue.key))]
        # An issue whose history cannot be read is left to the next poll.
        moves = {link.incident_id: self._has_been_moved(issue, link) for issue, _, link in read}
        changed_links = {str(issue.id): link for issue, at, link in read
                         if at.timestamp() > link.watermarks[Side.JIRA].comments_read_until}
        comments = self._read_new_comments(changed_links)
        unread_ids |= {changed_links[issue_id].incident_id for issue_id in comments.unread_ids}
        unread_ids |= {incident_id for incident_id, moved in moves.items() if moved is None}
        gone = [IssueDeleted(f"gone:{link.issue_key}:{link.version}", now, Issue(str(link.issue_key), link.issue_id),
                             source="poll", incident_id=link.incident_id)
                for link in links.values() if link.incident_id not in moves.keys() | unread_ids]
        updated = [IssueUpdated(f"read:{issue.key}:{link.version}:{at.timestamp()}", at, issue, source="poll",
                                read_at=now, moved=moved, incident_id=link.incident_id,
                                comments=tuple(comments.by_issue_id.get(str(issue.id), ())),
                                has_unread_comments=link.incident_id in unread_ids)
                   for issue, at, link in read if (moved := moves[link.incident_id]) is not None]
        if unread_ids:
            self._log.warning("issues were not read", extra={"incidents": sorted(unread_ids)})
        return [*gone, *updated], frozenset(unread_ids)

    def _read_new_comments(self, link_by_issue_id: LinksById) -> IssueComments:
        """Return the comments that may be new."""
        if not link_by_issue_id or not self._policy.field_policy("comments").is_synced_to("pagerduty"):
            return IssueComments({})
        since = {issue_id: link.watermarks[Side.JIRA].comments_read_until - COMMENT_DELAY_SECONDS
                 for issue_id, link in link_by_issue_id.items()}
        comments = self._jira.comments.list_for_issues(list(link_by_issue_id))
        return replace(comments, by_issue_id={
            issue_id: [comment for comment in issue_comments if comment.at.timestamp() > since[issue_id]]
            for issue_id, issue_comments in comments.by_issue_id.items()})

    def _has_been_moved(self, issue: Issue, link: Link) -> bool | None:
        """True if somebody moved an issue, never seen before, to where it is; None if that cannot be read."""
        if link.status.on_jira is not None or issue.category != "indeterminate":
            return False
        with self._errors.contain_errors("an issue's changes were not read", issue=issue.key):
            return self._jira.has_changed_status(issue.key)
        return None

    def _read_incident_snapshots(self, linked_ids: Collection[str]) -> dict[str, IncidentSnapshot | None]:
        """Return the account's open incidents and, read one by one, the linked ones that are not open; None: gone."""
        snapshots: dict[str, IncidentSnapshot | None] = {}
        with self._errors.contain_errors("the open incidents were not read"):
            snapshots |= {snapshot.incident.id: snapshot for snapshot in self._pagerduty.list_open_incidents()}
            for incident_id in sorted(linked_ids - snapshots.keys()):
                with self._errors.contain_errors("an incident was not read", incident=incident_id):
                    snapshots |= self._read_incident_snapshot(incident_id)
        return snapshots

    def _read_incident_snapshot(self, incident_id: str) -> dict[str, IncidentSnapshot | None]:
        try:
            return {incident_id: self._pagerduty.get_snapshot(incident_id)}
        except Refused as refused:
            if not refused.is_not_found:
                raise
            self._log.error("an incident was not read", extra={"incident": incident_id, "reason": repr(refused)})
            return {incident_id: None}


def _is_shown_again(event: IncidentLogged, link: Link) -> bool:
    """True if PagerDuty shows an incident that it did not show before."""
    return event.side in link.missing_since


def _has_due_unread_log(link: Link, now: datetime) -> bool:
    """True if something unfinished is due which the poll could not bring with the incident's log."""
    return has_unread_log(link) and needs_whole_log_now(link, now.timestamp())
