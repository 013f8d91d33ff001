"""What a PagerDuty account consists of: plain values that tests may read, with the JSON that the REST API shows."""

import random
import string
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Status = Literal["triggered", "acknowledged", "resolved"]
Json = dict[str, Any]
API_URL = "https://api.pagerduty.com"
WEB_URL = "https://acme.pagerduty.com"
PRIORITIES = ("P1", "P2", "P3", "P4", "P5")


# Seed it to get the same ids in every run.
ID_RANDOM = random.Random()


def make_id(prefix: str, length: int) -> str:
    """Make an id like PagerDuty's: the prefix, then capital letters and digits."""
    return prefix + "".join(ID_RANDOM.choices(string.ascii_uppercase + string.digits, k=length - 1))


def format_time(at: datetime) -> str:
    """Return a time as the API writes it, in whole seconds."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def make_reference(kind: str, target_id: str, summary: str, web: str | None = None) -> Json:
    """Return a reference: five keys, without a name."""
    return {"id": target_id, "type": f"{kind}_reference", "summary": summary, "self": f"{API_URL}/{kind}s/{target_id}",
            "html_url": web}


@dataclass
class User:
    """A person, or a bot's account; `key` is its own API key."""

    name: str
    email: str
    id: str = field(default_factory=lambda: make_id("P", 7))
    key: str = field(default_factory=lambda: make_id("u+", 18))

    def to_reference(self) -> Json:
        """Return a reference to the user."""
        return make_reference("user", self.id, self.name, f"{WEB_URL}/users/{self.id}")

    def to_json(self) -> Json:
        """Return the full user."""
        return {**self.to_reference(), "type": "user", "name": self.name, "email": self.email, "role": "user",
                "time_zone": "UTC", "color": "purple", "description": None, "invitation_sent": False,
                "avatar_url": f"{WEB_URL}/avatar.png", "contact_methods": [], "notification_rules": [], "teams": []}


@dataclass
class Service:
    """A service and the person on call for it."""

    name: str
    on_call: User
    team_id: str | None = None
    id: str = field(default_factory=lambda: make_id("P", 7))
    policy_id: str = field(default_factory=lambda: make_id("P", 7))

    def to_reference(self) -> Json:
        """Return a reference to the service."""
        return make_reference("service", self.id, self.name, f"{WEB_URL}/service-directory/{self.id}")

    def to_policy_reference(self) -> Json:
        """Return a reference to the service's escalation policy."""
        return {**make_reference("escalation_policy", self.policy_id, f"{self.name}-ep"),
                "self": f"{API_URL}/escalation_policies/{self.policy_id}"}

    def to_team_references(self) -> list[Json]:
        """Return references to the service's team, if it has one."""
        return [make_reference("team", self.team_id, "Team")] if self.team_id else []

    def to_json(self) -> Json:
        """Return the full service."""
        return {**self.to_reference(), "type": "service", "name": self.name, "description": "", "status": "active",
                "created_at": "2020-01-01T00:00:00Z", "escalation_policy": self.to_policy_reference(),
                "teams": self.to_team_references()}


@dataclass(frozen=True)
class Priority:
    """A priority of the account."""

    id: str
    name: str

    def to_reference(self) -> Json:
        """Return a reference to the priority."""
        return {**make_reference("priority", self.id, self.name), "self": f"{API_URL}/priorities/{self.id}"}

    def to_json(self) -> Json:
        """Return the full priority."""
        return {**self.to_reference(), "type": "priority", "name": self.name, "description": ""}


@dataclass
class Note:
    """A note of an incident."""

    user: User
    content: str
    created: datetime
    updated: datetime | None = None
    id: str = field(default_factory=lambda: make_id("P", 7))

    def to_json(self) -> Json:
        """Return the full note."""
        return {"id": self.id, "user": self.user.to_reference(),
                "channel": {"summary": "The PagerDuty website or APIs"}, "content": self.content,
                "created_at": format_time(self.created), "updated_at": format_time(self.updated or self.created)}


@dataclass
class LogEntry:
    """An entry of an incident's log."""

    type: str
    summary: str
    at: datetime
    agent: Json
    channel: Json
    id: str = field(default_factory=lambda: make_id("R", 26))


