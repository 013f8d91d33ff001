"""Builds JQL; reads issues and finds them by summary, label, link and time; reads what the checks ask for."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from jpi.domain.issue_drafts import IssueDraft, build_incident_label
from jpi.domain.model import Issue, IssueStates
from jpi.errors import Refused, translate_parse_errors
from jpi.http_client import ApiClient
from jpi.jira import payloads
from jpi.jira.create_request import JPI_PROPERTY, LABELS_FIELD, LINKS_FIELD
from jpi.jira.create_screens import CreateScreens
from jpi.jira.paging import fetch_all_issues, fetch_issues, read_pages, search_issues
from jpi.json_fields import Json, get_objects, get_optional_time

CREATOR_FIELD = "creator"
STATE_FIELDS = ("status", "summary", "priority", "assignee")
READ_FIELDS = (*STATE_FIELDS, "issuetype", "updated")
# The fields that the mark of an issue may stand in.
MARK_FIELDS = frozenset({LABELS_FIELD, "description"})


class IssueQueries:
    """The reads of issues; a search finds a change only once Jira has indexed it.

    That there is none is believed of a Jira that knows us: an anonymous caller finds nothing either.
    """

    api: ApiClient
    create_screens: CreateScreens
    _get_own_id: Callable[[], str | None]

    def find_keys_by_summary(self, project: str, names: Sequence[str]) -> dict[str, str]:
        """Return the key of the oldest issue in `project` with exactly this summary, by summary."""
        issues = self._search(match_summaries(project, list(names)), ["summary"])
        keys = {issue["fields"]["summary"]: issue["key"] for issue in reversed(issues)}
        return {name: keys[name] for name in names if name in keys}

    def find_created_issue(self, draft: IssueDraft) -> Issue | None:
        """Return the issue that was created from this draft, by its mark; the search index lags behind."""
        issues = list(filter(self._is_own, self._search_marked(draft, ["status", LABELS_FIELD, CREATOR_FIELD])))
        own = [issue for issue in issues if _get_idempotency_key(issue) == draft.idempotency_key]
        labelled = [issue for issue in issues if _get_idempotency_key(issue) is None
                    and draft.search_label in issue["fields"].get(LABELS_FIELD, [])]
        return next(map(_parse_issue, [*own, *labelled]), None)

    def find_idempotency_keys(self, key: str, link_type: str, draft: IssueDraft) -> set[str]:
        """Return the idempotency keys of the issues linked to `key` by this type, and of those with the draft's mark.

        Linked issues are read directly. The search is for issues created without links, once the index has caught up.
        """
        unlinked = self._search_marked(draft, [CREATOR_FIELD])
        linked = fetch_all_issues(self.api, list(self.get_linked_issues(key, link_type)), fields=[CREATOR_FIELD],
                                  properties=[JPI_PROPERTY])
        return set(filter(None, map(_get_idempotency_key, filter(self._is_own, [*linked, *unlinked]))))

    def get_issue_states(self, ids: Sequence[str]) -> IssueStates:
        """Read directly the issues with these keys or ids; skip those that are gone."""
        fetched = fetch_issues(self.api, ids, fields=READ_FIELDS)
        states = [state for issue in fetched.issues if (state := payloads.try_parse_state(issue, "updated"))]
        if len(states) == len(fetched.issues):
            return IssueStates(states, fetched.unread_ids)
        # An odd issue is not gone; which one it is may be what cannot be read.
        read_ids = {str(name) for issue, _ in states for name in (issue.id, issue.key)}
        return IssueStates(states, frozenset(ids) - read_ids)

    def find_recently_changed(self, label: str, minutes: int, issue_types: Sequence[tuple[str, str]]) -> list[str]:
        """Return the keys of the issues with this label that changed within so many minutes.

        Those of projects whose issues can have no label are among them, without one. Whoever is told of none verifies
        the identity: a poll that reads issues directly is spared that call.
        """
        projects = self.create_screens.find_unlabelled_projects(issue_types)
        issues = search_issues(self.api, match_recently_changed(label, projects, minutes), ["status"])
        return list(dict.fromkeys(issue["key"] for issue in issues if payloads.is_issue(issue)))

    def get_linked_issues(self, key: str, link_type: str) -> dict[str, str]:
        """Return the links of this type: the link's id by the other issue's key."""
        fields = self.api.request("GET", f"/issue/{key}", {"fields": LINKS_FIELD})["fields"]
        return {(link.get("outwardIssue") or link["inwardIssue"])["key"]: str(link["id"])
                for link in fields.get(LINKS_FIELD, []) if link["type"]["name"] == link_type}

    def read_marks(self, key: str) -> tuple[bool, list[str]]:
        """Return whether jpi created the issue, and the ids of the incidents that its labels name."""
        params = {"fields": f"{LABELS_FIELD},{CREATOR_FIELD}", "properties": JPI_PROPERTY}
        issue = self.api.request("GET", f"/issue/{key}", params)
        labels, prefix = issue["fields"].get(LABELS_FIELD) or [], build_incident_label("")
        is_own = JPI_PROPERTY in issue.get("properties", {}) and self._is_own(issue)
        return is_own, [label.removeprefix(prefix) for label in labels if label.startswith(prefix) and label != prefix]

    def find_recently_edited(self, projects: Sequence[str], minutes: int) -> list[tuple[Issue, datetime]]:
        """Return the issues, with when they were created, that changed within so many minutes in these or all projects.
        """
        issues = self._search(match_recently_edited(projects, minutes), [*STATE_FIELDS, "issuetype", "created"])
        return [state for issue in issues if (state := payloads.try_parse_state(issue, "created"))]

    def verify_identity(self) -> str:
        """Return the id of this invocation once Jira has named our account in it; raise IdentityDoubt otherwise."""
        return self.api.identity.verify_account()

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
        return {priority["name"] for priority in read_pages(self.api, "/priority/search")}

    def get_workflow_statuses(self, project: str, issue_type: str) -> set[str]:
        """Return the names of the statuses in the workflow of a project's issue type."""
        return {status["name"] for workflow in self.api.request("GET", f"/project/{project}/statuses")
                if workflow["name"] == issue_type for status in workflow["statuses"]}

    def has_changed_status(self, key: str) -> bool:
        """True if one of the issue's changes was of its status."""
        changes = read_pages(self.api, f"/issue/{key}/changelog")
        return any(item.get("fieldId") == "status" for change in changes for item in change["items"])

    def find_reclassification(self, key: str, since: datetime) -> datetime | None:
        """Return when the project, type or priority of the issue was changed last, if that was since then."""
        changes = read_pages(self.api, f"/issue/{key}/changelog")
        times = [at for change in changes if (at := get_optional_time(change, "created")) and at >= since
                 and any(item.get("fieldId") in payloads.RULE_FIELD_IDS for item in get_objects(change, "items"))]
        return max(times, default=None)

    def _is_own(self, issue: Json) -> bool:
        """True if our account created the issue: whoever may edit an issue can give it any label and property."""
        return (issue["fields"].get(CREATOR_FIELD) or {}).get("accountId") == self._get_own_id()

    def _search_marked(self, draft: IssueDraft, fields: Sequence[str]) -> list[Json]:
        """Search issues with the mark of the draft's incident, with their idempotency keys."""
        with suppress(Refused):
            self.create_screens.load(draft.project, draft.type)
        missing = self.create_screens.find_missing_fields(draft.project, draft.type, MARK_FIELDS)
        query = match_mark(draft.project, draft.search_label, draft.incident_id, missing != MARK_FIELDS)
        return self._search(query, fields, properties=[JPI_PROPERTY])

    def _search(self, query: str, fields: Sequence[str], **options: Sequence[str]) -> list[Json]:
        """Return every issue that the query matches; none only if the site knows us."""
        issues = list(search_issues(self.api, query, fields, **options))
        if not issues:
            self.api.identity.verify_account()
        return issues


