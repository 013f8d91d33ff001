"""Creates what an incident's issue is linked to, each once: its questions, its timeline, and the links between them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from jpi.domain.actions import AddTimeline
from jpi.domain.backlog import Part, PendingIssueLink, StepId, describe_refusal, get_part_step_id
from jpi.domain.idempotency_keys import build_question_key
from jpi.domain.issue_drafts import (
    QUESTION_LINK_TYPE,
    TIMELINE_LINK_TYPE,
    CreatedIssue,
    IssueDraft,
    IssueLink,
    draft_question,
    draft_timeline_entry,
)
from jpi.domain.link import Link
from jpi.domain.policy import Policy
from jpi.domain.retry_state import stops_everything
from jpi.errors import Refused
from jpi.sync.leases import Leases, RefusedUnderLease
from jpi.sync.ports import Clock, Jira, Links, Log, ProcessedIds

# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulk-post
MAX_ISSUES_PER_BULK = 50


class PartCreator:
    """Creates the parts of issues; what Jira refuses stays in the backlog."""

    def __init__(self, jira: Jira, links: Links, processed_ids: ProcessedIds, leases: Leases, policy: Policy,
                 clock: Clock, log: Log) -> None:
        self._jira = jira
        self._links = links
        self._processed_ids = processed_ids
        self._leases = leases
        self._policy = policy
        self._clock = clock
        self._log = log

    def create_missing_parts(self, link: Link) -> Link:
        """Create the questions and links that the issue still lacks, but for those whose pause is not over."""
        now = self._clock()
        is_waiting = link.backlog.is_waiting(get_part_step_id(Part.QUESTIONS), now)
        if Part.QUESTIONS in link.backlog.pending and not is_waiting:
            link = self._create_question_issues(link)
        due_links = [pending for pending in link.backlog.issue_links
                     if not link.backlog.is_waiting(pending.step_id, now)]
        return self._create_pending_links(link, due_links) if due_links else link

    def add_timeline(self, link: Link, action: AddTimeline) -> Link:
        """Create an issue for each entry that has none yet, in the order they happened."""
        entries = sorted(action.entries, key=lambda entry: entry.at)
        drafts = [draft_timeline_entry(entry, link, self._policy) for entry in entries]
        return self._create_missing_issues(link, Part.TIMELINE, TIMELINE_LINK_TYPE, drafts)

    def _create_question_issues(self, link: Link) -> Link:
        drafts = [draft_question(question, build_question_key(link.incident_id, number), link, self._policy)
                  for number, question in enumerate(self._policy.questions)]
        try:
            link = self._create_missing_issues(link, Part.QUESTIONS, QUESTION_LINK_TYPE, drafts)
        except Refused as refused:
            if stops_everything(refused, link):
                raise
            link = self._keep_refused_step(link, get_part_step_id(Part.QUESTIONS), refused)
        return self._links.save(link)

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
        refused: dict[str, Refused] = {}
        for start in range(0, len(missing_drafts), MAX_ISSUES_PER_BULK):
            batch = missing_drafts[start : start + MAX_ISSUES_PER_BULK]
            link, outcomes = self._create_batch(link, part, batch)
            link = self._save_pending_links(link, part, outcomes)
            keys = [draft.idempotency_key for draft in batch]
            refused |= self._record_bulk_outcomes(link, dict(zip(keys, outcomes, strict=True)))
        return self._update_backlog(link, part, draft_by_key.keys(), refused)

    def _create_batch(self, link: Link, part: Part,
                      batch: Sequence[IssueDraft]) -> tuple[Link, Sequence[CreatedIssue | Refused]]:
        """Create issues by one call; return the link and the outcome of each. A refused call refuses each of them."""
        try:
            return self._leases.run_with_lease(link, part, partial(self._jira.create_all, batch))
        except RefusedUnderLease as refused:
            if stops_everything(refused, link):
                raise
            return refused.link, [refused] * len(batch)

    def _save_pending_links(self, link: Link, part: Part, outcomes: Sequence[CreatedIssue | Refused]) -> Link:
        """Save the links that are still to be created before their issues are marked as processed."""
        issue_links = list_pending_links([outcome for outcome in outcomes if isinstance(outcome, CreatedIssue)])
        if not issue_links:
            return link
        backlog = replace(link.backlog, issue_links=(*link.backlog.issue_links, *issue_links))
        return self._links.save(replace(link, backlog=backlog).with_lease(part)).without_lease(part)

    def _record_bulk_outcomes(self, link: Link,
                              outcome_by_key: Mapping[str, CreatedIssue | Refused]) -> dict[str, Refused]:
        """Mark the created issues as processed and log the refused ones; return the latter."""
        refused = {key: outcome for key, outcome in outcome_by_key.items() if isinstance(outcome, Refused)}
        self._processed_ids.mark_processed([key for key in outcome_by_key if key not in refused])
        for key, refusal in refused.items():
            fields = {"incident": link.incident_id, "issue": link.issue_key, "element": key, "reason": str(refusal)}
            self._log.error("an issue was refused", extra=fields)
        return refused

    def _create_pending_links(self, link: Link, pending_links: Sequence[PendingIssueLink]) -> Link:
        """Create these links; those that Jira refuses stay in the backlog."""
        # Where Jira refused to show the link types, this reads them again.
        self._jira.load_site_schema()
        for pending in pending_links:
            try:
                self._jira.add_link(pending.from_key, IssueLink(pending.type, pending.to_key, pending.role))
                left = tuple(other for other in link.backlog.issue_links if other != pending)
                backlog = replace(link.backlog, issue_links=left).without_steps([pending.step_id])
                link = replace(link, backlog=backlog)
            except Refused as refused:
                if stops_everything(refused, link):
                    raise
                link = self._keep_refused_step(link, pending.step_id, refused)
                fields = {"incident": link.incident_id, "issue": pending.from_key, "to": pending.to_key,
                          "reason": str(refused)}
                self._log.error("a link was refused", extra=fields)
        return self._links.save(link)

    def _update_backlog(self, link: Link, part: Part, keys: Collection[str],
                        refused: Mapping[str, Refused]) -> Link:
        """Return the link with what is left of `part` once the issues of these keys were tried."""
        left = [key for key in link.backlog.pending.get(part, ()) if key not in keys] + list(refused)
        if not left:
            return replace(link, backlog=link.backlog.without_part(part))
        link = replace(link, backlog=link.backlog.with_pending(part, left))
        newest = next(iter(refused.values()), None)
        return self._keep_refused_step(link, get_part_step_id(part), newest) if newest else link

    def _keep_refused_step(self, link: Link, step_id: StepId, refused: Refused) -> Link:
        return link.with_refused_step(step_id, "", refused.service, describe_refusal(refused), self._clock())


def list_pending_links(issues: Sequence[CreatedIssue]) -> tuple[PendingIssueLink, ...]:
    """Return the links that these issues were created without."""
    return tuple(PendingIssueLink(issue.key, link.type, link.key, link.role)
                 for issue in issues for link in issue.missing_links)
