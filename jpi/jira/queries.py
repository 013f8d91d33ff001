"""What jpi looks for on a Jira site: issues by what they are called, labelled or linked to, and their present state."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from jpi.domain.issue_drafts import IssueDraft
from jpi.domain.model import Issue
from jpi.errors import translate_parse_errors
from jpi.http_client import ApiClient
from jpi.jira import jql, payloads
from jpi.jira.create_request import JPI_PROPERTY, LINKS_FIELD

STATE_FIELDS = ("status", "summary", "priority", "assignee")
# Most that one call takes: shared contract, `POST /issue/bulkfetch`.
BULK_FETCH_LIMIT = 100
# `/search/jql`: its answer has at most 5,000 issues, fewer with many fields.
SEARCH_LIMIT = 1000


class IssueQueries:
    """The reads of issues; a search knows of a change only when its index does."""

    api: ApiClient

    def find_keys_by_summary(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Key by summary of the issues in `project` that are called exactly like one of `names`; the oldest of each."""
        asked = {"jql": jql.match_summaries(project, list(names)), "fields": ["summary"],
                 "maxResults": BULK_FETCH_LIMIT}
        found = self.api.request("POST", "/search/jql", body=asked, is_read=True)["issues"]
        keys = {one["fields"]["summary"]: one["key"] for one in reversed(found)}
        return {name: keys[name] for name in names if name in keys}

    def find_issue_by_label(self, project: str, label: str) -> Issue | None:
        """The oldest issue of a project with this label that the search index knows of; it lags behind."""
        asked = {"jql": jql.match_label(project, label), "fields": ["status"], "maxResults": 1}
        found = self.api.request("POST", "/search/jql", body=asked, is_read=True)["issues"]
        return _parse_issue(found[0]) if found else None

    def find_idempotency_keys(self, key: str, link_type: str, draft: IssueDraft) -> set[str]:
        """What the issues linked to `key` by this type stand for, read directly; and those with the label of `like`.

        The search index is asked only for what was made without links, and after it had its time.
        """
        asked = {"jql": jql.match_label(draft.project, draft.search_label), "fields": ["summary"],
                 "properties": [JPI_PROPERTY], "maxResults": SEARCH_LIMIT}
        unlinked = self.api.request("POST", "/search/jql", body=asked, is_read=True)["issues"]
        read = self._fetch_issues(list(self.get_linked_issues(key, link_type)), fields=["summary"],
                                  properties=[JPI_PROPERTY])
        return {one["properties"][JPI_PROPERTY]["mark"] for one in [*read, *unlinked]
                if JPI_PROPERTY in one.get("properties", {})}

    def get_issue_states(self, ids: Sequence[str]) -> list[tuple[Issue, datetime]]:
        """The state of each issue that is there, by key or id, read directly, and when the issue was last changed."""
        read = self._fetch_issues(ids, fields=[*STATE_FIELDS, "issuetype", "updated"])
        return [(_parse_issue(one), datetime.fromisoformat(one["fields"]["updated"])) for one in read]

    def find_recently_changed(self, label: str, minutes: int) -> list[str]:
        """The keys of the issues with this label that changed within so many minutes, a thousand at most."""
        asked = {"jql": jql.match_recently_changed(label, minutes), "fields": ["status"], "maxResults": SEARCH_LIMIT}
        return [one["key"] for one in self.api.request("POST", "/search/jql", body=asked, is_read=True)["issues"]]

    def get_linked_issues(self, key: str, link_type: str) -> dict[str, str]:
        """The issues linked by this type: the link's id by the other issue's key."""
        found = self.api.request("GET", f"/issue/{key}", {"fields": LINKS_FIELD})["fields"].get(LINKS_FIELD, [])
        return {(one.get("outwardIssue") or one["inwardIssue"])["key"]: str(one["id"])
                for one in found if one["type"]["name"] == link_type}

    def is_own_issue(self, key: str) -> bool:
        """Whether the issue has the property by which those that we make are known."""
        found = self.api.request("GET", f"/issue/{key}", {"fields": "status", "properties": JPI_PROPERTY})
        return JPI_PROPERTY in found.get("properties", {})

    def find_recently_created(self, projects: Sequence[str], minutes: int) -> list[tuple[Issue, datetime]]:
        """The issues made in these projects, or any, within so many minutes, and when; a thousand at most."""
        asked = {"jql": jql.match_recently_created(projects, minutes),
                 "fields": [*STATE_FIELDS, "issuetype", "created"], "maxResults": SEARCH_LIMIT}
        found = self.api.request("POST", "/search/jql", body=asked, is_read=True)["issues"]
        return [(_parse_issue(one), datetime.fromisoformat(one["fields"]["created"])) for one in found]

    def get_server_time(self) -> datetime:
        """The time that Jira has."""
        return datetime.fromisoformat(self.api.request("GET", "/serverInfo")["serverTime"])

    def find_missing_permissions(self, wanted: Sequence[str], project: str = "") -> list[str]:
        """Which of these permissions our account does not have, in a project where one is named."""
        asked = {"permissions": ",".join(wanted), **({"projectKey": project} if project else {})}
        found = self.api.request("GET", "/mypermissions", asked)["permissions"]
        return [name for name in wanted if not found[name]["havePermission"]]

    def get_status_names(self) -> set[str]:
        """What the site's statuses are called."""
        return {one["name"] for one in self.api.request("GET", "/status")}

    def get_priority_names(self) -> set[str]:
        """What the site's priorities are called."""
        return {one["name"] for one in self.api.request("GET",
                                                        "/priority/search", {"maxResults": BULK_FETCH_LIMIT})["values"]}

    def get_workflow_statuses(self, project: str, issue_type: str) -> set[str]:
        """The names of the statuses that the workflow of a project's issue type has."""
        found = self.api.request("GET", f"/project/{project}/statuses")
        return {status["name"] for one in found if one["name"] == issue_type for status in one["statuses"]}

    def has_changed_status(self, key: str) -> bool:
        """Whether the issue's status was changed since it was made, as its first hundred changes tell."""
        changes = self.api.request("GET", f"/issue/{key}/changelog", {"maxResults": BULK_FETCH_LIMIT})["values"]
        return any(item.get("fieldId") == "status" for change in changes for item in change["items"])

    def _fetch_issues(self, keys: Sequence[str], **wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(keys), BULK_FETCH_LIMIT):
            asked = {"issueIdsOrKeys": keys[start : start + BULK_FETCH_LIMIT], **wanted}
            yield from self.api.request("POST", "/issue/bulkfetch", body=asked, is_read=True)["issues"]


def _parse_issue(found: dict[str, Any]) -> Issue:
    with translate_parse_errors(f"Jira's issue {found.get('key')}"):
        return payloads.parse_issue(found)
