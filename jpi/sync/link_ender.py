"""Decides when a link ends or pauses: what is gone, seen twice by a service that knows us; too many writes."""

from dataclasses import replace

from jpi.domain.actions import NOTES_READ, Action, EndLink
from jpi.domain.conversation_rules import OWN_NOTE_PREFIX, build_issue_url
from jpi.domain.descriptions import describe_pause
from jpi.domain.events import Event, IncidentGone, IssueDeleted
from jpi.domain.idempotency_keys import build_ended_key
from jpi.domain.link import FirstLook, Link
from jpi.domain.model import Side
from jpi.domain.policy import Policy
from jpi.domain.write_limits import WriteLog
from jpi.errors import PermanentError, Refused, TooEarly
from jpi.metrics import build_emf_fields, declare_metrics
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.ports import Clock, Jira, Links, Log, PagerDuty

ISSUE_GONE_NOTE = ("{key} was deleted, or jpi cannot see it any more; this incident is kept in step with it no longer. "
                   "Should it come back, jpi goes on by itself. For a new issue: jpi replay --incident {incident} "
                   "--new-issue")
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
            link = link if link.is_opening else self._announce_end(link, action)
        except Refused as refused:
            self._log.warning("that a link has ended cannot be said", extra={
                "incident": link.incident_id, "issue": link.issue_key, "reason": str(refused)})
        # What is still to be done is done if the link resumes.
        return replace(link, failures={}, ended=True)

    def _announce_end(self, link: Link, action: EndLink) -> Link:
        key, issue_key = build_ended_key(link.version, link.issue_key), str(link.issue_key)
        if action.gone_side is Side.PAGERDUTY:
            comment = INCIDENT_GONE_COMMENT.format(incident=link.incident_id)
            return self._conversation_sync.add_comment_once(link, key, comment)[0]
        text = ISSUE_GONE_NOTE.format(key=issue_key, incident=link.incident_id)
        note = f"{OWN_NOTE_PREFIX}{text}\n{build_issue_url(self._policy.jira_url, issue_key)}"
        return self._conversation_sync.add_note_once(link, key, note)[0]


def pause_link(link: Link, action: Action, event: Event, now: float, log: Log) -> tuple[Link, str]:
    """Return the link, paused if it was not, and why its action has to wait."""
    pause = link.write_log.pause
    if pause is None or not link.write_log.is_paused(now):
        pause = link.write_log.build_pause(action, event, now)
        # sls/resources/alarms.js has an alarm by this metric.
        metric = build_emf_fields(now, declare_metrics({"paused_links": "Count"}))
        log.error("a link is paused", extra={"incident": link.incident_id, "issue": link.issue_key,
                                             "reason": describe_pause(pause), "paused_links": 1, **metric})
    return replace(link, write_log=replace(link.write_log, pause=pause)), describe_pause(pause)


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
        look, first = FirstLook(self._clock(), invocation), link.missing_since.get(side)
        if first is None:
            first = look
            self._links.save(link.with_first_look(side, first))
        if wait := first.get_wait_seconds(look):
            raise TooEarly(f"{side.display_name} does not show {_name_thing(link, side)}: jpi looks again before the "
                           "link ends", retry_after_seconds=wait)
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
        resumed = link.with_seen(event.side)
        return self._with_unread_log(resumed) if link.ended and not resumed.ended else resumed

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
            self._links.save(self._with_unread_log(replace(link, ended=False, missing_since={})))
        return True

    def _with_unread_log(self, link: Link) -> Link:
        """Return the link for which the poll reads the whole log and all notes: nobody looked while it had ended."""
        return link.with_refused_step(NOTES_READ, "", "PagerDuty", "not read yet", self._clock())

    def start_anew(self, incident_id: str) -> None:
        """Let the incident of a link that ended have a new issue. Raise PermanentError if its issue is there."""
        link = self._links.get(incident_id)
        if not link.ended or link.is_opening or self.is_visible(link, Side.JIRA):
            raise PermanentError(f"{incident_id} has an issue that is not gone: {link.issue_key or 'none yet'}")
        if not self.is_visible(link, Side.PAGERDUTY):
            raise PermanentError(f"PagerDuty does not show the incident {incident_id}")
        self._jira.verify_identity()
        self._links.save(link.without_issue())

    def is_visible(self, link: Link, side: Side) -> bool:
        """True if the side shows the link's incident or issue."""
        if side is Side.PAGERDUTY:
            return self._pagerduty.has_incident(link.incident_id, link.summary.service)
        return self._jira.has_issue(link.issue_id or _name_thing(link, side))


def _name_thing(link: Link, side: Side) -> str:
    """Return the incident's id or the issue's key, which also names the link that is to open an incident."""
    return link.incident_id if side is Side.PAGERDUTY or link.is_opening else str(link.issue_key)
