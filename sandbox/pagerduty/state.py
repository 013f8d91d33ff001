"""The state of a simulated PagerDuty account, and everything that can happen to an incident."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.pagerduty.model import PRIORITIES, Incident, Json, LogEntry, Note, Priority, Service, User, make_id
from sandbox.pagerduty.webhooks import PAGERDUTY_RULES, Subscription, WebhookRegistry
from sandbox.webhook_outbox import Outbox

ACT_SECONDS = 0.01
WEBSITE: Json = {"type": "website"}


class PagerDutyState:
    """All that an account holds, as plain data that can be copied.

    The methods are what a person does in the web application; the REST API does the same.

    Switches: `priorities_enabled`; `logs_new_priority` False leaves the new priority out of log entries' channels;
    `hidden_incident_ids`, `hidden_service_ids`: incidents and services that nobody may see;
    `log_order` is "newest", "oldest" or "shuffled", since the API promises none.
    """

    def __init__(self, clock: Clock, key: str) -> None:
        self.clock = clock
        self.account_key = key
        self.users: list[User] = []
        self.services: list[Service] = []
        self.incidents: dict[str, Incident] = {}
        self.priorities = {name: Priority(make_id("P", 7), name) for name in PRIORITIES}
        self.priorities_enabled = True
        self.logs_new_priority = True
        self.log_order = "newest"
        self.hidden_incident_ids: set[str] = set()
        self.hidden_service_ids: set[str] = set()
        self.outbox = Outbox(clock, PAGERDUTY_RULES)
        self.webhooks = WebhookRegistry(self.outbox)

    def add_user(self, name: str, email: str) -> User:
        """Add a person."""
        self.users.append(User(name, email))
        return self.users[-1]

    def add_service(self, name: str, on_call: User) -> Service:
        """Add a service; its incidents are assigned to the person on call."""
        self.services.append(Service(name, on_call))
        return self.services[-1]

    def add_v2_extension(self, url: str, token: str) -> Subscription:
        """Add a V2 webhook for all services; PagerDuty does not sign it, so it carries a custom header."""
        everything = ["incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.resolved",
                      "incident.reassigned", "incident.escalated", "incident.delegated", "incident.annotated"]
        header = {"name": "X-Webhook-Token", "value": token}
        return self.webhooks.add(Subscription(url, everything, {"type": "account_reference"}, [header], version=2))

    def trigger_incident(self, service: Service, title: str, by: User | None = None, priority: str | None = None,
                         details: Any = None, urgency: str = "high", assignees: Sequence[User] = (), api: bool = False,
                         key: str | None = None, policy: Service | None = None,
                         is_unassigned: bool = False) -> Incident:
        """Open an incident, by a person or (`by` None) by the service's monitoring."""
        at = self.clock.now()
        initial_priority = self.priorities[priority] if priority and self.priorities_enabled else None
        incident = Incident(len(self.incidents) + 1, title, service, at, initial_priority, urgency, details=details)
        incident.key, incident.policy_service = key or incident.key, policy
        incident.assignees = [] if is_unassigned else list(assignees) or [(policy or service).on_call]
        self.incidents[incident.id] = incident
        agent = by.to_reference() if by else service.to_reference()
        channel_type = "api" if api or not by else "web_trigger"
        source = "through the API" if channel_type == "api" else "through the website."
        channel = {"type": channel_type, "summary": title, "subject": title, "details": details or "",
                   "details_omitted": False}
        entry = self._add_log_entry(incident, "trigger", f"Triggered {source}", agent, channel)
        if initial_priority:
            self._log_priority_change(incident, None, agent)
        for user in incident.assignees:
            self._add_log_entry(incident, "assign", f"Assigned to {user.name}.", agent)
            self._add_log_entry(incident, "notify", f"Notified {user.name} by email.",
                                service.to_reference(), {"type": "email"})
        self._send_event("incident.triggered", incident, agent, entry)
        return incident

    def acknowledge_incident(self, incident: Incident, by: User, api: bool = False) -> None:
        """Acknowledge the incident; over the API it is also assigned to that person."""
        incident.status, incident.acknowledgement = "acknowledged", (self.clock.now(), by)
        if api:
            incident.assignees = [by]
        self._record_and_send("incident.acknowledged", incident, "acknowledge", f"Acknowledged by {by.name}.",
                              by.to_reference())

    def unacknowledge_incident(self, incident: Incident) -> None:
        """Let the acknowledgement time out."""
        incident.status = "triggered"
        self._record_and_send("incident.unacknowledged", incident, "unacknowledge", "Unacknowledged due to timeout.",
                              incident.service.to_reference())

    def resolve_incident(self, incident: Incident, by: User, note: str | None = None, api: bool = False) -> None:
        """Resolve the incident. A note is an event of its own; over the API it is only in the log entry's channel."""
        incident.status, incident.resolved = "resolved", self.clock.now()
        channel = {**WEBSITE, "note": note}
        self._record_and_send("incident.resolved", incident, "resolve", f"Resolved by {by.name}.", by.to_reference(),
                              channel)
        if note and not api:
            self.add_note(incident, f"Resolution Note: {note}", by)

    def reopen_incident(self, incident: Incident, by: User) -> None:
        """Reopen the incident."""
        # PagerDuty documents no log entry type for reopening: a changed `status` and an assignment stand for it.
        incident.status, incident.resolved, incident.merged_into = "triggered", None, None
        incident.reopened = self.clock.now()
        on_call = (incident.policy_service or incident.service).on_call
        incident.assignees = [on_call]
        changed = {"name": "status", "value": "triggered", "old_value": "resolved", "namespace": "incident"}
        self._add_log_entry(incident, "field_value_change", f"Reopened by {by.name}.",
                            by.to_reference(), {**WEBSITE, "changeset": {"application_fields": [changed]}})
        self._record_and_send("incident.reopened", incident, "assign", f"Assigned to {on_call.name}.",
                              by.to_reference())

    def set_priority(self, incident: Incident, name: str | None, by: User) -> None:
        """Set, change or (None) clear the priority."""
        before, incident.priority = incident.priority, self.priorities[name] if name else None
        incident.updated = self.clock.now()
        self._send_event("incident.priority_updated", incident, by.to_reference(),
                         self._log_priority_change(incident, before, by.to_reference()))

    def set_urgency(self, incident: Incident, urgency: str, by: User) -> None:
        """Change the urgency; PagerDuty sends no webhook for it."""
        incident.urgency, incident.updated = urgency, self.clock.now()
        self._add_log_entry(incident, "urgency_change", f"Urgency changed to {urgency} by {by.name}.",
                            by.to_reference())

    def set_title(self, incident: Incident, title: str) -> None:
        """Change the title; PagerDuty sends no webhook for it."""
        incident.title, incident.updated = title, self.clock.now()

    def reassign_incident(self, incident: Incident, users: Sequence[User], by: User) -> None:
        """Assign the incident to other people."""
        incident.assignees = list(users)
        names = ", ".join(user.name for user in users)
        self._record_and_send("incident.reassigned", incident, "assign", f"Assigned to {names} by {by.name}.",
                              by.to_reference())

    def escalate_incident(self, incident: Incident, to: User, by: User) -> None:
        """Escalate the incident to the next level of the same policy."""
        incident.assignees = [to]
        self._record_and_send("incident.escalated", incident, "escalate", f"Escalated to {to.name} by {by.name}.",
                              by.to_reference())

    def delegate_incident(self, incident: Incident, service: Service, by: User) -> None:
        """Delegate the incident to the person on call of another service's policy."""
        incident.policy_service, incident.assignees = service, [service.on_call]
        summary = f"Delegated to {service.to_policy_reference()['summary']} by {by.name}."
        self._record_and_send("incident.delegated", incident, "delegate", summary, by.to_reference())

    def add_note(self, incident: Incident, text: str, by: User) -> Note:
        """Add a note; its log entry has the text in the channel, and no id of the note."""
        note = Note(by, text, self.clock.now())
        incident.notes.append(note)
        channel = {"type": "note", "summary": text}
        entry = self._add_log_entry(incident, "annotate", f"Note added by {by.name}.", by.to_reference(), channel)
        self.webhooks.send_incident_event("incident.annotated", incident, by.to_reference(), note.created, entry, note)
        return note

    def merge_incidents(self, source: Incident, target: Incident, by: User) -> None:
        """Merge the source into the target, which resolves the source."""
        source.merged_into = target
        self.resolve_incident(source, by)

    def find_user(self, email: str) -> User | None:
        """Return the user with this login e-mail."""
        return next((user for user in self.users if user.email == email), None)

    def _log_priority_change(self, incident: Incident, before: Priority | None, agent: Json) -> LogEntry:
        after = incident.priority
        summary = (f'Priority changed from "{before.name}" to "{after.name}"' if before and after
                   else f'Priority set to "{after.name}"' if after else "Priority cleared")
        channel = {"old_priority": before and before.to_json(), "new_priority": after and after.to_json()}
        logged_channel = channel if self.logs_new_priority else {}
        return self._add_log_entry(incident, "priority_change", f"{summary} by {agent['summary']}.",
                                   agent, {**WEBSITE, **logged_channel})

    def _record_and_send(self, event_type: str, incident: Incident, entry_type: str, summary: str, agent: Json,
                         channel: Mapping[str, Any] = WEBSITE) -> None:
        incident.updated = self.clock.now()
        self._send_event(
            event_type, incident, agent, self._add_log_entry(incident, entry_type, summary, agent, channel)
        )

    def _add_log_entry(self, incident: Incident, entry_type: str, summary: str, agent: Json,
                       channel: Mapping[str, Any] = WEBSITE) -> LogEntry:
        entry = LogEntry(f"{entry_type}_log_entry", summary, self.clock.now(), agent, dict(channel))
        incident.log.append(entry)
        return entry

    def _send_event(self, event_type: str, incident: Incident, agent: Json, entry: LogEntry) -> None:
        at: datetime = self.clock.now()
        self.webhooks.send_incident_event(event_type, incident, agent, at, entry)
        # No two events happen in the same millisecond.
        self.clock.advance(ACT_SECONDS)
