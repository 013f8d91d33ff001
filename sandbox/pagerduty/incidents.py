"""The incidents of the simulated account over REST: create, change, merge, and their notes."""

from flask import Response, request

from sandbox.pagerduty.model import Incident, Json, Note, Service, User
from sandbox.pagerduty.rest import Refusal, make_input_refusal
from sandbox.pagerduty.write_api import IncidentChange, WriteApi, parse_reference_id, parse_title, require_type
from sandbox.simulated_service import make_empty_response

MAX_NOTES = 2000
MAX_INCIDENTS = 250


class IncidentApi(WriteApi):
    """The operations on incidents and notes."""

    def to_answer(self, incident: Incident) -> Json:
        """Return the incident with what `include[]` asks for."""
        return {"incident": incident.to_json(request.args.getlist("include[]"))}

    def create_incident(self) -> tuple[Json, int]:
        """POST /incidents."""
        user, given = self.find_writer(), self._read_object("incident")
        require_type(given, "incident")
        title, change = parse_title(given), self.parse_change(given)
        service: Service = self.find_referenced(self.account.services, given.get("service"), "Service")
        self._check_incident_key(service, given.get("incident_key"))
        incident = self.account.trigger_incident(service, title, by=user,
                                                 priority=change.priority.name if change.priority else None, api=True,
                                                 key=given.get("incident_key"), details=self._parse_details(given),
                                                 urgency=change.urgency or "high", assignees=change.assignees,
                                                 policy=change.policy)
        return {"incident": incident.to_json()}, 201

    def update_incident(self, incident_id: str) -> Json:
        """PUT /incidents/{id}."""
        user, incident = self.find_writer(), self.find_incident(incident_id)
        given = self._read_object("incident")
        change = self._parse_checked_change(incident, given)
        self._apply_change(incident, change, user)
        return {"incident": incident.to_json()}

    def update_incidents(self) -> Json:
        """PUT /incidents: all or nothing."""
        user, bodies = self.find_writer(), self._read_objects("incidents")
        if len(bodies) > MAX_INCIDENTS:
            raise Refusal(413, 2001, "Too many incidents")
        targets = [(self._find_referenced_incident(body), body) for body in bodies]
        pairs = [(incident, self._parse_checked_change(incident, body)) for incident, body in targets]
        for incident, change in pairs:
            self._apply_change(incident, change, user)
        return {"incidents": [incident.to_json() for incident, _ in pairs]}

    def merge_incidents(self, incident_id: str) -> Json:
        """PUT /incidents/{id}/merge: resolve the sources."""
        user, target = self.find_writer(), self.find_incident(incident_id)
        sources = [self._find_referenced_incident(reference) for reference in self._read_objects("source_incidents")]
        if target in sources:
            raise make_input_refusal("An incident cannot be merged into itself")
        if any(source.merged_into for source in sources):
            raise Refusal(400, 1019, "Incident Already Merged")
        for source in sources:
            self.account.merge_incidents(source, target, user)
        return {"incident": target.to_reference()}

    def list_notes(self, incident_id: str) -> Json:
        """GET .../notes: all notes."""
        return {"notes": [note.to_json() for note in self.find_incident(incident_id).notes]}

    def create_note(self, incident_id: str) -> Json:
        """POST .../notes."""
        user, incident, content = self.find_writer(), self.find_incident(incident_id), self._read_content()
        if len(incident.notes) >= MAX_NOTES:
            raise make_input_refusal("Incident has too many notes")
        return {"note": self.account.add_note(incident, content, user).to_json()}

    def update_note(self, incident_id: str, note_id: str) -> Json:
        """PUT .../notes/{id}; PagerDuty sends no webhook."""
        self.find_writer()
        note, content = self._find_note(incident_id, note_id), self._read_content()
        note.content, note.updated = content, self.account.clock.now()
        return {"note": note.to_json()}

    def delete_note(self, incident_id: str, note_id: str) -> Response:
        """DELETE .../notes/{id}; PagerDuty sends no webhook."""
        self.find_writer()
        self.find_incident(incident_id).notes.remove(self._find_note(incident_id, note_id))
        return make_empty_response(204)

    def _find_note(self, incident_id: str, note_id: str) -> Note:
        note: Note = self.find_by_id(self.find_incident(incident_id).notes, note_id)
        return note

    def _read_content(self) -> str:
        content = self._read_object("note").get("content")
        if not isinstance(content, str) or not content.strip():
            raise make_input_refusal("Content cannot be empty")
        return content

    def _find_referenced_incident(self, reference: Json) -> Incident:
        incident = self.account.incidents.get(parse_reference_id(reference, "Incident"))
        if incident is None:
            raise make_input_refusal(f"Incident {reference['id']} not found")
        return incident

    def _parse_details(self, given: Json) -> str | None:
        body = given.get("body") or {}
        if not isinstance(body, dict) or (body and body.get("type") != "incident_body"):
            raise make_input_refusal("Body must be of type incident_body")
        text: str | None = body.get("details")
        return text

    def _check_incident_key(self, service: Service, key: object) -> None:
        if key is not None and not isinstance(key, str):
            raise make_input_refusal("Incident key must be a string")
        if key and any(incident.key == key and incident.service is service and incident.status != "resolved"
                       for incident in self.account.incidents.values()):
            raise make_input_refusal("Open incident with matching dedup key already exists on this service")

    def _parse_checked_change(self, incident: Incident, given: Json) -> IncidentChange:
        require_type(given, "incident", "incident_reference")
        change = self.parse_change(given)
        self.check_open(incident, change)
        return change

    def _apply_change(self, incident: Incident, change: IncidentChange, user: User) -> None:
        account = self.account
        if change.title is not None:
            account.set_title(incident, change.title)
        if change.priority and change.priority is not incident.priority:
            account.set_priority(incident, change.priority.name, user)
        if change.urgency and change.urgency != incident.urgency:
            account.set_urgency(incident, change.urgency, user)
        self._apply_status(incident, change, user)
        if change.assignees:
            account.reassign_incident(incident, change.assignees, user)
        if change.policy:
            account.delegate_incident(incident, change.policy, user)

    def _apply_status(self, incident: Incident, change: IncidentChange, user: User) -> None:
        account = self.account
        if change.status == "resolved":
            account.resolve_incident(incident, user, change.resolution, api=True)
        if change.status in ("triggered", "acknowledged") and incident.status == "resolved":
            account.reopen_incident(incident, user)
        if change.status == "acknowledged":
            account.acknowledge_incident(incident, user, api=True)
