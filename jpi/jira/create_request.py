"""Builds the bodies of Jira's create calls, and says what a body can do without if a site refuses it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from jpi.domain.issue_drafts import CreatedIssue, IssueDraft, IssueLink
from jpi.domain.policy import REQUEST_TYPE_FIELD
from jpi.domain.templates import DESCRIPTION_MAX_CHARACTERS, cut_text
from jpi.errors import Refused
from jpi.jira.adf import to_adf_document

JPI_PROPERTY = "jpi"
LINKS_FIELD = "issuelinks"
LABELS_FIELD = "labels"
# Stands in the description where the issue can have no label, so that a search finds the issue.
MARK_TEXT = "Incident id: {}"
# Not a field, but a marker: send the texts cut, so that they fit even if Jira counts markup, and characters twice.
SHORTENED_TEXTS = "long texts"
SHORT_SUMMARY_LENGTH = 127
SHORT_DESCRIPTION_LENGTH = 4_000
# The key that names a value of a field type: developer.atlassian.com, "Field input formats".
VALUE_KEY_BY_TYPE = {"option": "value", "user": "accountId", "priority": "name", "version": "name", "component": "name",
                     "group": "name", "resolution": "name"}
# Jira creates no issue without these; any other field may be missing from a screen.
REQUIRED_FIELDS = frozenset({"project", "issuetype", "summary"})


@dataclass(frozen=True)
class SiteSchema:
    """The names of a site. `fields`: {lower-case name or id: [{"id", "schema"}]}, the configured ones only.

    `has_side`: the side ("inward" or "outward") of each link type that reads "has ...".
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    has_side: Mapping[str, str] = field(default_factory=dict)

    def to_api_fields(self, values: Mapping[str, Any], screen: Collection[str] = ()) -> dict[str, Any]:
        """Convert people's names and values of fields to the API's.

        Several fields may have one name, since team-managed projects have fields of their own: choose the first that is
        on the `screen` (known field ids), else the first.
        """
        candidates = {name: self.fields.get(name.casefold(), []) for name in values}
        fields = {name: next((field for field in same_name if field["id"] in screen), same_name[0])
                  for name, same_name in candidates.items() if same_name}
        return {field["id"]: to_api_value(values[name], field["schema"]) for name, field in fields.items()
                if values[name] not in ("", None)}

    def get_has_side(self, link_type: str) -> str:
        """Return the side ("inward" or "outward") of a link type that reads "has ..."."""
        return self.has_side.get(link_type, "outward")

    def build_link(self, link: IssueLink, reversed_types: Collection[str] = ()) -> dict[str, Any]:
        """Build a link with its other end only: `{"type", "outwardIssue" or "inwardIssue"}`."""
        has_side = self.get_has_side(link.type)
        is_has_side = (link.role == "has") != (link.type in reversed_types)
        side = has_side if is_has_side else {"outward": "inward", "inward": "outward"}[has_side]
        return {"type": {"name": link.type}, f"{side}Issue": {"key": link.key}}

    def build_link_between(self, key: str, link: IssueLink) -> dict[str, Any]:
        """Build a link of the existing issue `key` with both ends."""
        half_link = self.build_link(link)
        own_side = "inwardIssue" if "outwardIssue" in half_link else "outwardIssue"
        return {**half_link, own_side: {"key": key}}


def build_create_body(draft: IssueDraft, site: SiteSchema, dropped: Collection[str],
                      screen: Collection[str] = (), reversed_types: Collection[str] = ()) -> dict[str, Any]:
    """Build the body of `POST /rest/api/3/issue` (developer.atlassian.com) without the dropped fields.

    `screen`: the ids of the fields that are known to be on the create screen. `reversed_types`: the types of links
    that this site reads the wrong way round.
    """
    short = SHORTENED_TEXTS in dropped
    description = _shorten_description(draft.description) if short else draft.description
    labels = sorted({*draft.labels, *({draft.search_label} if LINKS_FIELD in dropped else ())})
    if labels and LABELS_FIELD in dropped:
        description = _add_mark(description, MARK_TEXT.format(draft.incident_id))
    fields = {"project": {"key": draft.project}, "issuetype": {"name": draft.type},
              "summary": cut_text(draft.summary, SHORT_SUMMARY_LENGTH) if short else draft.summary,
              "description": to_adf_document(description),
              LABELS_FIELD: labels,
              "priority": {"name": draft.priority} if draft.priority else None,
              "assignee": {"accountId": draft.assignee} if draft.assignee else None,
              **site.to_api_fields(draft.fields, screen)}
    sent_fields = {name: value for name, value in fields.items() if value not in (None, "", []) and name not in dropped}
    links = [] if LINKS_FIELD in dropped else [{"add": site.build_link(link, reversed_types)} for link in draft.links]
    update = {"update": {LINKS_FIELD: links}} if links else {}
    properties = [{"key": JPI_PROPERTY, "value": {"mark": draft.idempotency_key}}]
    return {"fields": sent_fields, **update, "properties": properties}


