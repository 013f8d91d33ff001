"""Creates issues, each once: the incident's, its questions, its timeline, and the links between them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jpi.domain.actions import AddTimeline, ReplaceManager
from jpi.domain.backlog import Backlog, Part, PendingIssueLink
from jpi.domain.field_merge import NO_VALUE
from jpi.domain.idempotency_keys import build_question_key
from jpi.domain.issue_drafts import (
    MANAGER_LINK_TYPE,
    QUESTION_LINK_TYPE,
    TIMELINE_LINK_TYPE,
    CreatedIssue,
    IssueDraft,
    IssueLink,
    draft_incident_issue,
    draft_question,
    draft_timeline_entry,
)
from jpi.domain.link import IssueRef, Link
from jpi.domain.model import Incident
from jpi.domain.policy import IssueSpec, Policy
from jpi.domain.synced_field import FieldName, Replica, SyncedField
from jpi.errors import LostRace, Refused
from jpi.sync.identities import Identities
from jpi.sync.leases import Leases
from jpi.sync.ports import Jira, Links, Log, ProcessedIds

INCIDENT_ISSUE_LEASE = "issue"
MAX_SAVE_RETRIES = 3
# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulk-post
MAX_ISSUES_PER_BULK = 50
# A part that was refused this often is given up, with an error in the log.
MAX_PART_ATTEMPTS = 5


class IssueCreator:
    """Creates whatever is created on Jira."""

    def __init__(self, jira: Jira, links: Links, processed_ids: ProcessedIds, leases: Leases, policy: Policy,
                 identities: Identities, log: Log, index_lag_seconds: float) -> None:
        self._jira = jira
        self._links = links
        self._processed_ids = processed_ids
        self._leases = leases
        self._policy = policy
        self._identities = identities
        self._log = log
        self._index_lag_seconds = index_lag_seconds

    def create_incident_issue(self, link: Link, incident: Incident, agent_name: str | None,
                              issue_spec: IssueSpec) -> Link:
        """Create the incident's issue, or take the one that an earlier attempt created; return the link, saved."""
        assignee = self._choose_assignee(incident, issue_spec)
        manager_key = self._find_manager_key(incident, agent_name)
        draft = draft_incident_issue(incident, issue_spec, manager_key, assignee, self._policy)
        link, issue = self._create_or_find_issue(link, draft)
        if issue.dropped_fields:
            fields = {"issue": issue.key, "fields": list(issue.dropped_fields)}
            self._log.warning("fields that the create screen lacks were left out", extra=fields)
        return self._save_created_issue(link, issue=IssueRef(issue.key, issue.id), backlog=self._build_backlog(issue),
                                        fields=_build_fields(incident, draft, issue))

    def _create_or_find_issue(self, link: Link, draft: IssueDraft) -> tuple[Link, CreatedIssue]:
        self._jira.load_site_schema()
        if self._leases.is_outcome_unknown(link, INCIDENT_ISSUE_LEASE) and (
                issue := self._jira.find_created_issue(draft)):
            # Some of its links may exist already; creating one again does nothing.
            return link, CreatedIssue(issue.key, issue.id or "", missing_links=draft.links)
        return self._leases.run_with_lease(link, INCIDENT_ISSUE_LEASE, partial(self._jira.create, draft),
                                           self._index_lag_seconds)

    def replace_manager(self, link: Link, action: ReplaceManager) -> Link:
        """Link the issue to this person's issue in place of its incident manager; do nothing if they have none."""
        person_key = self._find_person_key(link.incident_id, [action.person_name])
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

    def create_missing_parts(self, link: Link) -> Link:
        """Create the questions and links that the issue still lacks."""
        if Part.QUESTIONS in link.backlog.pending:
            link = self._create_question_issues(link)
        return self._create_pending_links(link) if link.backlog.issue_links else link

    def add_timeline(self, link: Link, action: AddTimeline) -> Link:
        """Create an issue for each entry that has none yet, in the order they happened."""
        entries = sorted(action.entries, key=lambda entry: entry.at)
        drafts = [draft_timeline_entry(entry, link, self._policy) for entry in entries]
        return self._create_missing_issues(link, Part.TIMELINE, TIMELINE_LINK_TYPE, drafts)

    def _build_backlog(self, issue: CreatedIssue) -> Backlog:
        policy = self._policy
        is_wanted = {Part.TIMELINE: policy.timeline_project,
                     Part.QUESTIONS: policy.question_project and policy.questions}
        return Backlog({part: () for part in Part if is_wanted[part]}, _list_pending_links([issue]))

    def _find_manager_key(self, incident: Incident, agent_name: str | None) -> str | None:
        """Return the key of the assignee's issue in the PERSON project, else of the agent's."""
        names = [name for name in (*(person.name for person in incident.assignees[:1]), agent_name) if name]
        return self._find_person_key(incident.id, names) if names and self._policy.person_project else None

    def _find_person_key(self, incident_id: str, names: Sequence[str]) -> str | None:
        """Return the key of the issue in the PERSON project for the first of these names that has one."""
        try:
            keys = self._jira.find_keys_by_summary(self._policy.person_project, names)
        except Refused as refused:
            self._log.warning("no incident manager", extra={"incident": incident_id, "reason": str(refused)})
            return None
        return next((keys[name] for name in names if name in keys), None)

    def _create_question_issues(self, link: Link) -> Link:
        drafts = [draft_question(question, build_question_key(link.incident_id, number), link, self._policy)
                  for number, question in enumerate(self._policy.questions)]
        return self._links.save(self._create_missing_issues(link, Part.QUESTIONS, QUESTION_LINK_TYPE, drafts))

    def _create_missing_issues(self, link: Link, part: Part, link_type: str, drafts: Sequence[IssueDraft]) -> Link:
        """Create the issues that were not created yet, 50 a call; keep the refused ones in the backlog."""
        draft_by_key = {draft.idempotency_key: draft for draft in drafts}
        missing_keys = draft_by_key.keys() - self._processed_ids.already_processed(draft_by_key.keys())
        if missing_keys and self._leases.is_outcome_unknown(link, part):
            existing_keys = self._jira.find_idempotency_keys(str(link.issue_key), link_type, drafts[0])
            # Mark all of them: the lease may have been taken for other drafts than these.
            self._processed_ids.mark_processed(existing_keys)
            missing_keys -= existing_keys
        link = link.without_lease(part)
        missing_drafts = [draft for key, draft in draft_by_key.items() if key in missing_keys]
        refused_keys: list[str] = []
        for start in range(0, len(missing_drafts), MAX_ISSUES_PER_BULK):
            batch = missing_drafts[start : start + MAX_ISSUES_PER_BULK]
            link, outcomes = self._leases.run_with_lease(link, part, partial(self._jira.create_all, batch))
            link = self._save_pending_links(link, part, outcomes)
            keys = [draft.idempotency_key for draft in batch]
            refused_keys += self._record_bulk_outcomes(link, dict(zip(keys, outcomes, strict=True)))
        return self._update_backlog(link, part, refused_keys)

    def _save_pending_links(self, link: Link, part: Part, outcomes: Sequence[CreatedIssue | Refused]) -> Link:
        """Save the links that are still to be created before their issues are marked as processed."""
        issue_links = _list_pending_links([outcome for outcome in outcomes if isinstance(outcome, CreatedIssue)])
        if not issue_links:
            return link
        backlog = replace(link.backlog, issue_links=(*link.backlog.issue_links, *issue_links))
        return self._links.save(replace(link, backlog=backlog).with_lease(part)).without_lease(part)

    def _record_bulk_outcomes(self, link: Link, outcome_by_key: Mapping[str, CreatedIssue | Refused]) -> list[str]:
        """Mark the created issues as processed and log the refused ones; return the keys of the latter."""
        refused = {key: outcome for key, outcome in outcome_by_key.items() if isinstance(outcome, Refused)}
        self._processed_ids.mark_processed([key for key in outcome_by_key if key not in refused])
        for key, refusal in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "element": key, "reason": str(refusal)}
            self._log.error("an issue was refused", extra=fields)
        return list(refused)

    def _create_pending_links(self, link: Link) -> Link:
        for pending in link.backlog.issue_links:
            try:
                self._jira.add_link(pending.from_key, IssueLink(pending.type, pending.to_key, pending.role))
            except Refused as refused:
                fields = {"incident": link.incident_id, "issue": pending.from_key, "to": pending.to_key,
                          "reason": str(refused)}
                self._log.error("a link was refused", extra=fields)
        return self._links.save(replace(link, backlog=replace(link.backlog, issue_links=())))

    def _update_backlog(self, link: Link, part: Part, refused_keys: Sequence[str]) -> Link:
        """Return the link with what is left of `part`, which is given up after so many attempts."""
        backlog = link.backlog.with_attempt(part, refused_keys)
        if refused_keys and backlog.attempts[part] < MAX_PART_ATTEMPTS:
            return replace(link, backlog=backlog)
        if refused_keys:
            self._log.error(f"{part} given up", extra={"incident": link.incident_id, "left": refused_keys})
        return replace(link, backlog=backlog.without_part(part))


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


def _list_pending_links(issues: Sequence[CreatedIssue]) -> tuple[PendingIssueLink, ...]:
    """Return the links that these issues were created without."""
    return tuple(PendingIssueLink(issue.key, link.type, link.key, link.role)
                 for issue in issues for link in issue.missing_links)
