"""Learns by the first link of each type which way round Jira reads the links that issues are created with.

The API's reference says which end `POST /issueLink` means, and nothing of `update.issuelinks` in `POST /issue`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jpi.domain.issue_drafts import CreatedIssue, IssueDraft, IssueLink
from jpi.errors import Refused
from jpi.http_client import ApiClient
from jpi.jira.create_request import LINKS_FIELD, SiteSchema, parse_created
from jpi.jira.create_screens import Cache
from jpi.json_fields import Json

CACHE_KEY = "link directions"


@dataclass(frozen=True)
class Findings:
    """What is known of a site. `unread`: by type, the two ends of its first link, the one that "has ..." first.

    `is_reversed`: by type, whether its first link read the wrong way round.
    """

    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_reversed: Mapping[str, bool] = field(default_factory=dict)

    @property
    def reversed_types(self) -> list[str]:
        """Return the types whose links are to be sent in the other order."""
        return [name for name, is_reversed in self.is_reversed.items() if is_reversed]


class LinkDirections:
    """The findings about one site, shared by all processes."""

    def __init__(self, api: ApiClient, cache: Cache) -> None:
        self._api = api
        self._cache = cache

    def get_reversed_types(self, types: Collection[str]) -> list[str]:
        """Return those of these types whose links read the wrong way round, as far as that is known."""
        findings = self._load()
        if not findings.is_reversed.keys() >= set(types):
            findings = self._load_stored()
        return [name for name in findings.reversed_types if name in types]

    def take_created(self, answer: Json, draft: IssueDraft, dropped: Collection[str]) -> CreatedIssue:
        """Return the created issue; remember its links of types of which nothing is known, for the poll to read back.
        """
        issue = parse_created(answer, draft, dropped)
        if not issue.missing_links:
            self._remember_first_links(issue.key, draft.links)
        return issue

    def _remember_first_links(self, key: str, links: Sequence[IssueLink]) -> None:
        findings = self._load()
        ends = {link.type: (key, link.key) if link.role == "has" else (link.key, key) for link in links
                if link.type not in {*findings.unread, *findings.is_reversed}}
        if ends:
            self._save(Findings({**ends, **findings.unread}, findings.is_reversed))

    def needs_reading(self) -> bool:
        """True if links are still to be read back, or findings to be kept for another day."""
        findings = self._load_stored()
        return bool(findings.unread or findings.reversed_types)

    def read_back(self, site: SiteSchema) -> list[str]:
        """Read the first links of new types, and turn those round that read the wrong way; return their types."""
        findings = self._load_stored()
        is_reversed: dict[str, bool] = {}
        for key in {ends[0] for ends in findings.unread.values()}:
            links = self._read_links(key)
            for name, (_, other_key) in ((name, ends) for name, ends in findings.unread.items() if ends[0] == key):
                side = f"{site.get_has_side(name)}Issue"
                of_type = [link for link in links if link["type"]["name"] == name]
                first = next((link for link in of_type if _get_other_key(link) == other_key), None)
                if first is not None:
                    is_reversed[name] = side not in first
                    self._turn_round(key, [link for link in of_type if is_reversed[name] and side not in link], site)
        self._save(Findings({}, {**findings.is_reversed, **is_reversed}))
        return [name for name, reads_wrong in is_reversed.items() if reads_wrong]

    def _read_links(self, key: str) -> list[Json]:
        try:
            fields = self._api.request("GET", f"/issue/{key}", {"fields": LINKS_FIELD})["fields"]
        except Refused:
            # The first link of another issue tells as much.
            return []
        return list(fields.get(LINKS_FIELD, []))

    def _turn_round(self, key: str, links: Sequence[Json], site: SiteSchema) -> None:
        for link in links:
            body = site.build_link_between(key, IssueLink(link["type"]["name"], _get_other_key(link)))
            self._api.request("POST", "/issueLink", body=body)
            self._api.write_if_exists("DELETE", f"/issueLink/{link['id']}")

    def _load(self) -> Findings:
        return Findings(**(self._cache.get(CACHE_KEY) or {}))

    def _load_stored(self) -> Findings:
        return Findings(**(self._cache.get_stored(CACHE_KEY) or {}))

    def _save(self, findings: Findings) -> None:
        self._cache.save(CACHE_KEY, {"unread": {name: list(ends) for name, ends in findings.unread.items()},
                                     "is_reversed": dict(findings.is_reversed)})


def _get_other_key(link: Json) -> str:
    return str((link.get("outwardIssue") or link["inwardIssue"])["key"])
