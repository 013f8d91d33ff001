"""What the poll reads of issues, as events; finds the issues that open incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from jpi.domain.events import IssueCreated, IssueDeleted, IssueEvent
from jpi.domain.link import Link
from jpi.domain.model import Issue, IssueStates
from jpi.domain.policy import Policy
from jpi.domain.retry_state import retry_is_due
from jpi.errors import Refused
from jpi.sync.poll_errors import PollErrors
from jpi.sync.ports import Clock, Jira, Links, Log

LinksById = Mapping[str, Link]


@dataclass(frozen=True)
class IssueChanges:
    """Events of issues. `is_whole`: the searches were read to their end.

    `unread_ids`: the incidents whose issue, or its comments, could not be read, and that no poll reads by itself.
    """

    events: Sequence[IssueEvent]
    is_whole: bool
    unread_ids: frozenset[str] = frozenset()


class OpeningReader:
    """Reads the issues that open incidents, if a rule of the sync file says so."""

    def __init__(self, jira: Jira, links: Links, policy: Policy, clock: Clock, log: Log, errors: PollErrors) -> None:
        self._jira = jira
        self._links = links
        self._policy = policy
        self._clock = clock
        self._log = log
        self._errors = errors

    def find_created_issues(self, since: datetime) -> IssueChanges:
        """Return issues that a rule opens an incident for, new or edited into it: their webhooks may have been lost."""
        rules = self._policy.opening_rules
        if not rules:
            return IssueChanges([], True)
        projects = {project for rule in rules for project in rule.condition.projects}
        is_limited = all(rule.condition.projects for rule in rules)
        minutes = count_minutes_since(since, self._clock())
        with self._errors.contain_errors("new issues were not read"):
            edited = self._jira.find_recently_edited(sorted(projects) if is_limited else [], minutes)
            candidates = {issue.key: (issue, at) for issue, at in edited if self._policy.find_opening_rule(issue)}
            # What was begun is retried as its failures say.
            begun_keys = {key for key, link in self._links.get_all(candidates).items() if link.version is not None}
            changes = [(issue, self._find_change_time(issue, created, since - timedelta(minutes=1)))
                       for key, (issue, created) in candidates.items()
                       if key not in begun_keys and not self._links.find_incident_id(key)]
            return IssueChanges([build_issue_created(issue, at) for issue, at in changes if at], True)
        return IssueChanges([], False)

    def _find_change_time(self, issue: Issue, created: datetime, since: datetime) -> datetime | None:
        """Return when the issue was created or edited into a rule; None if neither was since then."""
        if created >= since or issue.category == "done":
            return created if created >= since else None
        try:
            return self._jira.find_reclassification(issue.key, since)
        except Refused as refused:
            self._log.warning("an issue's changes were not read", extra={"issue": issue.key, "reason": str(refused)})
            return None

    def retry_openings(self, openings: Sequence[Link]) -> list[IssueEvent]:
        """Return events of the issues whose incident could not be opened, where it is time to retry."""
        due_openings = {link.incident_id: link for link in openings if retry_is_due(link, self._clock())}
        with self._errors.contain_errors("issues that open incidents were not read"):
            return self.read_openings(due_openings)
        return []

    def read_openings(self, openings: LinksById) -> list[IssueEvent]:
        """Return events of the issues of these openings, which may be gone."""
        answer = self._jira.get_issue_states(list(openings)) if openings else IssueStates()
        created = [build_issue_created(issue, at, openings[issue.key].version) for issue, at in answer.states
                   if issue.key in openings]
        now, read_keys = datetime.fromtimestamp(self._clock(), UTC), {issue.key for issue, _ in answer.states}
        gone = [IssueDeleted(f"gone:{key}:{opening.version}", now, Issue(key), source="poll", incident_id=key)
                for key, opening in openings.items() if opening.version and key not in read_keys | answer.unread_ids]
        return [*created, *gone]


def build_issue_created(issue: Issue, at: datetime, opening_version: int | None = None) -> IssueCreated:
    """Return the event of an issue that opens an incident; its id is another one after each failure."""
    return IssueCreated(f"created:{issue.id}:{opening_version or 0}", at, issue, source="poll", incident_id=issue.key)


def count_minutes_since(since: datetime, now: float) -> int:
    """Return how many minutes ago that was, with one to spare."""
    return ceil((now - since.timestamp()) / 60) + 1
