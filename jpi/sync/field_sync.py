"""Executes status and field actions."""

from collections.abc import Mapping
from dataclasses import replace

from jpi.domain.actions import (
    Action,
    Assignee,
    EditIncident,
    EditIssue,
    SetIncidentStatus,
    TransitionIssue,
)
from jpi.domain.field_merge import record_own_write
from jpi.domain.idempotency_keys import build_no_transition_key, build_unknown_assignee_key
from jpi.domain.link import Link
from jpi.domain.model import STATUS_BY_CATEGORY, Side
from jpi.domain.policy import Policy
from jpi.domain.status_rules import PAGERDUTY_ROUNDING_SECONDS
from jpi.domain.synced_field import FieldName
from jpi.errors import NoTransition
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.identities import Identities
from jpi.sync.ports import Clock, Jira, Log, PagerDuty

NO_TRANSITION_COMMENT = "jpi could not move this issue into a status of category '{to}', as PagerDuty has it: {why}."
UNKNOWN_ASSIGNEE_COMMENT = (
    "On {from_} this is assigned to {who}, whom jpi does not find on {to}: the assignee there stays as it is. "
    "The setting USER_MAP can say who they are."
)


class FieldSync:
    """Writes to what exists already, one method an action; each returns the link, not saved yet."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, conversation_sync: ConversationSync, policy: Policy,
                 identities: Identities, clock: Clock, log: Log) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._conversation_sync = conversation_sync
        self._policy = policy
        self._identities = identities
        self._clock = clock
        self._log = log

    def transition_issue(self, link: Link, action: TransitionIssue) -> Link:
        """Move the issue; comment on it if its workflow does not allow that."""
        before = self._clock()
        try:
            outcome = self._jira.transition_issue(str(link.issue_key),
                                                  self._policy.transition_target(action.category, action.from_category))
        except NoTransition as why:
            fields = {"issue": link.issue_key, "to": action.category, "reason": str(why)}
            self._log.warning("the issue cannot get there", extra=fields)
            mark = build_no_transition_key(link.incident_id, action.from_category, action.category)
            if why.reached_category:
                link = link.with_watermark(Side.JIRA, status_write_at=before).with_issue_status(
                    STATUS_BY_CATEGORY[why.reached_category])
            return self._conversation_sync.add_comment_once(
                link, mark, NO_TRANSITION_COMMENT.format(to=action.category, why=why)
            )[0]
        if outcome == "left":
            return link
        if outcome == "there":
            return link.with_issue_status(STATUS_BY_CATEGORY[action.category])
        link = link.with_watermark(Side.JIRA, status_write_at=before)
        return link.with_issue_status(STATUS_BY_CATEGORY[action.category])

    def set_incident_status(self, link: Link, action: SetIncidentStatus) -> Link:
        """Set the incident's status."""
        before = self._clock()
        written, there = self._pagerduty.set_status(link.incident_id, action.status, action.is_reopening)
        link = link.with_watermark(Side.PAGERDUTY, status_checked_at=before)
        if there is None:
            return link
        at = there.changed_at.timestamp()
        since = at if written else min(before, at + PAGERDUTY_ROUNDING_SECONDS)
        link = link.with_watermark(Side.PAGERDUTY, status_write_at=since)
        # Acknowledging through the API makes the incident ours (facts, `PUT /incidents/{id}`): not to be carried over.
        assignee = next(iter(there.incident.assignees), None)
        taken = EditIncident({"assignee": assignee.id}, at) if written and assignee else None
        return record_own_write(taken, link, at) if taken else link

    def edit_fields(self, link: Link, action: EditIssue | EditIncident) -> tuple[Link, Action]:
        """Set fields; return also the action with what was really set."""
        before = self._clock()
        side = Side.JIRA if isinstance(action, EditIssue) else Side.PAGERDUTY
        link, values = self._resolve_assignee(link, side, action.values)
        if side is Side.JIRA:
            refused = self._jira.edit(str(link.issue_key), values)
        else:
            values = self._drop_losing_title(link, values)
            refused = self._pagerduty.edit(link.incident_id, values)
        for name, reason in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "field": name, "reason": reason}
            self._log.warning(f"a field was refused by {side}", extra=fields)
        done = replace(action, values={name: value for name, value in values.items() if name not in refused})
        return record_own_write(done, link, before), done

    def _resolve_assignee(self, link: Link, side: Side, values: Mapping[str, str
                                                                        | Assignee]) -> tuple[Link, dict[str, str]]:
        """The values with the assignee as that side knows them; without, if they have it, or it does not know them."""
        others = {name: value for name, value in values.items() if isinstance(value, str)}
        who = values.get("assignee")
        if not isinstance(who, Assignee):
            return link, others
        find = self._identities.find_account_id if side is Side.JIRA else self._identities.find_user_id
        there = who.id if who.side == side else find(who.id)
        if there is None:
            said = UNKNOWN_ASSIGNEE_COMMENT.format(from_=who.side.display_name, who=who.name or who.id,
                                                   to=side.display_name)
            return self._conversation_sync.add_comment_once(link, build_unknown_assignee_key(link.incident_id, who.id),
                                                            said)[0], others
        return link, others if there == link.fields[FieldName.ASSIGNEE].on(side).value else {**others,
                                                                                             "assignee": there}

    def _drop_losing_title(self, link: Link, values: dict[str, str]) -> dict[str, str]:
        """The values but for a title where PagerDuty's wins and is new to us: it tells nobody, so it is looked at."""
        how = self._policy.field_policy("title")
        if "title" not in values or how.winner != "pagerduty" or not how.is_synced_to("jira"):
            return values
        there = self._pagerduty.get_snapshot(link.incident_id).incident.title
        if there == link.fields[FieldName.TITLE].pagerduty.value:
            return values
        # The next poll carries it over.
        return {name: value for name, value in values.items() if name != "title"}
