"""The incidents of the simulated account over REST: reading, opening, changing, merging, notes, logs."""


from flask import request

from sandbox.pagerduty_model import Incident, Json, Priority, Service, User
from sandbox.pagerduty_rest import Refusal, Rest, invalid

MOST_NOTES = 2000
STATUSES = ("triggered", "acknowledged", "resolved")


class Incidents(Rest):
    """One method an operation."""

    def incident(self, incident_id: str) -> Incident:
        """By id or by number."""
        number = next((one for one in self._account.incidents.values() if str(one.number) == incident_id), None)
        found = self._account.incidents.get(incident_id) or number
        if found is None:
            raise Refusal(404, 5001, "Incident Not Found")
        return found

    def shown(self, incident: Incident) -> Json:
        """As asked for by `include[]`."""
        return {"incident": incident.view(request.args.getlist("include[]"))}

    def incidents(self) -> Json:
        """By status, service, urgency and key."""
        wanted = {"status": "statuses[]", "urgency": "urgencies[]", "key": "incident_key"}
        found = [one for one in self._account.incidents.values()
                 if all(getattr(one, name) in (request.args.getlist(key) or [getattr(one, name)])
                        for name, key in wanted.items())]
        return self._page("incidents", found, lambda one: one.view(request.args.getlist("include[]")))

    def create_incident(self) -> tuple[Json, int]:
        """POST /incidents."""
        user, given = self.writer(), self._object("incident")
        service: Service = self.one(self._account.services, str((given.get("service") or {}).get("id")))
        key = given.get("incident_key")
        if key and any(one.key == key and one.status != "resolved" for one in self._account.incidents.values()):
            raise invalid("Open incident with matching dedup key already exists on this service")
        priority = self._priority(given)
        made = self._account.trigger(
            service, self._title(given), by=user, priority=priority.name if priority else None, api=True, key=key,
            details=(given.get("body") or {}).get("details"), urgency=given.get("urgency", "high"),
            assignees=self._assignees(given))
        return {"incident": made.view()}, 201

    def update_incident(self, incident_id: str) -> Json:
        """PUT /incidents/{id}."""
        user, incident = self.writer(), self.incident(incident_id)
        given = self._object("incident")
        self._check(incident, given)
        self._update(incident, given, user)
        return {"incident": incident.view()}

    def update_incidents(self) -> Json:
        """PUT /incidents: all or nothing."""
        user, found = self.writer(), (request.get_json(silent=True) or {}).get("incidents")
        if not isinstance(found, list):
            raise invalid("Incidents must be a list")
        if len(found) > 250:
            raise Refusal(413, 2001, "Too many incidents")
        pairs = [(self.incident(str(one.get("id"))), one) for one in found]
        for incident, given in pairs:
            self._check(incident, given)
        for incident, given in pairs:
            self._update(incident, given, user)
        return {"incidents": [incident.view() for incident, _ in pairs]}

    def merge(self, incident_id: str) -> Json:
        """PUT /incidents/{id}/merge: the sources are over."""
        user, target = self.writer(), self.incident(incident_id)
        for source in [self.incident(one["id"]) for one in (request.get_json() or {}).get("source_incidents", [])]:
            self._account.merge(source, target, user)
        return {"incident": target.view()}

    def notes(self, incident_id: str) -> Json:
        """GET .../notes: all of them."""
        return {"notes": [note.view() for note in self.incident(incident_id).notes]}

    def create_note(self, incident_id: str) -> Json:
        """POST .../notes."""
        user, incident, given = self.writer(), self.incident(incident_id), self._object("note")
        if not isinstance(given.get("content"), str) or not given["content"]:
            raise invalid("Content cannot be empty")
        if len(incident.notes) >= MOST_NOTES:
            raise invalid("Incident has too many notes")
        return {"note": self._account.annotate(incident, given["content"], user).view()}

    def incident_log(self, incident_id: str) -> Json:
        """GET .../log_entries."""
        incident = self.incident(incident_id)
        return self._entries([(incident, entry) for entry in incident.log])

    def log_entries(self) -> Json:
        """GET /log_entries."""
        return self._entries([(incident, entry) for incident in self._account.incidents.values()
                              for entry in incident.log])

    def _title(self, given: Json) -> str:
        title = given.get("title")
        if not isinstance(title, str) or not title.strip():
            raise invalid("Title cannot be empty.")
        return title

    def _assignees(self, given: Json) -> list[User]:
        return [self.one(self._account.users, one["assignee"]["id"]) for one in given.get("assignments") or []]

    def _priority(self, given: Json) -> Priority | None:
        wanted = given.get("priority")
        if wanted is None:
            return None
        if not self._account.priorities_enabled:
            raise invalid("Priority is not enabled")
        key = wanted.get("id") if isinstance(wanted, dict) else wanted
        found = [one for one in self._account.priorities.values() if key in (one.id, one.name)]
        if not found:
            raise Refusal(400, 1020, "Invalid Priority")
        return found[0]

    def _check(self, incident: Incident, given: Json) -> None:
        status = given.get("status")
        if status is not None and status not in STATUSES:
            raise Refusal(400, 1003, "Invalid Status Provided")
        if status == "resolved" == incident.status:
            raise Refusal(400, 1001, "Incident Already Resolved")
        if "title" in given:
            self._title(given)
        self._priority(given)
        self._assignees(given)

    def _update(self, incident: Incident, given: Json, user: User) -> None:
        account, status = self._account, given.get("status")
        if "title" in given:
            account.retitle(incident, given["title"])
        if (priority := self._priority(given)) and priority is not incident.priority:
            account.set_priority(incident, priority.name, user)
        if given.get("assignments"):
            account.reassign(incident, self._assignees(given), user)
        if status == "resolved":
            account.resolve(incident, user, given.get("resolution"))
        if status in ("triggered", "acknowledged") and incident.status == "resolved":
            account.reopen(incident, user)
        if status == "acknowledged":
            account.acknowledge(incident, user, api=True)
