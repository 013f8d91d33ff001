"""What a PagerDuty account consists of, as plain values that tests may read, and as the REST API shows them."""

import random
import string
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
API = "https://api.pagerduty.com"
WEB = "https://acme.pagerduty.com"
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")


# Seed it, and a play has the same ids as another with that seed.
IDS = random.Random()


def new_id(prefix: str, length: int) -> str:
    """An id as PagerDuty's look: the prefix, then capital letters and digits."""
    return prefix + "".join(IDS.choices(string.ascii_uppercase + string.digits, k=length - 1))


def seconds(at: datetime) -> str:
    """The API's times: whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(kind: str, one_id: str, summary: str, web: str | None = None) -> Json:
    """A reference: five keys, no name."""
    return {"id": one_id, "type": f"{kind}_reference", "summary": summary, "self": f"{API}/{kind}s/{one_id}",
            "html_url": web}


@dataclass
class User:
    """A person, or a bot's account; `key` is its own API key."""

    name: str
    email: str
    id: str = field(default_factory=lambda: new_id("P", 7))
    key: str = field(default_factory=lambda: new_id("u+", 18))

    def ref(self) -> Json:
        """As others refer to it."""
        return reference("user", self.id, self.name, f"{WEB}/users/{self.id}")

    def view(self) -> Json:
        """Whole."""
        return {**self.ref(), "type": "user", "name": self.name, "email": self.email, "role": "user",
                "time_zone": "UTC", "color": "purple", "description": None, "invitation_sent": False,
                "avatar_url": f"{WEB}/avatar.png", "contact_methods": [], "notification_rules": [], "teams": []}


@dataclass
class Service:
    """A service, and who is on call for it."""

    name: str
    on_call: User
    team_id: str | None = None
    id: str = field(default_factory=lambda: new_id("P", 7))
    policy_id: str = field(default_factory=lambda: new_id("P", 7))

    def ref(self) -> Json:
        """As others refer to it."""
        return reference("service", self.id, self.name, f"{WEB}/service-directory/{self.id}")

    def policy(self) -> Json:
        """Its escalation policy, as others refer to it."""
        return {**reference("escalation_policy", self.policy_id, f"{self.name}-ep"),
                "self": f"{API}/escalation_policies/{self.policy_id}"}

    def teams(self) -> list[Json]:
        """The team it belongs to, where it does."""
        return [reference("team", self.team_id, "Team")] if self.team_id else []

    def view(self) -> Json:
        """Whole."""
        return {**self.ref(), "type": "service", "name": self.name, "description": "", "status": "active",
                "created_at": "2020-01-01T00:00:00Z", "escalation_policy": self.policy(), "teams": self.teams()}


@dataclass(frozen=True)
class Priority:
    """A priority of the account."""

    id: str
    name: str

    def ref(self) -> Json:
        """As webhooks and incidents refer to it."""
        return {**reference("priority", self.id, self.name), "self": f"{API}/priorities/{self.id}"}

    def view(self) -> Json:
        """Whole."""
        return {**self.ref(), "type": "priority", "name": self.name, "description": ""}


@dataclass
class Note:
    """A note of an incident."""

    user: User
    content: str
    created: datetime
    updated: datetime | None = None
    id: str = field(default_factory=lambda: new_id("P", 7))

    def view(self) -> Json:
        """Whole."""
        return {"id": self.id, "user": self.user.ref(), "channel": {"summary": "The PagerDuty website or APIs"},
                "content": self.content, "created_at": seconds(self.created),
                "updated_at": seconds(self.updated or self.created)}


@dataclass
class LogEntry:
    """An entry of an incident's log."""

    type: str
    summary: str
    at: datetime
    agent: Json
    channel: Json
    id: str = field(default_factory=lambda: new_id("R", 26))


@dataclass(eq=False)
class Incident:
    """An incident; `details` are what its trigger said."""

    number: int
    title: str
    service: Service
    created: datetime
    priority: Priority | None = None
    urgency: str = "high"
    status: str = "triggered"
    assignees: list[User] = field(default_factory=list)
    details: Any = None
    key: str = field(default_factory=lambda: new_id("K", 32).lower())
    notes: list[Note] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    updated: datetime | None = None
    reopened: datetime | None = None
    resolved: datetime | None = None
    acknowledged: tuple[datetime, User] | None = None
    merged_into: "Incident | None" = None
    policy_of: Service | None = None
    id: str = field(default_factory=lambda: new_id("Q", 14))

    @property
    def html_url(self) -> str:
        """Where people look at it."""
        return f"{WEB}/incidents/{self.id}"

    def ref(self) -> Json:
        """As others refer to it."""
        return reference("incident", self.id, f"[#{self.number}] {self.title}", self.html_url)

    def resolve_reason(self) -> Json | None:
        """Why it is over, where that was a merge."""
        if self.merged_into is None:
            return None
        return {"type": "merge_resolve_reason", "incident": self.merged_into.ref()}

    def view(self, include: Collection[str] = ()) -> Json:
        """Whole, as `GET /incidents/{id}` shows it."""
        updated = self.updated or self.created
        trigger = self.log[0]
        whole = self.entry_view(trigger, {"channels"}) if "first_trigger_log_entries" in include else None
        body = {"body": {"type": "incident_body", "details": self.details}} if "body" in include else {}
        return {
            **self.ref(), "type": "incident", "incident_number": self.number, "title": self.title,
            "created_at": seconds(self.created), "updated_at": seconds(updated), "status": self.status,
            "incident_key": self.key,
            "service": self.service.view() if "services" in include else self.service.ref(),
            "urgency": self.urgency, "assignments": self._assignments(include),
            "assigned_via": "escalation_policy", "last_status_change_at": seconds(updated),
            "resolved_at": seconds(self.resolved) if self.resolved else None,
            "first_trigger_log_entry": whole or reference("trigger_log_entry", trigger.id, trigger.summary),
            "alert_counts": {"all": 0, "triggered": 0, "resolved": 0}, "is_mergeable": True,
            "incident_type": {"name": "incident_default"}, "pending_actions": [],
            "escalation_policy": (self.policy_of or self.service).policy(), "teams": self.service.teams(),
            "acknowledgements": self._acknowledgements(),
            "priority": (self.priority.view() if "priorities" in include else self.priority.ref())
            if self.priority else None,
            "resolve_reason": self.resolve_reason(), "conference_bridge": None, **body,
        }

    def _assignments(self, include: Collection[str]) -> list[Json]:
        whole = {"assignees", "users"} & set(include)
        there = [] if self.status == "resolved" else self.assignees
        return [{"at": seconds(self.updated or self.created), "assignee": user.view() if whole else user.ref()}
                for user in there]

    def _acknowledgements(self) -> list[Json]:
        if self.status != "acknowledged" or self.acknowledged is None:
            return []
        at, user = self.acknowledged
        return [{"at": seconds(at), "acknowledger": user.ref()}]

    def entry_view(self, entry: LogEntry, include: Collection[str] = ()) -> Json:
        """One of its log entries, as `GET /log_entries` shows it."""
        return {
            "id": entry.id, "type": entry.type, "summary": entry.summary, "created_at": seconds(entry.at),
            "self": f"{API}/log_entries/{entry.id}", "html_url": f"{self.html_url}/log_entries/{entry.id}",
            "agent": entry.agent, "channel": entry.channel, "contexts": [], "teams": self.service.teams(),
            "service": self.service.view() if "services" in include else self.service.ref(),
            "incident": self.view() if "incidents" in include else self.ref(), "event_details": {},
        }
