"""Opens incidents for issues, if a rule of the sync file says so; at most one an issue, by the issue's key."""

import re
from dataclasses import replace
from functools import partial

from jpi.domain.backlog import Backlog, Part
from jpi.domain.conversation_rules import build_issue_url
from jpi.domain.events import IncidentEvent, IssueCreated
from jpi.domain.field_merge import ASSIGNEE_NOT_SYNCED
from jpi.domain.idempotency_keys import build_opened_key
from jpi.domain.link import IssueRef, Link
from jpi.domain.model import Incident, Issue
from jpi.domain.policy import OpeningRule, Policy
from jpi.domain.synced_field import FieldName, Replica, SyncedField
from jpi.errors import Refused
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.ports import Cache, Jira, Links, PagerDuty

ISSUE_KEY_PATTERN = re.compile(r"[A-Z][A-Z0-9_]+-\d+")
INCIDENT_OPENED_COMMENT = "PagerDuty incident {number} was opened for this issue: {url}"
INCIDENT_DETAILS_TEXT = "Opened by a Jira issue: {address}"


class IncidentOpener:
    """Opens incidents and links them to their issues."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, cache: Cache, policy: Policy,
                 conversation_sync: ConversationSync) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._cache = cache
        self._policy = policy
        self._conversation_sync = conversation_sync

    def open_incident(self, event: IssueCreated) -> Link | None:
        """Open an incident for a new issue; return its link, None if no rule opens one or jpi created the issue."""
        rule = self._policy.find_opening_rule(event.issue)
        if (rule is None or event.ours or self._links.find_incident_id(event.issue.key)
            or self._jira.is_own_issue(event.issue.key)):
            return None
        incident = self._pagerduty.new_incidents.find_by_key(event.issue.key) or self._open_or_find_incident(
            event.issue, rule)
        return self._tie_to_issue(self._links.get(incident.id), incident, event.issue)

    def adopt_opened_incident(self, event: IncidentEvent, link: Link) -> Link:
        """Return the link with the issue that the incident was opened for; unchanged if it was not opened for one."""
        key = event.incident.key or ""
        # Check the project only: the issue may have changed since it opened the incident.
        if link.issue_key or not (ISSUE_KEY_PATTERN.fullmatch(key) and self._policy.can_open_from(key)):
            return link
        issues = [issue for issue, _ in self._jira.get_issue_states([key])]
        return self._tie_to_issue(link, event.incident, issues[0]) if issues else link

    def _open_or_find_incident(self, issue: Issue, rule: OpeningRule) -> Incident:
        title, priority = issue.title or issue.key, self._policy.to_pagerduty_priority(issue.priority or "")
        details = INCIDENT_DETAILS_TEXT.format(address=build_issue_url(self._policy.jira_url, issue.key))
        new_incidents = self._pagerduty.new_incidents
        try:
            service_id = self._cache.get_or_compute(f"service:{rule.service}",
                                                    partial(new_incidents.get_service_id, rule.service))
            return new_incidents.open_incident(service_id, issue.key, title, details, rule.urgency, priority)
        except Refused as refused:
            # Another worker was first: PagerDuty takes a key only once while its incident is open.
            incident = new_incidents.find_by_key(issue.key) if refused.is_bad_request else None
            if incident is None:
                raise
            return incident

    def _tie_to_issue(self, link: Link, incident: Incident, issue: Issue) -> Link:
        """Save the link and say so on the issue, once; return the link. An incident with another issue keeps that."""
        if link.issue_key not in (None, issue.key):
            return link
        if not link.issue_key:
            assignee = issue.assignee.id if issue.assignee else None
            known_id = None if assignee else ASSIGNEE_NOT_SYNCED
            fields = {FieldName.TITLE: SyncedField(Replica(incident.title), Replica(issue.title)),
                      FieldName.PRIORITY: SyncedField(Replica(incident.priority), Replica(issue.priority)),
                      FieldName.ASSIGNEE: SyncedField(Replica(known_id), Replica(assignee))}
            link = self._links.save(
                replace(
                    link,
                    issue=IssueRef(issue.key, issue.id),
                    status=replace(link.status, agreed="triggered"),
                    fields=fields,
                    backlog=Backlog({Part.TIMELINE: ()} if self._policy.timeline_project else {}),
                )
            )
        self._jira.add_labels(issue.key, incident.id)
        text = INCIDENT_OPENED_COMMENT.format(number=incident.number or incident.id, url=incident.url or "")
        return self._links.save(self._conversation_sync.add_comment_once(link, build_opened_key(incident.id), text)[0])
