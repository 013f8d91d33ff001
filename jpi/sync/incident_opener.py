"""Issues that open incidents, where the sync file wants them to; each at most one, by its key."""

import re
from dataclasses import replace
from functools import partial

from jpi.domain.conversation_rules import address
from jpi.domain.events import IncidentEvent, IssueCreated
from jpi.domain.field_merge import NOBODY_YET
from jpi.domain.link import Link
from jpi.domain.model import Incident, Issue
from jpi.domain.policy import OpenRule, Policy
from jpi.errors import Refused
from jpi.sync.conversation_sync import Talker
from jpi.sync.ports import Cache, Jira, Links, PagerDuty

KEY = re.compile(r"[A-Z][A-Z0-9_]+-\d+")
BAD_REQUEST = 400
OPENED = "PagerDuty incident {number} was opened for this issue: {url}"
DETAILS = "Opened by a Jira issue: {address}"


class Opener:
    """Opens, and ties the incident to its issue."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, links: Links, cache: Cache, policy: Policy,
                 talker: Talker) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._links = links
        self._cache = cache
        self._policy = policy
        self._talker = talker

    def open(self, event: IssueCreated) -> Link | None:
        """The link to the incident opened for a new issue; None where no rule wants one, or we made the issue."""
        rule = self._policy.opens(event.issue)
        if rule is None or event.ours or self._links.incident_of(event.issue.key) or self._jira.ours(event.issue.key):
            return None
        incident = self._pagerduty.opening.found(event.issue.key) or self._opened(event.issue, rule)
        return self._tied(self._links.get(incident.id), incident, event.issue)

    def adopted(self, event: IncidentEvent, link: Link) -> Link:
        """The link of an incident that was opened for an issue, tied to that; as it is where it was not."""
        key = event.incident.key or ""
        # By what the issue looks like now no rule may want it any more.
        if link.issue_key or not (KEY.fullmatch(key) and self._policy.opens_from(key)):
            return link
        found = [issue for issue, _ in self._jira.states([key])]
        return self._tied(link, event.incident, found[0]) if found else link

    def _opened(self, issue: Issue, rule: OpenRule) -> Incident:
        title, priority = issue.title or issue.key, self._policy.priority_of(issue.priority or "")
        said = DETAILS.format(address=address(self._policy.site, issue.key))
        opening = self._pagerduty.opening
        try:
            service = self._cache.remembered(f"service:{rule.service}", partial(opening.service, rule.service))
            return opening.open(service, issue.key, title, said, rule.urgency, priority)
        except Refused as refused:
            # Somebody else was first: PagerDuty takes a key only once while its incident is open.
            there = opening.found(issue.key) if refused.status == BAD_REQUEST else None
            if there is None:
                raise
            return there

    def _tied(self, link: Link, incident: Incident, issue: Issue) -> Link:
        """The link, saved; then both say so, each once. An incident that has another issue keeps that."""
        if link.issue_key not in (None, issue.key):
            return link
        if not link.issue_key:
            assignee = issue.assignee.id if issue.assignee else None
            fields = {"title": {"pagerduty": incident.title, "jira": issue.title},
                      "priority": {"pagerduty": incident.priority, "jira": issue.priority},
                      "assignee": {"pagerduty": None if assignee else NOBODY_YET, "jira": assignee}}
            link = self._links.save(replace(
                link, issue_key=issue.key, issue_id=issue.id, agreed={"status": "triggered"}, fields=fields,
                todo={"timeline": []} if self._policy.timeline_project else {}))
        self._jira.label(issue.key, incident.id)
        text = OPENED.format(number=incident.number or incident.id, url=incident.url or "")
        return self._links.save(self._talker.comment(link, f"opened:{incident.id}", text)[0])
