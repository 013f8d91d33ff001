"""What a Jira site consists of, as plain values that tests may read."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from sandbox.jira import adf

REQUEST_TYPE_SCHEMA = "sd-customerrequesttype"
Category = Literal["undefined", "new", "indeterminate", "done"]


@dataclass
class User:
    """A person or service account; only an `admin` can administer the site."""

    account_id: str
    email: str
    token: str
    name: str
    active: bool = True
    hides_email: bool = False
    admin: bool = True
    time_zone: str = "Etc/UTC"


@dataclass(frozen=True)
class Status:
    """A status and the category that gives it its meaning."""

    id: str
    name: str
    category: Category


@dataclass(frozen=True)
class Priority:
    """A priority; `1` is the highest."""

    id: str
    name: str


@dataclass(frozen=True)
class IssueType:
    """An issue type; level 0 is an ordinary one, -1 a sub-task, 1 an epic."""

    id: str
    name: str
    description: str = ""
    hierarchy_level: int = 0


@dataclass(frozen=True)
class LinkType:
    """A link type: the source `outward` the target, the target `inward` the source."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass
class IssueTypeScheme:
    """An issue type scheme."""

    id: str
    name: str
    type_ids: list[str]
    default_id: str | None = None
    description: str = ""
    is_default: bool = False


@dataclass
class Project:
    """A company-managed project; `assignee_type` decides who gets an issue that names nobody."""

    id: str
    key: str
    name: str
    lead_id: str
    scheme_id: str
    type_key: str = "software"
    description: str = ""
    assignee_type: str = "UNASSIGNED"
    issue_count: int = 0


@dataclass
class Option:
    """An option of a select field."""

    id: str
    value: str
    disabled: bool = False


@dataclass
class Field:
    """A field of the site; `kind` is its schema type, `custom_type` the key of a custom field's type."""

    id: str
    name: str
    schema_type: str
    schema_items: str | None = None
    custom_type: str | None = None
    searcher: str | None = None
    description: str = ""
    context_id: str = ""
    options: list[Option] = field(default_factory=list)


@dataclass(frozen=True)
class Transition:
    """A transition; global where `sources` is empty. `required` fields are on its screen and must be given."""

    id: str
    name: str
    target_status: str
    sources: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def is_allowed_from(self, status: str) -> bool:
        """True if the transition can be taken from this status."""
        return not self.sources or status in self.sources


@dataclass(frozen=True)
class Workflow:
    """A workflow, by the names of its statuses."""

    initial: str
    transitions: tuple[Transition, ...]

    @classmethod
    def from_hops(cls, hops: Iterable[tuple[str, str]], first_id: int = 7,
                  required: dict[str, tuple[str, ...]] | None = None) -> "Workflow":
        """Make a workflow of hops (from, to) that starts in the first source; `required` maps target to fields."""
        pairs = list(hops)
        transitions = [Transition(str(first_id + 7 * number), f"To {to}", to, (source,), (required or {}).get(to, ()))
                       for number, (source, to) in enumerate(pairs)]
        return cls(pairs[0][0], tuple(transitions))


@dataclass
class Comment:
    """A comment; `body` is a document, `text` its plain text."""

    id: str
    author: str
    update_author: str
    body: dict[str, Any]
    created: datetime
    updated: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    visibility: dict[str, Any] | None = None

    @property
    def is_public(self) -> bool:
        """True if customers of a service project see the comment."""
        return not self.properties.get("sd.public.comment", {}).get("internal", False)

    @property
    def text(self) -> str:
        """Return the text of the body, one line per paragraph."""
        return adf.to_plain_text(self.body)


@dataclass(frozen=True)
class IssueLink:
    """A link between two issues, by their keys: `source` "blocks" `target`."""

    id: str
    type: str
    source: str
    target: str

    def get_other_key(self, key: str) -> str:
        """Return the key of the issue at the other end."""
        return self.target if key == self.source else self.source


class IssueSite(Protocol):
    """What an issue needs of its site."""

    statuses: dict[str, Status]
    fields: dict[str, Field]


@dataclass
class Issue:
    """An issue. Project by key; type, priority, status and resolution by name; people by account id."""

    site: IssueSite = field(repr=False, compare=False)
    id: str
    key: str
    project: str
    type: str
    reporter: str
    creator: str
    status: str
    created: datetime
    updated: datetime
    summary: str = ""
    description: dict[str, Any] | None = None
    labels: list[str] = field(default_factory=list)
    priority: str = "Medium"
    assignee: str | None = None
    resolution: str | None = None
    links: list[IssueLink] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    deleted: bool = False

    @property
    def description_text(self) -> str:
        """Return the text of the description, one line per paragraph."""
        return adf.to_plain_text(self.description)

    @property
    def category(self) -> Category:
        """Return the category of the status: `new`, `indeterminate` or `done`."""
        return self.site.statuses[self.status].category

    def get_custom_value(self, name: str) -> Any:
        """Return the value of the custom field of that name (for a select field, the option's value), or None."""
        ids = [field.id for field in self.site.fields.values() if field.name == name]
        return next((self.fields[field_id] for field_id in ids if field_id in self.fields), None)

    def copy_current(self) -> "Issue":
        """Return a copy of the issue that later edits do not change."""
        return replace(self, labels=list(self.labels), links=list(self.links), comments=list(self.comments),
                       properties=dict(self.properties), fields=dict(self.fields), history=list(self.history))
