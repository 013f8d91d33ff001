"""The comments of Jira's issues."""

from collections.abc import Sequence
from typing import Any

from jpi.domain.model import Comment
from jpi.domain.text_limits import document
from jpi.errors import as_documented
from jpi.http_client import Calls
from jpi.jira import payloads
from jpi.jira.adf import readable
from jpi.jira.create_request import MARK

# Most that one page of comments has: shared contract, `GET /issue/{key}/comment`.
PAGE = 100
# Most issues of one call: `POST /issue/bulkfetch`.
BULK_FETCH = 100


class Comments:
    """The comments of one site's issues."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def add(self, key: str, text: str, mark: str) -> str:
        """Comment on the issue, with a property by which the comment is known as ours; its id."""
        properties = [{"key": MARK, "value": {"mark": mark}}]
        made = self._call("POST", f"/issue/{key}/comment", body={"body": document(text), "properties": properties})
        return str(made["id"])

    def find(self, key: str, text: str) -> str | None:
        """The id of the one among the issue's newest hundred comments that says just this."""
        found = self._call("GET", f"/issue/{key}/comment", {"orderBy": "-created", "maxResults": PAGE})
        same = (one["id"] for one in found["comments"] if readable(one["body"]) == readable(document(text)))
        return next(same, None)

    def read(self, comment_id: str) -> tuple[Comment, bool] | None:
        """The comment, and whether we made it; None where it is gone."""
        asked = {"ids": [int(comment_id)]}
        found = self._call("POST", "/comment/list", {"expand": "properties"}, asked, read=True)["values"]
        ours = any(one["key"] == MARK for comment in found for one in comment.get("properties", []))
        return (_comment(found[0]), ours) if found else None

    def edit(self, key: str, comment_id: str, text: str) -> bool:
        """Change a comment; False where it is gone."""
        return self._call.unless_gone("PUT", f"/issue/{key}/comment/{comment_id}", {"body": document(text)})

    def delete(self, key: str, comment_id: str) -> bool:
        """Take a comment away; False where it was."""
        return self._call.unless_gone("DELETE", f"/issue/{key}/comment/{comment_id}")

    def of(self, ids: Sequence[str]) -> dict[str, list[Comment]]:
        """The comments of several issues, by the issue's id."""
        found: dict[str, list[Comment]] = {}
        for start in range(0, len(ids), BULK_FETCH):
            asked = {"issueIdsOrKeys": list(ids[start : start + BULK_FETCH]), "fields": ["comment"]}
            for one in self._call("POST", "/issue/bulkfetch", body=asked, read=True)["issues"]:
                said = (one["fields"].get("comment") or {}).get("comments", [])
                found[str(one["id"])] = [_comment(comment) for comment in said]
        return found


def _comment(found: dict[str, Any]) -> Comment:
    with as_documented(f"Jira's comment {found.get('id')}"):
        return payloads.comment(found)
