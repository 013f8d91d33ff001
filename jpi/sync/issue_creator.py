"""Makes issues, each once: the incident's, its questions, its links, the lines of its timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jpi.domain.actions import AddTimeline, ReplaceManager
from jpi.domain.backlog import Backlog, Part, PendingIssueLink
from jpi.domain.field_merge import ASSIGNEE_NOT_SYNCED
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
# Most that one bulk create takes: shared contract, `POST /rest/api/3/issue/bulk`.
MAX_ISSUES_PER_BULK = 50
# A part of an issue that is refused this often is given up, with an error in the log.
MAX_PART_ATTEMPTS = 5


class IssueCreator:
    """Everything that is created on Jira is created here."""

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

    def create_incident_issue(self, link: Link, incident: Incident, agent: str | None, rule: IssueSpec) -> Link:
        """Make the incident's issue as `rule` has it, or take the one that an earlier attempt made; the link, saved."""
        assignee = self._choose_assignee(incident, rule)
        draft = draft_incident_issue(incident, rule, self._find_manager_key(incident, agent), assignee, self._policy)
        self._jira.load_site_schema()
        if self._leases.is_outcome_unknown(link, INCIDENT_ISSUE_LEASE) and (
            found := self._jira.find_issue_by_label(draft.project, draft.search_label)
        ):
            # Whether its links came with it is not known; making one again does nothing.
            made = CreatedIssue(found.key, found.id or "", missing_links=draft.links)
        else:
            link, made = self._leases.run_with_lease(link, INCIDENT_ISSUE_LEASE, lambda: self._jira.create(draft),
                                                     self._index_lag_seconds)
        self._log_dropped_fields(made)
        # Where its workflow begins is not known, so neither is its status.
        there = assignee if made.summary is not None and "assignee" not in made.dropped_fields else None
        # An assignee who was not found at once is carried over by the next event or poll that shows them.
        theirs = next((one.id for one in incident.assignees), None) if there else ASSIGNEE_NOT_SYNCED
        priority = None if made.summary is None or "priority" in made.dropped_fields else draft.priority
        fields = {FieldName.TITLE: SyncedField(Replica(incident.title), Replica(made.summary)),
                  FieldName.ASSIGNEE: SyncedField(Replica(theirs), Replica(there)),
                  FieldName.PRIORITY: SyncedField(Replica(incident.priority), Replica(priority))}
        return self._save_created_issue(link, issue=IssueRef(made.key, made.id), backlog=self._build_backlog(made),
                                        fields=fields)

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

    def _choose_assignee(self, incident: Incident, rule: IssueSpec) -> str | None:
        """Whom the rule names, else whoever the incident is assigned to, if that is known without asking anybody."""
        if rule.assignee or not incident.assignees or not self._policy.field_policy("assignee").is_synced_to("jira"):
            return rule.assignee or None
        return self._identities.get_cached_account_id(incident.assignees[0].id)

    def _save_created_issue(self, link: Link, **made: Any) -> Link:
        """Save what was made, over whatever others saved meanwhile: this must not get lost."""
        for _ in range(MAX_SAVE_RETRIES):
            try:
                return self._links.save(replace(_take_created(link), **made))
            except LostRace:
                link = self._links.get(link.incident_id)
        return self._links.save(replace(_take_created(link), **made))

    def create_missing_parts(self, link: Link) -> Link:
        """Make what is still missing of an issue but its timeline."""
        if Part.QUESTIONS in link.backlog.pending:
            link = self._create_question_issues(link)
        return self._create_pending_links(link) if link.backlog.issue_links else link

    def add_timeline(self, link: Link, action: AddTimeline) -> Link:
        """Create an issue for each entry that has none yet, in the order they happened."""
        entries = sorted(action.entries, key=lambda entry: (entry.at, entry.id))
        drafts = [draft_timeline_entry(entry, link, self._policy) for entry in entries]
        return self._create_missing_issues(link, Part.TIMELINE, TIMELINE_LINK_TYPE, drafts)

    def _build_backlog(self, made: CreatedIssue) -> Backlog:
        policy = self._policy
        is_wanted = {Part.TIMELINE: policy.timeline_project,
                     Part.QUESTIONS: policy.question_project and policy.questions}
        return Backlog({part: () for part in Part if is_wanted[part]}, _list_pending_links([made]))

    def _find_manager_key(self, incident: Incident, agent: str | None) -> str | None:
        """The key of the assignee's issue in the PERSON project, else of the agent's."""
        names = [name for name in (*(person.name for person in incident.assignees[:1]), agent) if name]
        return self._find_person_key(incident.id, names) if names and self._policy.person_project else None

    def _find_person_key(self, incident_id: str, names: Sequence[str]) -> str | None:
        """The key of the issue in the PERSON project that is called like the first of these names that has one."""
        try:
            found = self._jira.find_keys_by_summary(self._policy.person_project, names)
        except Refused as refused:
            self._log.warning("no incident manager", extra={"incident": incident_id, "reason": str(refused)})
            return None
        return next((found[name] for name in names if name in found), None)

    def _create_question_issues(self, link: Link) -> Link:
        drafts = [draft_question(question, build_question_key(link.incident_id, number), link, self._policy)
                  for number, question in enumerate(self._policy.questions)]
        return self._links.save(self._create_missing_issues(link, Part.QUESTIONS, QUESTION_LINK_TYPE, drafts))

    def _create_missing_issues(self, link: Link, part: Part, link_type: str, drafts: Sequence[IssueDraft]) -> Link:
        """Make those that the ledger does not know, 50 a call; what is refused is left in the link's `todo`."""
        wanted = {draft.idempotency_key: draft for draft in drafts}
        missing = wanted.keys() - self._processed_ids.already_processed(wanted.keys())
        if missing and self._leases.is_outcome_unknown(link, part):
            there = self._jira.find_idempotency_keys(str(link.issue_key), link_type, drafts[0])
            # All of them: what this claim was begun for may not be what is wanted now.
            self._processed_ids.mark_processed(there)
            missing -= there
        link = link.without_lease(part)
        left = [draft for mark, draft in wanted.items() if mark in missing]
        refused: list[str] = []
        for start in range(0, len(left), MAX_ISSUES_PER_BULK):
            batch = left[start : start + MAX_ISSUES_PER_BULK]
            link, outcomes = self._leases.run_with_lease(link, part, partial(self._jira.create_all, batch))
            link = self._save_pending_links(link, part, outcomes)
            refused += self._record_bulk_outcomes(link, {draft.idempotency_key: one for draft,
                                                         one in zip(batch, outcomes, strict=True)})
        return self._update_backlog(link, part, refused)

    def _save_pending_links(self, link: Link, part: Part, outcomes: Sequence[CreatedIssue | Refused]) -> Link:
        """Save which links are still to be made before the ledger says that their issues are there."""
        issue_links = _list_pending_links([outcome for outcome in outcomes if isinstance(outcome, CreatedIssue)])
        if not issue_links:
            return link
        backlog = replace(link.backlog, issue_links=(*link.backlog.issue_links, *issue_links))
        return self._links.save(replace(link, backlog=backlog).with_lease(part)).without_lease(part)

    def _record_bulk_outcomes(self, link: Link, outcome_by_mark: Mapping[str, CreatedIssue | Refused]) -> list[str]:
        """Remember what was made, say what was not; the marks of the latter."""
        self._processed_ids.mark_processed([mark for mark, one in outcome_by_mark.items()
                                            if isinstance(one, CreatedIssue)])
        refused = {mark: one for mark, one in outcome_by_mark.items() if isinstance(one, Refused)}
        for mark, one in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "element": mark, "reason": str(one)}
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

    def _log_dropped_fields(self, made: CreatedIssue) -> None:
        if made.dropped_fields:
            fields = {"issue": made.key, "fields": list(made.dropped_fields)}
            self._log.warning("fields that the create screen lacks were left out", extra=fields)


def _take_created(link: Link) -> Link:
    """Return the link without the lease on its issue, whose status is what PagerDuty begins with."""
    return link.without_lease(INCIDENT_ISSUE_LEASE).with_agreed_status("triggered")


def _list_pending_links(issues: Sequence[CreatedIssue]) -> tuple[PendingIssueLink, ...]:
    """Return the links that these issues were created without."""
    return tuple(PendingIssueLink(issue.key, link.type, link.key, link.role)
                 for issue in issues for link in issue.missing_links)
