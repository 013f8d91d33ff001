"""Executes status and field actions."""

from dataclasses import replace

from jpi.domain.actions import Action, Assignee, EditIncident, EditIssue, SetIncidentStatus, TransitionIssue, list_steps
from jpi.domain.backlog import StepId, StepKind, describe_refusal
from jpi.domain.field_merge import choose_assignee, record_own_write, replace_assignee
from jpi.domain.idempotency_keys import build_no_transition_key, build_unknown_assignee_key
from jpi.domain.link import Link
from jpi.domain.link_parts import FieldName
from jpi.domain.model import STATUS_BY_CATEGORY, Side
from jpi.domain.policy import Policy
from jpi.domain.retry_state import stops_everything
from jpi.domain.status_rules import PAGERDUTY_ROUNDING_SECONDS
from jpi.errors import NoTransition, Refused
from jpi.sync.conversation_sync import ConversationSync
from jpi.sync.identities import Identities
from jpi.sync.leases import RefusedUnderLease
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
        """Move the issue; comment on it if its workflow does not allow that, and raise what Jira refused."""
        started_at = self._clock()
        target = self._policy.transition_target(action.category, action.from_category)
        try:
            result = self._jira.transition_issue(str(link.issue_key), target)
        except NoTransition as error:
            link = self._comment_on_no_transition(link, action, error, started_at)
            if error.refusal:
                raise RefusedUnderLease(error.refusal, link) from error
            return link
        if result == "left":
            return link
        if result == "moved":
            link = link.with_watermark(Side.JIRA, status_write_at=started_at)
        return link.with_issue_status(STATUS_BY_CATEGORY[action.category])

    def set_incident_status(self, link: Link, action: SetIncidentStatus) -> Link:
        """Set the incident's status."""
        started_at = self._clock()
        is_written, snapshot = self._pagerduty.set_status(link.incident_id, action.status, action.is_reopening,
                                                          link.responders or ())
        link = link.with_watermark(Side.PAGERDUTY, status_checked_at=started_at)
        if snapshot is None:
            return link
        changed_at = snapshot.changed_at.timestamp()
        # PagerDuty rounds: what else happened in that second came before our write if it came before our call.
        status_write_at = min(started_at, changed_at + PAGERDUTY_ROUNDING_SECONDS)
        status_write_at = max(status_write_at, changed_at) if is_written else status_write_at
        link = link.with_watermark(Side.PAGERDUTY, status_write_at=status_write_at)
        assignee = choose_assignee(snapshot.incident.assignees, link)
        if not (is_written and assignee and action.status == "acknowledged"):
            return link
        link = replace(link, responders=tuple(sorted(person.id for person in snapshot.incident.assignees)))
        # Where nobody could stay, the API assigns an acknowledged incident to our user: an own write, not a change.
        return record_own_write(EditIncident({"assignee": assignee.id}, changed_at), link, changed_at)

    def _keep_present_assignees(self, link: Link, action: EditIncident) -> EditIncident:
        """Return the action; where it restores an older assignment, with whoever was assigned since, but by jpi."""
        assignee = action.values.get("assignee")
        if not (isinstance(assignee, Assignee) and assignee.side is Side.PAGERDUTY):
            return action
        own_id = link.fields[FieldName.ASSIGNEE].pagerduty.value
        present = self._pagerduty.get_snapshot(link.incident_id).incident.assignees
        ids = [*action.assignee_ids, *(person.id for person in present if person.id != own_id)]
        return replace(action, assignee_ids=tuple(dict.fromkeys(user_id for user_id in ids if user_id != assignee.id)))

    def edit_fields(self, link: Link, action: EditIssue | EditIncident) -> tuple[Link, Action]:
        """Set fields; return also the action with what was really set."""
        started_at = self._clock()
        side = Side.JIRA if isinstance(action, EditIssue) else Side.PAGERDUTY
        link, values = self._resolve_assignee(link, side, action)
        assignee_ids: tuple[str, ...] = ()
        if isinstance(action, EditIssue):
            refused = self._jira.edit(str(link.issue_key), values)
        else:
            action = self._keep_present_assignees(link, action)
            assignee_ids = replace_assignee(action.assignee_ids, action.replaced_id, values.get("assignee"))
            refused = self._pagerduty.edit(link.incident_id, values, assignee_ids)
        steps = list_steps(action)
        for name, reason in refused.items():
            step_id = StepId(StepKind.FIELD, side, name)
            link = self._keep_refused_field(link, step_id, steps[step_id], side.display_name, reason)
        performed_action = replace(action, values={name: value for name, value in values.items()
                                                   if name not in refused})
        if assignee_ids and "assignee" in performed_action.values:
            link = replace(link, responders=tuple(sorted(assignee_ids)))
        return record_own_write(performed_action, link, started_at), performed_action

    def _keep_refused_field(self, link: Link, step_id: StepId, value: str, service: str, reason: str) -> Link:
        fields = {"incident": link.incident_id, "issue": link.issue_key, "field": step_id.subject, "reason": reason}
        self._log.warning(f"a field was refused by {step_id.side}", extra=fields)
        return link.with_refused_step(step_id, value, service, reason, self._clock())

    def _comment_on_no_transition(self, link: Link, action: TransitionIssue, error: NoTransition,
                                  started_at: float) -> Link:
        fields = {"issue": link.issue_key, "to": action.category, "reason": str(error)}
        self._log.warning("the issue cannot get there", extra=fields)
        if error.reached_category:
            link = link.with_watermark(Side.JIRA, status_write_at=started_at)
            link = link.with_issue_status(STATUS_BY_CATEGORY[error.reached_category])
        key = build_no_transition_key(link.incident_id, action.from_category, action.category)
        comment = NO_TRANSITION_COMMENT.format(to=action.category, why=error)
        return self._conversation_sync.add_remark(link, key, comment)

    def _resolve_assignee(self, link: Link, side: Side,
                          action: EditIssue | EditIncident) -> tuple[Link, dict[str, str]]:
        """Return the values with the assignee's id on that side; without it if nobody or nothing new is found."""
        others = {name: value for name, value in action.values.items() if isinstance(value, str)}
        assignee = action.values.get("assignee")
        if not isinstance(assignee, Assignee):
            return link, others
        try:
            assignee_id = self._find_assignee_id(assignee, side)
        except Refused as refused:
            if stops_everything(refused, link):
                raise
            step_id = StepId(StepKind.FIELD, side, FieldName.ASSIGNEE)
            reason = describe_refusal(refused)
            return self._keep_refused_field(link, step_id, assignee.id, refused.service, reason), others
        if assignee_id is None:
            comment = UNKNOWN_ASSIGNEE_COMMENT.format(from_=assignee.side.display_name,
                                                      who=assignee.name or assignee.id, to=side.display_name)
            key = build_unknown_assignee_key(link.incident_id, assignee.id)
            return self._conversation_sync.add_remark(link, key, comment), others
        is_same = assignee_id == link.fields[FieldName.ASSIGNEE].on(side).value
        # What is known may be overtaken: where the incident was read, its own assignees say what is the same.
        if isinstance(action, EditIncident) and action.assignee_ids:
            ids = replace_assignee(action.assignee_ids, action.replaced_id, assignee_id)
            is_same = set(ids) == set(action.assignee_ids)
        return link, others if is_same else {**others, "assignee": assignee_id}

    def _find_assignee_id(self, assignee: Assignee, side: Side) -> str | None:
        find_id = self._identities.find_account_id if side is Side.JIRA else self._identities.find_user_id
        return assignee.id if assignee.side == side else find_id(assignee.id)
