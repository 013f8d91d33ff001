"""The lists of incidents and log entries of the simulated account, over REST."""

import random
from datetime import timedelta

from flask import request

from sandbox.pagerduty.model import Incident, Json, LogEntry
from sandbox.pagerduty.rest import Refusal, RestApi, make_input_refusal, read_time
from sandbox.pagerduty.write_api import STATUSES, URGENCIES

DEFAULT_WINDOW = timedelta(days=30)
SORTABLE = {"incident_number": "number", "created_at": "created", "resolved_at": "resolved", "urgency": "urgency"}


class ListApi(RestApi):
    """The operations that list."""

    def list_incidents(self) -> Json:
        """GET /incidents: every given filter must match; without `since`, those of the last month."""
        self._check_choices("statuses[]", STATUSES)
        self._check_choices("urgencies[]", URGENCIES)
        incidents = [incident for incident in self.account.incidents.values()
                     if incident.id not in self.account.hidden_incident_ids and self._is_in_window(incident)
                     and self._matches_filters(incident)]
        include = request.args.getlist("include[]")
        return self._make_page("incidents", self._sort_incidents(incidents), lambda incident: incident.to_json(include))

    def list_incident_log(self, incident_id: str) -> Json:
        """GET /incidents/{id}/log_entries."""
        incident = self.find_incident(incident_id)
        return self._make_entries_page([(incident, entry) for entry in incident.log])

    def list_log_entries(self) -> Json:
        """GET /log_entries."""
        return self._make_entries_page(self._collect_entries())

    def read_log_entry(self, entry_id: str) -> Json:
        """GET /log_entries/{id}."""
        pair = next((pair for pair in self._collect_entries() if pair[1].id == entry_id), None)
        if pair is None:
            raise Refusal(404, 5001, "Log Entry Not Found")
        return {"log_entry": pair[0].entry_to_json(pair[1], request.args.getlist("include[]"))}

    def _collect_entries(self) -> list[tuple[Incident, LogEntry]]:
        return [(incident, entry) for incident in self.account.incidents.values() for entry in incident.log]

    def _make_entries_page(self, pairs: list[tuple[Incident, LogEntry]]) -> Json:
        since, until = read_time("since"), read_time("until")
        selected = [(incident, entry) for incident, entry in pairs
                    if (since is None or entry.at.replace(microsecond=0) >= since)
                    and (until is None or entry.at.replace(microsecond=0) <= until)]
        selected.sort(key=lambda pair: pair[1].at)
        if self.account.log_order == "newest":
            selected.reverse()
        if self.account.log_order == "shuffled":
            random.Random(len(selected)).shuffle(selected)
        include = set(request.args.getlist("include[]"))
        return self._make_page("log_entries", selected, lambda pair: pair[0].entry_to_json(pair[1], include))

    def _check_choices(self, name: str, allowed: tuple[str, ...]) -> None:
        if set(request.args.getlist(name)) - set(allowed):
            raise make_input_refusal(f"{name} must be of {', '.join(allowed)}")

    def _matches_filters(self, incident: Incident) -> bool:
        values = {"statuses[]": incident.status, "urgencies[]": incident.urgency, "incident_key": incident.key,
                  "service_ids[]": incident.service.id}
        return all(value in (request.args.getlist(name) or [value]) for name, value in values.items())

    def _is_in_window(self, incident: Incident) -> bool:
        if request.args.get("date_range") == "all":
            return True
        until = read_time("until") or self.account.clock.now()
        since = read_time("since") or until - DEFAULT_WINDOW
        return since <= incident.created <= until

    def _sort_incidents(self, incidents: list[Incident]) -> list[Incident]:
        parts = [part for part in request.args.get("sort_by", "").split(",") if part]
        if len(parts) > 2:
            raise make_input_refusal("sort_by takes two fields at most")
        for part in reversed(parts):
            name, _, direction = part.partition(":")
            if name not in SORTABLE or direction not in ("", "asc", "desc"):
                raise make_input_refusal(f"sort_by does not take {part}")
            field = SORTABLE[name]
            incidents.sort(key=lambda incident: str(getattr(incident, field) or ""), reverse=direction == "desc")
            if field == "number":
                incidents.sort(key=lambda incident: incident.number, reverse=direction == "desc")
        return incidents
