"""Drafts as the bodies of Jira's create calls, and what of a body a site may refuse. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from jpi.domain.issue_drafts import Created, Draft, LinkTo
from jpi.domain.text_limits import cut, document
from jpi.errors import Refused

MARK = "jpi"
LINKS = "issuelinks"
BAD_REQUEST = 400
# Not a field: the texts, cut so that they fit even where each character counts for two and markup counts too.
SHORT = "long texts"
SHORT_SUMMARY = 127
SHORT_DESCRIPTION = 4_000
# By which key a value of such a type is named: developer.atlassian.com, "Field input formats".
KEYED = {"option": "value", "user": "accountId", "priority": "name", "version": "name", "component": "name",
         "group": "name", "resolution": "name"}
# Without these there is no issue; anything else a screen may lack.
INDISPENSABLE = frozenset({"project", "issuetype", "summary"})


@dataclass(frozen=True)
class Site:
    """What a site calls things: `fields` {name in small letters, or id: [{"id", "schema"}]}, those that are wanted;
    `has_side`: of each link type there is, on which side "has ..." stands.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    has_side: Mapping[str, str] = field(default_factory=dict)

    def valued(self, values: Mapping[str, Any], screen: Collection[str] = ()) -> dict[str, Any]:
        """Fields named as people do, with values as people write them, as the API wants both.

        Names need not be unique, and a team-managed project has fields of its own: of several fields of one name the
        first is meant that is on the `screen` (ids), as far as that is known.
        """
        called = {name: self.fields.get(name.casefold(), []) for name in values}
        known = {name: next((one for one in ones if one["id"] in screen), ones[0]) for name, ones in called.items()
                 if ones}
        return {one["id"]: shaped(values[name], one["schema"]) for name, one in known.items()
                if values[name] not in ("", None)}

    def link(self, link: LinkTo) -> dict[str, Any]:
        """A link as one end of it: `{"type", "outwardIssue" or "inwardIssue"}`."""
        has = self.has_side.get(link.type, "outward")
        side = has if link.role == "has" else {"outward": "inward", "inward": "outward"}[has]
        return {"type": {"name": link.type}, f"{side}Issue": {"key": link.key}}

    def link_between(self, key: str, link: LinkTo) -> dict[str, Any]:
        """A link of the existing issue `key`, both ends."""
        one_end = self.link(link)
        other = "inwardIssue" if "outwardIssue" in one_end else "outwardIssue"
        return {**one_end, other: {"key": key}}


def body(draft: Draft, site: Site, without: Collection[str], screen: Collection[str] = ()) -> dict[str, Any]:
    """An IssueUpdateDetails without the named fields: shared contract, `POST /rest/api/3/issue`.

    `screen`: the fields that are known to be on the create screen.
    """
    short = SHORT in without
    fields = {
        "project": {"key": draft.project},
        "issuetype": {"name": draft.type},
        "summary": cut(draft.summary, SHORT_SUMMARY) if short else draft.summary,
        "description": document(_shorter(draft.description) if short else draft.description),
        "labels": sorted({*draft.labels, *({draft.found_by} if LINKS in without else ())}),
        "priority": {"name": draft.priority} if draft.priority else None,
        "assignee": {"accountId": draft.assignee} if draft.assignee else None,
        **site.valued(draft.fields, screen),
    }
    said = {name: value for name, value in fields.items() if value not in (None, "", []) and name not in without}
    links = [{"add": site.link(link)} for link in draft.links] if LINKS not in without else []
    update = {"update": {LINKS: links}} if links else {}
    return {"fields": said, **update, "properties": [{"key": MARK, "value": {"mark": draft.mark}}]}


def shaped(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value as a person writes it, as a field of this schema takes it (`GET /field`); an object is taken as it is."""
    kind, custom = schema.get("type"), str(schema.get("custom", ""))
    if isinstance(value, Mapping):
        return value
    if kind == "array":
        return [shaped(one, {"type": schema.get("items")}) for one in (value if isinstance(value, list) else [value])]
    if custom.endswith(":textarea") or schema.get("system") in ("description", "environment"):
        return document(str(value))
    if kind in KEYED:
        return {KEYED[str(kind)]: str(value)}
    return _number(value) if kind == "number" else value


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        # Jira says what is wrong with it.
        return value


def _shorter(text: str) -> str:
    """The beginning, and the last paragraph: an incident's address stands there."""
    begin, gap, end = text.rpartition("\n\n")
    return cut(begin, SHORT_DESCRIPTION) + gap + cut(end, SHORT_DESCRIPTION)


def to_drop(refused: Refused, sent: Mapping[str, Any], dropped: Collection[str]) -> frozenset[str]:
    """Which of the fields sent a refusal speaks of and an issue can do without; links are the last resort.

    A text that is refused is first sent shorter: Jira may count otherwise than in characters.
    """
    if refused.status != BAD_REQUEST:
        return frozenset()
    texts = [said for name, said in refused.fields.items() if name in ("summary", "description")]
    if SHORT not in dropped and any("screen" not in said for said in texts):
        return frozenset({SHORT})
    links = sent.get("update", {})
    named = (refused.fields.keys() & (sent["fields"].keys() | links.keys())) - INDISPENSABLE
    if named or refused.fields.keys() & INDISPENSABLE:
        return frozenset(named)
    return frozenset(links)


def created(found: Mapping[str, Any], draft: Draft, dropped: Collection[str]) -> Created:
    """The outcome of one create."""
    unlinked = draft.links if LINKS in dropped else ()
    said = cut(draft.summary, SHORT_SUMMARY) if SHORT in dropped else draft.summary
    return Created(found["key"], str(found["id"]), tuple(sorted(set(dropped) - {LINKS, SHORT})), unlinked, said)
