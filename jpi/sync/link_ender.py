"""Ends a link when its incident or its issue is gone."""

from dataclasses import replace

from jpi.domain.actions import EndLink
from jpi.domain.backlog import Backlog
from jpi.domain.conversation_rules import OWN_NOTE_PREFIX, build_issue_url
from jpi.domain.idempotency_keys import build_ended_key
from jpi.domain.link import Link
from jpi.domain.model import Side
from jpi.domain.policy import Policy
from jpi.errors import Refused
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.ports import Log

ISSUE_GONE_NOTE = ("{key} was deleted, or jpi cannot see it any more; this incident is kept in step with it no longer. "
                   "Should it come back, jpi goes on by itself, or by python -m jpi.tools.replay --incident {incident}")
INCIDENT_GONE_COMMENT = ("PagerDuty's incident {incident} is gone, or jpi cannot see it; "
                         "this issue is kept in step no longer.")


class LinkEnder:
    """Ends links, and says so on the side that is left."""

    def __init__(self, conversation_sync: ConversationSync, policy: Policy, log: Log) -> None:
        self._conversation_sync = conversation_sync
        self._policy = policy
        self._log = log

    def end_link(self, link: Link, action: EndLink) -> Link:
        """End the link; say why on the side that is left, unless that side refuses it."""
        try:
            link = self._announce_end(link, action)
        except Refused as refused:
            self._log.warning("that a link has ended cannot be said", extra={
                "incident": link.incident_id, "issue": link.issue_key, "reason": str(refused)})
        return replace(link, leases={}, backlog=Backlog(), failures={}, ended=True)

    def _announce_end(self, link: Link, action: EndLink) -> Link:
        key, issue_key = build_ended_key(link.version, link.issue_key), str(link.issue_key)
        if action.gone_side is Side.PAGERDUTY:
            comment = INCIDENT_GONE_COMMENT.format(incident=link.incident_id)
            return self._conversation_sync.add_comment_once(link, key, comment)[0]
        text = ISSUE_GONE_NOTE.format(key=issue_key, incident=link.incident_id)
        note = f"{OWN_NOTE_PREFIX}{text}\n{build_issue_url(self._policy.jira_url, issue_key)}"
        return self._conversation_sync.add_note_once(link, key, note)[0]
