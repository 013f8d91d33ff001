"""PagerDuty as plain Python: incidents with their logs, and webhooks of their changes."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime

from jpi.domain.events import IncidentPriorityUpdated, IncidentTriggered
from jpi.domain.model import Incident, IncidentSnapshot, LogEntry, LogEntrySnapshot
from tests.fakes.events import find_move_event_class
from tests.fakes.faults import read_call, write_call
from tests.fakes.services import CHANGE_SECONDS, PAGERDUTY_BOT, RITA, FakeService, NoNotes


@dataclass
class FakeIncident:
    """An incident, its log, and the second in which it last changed."""

    current: Incident
    changed_at: datetime
    log: list[LogEntry] = field(default_factory=list)

    def to_snapshot(self):
        """Return the incident as a read returns it."""
        return IncidentSnapshot(self.current, self.changed_at)

    def to_logged_entries(self):
        """Return the log entries as a read returns them: each with the incident's current state."""
        return [LogEntrySnapshot(self.current, self.changed_at, entry) for entry in self.log]


@dataclass
class FakePagerDuty(FakeService):
    """An account: implements `jpi.sync.ports.PagerDuty` for statuses and priorities, and lets Rita act."""

    incidents: dict[str, FakeIncident] = field(default_factory=dict)
    notes: NoNotes = field(default_factory=NoNotes)
    _numbers: itertools.count = field(default_factory=itertools.count)

    def trigger_incident(self, priority):
        """Trigger an incident of this priority, as a monitor does."""
        name, now = f"Q{next(self._numbers)}", self._read_second()
        incident = Incident(name, "Down", "triggered", priority, details="x", created=now)
        self.incidents[name] = FakeIncident(incident, now)
        self._record_change(name, IncidentTriggered, "trigger", RITA, priority)

    def act_as_rita(self, name, choice):
        """Raise an incident to P1 or change its status as Rita, if PagerDuty allows that."""
        incident = self.incidents[name]
        if choice == "P1":
            incident.current = replace(incident.current, priority="P1")
            self._record_change(name, IncidentPriorityUpdated, "priority_change", RITA, "P1")
        elif choice != incident.current.status and (incident.current.status != "resolved" or choice == "triggered"):
            self._move_incident(name, choice, RITA)

    def _move_incident(self, name, status, agent):
        incident = self.incidents[name]
        before = incident.current
        reopened = self._read_second() if before.status == "resolved" else before.reopened
        incident.current = replace(before, status=status, reopened=reopened)
        self._record_change(name, find_move_event_class(before.status, status), status, agent)

    def _record_change(self, name, kind, entry_type, agent, priority=None):
        self.clock.advance(CHANGE_SECONDS)
        incident = self.incidents[name]
        incident.changed_at = self._read_second()
        entry = LogEntry(f"{name}R{len(incident.log)}", f"{entry_type}_log_entry", incident.changed_at, entry_type,
                         priority, agent)
        incident.log.append(entry)
        # A webhook does not carry the trigger's details.
        snapshot = replace(incident.current, details=None)
        self.in_flight.append(kind(f"{entry.id}-webhook", self.clock.now(), snapshot, agent))

    def _read_second(self):
        """Return the current time in whole seconds, as PagerDuty's API does."""
        return self.clock.now().replace(microsecond=0)

    @read_call
    def verify_identity(self):
        """Return the id of the invocation: PagerDuty knows us, and each look is in another one."""
        return str(self.clock())

    @read_call
    def has_incident(self, incident_id, service):
        """True if the incident exists."""
        return incident_id in self.incidents

    @read_call
    def find_own_id(self):
        """Return the user id that jpi writes as."""
        return PAGERDUTY_BOT.id

    @read_call
    def get_incident(self, incident_id):
        """Return the incident as it is now."""
        return self.incidents[incident_id].current

    @read_call
    def get_snapshot(self, incident_id):
        """Return the incident as it is now, and when it last changed."""
        return self.incidents[incident_id].to_snapshot()

    @read_call
    def list_open_incidents(self):
        """Return the incidents that are not resolved."""
        return [incident.to_snapshot() for incident in self.incidents.values() if incident.current.status != "resolved"]

    @read_call
    def list_incident_log_entries(self, incident_id):
        """Return all log entries of an incident."""
        return self.incidents[incident_id].to_logged_entries()

    @read_call
    def list_log_entries(self, since, until):
        """Return all log entries between two times; True: none is missing."""
        logged = [entry for incident in self.incidents.values() for entry in incident.to_logged_entries()]
        return [entry for entry in logged if since <= entry.entry.at <= until], True

    @write_call
    def edit(self, incident_id, values, assignee_ids=()):
        """Set fields; refuse none."""
        incident = self.incidents[incident_id]
        incident.current = replace(incident.current, **values)
        incident.changed_at = self._read_second()
        return {}

    @write_call
    def set_status(self, incident_id, status, reopens=False, assignee_ids=()):
        """Change the incident's status, if PagerDuty's API allows it."""
        incident = self.incidents[incident_id]
        before = incident.current.status
        if status == before or (status != "resolved" and before != ("resolved" if reopens else "triggered")):
            return False, None if status == "resolved" else incident.to_snapshot()
        is_reopened_to_work = (before, status) == ("resolved", "acknowledged")
        for step in ["triggered", status] if is_reopened_to_work else [status]:
            self._move_incident(incident_id, step, PAGERDUTY_BOT)
        return True, incident.to_snapshot()
