"""Drafts as the bodies of Jira's create calls, and what of a body a site may refuse. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from jpi.domain.issue_drafts import CreatedIssue, IssueDraft, IssueLink
from jpi.domain.text_limits import cut_text, to_adf_document
from jpi.errors import Refused

JPI_PROPERTY = "jpi"
LINKS_FIELD = "issuelinks"
# Not a field: the texts, cut so that they fit even where each character counts for two and markup counts too.
SHORTENED_TEXTS = "long texts"
SHORT_SUMMARY_LENGTH = 127
SHORT_DESCRIPTION_LENGTH = 4_000
# By which key a value of such a type is named: developer.atlassian.com, "Field input formats".
VALUE_KEY_BY_TYPE = {"option": "value", "user": "accountId", "priority": "name", "version": "name", "component": "name",
                     "group": "name", "resolution": "name"}
# Without these there is no issue; anything else a screen may lack.
REQUIRED_FIELDS = frozenset({"project", "issuetype", "summary"})


@dataclass(frozen=True)
class SiteSchema:
    """What a site calls things: `fields` {name in small letters, or id: [{"id", "schema"}]}, those that are wanted;
    `has_side`: of each link type there is, on which side "has ..." stands.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    has_side: Mapping[str, str] = field(default_factory=dict)

    def to_api_fields(self, values: Mapping[str, Any], screen: Collection[str] = ()) -> dict[str, Any]:
        """Fields named as people do, with values as people write them, as the API wants both.

        Names need not be unique, and a team-managed project has fields of its own: of several fields of one name the
        first is meant that is on the `screen` (ids), as far as that is known.
        """
        called = {name: self.fields.get(name.casefold(), []) for name in values}
        known = {name: next((one for one in ones if one["id"] in screen), ones[0]) for name, ones in called.items()
                 if ones}
        return {one["id"]: to_api_value(values[name], one["schema"]) for name, one in known.items()
                if values[name] not in ("", None)}

    def build_link(self, link: IssueLink) -> dict[str, Any]:
        """A link as one end of it: `{"type", "outwardIssue" or "inwardIssue"}`."""
        has = self.has_side.get(link.type, "outward")
        side = has if link.role == "has" else {"outward": "inward", "inward": "outward"}[has]
        return {"type": {"name": link.type}, f"{side}Issue": {"key": link.key}}

    def build_link_between(self, key: str, link: IssueLink) -> dict[str, Any]:
        """A link of the existing issue `key`, both ends."""
        one_end = self.build_link(link)
        other = "inwardIssue" if "outwardIssue" in one_end else "outwardIssue"
        return {**one_end, other: {"key": key}}


def build_create_body(draft: IssueDraft, site: SiteSchema, dropped: Collection[str],
                      screen: Collection[str] = ()) -> dict[str, Any]:
    """An IssueUpdateDetails without the named fields: shared contract, `POST /rest/api/3/issue`.

    `screen`: the fields that are known to be on the create screen.
    """
    short = SHORTENED_TEXTS in dropped
    fields = {"project": {"key": draft.project}, "issuetype": {"name": draft.type},
              "summary": cut_text(draft.summary, SHORT_SUMMARY_LENGTH) if short else draft.summary,
              "description": to_adf_document(_shorten_description(draft.description) if short else draft.description),
              "labels": sorted({*draft.labels, *({draft.search_label} if LINKS_FIELD in dropped else ())}),
              "priority": {"name": draft.priority} if draft.priority else None,
              "assignee": {"accountId": draft.assignee} if draft.assignee else None,
              **site.to_api_fields(draft.fields, screen)}
    said = {name: value for name, value in fields.items() if value not in (None, "", []) and name not in dropped}
    links = [{"add": site.build_link(link)} for link in draft.links] if LINKS_FIELD not in dropped else []
    update = {"update": {LINKS_FIELD: links}} if links else {}
    return {"fields": said, **update, "properties": [{"key": JPI_PROPERTY, "value": {"mark": draft.idempotency_key}}]}


def to_api_value(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value as a person writes it, as a field of this schema takes it (`GET /field`); an object is taken as it is."""
    kind, custom = schema.get("type"), str(schema.get("custom", ""))
    if isinstance(value, Mapping):
        return value
    if kind == "array":
        return [to_api_value(one, {"type": schema.get("items")})
                for one in (value if isinstance(value, list) else [value])]
    if custom.endswith(":textarea") or schema.get("system") in ("description", "environment"):
        return to_adf_document(str(value))
    if kind in VALUE_KEY_BY_TYPE:
        return {VALUE_KEY_BY_TYPE[str(kind)]: str(value)}
    return _to_number(value) if kind == "number" else value


def _to_number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        # Jira says what is wrong with it.
        return value


def _shorten_description(text: str) -> str:
    """The beginning, and the last paragraph: an incident's address stands there."""
    begin, gap, end = text.rpartition("\n\n")
    return cut_text(begin, SHORT_DESCRIPTION_LENGTH) + gap + cut_text(end, SHORT_DESCRIPTION_LENGTH)


def find_droppable_fields(refused: Refused, sent: Mapping[str, Any], dropped: Collection[str]) -> frozenset[str]:
    """Which of the fields sent a refusal speaks of and an issue can do without; links are the last resort.

    A text that is refused is first sent shorter: Jira may count otherwise than in characters.
    """
    if not refused.is_bad_request:
        return frozenset()
    texts = [said for name, said in refused.field_errors.items() if name in ("summary", "description")]
    if SHORTENED_TEXTS not in dropped and any("screen" not in said for said in texts):
        return frozenset({SHORTENED_TEXTS})
    links = sent.get("update", {})
    named = (refused.field_errors.keys() & (sent["fields"].keys() | links.keys())) - REQUIRED_FIELDS
    if named or refused.field_errors.keys() & REQUIRED_FIELDS:
        return frozenset(named)
    return frozenset(links)


def parse_created(found: Mapping[str, Any], draft: IssueDraft, dropped: Collection[str]) -> CreatedIssue:
    """The outcome of one create."""
    unlinked = draft.links if LINKS_FIELD in dropped else ()
    said = cut_text(draft.summary, SHORT_SUMMARY_LENGTH) if SHORTENED_TEXTS in dropped else draft.summary
    return CreatedIssue(found["key"], str(found["id"]), tuple(sorted(set(dropped) - {LINKS_FIELD, SHORTENED_TEXTS})),
                        unlinked, said)
