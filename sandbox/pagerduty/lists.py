"""What the simulated account lists of its incidents and their logs, over REST."""

import random
from datetime import timedelta

from flask import request

from sandbox.pagerduty.fields import STATUSES, URGENCIES
from sandbox.pagerduty.model import Incident, Json, LogEntry
from sandbox.pagerduty.rest import Refusal, Rest, invalid, moment

DEFAULT_WINDOW = timedelta(days=30)
SORTABLE = {"incident_number": "number", "created_at": "created", "resolved_at": "resolved", "urgency": "urgency"}


class Lists(Rest):
    """One method an operation."""

    def incidents(self) -> Json:
        """GET /incidents: every filter given must hold; without `since`, those of the last month."""
        self._check("statuses[]", STATUSES)
        self._check("urgencies[]", URGENCIES)
        found = [one for one in self.account.incidents.values()
                 if one.id not in self.account.hidden and self._inside(one) and self._wanted(one)]
        include = request.args.getlist("include[]")
        return self._page("incidents", self._sorted(found), lambda one: one.view(include))

    def incident_log(self, incident_id: str) -> Json:
        """GET /incidents/{id}/log_entries."""
        incident = self.incident(incident_id)
        return self._entries([(incident, entry) for entry in incident.log])

    def log_entries(self) -> Json:
        """GET /log_entries."""
        return self._entries(self._all_entries())

    def log_entry(self, entry_id: str) -> Json:
        """GET /log_entries/{id}."""
        found = next((pair for pair in self._all_entries() if pair[1].id == entry_id), None)
        if found is None:
            raise Refusal(404, 5001, "Log Entry Not Found")
        return {"log_entry": found[0].entry_view(found[1], request.args.getlist("include[]"))}

    def _all_entries(self) -> list[tuple[Incident, LogEntry]]:
        return [(incident, entry) for incident in self.account.incidents.values() for entry in incident.log]

    def _entries(self, found: list[tuple[Incident, LogEntry]]) -> Json:
        since, until = moment("since"), moment("until")
        inside = [(incident, entry) for incident, entry in found
                  if (since is None or entry.at.replace(microsecond=0) >= since)
                  and (until is None or entry.at.replace(microsecond=0) <= until)]
        inside.sort(key=lambda pair: pair[1].at, reverse=self.account.log_order == "newest")
        if self.account.log_order == "shuffled":
            random.Random(len(inside)).shuffle(inside)
        include = set(request.args.getlist("include[]"))
        return self._page("log_entries", inside, lambda pair: pair[0].entry_view(pair[1], include))

    def _check(self, name: str, allowed: tuple[str, ...]) -> None:
        if set(request.args.getlist(name)) - set(allowed):
            raise invalid(f"{name} must be of {', '.join(allowed)}")

    def _wanted(self, one: Incident) -> bool:
        values = {"statuses[]": one.status, "urgencies[]": one.urgency, "incident_key": one.key,
                  "service_ids[]": one.service.id}
        return all(value in (request.args.getlist(name) or [value]) for name, value in values.items())

    def _inside(self, one: Incident) -> bool:
        if request.args.get("date_range") == "all":
            return True
        until = moment("until") or self.account.clock.now()
        since = moment("since") or until - DEFAULT_WINDOW
        return since <= one.created <= until

    def _sorted(self, found: list[Incident]) -> list[Incident]:
        wanted = [part for part in request.args.get("sort_by", "").split(",") if part]
        if len(wanted) > 2:
            raise invalid("sort_by takes two fields at most")
        for part in reversed(wanted):
            name, _, direction = part.partition(":")
            if name not in SORTABLE or direction not in ("", "asc", "desc"):
                raise invalid(f"sort_by does not take {part}")
            field = SORTABLE[name]
            found.sort(key=lambda one: str(getattr(one, field) or ""), reverse=direction == "desc")
            if field == "number":
                found.sort(key=lambda one: one.number, reverse=direction == "desc")
        return found
