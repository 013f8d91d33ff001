"""Reads issues of a Jira site and finds them by summary, label, link and time; reads what the checks ask for."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from jpi.domain.issue_drafts import IssueDraft
from jpi.domain.model import Issue
from jpi.errors import Refused, translate_parse_errors
from jpi.http_client import ApiClient
from jpi.jira import jql, payloads
from jpi.jira.create_request import JPI_PROPERTY, LABELS_FIELD, LINKS_FIELD
from jpi.jira.create_screens import CreateScreens
from jpi.json_fields import Json

STATE_FIELDS = ("status", "summary", "priority", "assignee")
# The most issues of a call: developer.atlassian.com, `POST /rest/api/3/issue/bulkfetch`.
BULK_FETCH_LIMIT = 100
# `POST /rest/api/3/search/jql` answers at most 5,000 issues, fewer with many fields.
SEARCH_LIMIT = 1000
# The fields that the mark of an issue may stand in.
MARK_FIELDS = frozenset({LABELS_FIELD, "description"})


class IssueQueries:
    """The reads of issues; a search finds a change only once Jira has indexed it.

    That there is none is believed of a Jira that knows us: an anonymous caller finds nothing either.
    """

    api: ApiClient
    create_screens: CreateScreens

    def find_keys_by_summary(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Return the key of the oldest issue in `project` with exactly this summary, by summary."""
        issues = self._search(jql.match_summaries(project, list(names)), ["summary"], BULK_FETCH_LIMIT)
        keys = {issue["fields"]["summary"]: issue["key"] for issue in reversed(issues)}
        return {name: keys[name] for name in names if name in keys}

    def find_created_issue(self, draft: IssueDraft) -> Issue | None:
        """Return the issue that was created from this draft, by its mark; the search index lags behind."""
        issues = self._search_marked(draft, ["status", LABELS_FIELD])
        own = [issue for issue in issues if _get_idempotency_key(issue) == draft.idempotency_key]
        labelled = [issue for issue in issues if _get_idempotency_key(issue) is None
                    and draft.search_label in issue["fields"].get(LABELS_FIELD, [])]
        return next(map(_parse_issue, [*own, *labelled]), None)

    def find_idempotency_keys(self, key: str, link_type: str, draft: IssueDraft) -> set[str]:
        """Return the idempotency keys of the issues linked to `key` by this type, and of those with the draft's mark.

        Linked issues are read directly. The search is for issues created without links, once the index has caught up.
        """
        unlinked = self._search_marked(draft, ["summary"])
        linked = self._fetch_issues(list(self.get_linked_issues(key, link_type)), fields=["summary"],
                                    properties=[JPI_PROPERTY])
        return set(filter(None, map(_get_idempotency_key, [*linked, *unlinked])))

    def get_issue_states(self, ids: Sequence[str]) -> list[tuple[Issue, datetime]]:
        """Read directly the issues with these keys or ids, each with its time of change; skip those that are gone."""
        issues = self._fetch_issues(ids, fields=[*STATE_FIELDS, "issuetype", "updated"])
        return [(_parse_issue(issue), datetime.fromisoformat(issue["fields"]["updated"])) for issue in issues]

    def find_recently_changed(self, label: str, minutes: int, issue_types: Sequence[tuple[str, str]]) -> list[str]:
        """Return the keys of at most a thousand issues with this label that changed within so many minutes.

        Those of projects whose issues can have no label are among them, without one. Whoever is told of none verifies
        the identity: a poll that reads issues directly is spared that call.
        """
        projects = self.create_screens.find_unlabelled_projects(issue_types)
        issues = self._search_unverified(jql.match_recently_changed(label, projects, minutes), ["status"],
                                         SEARCH_LIMIT)
        return [issue["key"] for issue in issues]

    def get_linked_issues(self, key: str, link_type: str) -> dict[str, str]:
        """Return the links of this type: the link's id by the other issue's key."""
        fields = self.api.request("GET", f"/issue/{key}", {"fields": LINKS_FIELD})["fields"]
        return {(link.get("outwardIssue") or link["inwardIssue"])["key"]: str(link["id"])
                for link in fields.get(LINKS_FIELD, []) if link["type"]["name"] == link_type}

    def is_own_issue(self, key: str) -> bool:
        """True if the issue has the property that marks the issues that jpi created."""
        issue = self.api.request("GET", f"/issue/{key}", {"fields": "status", "properties": JPI_PROPERTY})
        return JPI_PROPERTY in issue.get("properties", {})

    def find_recently_created(self, projects: Sequence[str], minutes: int) -> list[tuple[Issue, datetime]]:
        """Return at most a thousand issues, with their times, created within so many minutes in these or all projects.
        """
        issues = self._search(jql.match_recently_created(projects, minutes), [*STATE_FIELDS, "issuetype", "created"],
                              SEARCH_LIMIT)
        return [(_parse_issue(issue), datetime.fromisoformat(issue["fields"]["created"])) for issue in issues]

    def has_issue(self, ref: str) -> bool:
        """True if the issue with this key or id exists and is visible to us."""
        return bool(self.api.read_if_exists(f"/issue/{ref}", {"fields": "status"}))

    def get_server_time(self) -> datetime:
        """Return the time of Jira's clock."""
        return datetime.fromisoformat(self.api.request("GET", "/serverInfo")["serverTime"])

    def find_missing_permissions(self, names: Sequence[str], project: str = "") -> list[str]:
        """Return those of these permissions that our account lacks, in a project if one is given."""
        params = {"permissions": ",".join(names), **({"projectKey": project} if project else {})}
        permissions = self.api.request("GET", "/mypermissions", params)["permissions"]
        return [name for name in names if not permissions[name]["havePermission"]]

    def get_status_names(self) -> set[str]:
        """Return the names of the site's statuses."""
        return {status["name"] for status in self.api.request("GET", "/status")}

    def get_priority_names(self) -> set[str]:
        """Return the names of the site's priorities."""
        page = self.api.request("GET", "/priority/search", {"maxResults": BULK_FETCH_LIMIT})
        return {priority["name"] for priority in page["values"]}

    def get_workflow_statuses(self, project: str, issue_type: str) -> set[str]:
        """Return the names of the statuses in the workflow of a project's issue type."""
        return {status["name"] for workflow in self.api.request("GET", f"/project/{project}/statuses")
                if workflow["name"] == issue_type for status in workflow["statuses"]}

    def has_changed_status(self, key: str) -> bool:
        """True if one of the issue's first hundred changes was of its status."""
        changes = self.api.request("GET", f"/issue/{key}/changelog", {"maxResults": BULK_FETCH_LIMIT})["values"]
        return any(item.get("fieldId") == "status" for change in changes for item in change["items"])

    def _search_marked(self, draft: IssueDraft, fields: Sequence[str]) -> list[Json]:
        """Search issues with the mark of the draft's incident, with their idempotency keys."""
        with suppress(Refused):
            self.create_screens.load(draft.project, draft.type)
        missing = self.create_screens.find_missing_fields(draft.project, draft.type, MARK_FIELDS)
        query = jql.match_mark(draft.project, draft.search_label, draft.incident_id, missing != MARK_FIELDS)
        return self._search(query, fields, SEARCH_LIMIT, properties=[JPI_PROPERTY])

    def _search(self, query: str, fields: Sequence[str], limit: int, **options: Sequence[str]) -> list[Json]:
        issues = self._search_unverified(query, fields, limit, **options)
        if not issues:
            self.api.identity.verify_account()
        return issues

    def _search_unverified(self, query: str, fields: Sequence[str], limit: int,
                           **options: Sequence[str]) -> list[Json]:
        body = {"jql": query, "fields": fields, **options, "maxResults": limit}
        issues: list[Json] = self.api.request("POST", "/search/jql", body=body, is_read=True)["issues"]
        return issues

    def _fetch_issues(self, keys: Sequence[str], **options: Sequence[str]) -> Iterator[Json]:
        for start in range(0, len(keys), BULK_FETCH_LIMIT):
            body = {"issueIdsOrKeys": keys[start : start + BULK_FETCH_LIMIT], **options}
            issues = self.api.request("POST", "/issue/bulkfetch", body=body, is_read=True)["issues"]
            if len(issues) < len(body["issueIdsOrKeys"]):
                self.api.identity.verify_account()
            yield from issues


def _get_idempotency_key(issue: Json) -> str | None:
    """Return the key that an issue was created with; None if jpi did not create it."""
    value = issue.get("properties", {}).get(JPI_PROPERTY)
    return str(value["mark"]) if isinstance(value, dict) and "mark" in value else None


def _parse_issue(data: Json) -> Issue:
    with translate_parse_errors(f"Jira's issue {data.get('key')}"):
        return payloads.parse_issue(data)
