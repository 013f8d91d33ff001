"""The comments of Jira's issues."""

from collections.abc import Sequence
from typing import Any

from jpi.domain.model import Comment
from jpi.domain.text_limits import to_adf_document
from jpi.errors import translate_parse_errors
from jpi.http_client import ApiClient
from jpi.jira import payloads
from jpi.jira.adf import to_plain_text
from jpi.jira.create_request import JPI_PROPERTY

# Most that one page of comments has: shared contract, `GET /issue/{key}/comment`.
PAGE_SIZE = 100
# Most issues of one call: `POST /issue/bulkfetch`.
BULK_FETCH_LIMIT = 100


class Comments:
    """The comments of one site's issues."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def add(self, key: str, text: str, idempotency_key: str) -> str:
        """Comment on the issue, with a property by which the comment is known as ours; its id."""
        properties = [{"key": JPI_PROPERTY, "value": {"mark": idempotency_key}}]
        made = self._api.request("POST", f"/issue/{key}/comment",
                                 body={"body": to_adf_document(text), "properties": properties})
        return str(made["id"])

    def find_by_text(self, key: str, text: str) -> str | None:
        """The id of the one among the issue's newest hundred comments that says just this."""
        found = self._api.request("GET", f"/issue/{key}/comment", {"orderBy": "-created", "maxResults": PAGE_SIZE})
        same = (one["id"] for one in found["comments"]
                if to_plain_text(one["body"]) == to_plain_text(to_adf_document(text)))
        return next(same, None)

    def read(self, comment_id: str) -> tuple[Comment, bool] | None:
        """The comment, and whether we made it; None where it is gone."""
        asked = {"ids": [int(comment_id)]}
        found = self._api.request("POST", "/comment/list", {"expand": "properties"}, asked, is_read=True)["values"]
        ours = any(one["key"] == JPI_PROPERTY for comment in found for one in comment.get("properties", []))
        return (_parse_comment(found[0]), ours) if found else None

    def edit(self, key: str, comment_id: str, text: str) -> bool:
        """Change a comment; False where it is gone."""
        return self._api.write_if_exists("PUT", f"/issue/{key}/comment/{comment_id}", {"body": to_adf_document(text)})

    def delete(self, key: str, comment_id: str) -> bool:
        """Take a comment away; False where it was."""
        return self._api.write_if_exists("DELETE", f"/issue/{key}/comment/{comment_id}")

    def list_for_issues(self, ids: Sequence[str]) -> dict[str, list[Comment]]:
        """The comments of several issues, by the issue's id."""
        found: dict[str, list[Comment]] = {}
        for start in range(0, len(ids), BULK_FETCH_LIMIT):
            asked = {"issueIdsOrKeys": list(ids[start : start + BULK_FETCH_LIMIT]), "fields": ["comment"]}
            for one in self._api.request("POST", "/issue/bulkfetch", body=asked, is_read=True)["issues"]:
                said = (one["fields"].get("comment") or {}).get("comments", [])
                found[str(one["id"])] = [_parse_comment(comment) for comment in said]
        return found


def _parse_comment(found: dict[str, Any]) -> Comment:
    with translate_parse_errors(f"Jira's comment {found.get('id')}"):
        return payloads.parse_comment(found)
