"""The incidents of the simulated account over REST: opening, changing, merging, and their notes."""

from flask import Response, request

from sandbox.pagerduty.fields import Fields, Wanted, need_type, reference_id, title_of
from sandbox.pagerduty.model import Incident, Json, Note, Service, User
from sandbox.pagerduty.rest import Refusal, invalid

MOST_NOTES = 2000
MOST_INCIDENTS = 250


class Incidents(Fields):
    """One method an operation."""

    def shown(self, incident: Incident) -> Json:
        """As asked for by `include[]`."""
        return {"incident": incident.view(request.args.getlist("include[]"))}

    def create_incident(self) -> tuple[Json, int]:
        """POST /incidents."""
        user, given = self.writer(), self._object("incident")
        need_type(given, "incident")
        title, wanted = title_of(given), self.wanted(given)
        service: Service = self.known(self.account.services, given.get("service"), "Service")
        self._check_key(service, given.get("incident_key"))
        made = self.account.trigger(
            service, title, by=user, priority=wanted.priority.name if wanted.priority else None, api=True,
            key=given.get("incident_key"), details=self._details(given), urgency=wanted.urgency or "high",
            assignees=wanted.assignees, policy=wanted.policy)
        return {"incident": made.view()}, 201

    def update_incident(self, incident_id: str) -> Json:
        """PUT /incidents/{id}."""
        user, incident = self.writer(), self.incident(incident_id)
        given = self._object("incident")
        wanted = self._checked(incident, given)
        self._update(incident, wanted, user)
        return {"incident": incident.view()}

    def update_incidents(self) -> Json:
        """PUT /incidents: all or nothing."""
        user, found = self.writer(), self._objects("incidents")
        if len(found) > MOST_INCIDENTS:
            raise Refusal(413, 2001, "Too many incidents")
        there = [(self._named(given), given) for given in found]
        pairs = [(incident, self._checked(incident, given)) for incident, given in there]
        for incident, wanted in pairs:
            self._update(incident, wanted, user)
        return {"incidents": [incident.view() for incident, _ in pairs]}

    def merge(self, incident_id: str) -> Json:
        """PUT /incidents/{id}/merge: the sources are over."""
        user, target = self.writer(), self.incident(incident_id)
        sources = [self._named(one) for one in self._objects("source_incidents")]
        if target in sources:
            raise invalid("An incident cannot be merged into itself")
        if any(source.merged_into for source in sources):
            raise Refusal(400, 1019, "Incident Already Merged")
        for source in sources:
            self.account.merge(source, target, user)
        return {"incident": target.ref()}

    def notes(self, incident_id: str) -> Json:
        """GET .../notes: all of them."""
        return {"notes": [note.view() for note in self.incident(incident_id).notes]}

    def create_note(self, incident_id: str) -> Json:
        """POST .../notes."""
        user, incident, content = self.writer(), self.incident(incident_id), self._content()
        if len(incident.notes) >= MOST_NOTES:
            raise invalid("Incident has too many notes")
        return {"note": self.account.annotate(incident, content, user).view()}

    def update_note(self, incident_id: str, note_id: str) -> Json:
        """PUT .../notes/{id}; no webhook tells of it."""
        self.writer()
        note, content = self._note(incident_id, note_id), self._content()
        note.content, note.updated = content, self.account.clock.now()
        return {"note": note.view()}

    def delete_note(self, incident_id: str, note_id: str) -> Response:
        """DELETE .../notes/{id}; no webhook tells of it."""
        self.writer()
        self.incident(incident_id).notes.remove(self._note(incident_id, note_id))
        return Response(status=204)

    def _note(self, incident_id: str, note_id: str) -> Note:
        found: Note = self.one(self.incident(incident_id).notes, note_id)
        return found

    def _content(self) -> str:
        content = self._object("note").get("content")
        if not isinstance(content, str) or not content.strip():
            raise invalid("Content cannot be empty")
        return content

    def _named(self, given: Json) -> Incident:
        found = self.account.incidents.get(reference_id(given, "Incident"))
        if found is None:
            raise invalid(f"Incident {given['id']} not found")
        return found

    def _details(self, given: Json) -> str | None:
        body = given.get("body") or {}
        if not isinstance(body, dict) or (body and body.get("type") != "incident_body"):
            raise invalid("Body must be of type incident_body")
        details: str | None = body.get("details")
        return details

    def _check_key(self, service: Service, key: object) -> None:
        if key is not None and not isinstance(key, str):
            raise invalid("Incident key must be a string")
        if key and any(one.key == key and one.service is service and one.status != "resolved"
                       for one in self.account.incidents.values()):
            raise invalid("Open incident with matching dedup key already exists on this service")

    def _checked(self, incident: Incident, given: Json) -> Wanted:
        need_type(given, "incident", "incident_reference")
        wanted = self.wanted(given)
        self.check_open(incident, wanted)
        return wanted

    def _update(self, incident: Incident, wanted: Wanted, user: User) -> None:
        account = self.account
        if wanted.title is not None:
            account.retitle(incident, wanted.title)
        if wanted.priority and wanted.priority is not incident.priority:
            account.set_priority(incident, wanted.priority.name, user)
        if wanted.urgency and wanted.urgency != incident.urgency:
            account.set_urgency(incident, wanted.urgency, user)
        self._update_status(incident, wanted, user)
        if wanted.assignees:
            account.reassign(incident, wanted.assignees, user)
        if wanted.policy:
            account.delegate(incident, wanted.policy, user)

    def _update_status(self, incident: Incident, wanted: Wanted, user: User) -> None:
        account = self.account
        if wanted.status == "resolved":
            account.resolve(incident, user, wanted.resolution, api=True)
        if wanted.status in ("triggered", "acknowledged") and incident.status == "resolved":
            account.reopen(incident, user)
        if wanted.status == "acknowledged":
            account.acknowledge(incident, user, api=True)
