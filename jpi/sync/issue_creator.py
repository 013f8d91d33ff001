"""Creates the issues of incidents, each once, and replaces their incident managers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jpi.domain.actions import LOG_READ, MANAGER, NOTES_READ, ReplaceManager
from jpi.domain.backlog import Backlog, Part, StepId, StepKind, describe_refusal
from jpi.domain.field_merge import NO_VALUE
from jpi.domain.issue_drafts import MANAGER_LINK_TYPE, CreatedIssue, IssueDraft, IssueLink, draft_incident_issue
from jpi.domain.link import IssueRef, Link
from jpi.domain.link_parts import FieldName, Replica, SyncedField
from jpi.domain.model import Incident, Side
from jpi.domain.policy import IssueSpec, Policy
from jpi.errors import LostRace, Refused
from jpi.sync.identities import Identities
from jpi.sync.leases import Leases
from jpi.sync.part_creator import list_pending_links
from jpi.sync.ports import Clock, Jira, Links, Log

INCIDENT_ISSUE_LEASE = "issue"
MAX_SAVE_RETRIES = 3
CERTAIN_SUMMARY_LENGTH = 120
# The fields of an issue that are kept in step, by Jira's ids.
SYNCED_FIELD_BY_ID = {"priority": FieldName.PRIORITY, "assignee": FieldName.ASSIGNEE}


class IssueCreator:
    """Creates incidents' issues."""

    def __init__(self, jira: Jira, links: Links, leases: Leases, policy: Policy, identities: Identities, clock: Clock,
                 log: Log, index_lag_seconds: float) -> None:
        self._jira = jira
        self._links = links
        self._leases = leases
        self._policy = policy
        self._identities = identities
        self._clock = clock
        self._log = log
        self._index_lag_seconds = index_lag_seconds

    def create_incident_issue(self, link: Link, incident: Incident, agent_name: str | None,
                              issue_spec: IssueSpec) -> Link:
        """Create the incident's issue, or take the one that an earlier attempt created; return the link, saved."""
        assignee = self._choose_assignee(incident, issue_spec)
        # The assignee, else the agent.
        names = [name for name in (*(person.name for person in incident.assignees[:1]), agent_name) if name]
        manager_key, refused = self._find_manager_key(incident.id, names)
        draft = draft_incident_issue(incident, issue_spec, manager_key, assignee, self._policy)
        was_known = link.version is not None
        link, issue = self._create_or_find_issue(link, incident, draft)
        if issue.dropped_fields:
            fields = {"issue": issue.key, "fields": list(issue.dropped_fields)}
            self._log.warning("fields that the create screen lacks were left out", extra=fields)
        backlog = self._with_dropped_fields(self._build_backlog(link, issue, was_known), draft, issue)
        if refused:
            backlog = backlog.with_refused_step(MANAGER, names[0], refused.service, describe_refusal(refused),
                                                self._clock())
        # Of an issue that was found, the link knows from before what it was created with.
        has_known_fields = issue.summary is None and link.fields[FieldName.TITLE].jira.value is not None
        synced_fields = link.fields if has_known_fields else _build_fields(incident, draft, issue)
        return self._save_created_issue(link, issue=IssueRef(issue.key, issue.id), backlog=backlog,
                                        fields=synced_fields)

    def _with_dropped_fields(self, backlog: Backlog, draft: IssueDraft, issue: CreatedIssue) -> Backlog:
        """Return the backlog with the synced fields that the create screen lacks: editing them is tried later."""
        values = {FieldName.PRIORITY: draft.priority, FieldName.ASSIGNEE: draft.assignee}
        for name in [SYNCED_FIELD_BY_ID[field] for field in issue.dropped_fields if field in SYNCED_FIELD_BY_ID]:
            if self._policy.field_policy(name).is_synced_to(Side.JIRA):
                backlog = backlog.with_refused_step(StepId(StepKind.FIELD, Side.JIRA, name), values[name] or "", "Jira",
                                                    "the create screen lacks the field", self._clock())
        return backlog

    def _create_or_find_issue(self, link: Link, incident: Incident, draft: IssueDraft) -> tuple[Link, CreatedIssue]:
        self._jira.load_site_schema()
        issue = self._jira.find_created_issue(draft) if self._leases.is_outcome_unknown(
            link, INCIDENT_ISSUE_LEASE) else None
        # An issue has one incident, whatever its labels say.
        if issue and self._links.find_incident_id(issue.key) in (None, link.incident_id):
            # Some of its links may exist already; creating one again does nothing. It has one manager, whoever that is.
            others = tuple(issue_link for issue_link in draft.links if issue_link.type != MANAGER_LINK_TYPE)
            has_manager = len(others) < len(draft.links) and self._jira.get_linked_issues(issue.key, MANAGER_LINK_TYPE)
            return link, CreatedIssue(issue.key, issue.id or "", missing_links=others if has_manager else draft.links)
        link = replace(link, fields=self._foresee_fields(incident, draft))
        return self._leases.run_with_lease(link, INCIDENT_ISSUE_LEASE, partial(self._jira.create, draft),
                                           self._index_lag_seconds)

    def _foresee_fields(self, incident: Incident, draft: IssueDraft) -> dict[FieldName, SyncedField]:
        """Return the fields as both sides will have them, as far as that is certain, should the answer get lost."""
        known_fields = self._jira.create_screens.get_known_fields(draft.project, draft.type)
        uncertain = tuple(name for name in SYNCED_FIELD_BY_ID if name not in known_fields)
        # Jira may refuse a longer one, and get it shorter.
        summary = draft.summary if len(draft.summary) <= CERTAIN_SUMMARY_LENGTH else None
        return _build_fields(incident, draft, CreatedIssue("", "", uncertain, summary=summary))

    def replace_manager(self, link: Link, action: ReplaceManager) -> Link:
        """Link the issue to this person's issue in place of its incident manager; do nothing if they have none."""
        person_key = self._find_person_key([action.person_name])
        if person_key is None:
            return link
        issue_key = str(link.issue_key)
        link_ids = self._jira.get_linked_issues(issue_key, MANAGER_LINK_TYPE)
        if person_key not in link_ids:
            self._jira.add_link(issue_key, IssueLink(MANAGER_LINK_TYPE, person_key))
        for other_key, link_id in link_ids.items():
            if other_key != person_key:
                self._jira.delete_link(link_id)
        return link

    def _choose_assignee(self, incident: Incident, issue_spec: IssueSpec) -> str | None:
        """Return the account that the rule names, else the incident's assignee if their account is cached."""
        is_synced = self._policy.field_policy("assignee").is_synced_to("jira")
        if issue_spec.assignee or not incident.assignees or not is_synced:
            return issue_spec.assignee or None
        return self._identities.get_cached_account_id(incident.assignees[0].id)

    def _save_created_issue(self, link: Link, **values: Any) -> Link:
        """Save the created issue, over whatever other workers saved meanwhile: it must not get lost."""
        for _ in range(MAX_SAVE_RETRIES):
            try:
                return self._links.save(replace(_take_created(link), **values))
            except LostRace:
                link = self._links.get(link.incident_id)
        return self._links.save(replace(_take_created(link), **values))

    def _build_backlog(self, link: Link, issue: CreatedIssue, was_known: bool) -> Backlog:
        """Return what the issue lacks; an incident that jpi knew before it got its issue may have notes already."""
        policy = self._policy
        is_wanted = {Part.TIMELINE: policy.timeline_project,
                     Part.QUESTIONS: policy.question_project and policy.questions}
        log_read = link.backlog.find_step(LOG_READ)
        backlog = Backlog({part: () for part in Part if is_wanted[part]}, list_pending_links([issue]),
                          (log_read,) if log_read else ())
        # With a timeline, the whole log is read for it, and the notes with that.
        if policy.timeline_project or not was_known or not policy.field_policy("comments").is_synced_to(Side.JIRA):
            return backlog
        return backlog.with_refused_step(NOTES_READ, "", "PagerDuty", "not read yet", self._clock())

    def _find_manager_key(self, incident_id: str, names: Sequence[str]) -> tuple[str | None, Refused | None]:
        """Return the key of the first of these persons' issues in the PERSON project, or Jira's refusal."""
        try:
            return self._find_person_key(names) if names and self._policy.person_project else None, None
        except Refused as refused:
            self._log.warning("no incident manager", extra={"incident": incident_id, "reason": str(refused)})
            return None, refused

    def _find_person_key(self, names: Sequence[str]) -> str | None:
        """Return the key of the issue in the PERSON project for the first of these names that has one."""
        keys = self._jira.find_keys_by_summary(self._policy.person_project, names)
        return next((keys[name] for name in names if name in keys), None)

def _build_fields(incident: Incident, draft: IssueDraft, issue: CreatedIssue) -> dict[FieldName, SyncedField]:
    """Return the fields as both sides have them; of an issue that was found, nothing is known on Jira."""
    is_found = issue.summary is None
    assignee = None if is_found or "assignee" in issue.dropped_fields else draft.assignee
    priority = None if is_found or "priority" in issue.dropped_fields else draft.priority
    # An assignee who was not found at once is carried over by the next event or poll that shows them.
    user_id = next((person.id for person in incident.assignees), NO_VALUE) if assignee else NO_VALUE
    return {FieldName.TITLE: SyncedField(Replica(incident.title), Replica(issue.summary)),
            FieldName.ASSIGNEE: SyncedField(Replica(user_id), Replica(assignee)),
            FieldName.PRIORITY: SyncedField(Replica(incident.priority or NO_VALUE), Replica(priority))}


def _take_created(link: Link) -> Link:
    """Return the link without the lease on its issue, whose status is what PagerDuty begins with."""
    return link.without_lease(INCIDENT_ISSUE_LEASE).with_agreed_status("triggered")