def list_field_names(field: Mapping[str, Any]) -> set[str]:
    """Return the names of a field (`GET /field`), in lower case: its name, its id, and what is the request type's."""
    schema = field.get("schema") or {}
    is_request_type = REQUEST_TYPE_FIELD in (schema.get("type"), str(schema.get("custom")).rpartition(":")[2])
    return {str(field["name"]).casefold(), str(field["id"]).casefold(), *([REQUEST_TYPE_FIELD] * is_request_type)}


def to_api_value(value: Any, schema: Mapping[str, Any]) -> Any:
    """Convert a person's value to a field of this schema (`GET /field`); an object stays as it is."""
    kind, custom = schema.get("type"), str(schema.get("custom", ""))
    if isinstance(value, Mapping):
        return value
    if kind == "array":
        return [to_api_value(item, {"type": schema.get("items")})
                for item in (value if isinstance(value, list) else [value])]
    if custom.endswith(":textarea") or schema.get("system") in ("description", "environment"):
        return to_adf_document(str(value))
    if kind in VALUE_KEY_BY_TYPE:
        return {VALUE_KEY_BY_TYPE[str(kind)]: str(value)}
    return _to_number(value) if kind == "number" else value


def _to_number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        # Jira's refusal says what is wrong with it.
        return value


def _shorten_description(text: str) -> str:
    """Cut the text to its beginning and its last paragraph, which holds the incident's address."""
    beginning, gap, end = text.rpartition("\n\n")
    return cut_text(beginning, SHORT_DESCRIPTION_LENGTH) + gap + cut_text(end, SHORT_DESCRIPTION_LENGTH)


def _add_mark(text: str, mark: str) -> str:
    """Add a last line to the text, whose beginning is cut where both would be too long together."""
    beginning, gap, end = text.rpartition("\n\n")
    tail = f"{end}\n{mark}" if end else mark
    return cut_text(beginning, max(0, DESCRIPTION_MAX_CHARACTERS - len(gap + tail))) + gap + tail


def find_droppable_fields(refused: Refused, sent: Mapping[str, Any], dropped: Collection[str]) -> frozenset[str]:
    """Return the fields of the refused body that an issue can do without; links are the last resort.

    Shorten a refused text before dropping it: Jira may count more than characters.
    """
    if not refused.is_bad_request:
        return frozenset()
    reasons = [reason for name, reason in refused.field_errors.items() if name in ("summary", "description")]
    if SHORTENED_TEXTS not in dropped and any("screen" not in reason for reason in reasons):
        return frozenset({SHORTENED_TEXTS})
    links = sent.get("update", {})
    droppable = (refused.field_errors.keys() & (sent["fields"].keys() | links.keys())) - REQUIRED_FIELDS
    if droppable or refused.field_errors.keys() & REQUIRED_FIELDS:
        return frozenset(droppable)
    return frozenset(links)


def parse_created(answer: Mapping[str, Any], draft: IssueDraft, dropped: Collection[str]) -> CreatedIssue:
    """Return the created issue, with what its draft had to do without."""
    missing_links = draft.links if LINKS_FIELD in dropped else ()
    summary = cut_text(draft.summary, SHORT_SUMMARY_LENGTH) if SHORTENED_TEXTS in dropped else draft.summary
    dropped_fields = tuple(sorted(set(dropped) - {LINKS_FIELD, SHORTENED_TEXTS}))
    return CreatedIssue(answer["key"], str(answer["id"]), dropped_fields, missing_links, summary)


def parse_bulk_error(failure: Mapping[str, Any]) -> Refused:
    """Return the refusal of one issue of several."""
    errors = failure.get("elementErrors") or {}
    return Refused("Jira", "POST", "/issue/bulk", failure.get("status", HTTPStatus.BAD_REQUEST),
                   errors.get("errorMessages") or [], errors.get("errors") or {})
