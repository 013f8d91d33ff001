"""PagerDuty as plain Python: incidents with their logs, and webhooks of what happens to them."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime

from jpi.domain.events import IncidentPriorityUpdated, IncidentTriggered
from jpi.domain.model import Incident, LogEntry
from jpi.pagerduty.payloads import Logged, Shown
from tests.fakes.events import kind_of_move
from tests.fakes.faults import read_call, write_call
from tests.fakes.services import CHANGE_SECONDS, PAGERDUTY_BOT, RITA, FakeService, NoNotes


@dataclass
class FakeIncident:
    """An incident as it is now, its log, and when it last changed, to the second."""

    present: Incident
    changed: datetime
    log: list[LogEntry] = field(default_factory=list)

    def show(self):
        """Return it as a read does."""
        return Shown(self.present, self.changed)

    def show_log(self):
        """Return its log entries as a read does: each with the incident's present state."""
        return [Logged(self.present, self.changed, entry) for entry in self.log]


@dataclass
class FakePagerDuty(FakeService):
    """An account: `jpi.sync.ports.PagerDuty` for statuses and priorities, and what Rita does on it."""

    incidents: dict[str, FakeIncident] = field(default_factory=dict)
    notes: NoNotes = field(default_factory=NoNotes)
    _numbers: itertools.count = field(default_factory=itertools.count)

    def trigger(self, priority):
        """Trigger an incident of this priority, as a monitor does."""
        name, now = f"Q{next(self._numbers)}", self._second()
        incident = Incident(name, "Down", "triggered", priority, details="x", created=now)
        self.incidents[name] = FakeIncident(incident, now)
        self._record(name, IncidentTriggered, "trigger", RITA, priority)

    def act_as_rita(self, name, choice):
        """Let Rita raise an incident to P1 or change its status, where PagerDuty has her do so."""
        incident = self.incidents[name]
        if choice == "P1":
            incident.present = replace(incident.present, priority="P1")
            self._record(name, IncidentPriorityUpdated, "priority_change", RITA, "P1")
        elif choice != incident.present.status and (incident.present.status != "resolved" or choice == "triggered"):
            self._move(name, choice, RITA)

    def _move(self, name, status, agent):
        incident = self.incidents[name]
        before = incident.present
        reopened = self._second() if before.status == "resolved" else before.reopened
        incident.present = replace(before, status=status, reopened=reopened)
        self._record(name, kind_of_move(before.status, status), status, agent)

    def _record(self, name, kind, entry_type, agent, priority=None):
        self.clock.advance(CHANGE_SECONDS)
        incident = self.incidents[name]
        incident.changed = self._second()
        entry = LogEntry(f"{name}R{len(incident.log)}", f"{entry_type}_log_entry", incident.changed, entry_type,
                         priority, agent)
        incident.log.append(entry)
        # A webhook does not bring the trigger's details.
        snapshot = replace(incident.present, details=None)
        self.under_way.append(kind(f"{entry.id}-webhook", self.clock.now(), snapshot, agent))

    def _second(self):
        """Return the present time as PagerDuty's API tells it."""
        return self.clock.now().replace(microsecond=0)

    @read_call
    def own_id(self):
        """Return the user id that jpi writes as."""
        return PAGERDUTY_BOT.id

    @read_call
    def incident(self, incident_id):
        """Return the incident as it is now."""
        return self.incidents[incident_id].present

    @read_call
    def shown(self, incident_id):
        """Return the incident as it is now, and when it last changed."""
        return self.incidents[incident_id].show()

    @read_call
    def open_incidents(self):
        """Return the incidents that are not resolved."""
        return [incident.show() for incident in self.incidents.values() if incident.present.status != "resolved"]

    @read_call
    def incident_log(self, incident_id):
        """Return all entries of an incident."""
        return self.incidents[incident_id].show_log()

    @read_call
    def log_entries(self, since, until):
        """Return all entries between two times, of which none is missing."""
        logged = [entry for incident in self.incidents.values() for entry in incident.show_log()]
        return [entry for entry in logged if since <= entry.entry.at <= until], True

    @write_call
    def edit(self, incident_id, values):
        """Set fields; none is refused."""
        incident = self.incidents[incident_id]
        incident.present = replace(incident.present, **values)
        incident.changed = self._second()
        return {}

    @write_call
    def set_status(self, incident_id, status, reopens=False):
        """Bring the incident into this status, as far as PagerDuty's API does."""
        incident = self.incidents[incident_id]
        before = incident.present.status
        if status == before or (status != "resolved" and before != ("resolved" if reopens else "triggered")):
            return False, None if status == "resolved" else incident.show()
        is_reopened_to_work = (before, status) == ("resolved", "acknowledged")
        for step in ["triggered", status] if is_reopened_to_work else [status]:
            self._move(incident_id, step, PAGERDUTY_BOT)
        return True, incident.show()
