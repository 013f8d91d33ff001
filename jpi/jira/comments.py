"""Reads and writes the comments of Jira issues."""

import logging
from collections.abc import Iterable, Sequence

from jpi.domain.model import Comment, IssueComments
from jpi.errors import JpiError, translate_parse_errors
from jpi.http_client import ApiClient
from jpi.jira import payloads
from jpi.jira.adf import to_adf_document, to_plain_text
from jpi.jira.create_request import JPI_PROPERTY
from jpi.jira.paging import fetch_issues, read_pages
from jpi.json_fields import Json

log = logging.getLogger("jpi")

# The most comments of a page: developer.atlassian.com, `GET /rest/api/3/issue/{issueIdOrKey}/comment`.
PAGE_SIZE = 100
# Customers of a service project see a comment unless it has this property:
# developer.atlassian.com/cloud/jira/platform/jira-expressions-type-reference/#comment
INTERNAL_PROPERTY = {"key": "sd.public.comment", "value": {"internal": True}}


class Comments:
    """The comments of a site's issues."""

    def __init__(self, api: ApiClient, is_public: bool = False) -> None:
        """`is_public`: the customers of a service project may see jpi's comments; other projects know no difference."""
        self._api = api
        self._visibility = [] if is_public else [INTERNAL_PROPERTY]

    def add(self, key: str, text: str, idempotency_key: str) -> str:
        """Add a comment with the property that marks it as jpi's; return its id."""
        properties = [{"key": JPI_PROPERTY, "value": {"mark": idempotency_key}}, *self._visibility]
        comment = self._api.request("POST", f"/issue/{key}/comment",
                                    body={"body": to_adf_document(text), "properties": properties})
        return str(comment["id"])

    def find_by_text(self, key: str, text: str) -> str | None:
        """Return the id of the comment with exactly this text among the issue's newest hundred.

        None if a site that knows us has none.
        """
        page = self._api.request("GET", f"/issue/{key}/comment", {"orderBy": "-created", "maxResults": PAGE_SIZE})
        comment_id = next((comment["id"] for comment in page["comments"]
                           if to_plain_text(comment["body"]) == to_plain_text(to_adf_document(text))), None)
        if comment_id is None:
            self._api.identity.verify_account()
        return comment_id

    def read(self, comment_id: str) -> tuple[Comment, bool] | None:
        """Return the comment, and whether jpi wrote it; None if it does not exist."""
        body = {"ids": [int(comment_id)]}
        comments = self._api.request("POST", "/comment/list", {"expand": "properties"}, body, is_read=True)["values"]
        if not comments:
            self._api.identity.verify_account()
        is_own = any(item["key"] == JPI_PROPERTY for comment in comments for item in comment.get("properties", []))
        return (_parse_comment(comments[0]), is_own) if comments else None

    def edit(self, key: str, comment_id: str, text: str) -> bool:
        """Change a comment; return False if it does not exist."""
        body = {"body": to_adf_document(text), "properties": self._visibility}
        return self._api.write_if_exists("PUT", f"/issue/{key}/comment/{comment_id}", body)

    def delete(self, key: str, comment_id: str) -> bool:
        """Delete a comment; return False if it does not exist."""
        return self._api.write_if_exists("DELETE", f"/issue/{key}/comment/{comment_id}")

    def list_for_issues(self, ids: Sequence[str]) -> IssueComments:
        """Return the readable comments of the issues with these ids."""
        comments_by_issue: dict[str, list[Comment]] = {}
        odd_ids: set[str] = set()
        for issue in filter(payloads.is_issue, fetch_issues(self._api, ids, fields=["comment"]).issues):
            try:
                comments = [payloads.try_parse_comment(data) for data in self._read_all(issue)]
            except JpiError as error:
                log.warning("an issue's comments were not read", extra={"issue": issue["key"], "reason": str(error)})
                continue
            comments_by_issue[str(issue["id"])] = [comment for comment in comments if comment]
            odd_ids |= {str(issue["id"])} if None in comments else set()
        return IssueComments(comments_by_issue, frozenset(odd_ids | set(ids) - comments_by_issue.keys()))

    def _read_all(self, issue: Json) -> Iterable[Json]:
        """Return the comments in the issue, or read them page by page if it holds only some of them."""
        page = issue["fields"].get("comment") or {}
        comments: list[Json] = page.get("comments") or []
        if len(comments) == page.get("total"):
            return comments
        return read_pages(self._api, f"/issue/{issue['id']}/comment", name="comments", page_size=PAGE_SIZE)


def _parse_comment(data: Json) -> Comment:
    with translate_parse_errors(f"Jira's comment {data.get('id')}"):
        return payloads.parse_comment(data)
