"""Opens incidents for issues, if a rule of the sync file says so; at most one an issue, by the issue's key."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

from jpi.domain.backlog import Backlog, Part
from jpi.domain.conversation_rules import build_issue_url
from jpi.domain.events import IncidentEvent, IncidentTriggered, IssueCreated
from jpi.domain.field_merge import NO_VALUE
from jpi.domain.idempotency_keys import build_opened_key
from jpi.domain.link import ISSUE_KEY_PATTERN, IssueRef, Link
from jpi.domain.link_parts import FieldName, Replica, SyncedField
from jpi.domain.model import Incident, Issue
from jpi.domain.policy import OpeningRule, Policy
from jpi.domain.templates import to_title
from jpi.errors import IdentityDoubt
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.enrichment import OwnAccounts
from jpi.sync.leases import Leases, RefusedUnderLease
from jpi.sync.ports import Cache, Jira, Links, PagerDuty

OPENING_LEASE = "incident"
INCIDENT_OPENED_COMMENT = "PagerDuty incident {number} was opened for this issue: {url}"
UNKNOWN_OPENER = "did jpi open the incident {} with the key {}? Its own user (PAGERDUTY_USER_EMAIL) is not known"
INCIDENT_OPENED_STEP = "Opened the incident {incident}."
INCIDENT_DETAILS_TEXT = "Opened by a Jira issue: {address}"


class IncidentOpener:
    """Opens incidents and links them to their issues.

    What was begun is kept on a link under the issue's key, until the incident has a link of its own.
    """

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, leases: Leases, cache: Cache, policy: Policy,
                 conversation_sync: ConversationSync, own_accounts: OwnAccounts) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._leases = leases
        self._cache = cache
        self._policy = policy
        self._conversation_sync = conversation_sync
        self._own_accounts = own_accounts

    def open_incident(self, event: IssueCreated) -> Link | None:
        """Open an incident for a new issue; return its link, None if no rule opens one or jpi created the issue."""
        rule = self._policy.find_opening_rule(event.issue)
        if rule is None and event.source == "webhook":
            return None
        opening = self._links.get(event.issue.key)
        if opening.ended or (opening.version is None and rule is None):
            return None
        incident = None
        # An issue that was moved has another key, and is known by its label.
        if OPENING_LEASE in opening.leases or not self._has_incident(event.issue):
            opening, incident = self._open_or_find_incident(opening, event.issue, rule)
        if incident is None:
            self._end_opening(opening)
            return None
        link = self._tie_to_issue(self._links.get(incident.id), incident, event.issue, opening)
        self._end_opening(opening)
        return link

    def describe_opening(self, event: IssueCreated) -> str | None:
        """Describe the incident that the issue would open; None if it would open none."""
        rule = self._policy.find_opening_rule(event.issue)
        is_wanted = rule and not self._links.get(event.issue.key).ended
        return f"open an incident on {rule.service}" if rule and is_wanted else None

    def adopt_opened_incident(self, event: IncidentEvent, link: Link) -> Link:
        """Return the link with the issue that the incident was opened for; unchanged if it was not opened for one."""
        key = (event.incident.key or "").partition(".")[0]
        # Check project and service only: the issue may have changed since it opened the incident.
        if link.issue_key or not (ISSUE_KEY_PATTERN.fullmatch(key) and self._policy.can_open(key, event.incident)):
            return link
        opening = self._links.get(key)
        # Whoever opens an incident chooses its key: only where jpi began to open one is the key the issue's.
        is_begun = opening.version and not opening.ended and event.incident.key == _get_incident_key(opening)
        if not is_begun or not self._is_own_opening(opening, event.incident, event) or self._has_incident(Issue(key)):
            return link
        for issue, _ in self._jira.get_issue_states([key]).get_all():
            # Jira finds an issue that was moved by its old key, too.
            if issue.key == key:
                link = self._tie_to_issue(link, event.incident, issue, opening)
                self._end_opening(opening)
        return link

    def _is_own_opening(self, opening: Link, incident: Incident, event: IncidentEvent | None = None) -> bool:
        """True if jpi opened the incident, which has the opening's key; raise IdentityDoubt if nothing tells."""
        if incident.key != opening.incident_id:
            return True
        own_id = self._own_accounts.get_own_id("pagerduty")
        if own_id is None:
            raise IdentityDoubt("PagerDuty", UNKNOWN_OPENER.format(incident.id, incident.key))
        if isinstance(event, IncidentTriggered) and event.actor:
            return event.actor.id == own_id
        entries = [snapshot.entry for snapshot in self._pagerduty.list_incident_log_entries(incident.id)]
        return any(entry.is_trigger and entry.agent and entry.agent.id == own_id for entry in entries)

    def _has_incident(self, issue: Issue) -> bool:
        """True if the issue is linked to an incident, by its key or by its label and id, or jpi created it for one."""
        if self._links.find_incident_id(issue.key):
            return True
        is_own, ids = self._jira.read_marks(issue.key)
        # Everybody who may edit an issue chooses its labels.
        links = self._links.get_all(ids if issue.id else []).values()
        return is_own or any(link.issue and link.issue_id in (None, issue.id) for link in links)

    def _end_opening(self, opening: Link) -> None:
        """Forget what was kept while the incident had no link; the row stays, and says that it was opened."""
        if opening.version is not None:
            self._links.save(Link(opening.incident_id, opening.version, ended=True))

    def _open_or_find_incident(self, opening: Link, issue: Issue,
                               rule: OpeningRule | None) -> tuple[Link, Incident | None]:
        """Return the incident that an earlier attempt opened, else open it; None if no rule wants it any more."""
        if self._leases.is_outcome_unknown(opening, OPENING_LEASE) and (
                incident := self._find_own_incident(opening, self._list_holders(opening))):
            return opening, incident
        if rule is None:
            return opening, None
        if not opening.leases and self._own_accounts.get_own_id("pagerduty") is None:
            opening = _with_chosen_key(opening)
        try:
            return self._open_with_lease(opening, issue, rule)
        except RefusedUnderLease as refused:
            # PagerDuty takes a key only once while its incident is open: another worker may have been first.
            opening, holders = refused.link, self._list_holders(refused.link) if refused.is_bad_request else []
            if incident := self._find_own_incident(opening, holders):
                return opening, incident
            services = [(holder.service, holder.service_id) for holder in holders if holder.status != "resolved"]
            if not any(rule.service in names for names in services):
                raise
        # An incident of somebody else's has the key.
        return self._open_with_lease(_with_chosen_key(opening), issue, rule)

    def _list_holders(self, opening: Link) -> list[Incident]:
        """Return the incidents with the opening's key on the services that its issue may open incidents on."""
        return [incident for incident in self._pagerduty.new_incidents.list_by_key(_get_incident_key(opening))
                if self._policy.can_open(opening.incident_id, incident)]

    def _find_own_incident(self, opening: Link, holders: Sequence[Incident]) -> Incident | None:
        """Return the incident that jpi opened among those with its key, of which the oldest is the likeliest."""
        return next((incident for incident in reversed(holders) if self._is_own_opening(opening, incident)), None)

    def _open_with_lease(self, opening: Link, issue: Issue, rule: OpeningRule) -> tuple[Link, Incident]:
        return self._leases.run_with_lease(opening, OPENING_LEASE, partial(
            self._open_incident, issue, rule, _get_incident_key(opening), is_retry=bool(opening.failures)))

    def _open_incident(self, issue: Issue, rule: OpeningRule, key: str, is_retry: bool) -> Incident:
        title, priority = to_title(issue.title or issue.key), self._policy.to_pagerduty_priority(issue.priority or "")
        details = INCIDENT_DETAILS_TEXT.format(address=build_issue_url(self._policy.jira_url, issue.key))
        service_id = self._find_service_id(rule.service, is_retry)
        return self._pagerduty.new_incidents.open_incident(service_id, key, title, details, rule.urgency, priority)

    def _find_service_id(self, service: str, is_retry: bool) -> str:
        """Return the service's id, cached until an incident is refused: the service may have been created anew."""
        find_id = partial(self._pagerduty.new_incidents.get_service_id, service)
        return find_id() if is_retry else self._cache.get_or_compute(f"service:{service}", find_id)

    def _tie_to_issue(self, link: Link, incident: Incident, issue: Issue, opening: Link) -> Link:
        """Save the link and say so on the issue, once; return the link. Both keep what they were linked to before.

        A refused comment goes to the backlog.
        """
        linked_id = self._links.find_incident_id(issue.key)
        if link.issue_key not in (None, issue.key) or linked_id not in (None, incident.id):
            return link
        if not link.issue_key:
            assignee = issue.assignee.id if issue.assignee else None
            known_id = None if assignee else NO_VALUE
            # An incident that got no priority gets the issue's by the next event or poll that shows it.
            is_set = incident.priority or not self._pagerduty.new_incidents.has_priorities()
            fields = {FieldName.TITLE: SyncedField(Replica(incident.title), Replica(issue.title)),
                      FieldName.PRIORITY: SyncedField(Replica(incident.priority or NO_VALUE),
                                                      Replica(issue.priority if is_set else NO_VALUE)),
                      FieldName.ASSIGNEE: SyncedField(Replica(known_id), Replica(assignee))}
            link = self._links.save(replace(
                link, issue=IssueRef(issue.key, issue.id), status=replace(link.status, agreed="triggered"),
                fields=fields, history=(*opening.history, *link.history),
                backlog=Backlog({Part.TIMELINE: ()} if self._policy.timeline_project else {})))
        self._jira.add_labels(issue.key, incident.id)
        text = INCIDENT_OPENED_COMMENT.format(number=incident.number or incident.id, url=incident.url or "")
        return self._links.save(self._conversation_sync.add_remark(link, build_opened_key(incident.id), text))


def _with_chosen_key(opening: Link) -> Link:
    """Return the opening with a key for its incident that nobody else can have chosen."""
    return opening.with_lease(f"{opening.incident_id}.{uuid4().hex}")


def _get_incident_key(opening: Link) -> str:
    """Return the key of the incident that is opened: the issue's, unless another one had to be chosen."""
    return next((name for name in opening.leases if "." in name), opening.incident_id)