@dataclass(eq=False)
class Incident:
    """An incident; `details` come from its trigger."""

    number: int
    title: str
    service: Service
    created: datetime
    priority: Priority | None = None
    urgency: str = "high"
    status: Status = "triggered"
    assignees: list[User] = field(default_factory=list)
    details: Any = None
    key: str = field(default_factory=lambda: make_id("K", 32).lower())
    notes: list[Note] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    updated: datetime | None = None
    reopened: datetime | None = None
    resolved: datetime | None = None
    acknowledgement: tuple[datetime, User] | None = None
    merged_into: "Incident | None" = None
    policy_service: Service | None = None
    id: str = field(default_factory=lambda: make_id("Q", 14))

    @property
    def html_url(self) -> str:
        """Return the incident's address in the web application."""
        return f"{WEB_URL}/incidents/{self.id}"

    def to_reference(self) -> Json:
        """Return a reference to the incident."""
        return make_reference("incident", self.id, f"[#{self.number}] {self.title}", self.html_url)

    def to_resolve_reason(self) -> Json | None:
        """Return why the incident was resolved, if that was a merge."""
        if self.merged_into is None:
            return None
        return {"type": "merge_resolve_reason", "incident": self.merged_into.to_reference()}

    def to_json(self, include: Collection[str] = ()) -> Json:
        """Return the full incident, as `GET /incidents/{id}` shows it."""
        updated = self.updated or self.created
        trigger = self.log[0]
        trigger_json = self.entry_to_json(trigger, {"channels"}) if "first_trigger_log_entries" in include else None
        body = {"body": {"type": "incident_body", "details": self.details}} if "body" in include else {}
        return {
            **self.to_reference(),
            "type": "incident",
            "incident_number": self.number,
            "title": self.title,
            "created_at": format_time(self.created),
            "updated_at": format_time(updated),
            "status": self.status,
            "incident_key": self.key,
            "service": self.service.to_json() if "services" in include else self.service.to_reference(),
            "urgency": self.urgency,
            "assignments": self._to_assignments(include),
            "assigned_via": "escalation_policy",
            "last_status_change_at": format_time(updated),
            "resolved_at": format_time(self.resolved) if self.resolved else None,
            "first_trigger_log_entry": trigger_json or make_reference("trigger_log_entry", trigger.id, trigger.summary),
            "alert_counts": {"all": 0, "triggered": 0, "resolved": 0},
            "is_mergeable": True,
            "incident_type": {"name": "incident_default"},
            "pending_actions": [],
            "escalation_policy": (self.policy_service or self.service).to_policy_reference(),
            "teams": self.service.to_team_references(),
            "acknowledgements": self._to_acknowledgements(),
            "priority": (self.priority.to_json() if "priorities" in include else self.priority.to_reference())
            if self.priority
            else None,
            "resolve_reason": self.to_resolve_reason(),
            "conference_bridge": None,
            **body,
        }

    def _to_assignments(self, include: Collection[str]) -> list[Json]:
        is_full = {"assignees", "users"} & set(include)
        assignees = [] if self.status == "resolved" else self.assignees
        return [{"at": format_time(self.updated or self.created),
                 "assignee": user.to_json() if is_full else user.to_reference()} for user in assignees]

    def _to_acknowledgements(self) -> list[Json]:
        if self.status != "acknowledged" or self.acknowledgement is None:
            return []
        at, user = self.acknowledgement
        return [{"at": format_time(at), "acknowledger": user.to_reference()}]

    def entry_to_json(self, entry: LogEntry, include: Collection[str] = ()) -> Json:
        """Return one of the incident's log entries, as `GET /log_entries` shows it."""
        return {"id": entry.id, "type": entry.type, "summary": entry.summary, "created_at": format_time(entry.at),
                "self": f"{API_URL}/log_entries/{entry.id}", "html_url": f"{self.html_url}/log_entries/{entry.id}",
                "agent": entry.agent, "channel": entry.channel, "contexts": [],
                "teams": self.service.to_team_references(),
                "service": self.service.to_json() if "services" in include else self.service.to_reference(),
                "incident": self.to_json() if "incidents" in include else self.to_reference(), "event_details": {}}
