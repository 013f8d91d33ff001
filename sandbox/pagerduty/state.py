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

    Knobs: `priorities_enabled`; `priority_channel` False leaves the new priority out of log entries' channels;
    `hidden`: ids of incidents that those who ask may not see;
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
        self.outbox = Outbox(clock, PAGERDUTY_RULES)
        self.webhooks = WebhookRegistry(self.outbox)

    def add_user(self, name: str, email: str) -> User:
        """One more person."""
        self.users.append(User(name, email))
        return self.users[-1]

    def add_service(self, name: str, on_call: User) -> Service:
        """One more service; its incidents are assigned to whoever is on call."""
        self.services.append(Service(name, on_call))
        return self.services[-1]

    def add_v2_extension(self, url: str, token: str) -> Subscription:
        """A generic V2 webhook for all services, with a custom header, as PagerDuty does not sign it."""
        everything = ["incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.resolved",
                      "incident.reassigned", "incident.escalated", "incident.delegated", "incident.annotated"]
        header = {"name": "X-Webhook-Token", "value": token}
        return self.webhooks.add(Subscription(url, everything, {"type": "account_reference"}, [header], version=2))

    def trigger(self, service: Service, title: str, by: User | None = None, priority: str | None = None,
                details: Any = None, urgency: str = "high", assignees: Sequence[User] = (), api: bool = False,
                key: str | None = None, policy: Service | None = None) -> Incident:
        """A new incident, opened by a person or (`by` None) by the service's monitoring."""
        at = self.clock.now()
        chosen = self.priorities[priority] if priority and self.priorities_enabled else None
        incident = Incident(len(self.incidents) + 1, title, service, at, chosen, urgency, details=details)
        incident.key, incident.policy_service = key or incident.key, policy
        incident.assignees = list(assignees) or [(policy or service).on_call]
        self.incidents[incident.id] = incident
        agent = by.to_reference() if by else service.to_reference()
        kind = "api" if api or not by else "web_trigger"
        how = "through the API" if kind == "api" else "through the website."
        said = {"type": kind, "summary": title, "subject": title, "details": details or "", "details_omitted": False}
        first = self._add_log_entry(incident, "trigger", f"Triggered {how}", agent, said)
        if chosen:
            self._log_priority_change(incident, None, agent)
        for user in incident.assignees:
            self._add_log_entry(incident, "assign", f"Assigned to {user.name}.", agent)
            self._add_log_entry(incident, "notify", f"Notified {user.name} by email.",
                                service.to_reference(), {"type": "email"})
        self._send_event("incident.triggered", incident, agent, first)
        return incident

    def acknowledge(self, incident: Incident, by: User, api: bool = False) -> None:
        """Somebody takes it on; over the API the incident also becomes theirs."""
        incident.status, incident.acknowledgement = "acknowledged", (self.clock.now(), by)
        if api:
            incident.assignees = [by]
        self._record_and_send("incident.acknowledged", incident, "acknowledge", f"Acknowledged by {by.name}.",
                              by.to_reference())

    def unacknowledge(self, incident: Incident) -> None:
        """The acknowledgement timed out."""
        incident.status = "triggered"
        self._record_and_send("incident.unacknowledged", incident, "unacknowledge", "Unacknowledged due to timeout.",
                              incident.service.to_reference())

    def resolve(self, incident: Incident, by: User, note: str | None = None, api: bool = False) -> None:
        """It is over; a note comes as an event of its own. Over the API it is only in the log entry (facts 3.3)."""
        incident.status, incident.resolved = "resolved", self.clock.now()
        channel = {**WEBSITE, "note": note}
        self._record_and_send("incident.resolved", incident, "resolve", f"Resolved by {by.name}.", by.to_reference(),
                              channel)
        if note and not api:
            self.add_note(incident, f"Resolution Note: {note}", by)

    def reopen(self, incident: Incident, by: User) -> None:
        """It is not over."""
        # No log entry type is documented for reopening: the status as a changed field, and the assignment that follows.
        incident.status, incident.resolved, incident.merged_into = "triggered", None, None
        incident.reopened = self.clock.now()
        on_call = (incident.policy_service or incident.service).on_call
        incident.assignees = [on_call]
        changed = {"name": "status", "value": "triggered", "old_value": "resolved", "namespace": "incident"}
        self._add_log_entry(incident, "field_value_change", f"Reopened by {by.name}.",
                            by.to_reference(), {**WEBSITE, "changeset": {"application_fields": [changed]}})
        said = f"Assigned to {on_call.name}."
        self._record_and_send("incident.reopened", incident, "assign", said, by.to_reference())

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

    def reassign(self, incident: Incident, users: Sequence[User], by: User) -> None:
        """Somebody else's from now on."""
        incident.assignees = list(users)
        names = ", ".join(user.name for user in users)
        self._record_and_send("incident.reassigned", incident, "assign", f"Assigned to {names} by {by.name}.",
                              by.to_reference())

    def escalate(self, incident: Incident, to: User, by: User) -> None:
        """On to the next level of the same policy."""
        incident.assignees = [to]
        self._record_and_send("incident.escalated", incident, "escalate", f"Escalated to {to.name} by {by.name}.",
                              by.to_reference())

    def delegate(self, incident: Incident, service: Service, by: User) -> None:
        """To whoever is on call by another policy, named by the service it is of."""
        incident.policy_service, incident.assignees = service, [service.on_call]
        said = f"Delegated to {service.to_policy_reference()['summary']} by {by.name}."
        self._record_and_send("incident.delegated", incident, "delegate", said, by.to_reference())

    def add_note(self, incident: Incident, text: str, by: User) -> Note:
        """A note; the log entry has its text in the channel and no id."""
        note = Note(by, text, self.clock.now())
        incident.notes.append(note)
        channel = {"type": "note", "summary": text}
        entry = self._add_log_entry(incident, "annotate", f"Note added by {by.name}.", by.to_reference(), channel)
        self.webhooks.send_incident_event("incident.annotated", incident, by.to_reference(), note.created, entry, note)
        return note

    def merge(self, source: Incident, target: Incident, by: User) -> None:
        """The source is over, in favour of the target."""
        source.merged_into = target
        self.resolve(source, by)

    def find_user(self, email: str) -> User | None:
        """The user with this login e-mail."""
        return next((user for user in self.users if user.email == email), None)

    def _log_priority_change(self, incident: Incident, before: Priority | None, agent: Json) -> LogEntry:
        now = incident.priority
        said = (f'Priority changed from "{before.name}" to "{now.name}"' if before and now
                else f'Priority set to "{now.name}"' if now else "Priority cleared")
        channel = {"old_priority": before and before.to_json(), "new_priority": now and now.to_json()}
        shown = channel if self.logs_new_priority else {}
        return self._add_log_entry(incident, "priority_change", f"{said} by {agent['summary']}.",
                                   agent, {**WEBSITE, **shown})

    def _record_and_send(self, event_type: str, incident: Incident, entry_type: str, summary: str, agent: Json,
                         channel: Mapping[str, Any] = WEBSITE) -> None:
        incident.updated = self.clock.now()
        self._send_event(event_type, incident, agent, self._add_log_entry(incident, entry_type, summary, agent,
                                                                          channel))

    def _add_log_entry(self, incident: Incident, entry_type: str, summary: str, agent: Json,
                       channel: Mapping[str, Any] = WEBSITE) -> LogEntry:
        entry = LogEntry(f"{entry_type}_log_entry", summary, self.clock.now(), agent, dict(channel))
        incident.log.append(entry)
        return entry

    def _send_event(self, event_type: str, incident: Incident, agent: Json, entry: LogEntry) -> None:
        at: datetime = self.clock.now()
        self.webhooks.send_incident_event(event_type, incident, agent, at, entry)
        # Nobody does two things in the same millisecond.
        self.clock.advance(ACT_SECONDS)
