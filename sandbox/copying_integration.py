"""Simulate another integration on the same project: it copies notes into comments and comments into notes."""

from typing import Any

from sandbox.jira.issue_changes import add_comment
from sandbox.jira.model import Issue
from sandbox.jira.model import User as JiraUser
from sandbox.jira.server import JiraServer
from sandbox.pagerduty.model import Incident, User
from sandbox.pagerduty.server import PagerDutyServer

NAME, EMAIL = "Chat bridge", "bridge@example.com"


class CopyingIntegration:
    """Copies whatever others write, jpi too, while `is_on`; with `rewrites` each copy has words of its own.

    `names_authors`: as PagerDuty's own Jira app does. https://support.pagerduty.com/main/docs/jira-cloud-user-guide
    """

    def __init__(self, pagerduty_server: PagerDutyServer, jira_server: JiraServer) -> None:
        self._pagerduty_server = pagerduty_server
        self._jira_server = jira_server
        self.is_on = False
        self.rewrites = False
        self.names_authors = False
        self._copied_ids: set[str] = set()

    def copy_new(self) -> int:
        """Copy what is new; return how many copies were made."""
        if not self.is_on:
            return 0
        with self._pagerduty_server.lock, self._jira_server.lock:
            issues = [issue for issue in self._jira_server.state.issues.values() if not issue.deleted]
            return sum(self._copy_notes(incident, issue) + self._copy_comments(issue, incident)
                       for incident in self._pagerduty_server.state.incidents.values()
                       for issue in issues if f"pagerduty-{incident.id}" in issue.labels)

    def _copy_notes(self, incident: Incident, issue: Issue) -> int:
        site = self._jira_server.state
        notes = [note for note in incident.notes if note.user.email != EMAIL and note.id not in self._copied_ids]
        for note in notes:
            copy = self._write_copy(f"PagerDuty {note.user.name}: ", note.content)
            add_comment(site, self._get_jira_account(), issue, _make_document(copy))
        self._copied_ids |= {note.id for note in notes}
        return len(notes)

    def _copy_comments(self, issue: Issue, incident: Incident) -> int:
        own_id = self._get_jira_account().account_id
        comments = [comment for comment in issue.comments if comment.author != own_id
                    and comment.id not in self._copied_ids]
        names = {user.account_id: user.name for user in self._jira_server.state.users.values()}
        for comment in comments:
            account = self._pagerduty_server.state
            copy = self._write_copy(f"[Jira] {names[comment.author]}: ", comment.text)
            account.add_note(incident, copy, self._get_pagerduty_user())
        self._copied_ids |= {comment.id for comment in comments}
        return len(comments)

    def _write_copy(self, heading: str, text: str) -> str:
        if self.rewrites:
            return f"{NAME}, copy {len(self._copied_ids)}: {text}"[:500]
        return heading + text if self.names_authors else text

    def _get_jira_account(self) -> JiraUser:
        site = self._jira_server.state
        accounts: list[JiraUser] = [user for user in site.users.values() if user.email == EMAIL]
        return accounts[0] if accounts else site.users[site.add_user(EMAIL, "", NAME)]

    def _get_pagerduty_user(self) -> User:
        account = self._pagerduty_server.state
        user: User = account.find_user(EMAIL) or account.add_user(NAME, EMAIL)
        return user


def _make_document(text: str) -> dict[str, Any]:
    paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": line}]}
                  for line in text.splitlines() if line]
    return {"type": "doc", "version": 1, "content": paragraphs}
