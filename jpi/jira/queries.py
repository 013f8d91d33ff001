"""What jpi looks for on a Jira site: issues by what they are called, labelled or linked to, and their present state."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from jpi.domain.issue_drafts import Draft
from jpi.domain.model import Issue
from jpi.errors import as_documented
from jpi.http_client import Calls
from jpi.jira import jql, payloads
from jpi.jira.create_request import LINKS, MARK

STATE = ("status", "summary", "priority", "assignee")
# Most that one call takes: shared contract, `POST /issue/bulkfetch`.
BULK_FETCH = 100
# `/search/jql`: its answer has at most 5,000 issues, fewer with many fields.
MOST_LABELLED = 1000


class Looks:
    """The reads of issues; a search knows of a change only when its index does."""

    _call: Calls

    def people(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Key by summary of the issues in `project` that are called exactly like one of `names`; the oldest of each."""
        asked = {"jql": jql.people(project, list(names)), "fields": ["summary"], "maxResults": BULK_FETCH}
        found = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        keys = {one["fields"]["summary"]: one["key"] for one in reversed(found)}
        return {name: keys[name] for name in names if name in keys}

    def labelled(self, project: str, label: str) -> Issue | None:
        """The oldest issue of a project with this label that the search index knows of; it lags behind."""
        asked = {"jql": jql.labelled(project, label), "fields": ["status"], "maxResults": 1}
        found = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        return _issue(found[0]) if found else None

    def marks(self, key: str, link_type: str, like: Draft) -> set[str]:
        """What the issues linked to `key` by this type stand for, read directly; and those with the label of `like`.

        The search index is asked only for what was made without links, and after it had its time.
        """
        asked = {"jql": jql.labelled(like.project, like.found_by), "fields": ["summary"], "properties": [MARK],
                 "maxResults": MOST_LABELLED}
        unlinked = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        read = self._fetch(list(self.linked(key, link_type)), fields=["summary"], properties=[MARK])
        return {one["properties"][MARK]["mark"] for one in [*read, *unlinked] if MARK in one.get("properties", {})}

    def states(self, ids: Sequence[str]) -> list[tuple[Issue, datetime]]:
        """The state of each issue that is there, by key or id, read directly, and when the issue was last changed."""
        read = self._fetch(ids, fields=[*STATE, "issuetype", "updated"])
        return [(_issue(one), datetime.fromisoformat(one["fields"]["updated"])) for one in read]

    def recent(self, label: str, minutes: int) -> list[str]:
        """The keys of the issues with this label that changed within so many minutes, a thousand at most."""
        asked = {"jql": jql.recent(label, minutes), "fields": ["status"], "maxResults": MOST_LABELLED}
        return [one["key"] for one in self._call("POST", "/search/jql", body=asked, read=True)["issues"]]

    def linked(self, key: str, link_type: str) -> dict[str, str]:
        """The issues linked by this type: the link's id by the other issue's key."""
        found = self._call("GET", f"/issue/{key}", {"fields": LINKS})["fields"].get(LINKS, [])
        return {(one.get("outwardIssue") or one["inwardIssue"])["key"]: str(one["id"])
                for one in found if one["type"]["name"] == link_type}

    def ours(self, key: str) -> bool:
        """Whether the issue has the property by which those that we make are known."""
        found = self._call("GET", f"/issue/{key}", {"fields": "status", "properties": MARK})
        return MARK in found.get("properties", {})

    def created(self, projects: Sequence[str], minutes: int) -> list[tuple[Issue, datetime]]:
        """The issues made in these projects, or any, within so many minutes, and when; a thousand at most."""
        asked = {"jql": jql.created(projects, minutes), "fields": [*STATE, "issuetype", "created"],
                 "maxResults": MOST_LABELLED}
        found = self._call("POST", "/search/jql", body=asked, read=True)["issues"]
        return [(_issue(one), datetime.fromisoformat(one["fields"]["created"])) for one in found]

    def server_time(self) -> datetime:
        """The time that Jira has."""
        return datetime.fromisoformat(self._call("GET", "/serverInfo")["serverTime"])

    def lacks_permissions(self, wanted: Sequence[str], project: str = "") -> list[str]:
        """Which of these permissions our account does not have, in a project where one is named."""
        asked = {"permissions": ",".join(wanted), **({"projectKey": project} if project else {})}
        found = self._call("GET", "/mypermissions", asked)["permissions"]
        return [name for name in wanted if not found[name]["havePermission"]]

    def status_names(self) -> set[str]:
        """What the site's statuses are called."""
        return {one["name"] for one in self._call("GET", "/status")}

    def priority_names(self) -> set[str]:
        """What the site's priorities are called."""
        return {one["name"] for one in self._call("GET", "/priority/search", {"maxResults": BULK_FETCH})["values"]}

    def reachable(self, project: str, issue_type: str) -> set[str]:
        """The names of the statuses that the workflow of a project's issue type has."""
        found = self._call("GET", f"/project/{project}/statuses")
        return {status["name"] for one in found if one["name"] == issue_type for status in one["statuses"]}

    def moved(self, key: str) -> bool:
        """Whether the issue's status was changed since it was made, as its first hundred changes tell."""
        changes = self._call("GET", f"/issue/{key}/changelog", {"maxResults": BULK_FETCH})["values"]
        return any(item.get("fieldId") == "status" for change in changes for item in change["items"])

    def _fetch(self, keys: Sequence[str], **wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(keys), BULK_FETCH):
            asked = {"issueIdsOrKeys": keys[start : start + BULK_FETCH], **wanted}
            yield from self._call("POST", "/issue/bulkfetch", body=asked, read=True)["issues"]


def _issue(found: dict[str, Any]) -> Issue:
    with as_documented(f"Jira's issue {found.get('key')}"):
        return payloads.issue(found)