def _get_idempotency_key(issue: Json) -> str | None:
    """Return the key that an issue was created with; None if jpi did not create it."""
    value = issue.get("properties", {}).get(JPI_PROPERTY)
    return str(value["mark"]) if isinstance(value, dict) and "mark" in value else None


def _parse_issue(data: Json) -> Issue:
    with translate_parse_errors(f"Jira's issue {data.get('key')}"):
        return payloads.parse_issue(data)


# The characters with a meaning inside `summary ~ "..."`: https://support.atlassian.com/jira-software-cloud/docs/search-syntax-for-text-fields/
LUCENE_SPECIAL = re.compile(r'([+\-&|!(){}\[\]^~*?\\/:"])')
DAY_MINUTES = 24 * 60


def quote_text(text: str) -> str:
    """Quote a text as a JQL string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_phrase(text: str) -> str:
    """Quote a text as a JQL string that matches it as a phrase."""
    return quote_text('"' + LUCENE_SPECIAL.sub(r"\\\1", text) + '"')


def match_summaries(project: str, names: list[str]) -> str:
    """Match issues of `project` whose summary holds one of `names`; the caller compares exactly."""
    phrases = " OR ".join(f"summary ~ {quote_phrase(' '.join(name.split()))}" for name in names)
    return f"project = {quote_text(project)} AND ({phrases}) ORDER BY created ASC"


def match_mark(project: str, label: str, incident_id: str, is_searchable: bool = True) -> str:
    """Match issues of `project` with this label, or with the incident's id in their description, oldest first.

    Where neither can be on the issue, match those of the last day.
    """
    mark = f"description ~ {quote_phrase(incident_id)}" if is_searchable else f"created >= -{DAY_MINUTES}m"
    return f"project = {quote_text(project)} AND (labels = {quote_text(label)} OR {mark}) ORDER BY created ASC"


def match_recently_edited(projects: Sequence[str], minutes: int) -> str:
    """Match issues that changed within so many minutes, in these projects, or in any if none are given."""
    where = f"project in ({', '.join(map(quote_text, projects))}) AND " if projects else ""
    return f"{where}updated >= -{minutes}m ORDER BY created ASC"


def match_recently_changed(label: str, projects: Sequence[str], minutes: int) -> str:
    """Match issues with this label, and all of these projects, that changed within so many minutes."""
    is_listed = f" OR project in ({', '.join(map(quote_text, projects))})" if projects else ""
    where = f"(labels = {quote_text(label)}{is_listed})" if is_listed else f"labels = {quote_text(label)}"
    return f"{where} AND updated >= -{minutes}m ORDER BY updated DESC"
