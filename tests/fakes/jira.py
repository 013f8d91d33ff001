"""Jira as plain Python: issues with their statuses, a search index that lags, and webhooks of status changes."""

from dataclasses import dataclass, field
from datetime import datetime

from jpi.domain.events import IssueUpdated
from jpi.domain.issue_drafts import CreatedIssue, IssueDraft
from jpi.domain.model import Category, Issue, IssueStates
from tests.fakes.faults import read_call, write_call
from tests.fakes.services import CHANGE_SECONDS, JIM, JIRA_BOT, FakeService, NoComments, WholeScreens

# How long a search does not find a new issue.
INDEX_LAG_SECONDS = 30.0
# How long before the issue is made jpi takes the lease, from which it counts.
CLAIM_SECONDS = 1.0


@dataclass
class FakeIssue:
    """An issue: its draft, its status's category, and who last moved it."""

    draft: IssueDraft
    created_at: datetime
    changed_at: datetime
    category: Category = "new"
    last_mover: str = ""

    def is_indexed(self, now, slack=0.0):
        """True if a search finds the issue by now."""
        return (now - self.created_at).total_seconds() >= INDEX_LAG_SECONDS - slack


@dataclass
class FakeJira(FakeService):
    """A site: implements `jpi.sync.ports.Jira` for new issues and statuses, and lets Jim act."""

    issues: dict[str, FakeIssue] = field(default_factory=dict)
    comments: NoComments = field(default_factory=NoComments)
    create_screens: WholeScreens = field(default_factory=WholeScreens)
    own_id = JIRA_BOT.id

    def list_incident_issues(self, incident_id):
        """Return the keys of the issues of an incident."""
        return [key for key, issue in self.issues.items() if issue.draft.idempotency_key == f"incident:{incident_id}"]

    def act_as_jim(self, key, category):
        """Move an issue as Jim, forward or out of done."""
        before = self.issues[key].category
        if before != category and (category != "new" or before == "done"):
            self._move_issue(key, category, JIM)

    def _move_issue(self, key, category, actor):
        self.clock.advance(CHANGE_SECONDS)
        issue, now = self.issues[key], self.clock.now()
        before, issue.category = issue.category, category
        issue.last_mover, issue.changed_at = actor.id, now
        self.in_flight.append(IssueUpdated(f"{key}-{now.timestamp()}", now, self._to_issue(key), actor, moved=True,
                                           left=before))

    def _create_issue(self, draft):
        key = f"{draft.project}-{len(self.issues) + 1}"
        self.issues[key] = FakeIssue(draft, self.clock.now(), self.clock.now())
        return CreatedIssue(key, key)

    def _to_issue(self, key):
        return Issue(key, key, self.issues[key].category)

    @read_call
    def verify_identity(self):
        """Return the id of the invocation: Jira knows us, and each look is in another one."""
        return str(self.clock())

    @read_call
    def has_issue(self, ref):
        """True if the issue exists."""
        return ref in self.issues

    @read_call
    def load_site_schema(self):
        """Do nothing: no schema is needed."""

    @read_call
    def get_linked_issues(self, key, link_type):
        """Return the issues that this one was created with by this type of link."""
        return {link.key: link.key for link in self.issues[key].draft.links if link.type == link_type}

    @write_call
    def create(self, draft):
        """Create one issue."""
        return self._create_issue(draft)

    @write_call
    def create_all(self, drafts):
        """Create several issues."""
        return [self._create_issue(draft) for draft in drafts]

    @write_call
    def transition_issue(self, key, target):
        """Move the issue, unless it has this category already or a person closed it meanwhile."""
        category = self.issues[key].category
        if category == target.category:
            return "there"
        if category == "done" != target.from_category:
            return "left"
        self._move_issue(key, target.category, JIRA_BOT)
        return "moved"

    @read_call
    def get_status(self, status_id):
        """Return a status's name and category, which both equal its id here."""
        return status_id, status_id

    @write_call
    def edit(self, key, values):
        """Record that fields were set; refuse none."""
        self.issues[key].changed_at = self.clock.now()
        return {}

    @read_call
    def find_created_issue(self, draft):
        """Return the issue that was created from this draft if the search index shows it."""
        keys = [key for key, issue in self.issues.items() if issue.draft.idempotency_key == draft.idempotency_key
                and issue.draft.project == draft.project and issue.is_indexed(self.clock.now(), CLAIM_SECONDS)]
        return self._to_issue(keys[0]) if keys else None

    @read_call
    def find_idempotency_keys(self, key, link_type, draft):
        """Return the idempotency keys of the issues linked to this one by this type."""
        return {issue.draft.idempotency_key for issue in self.issues.values()
                if any((to.type, to.key) == (link_type, key) for to in issue.draft.links)}

    @read_call
    def has_changed_status(self, key):
        """True if the issue's status has ever changed."""
        return bool(self.issues[key].last_mover)

    @read_call
    def find_recently_changed(self, label, minutes, issue_types):
        """Return the indexed issues with this label that changed within so many minutes."""
        now = self.clock.now()
        return [key for key, issue in self.issues.items() if label in issue.draft.labels and issue.is_indexed(now)
                and (now - issue.changed_at).total_seconds() <= 60 * minutes]

    @read_call
    def get_issue_states(self, ids):
        """Return the current status of issues, and when each last changed."""
        return IssueStates([(self._to_issue(key), self.issues[key].changed_at) for key in ids])
