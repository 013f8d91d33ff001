"""Opening incidents on PagerDuty, once each: the incident key stands for what they were opened for."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from jpi.domain.model import Incident
from jpi.errors import Permanent
from jpi.http_client import Calls
from jpi.pagerduty.payloads import readable_incident

# PagerDuty looks back a month unless told.
EVER = {"date_range": "all"}
PAGE = 100


class Opening:
    """New incidents of one account."""

    def __init__(self, call: Calls, priorities: Callable[[], Mapping[str, str]]) -> None:
        self._call = call
        self._priorities = priorities

    def found(self, key: str) -> Incident | None:
        """The newest incident with this key, open or not."""
        asked = {"incident_key": key, **EVER, "sort_by": "created_at:desc"}
        answer = self._call("GET", "/incidents", asked)["incidents"]
        # An account that ignores the filter must not hand us somebody else's.
        there = [one for one in map(readable_incident, answer) if one and one.incident.key == key]
        return there[0].incident if there else None

    def service(self, name: str) -> str:
        """The id of the service of this name or id."""
        # It finds parts of names too; of many, 25 unless asked for more.
        found = self._call("GET", "/services", {"query": name, "limit": PAGE})["services"]
        same = [str(one["id"]) for one in found if one["name"] == name]
        return same[0] if same else name

    def exists(self, service: str) -> bool:
        """Whether there is a service of this name or id."""
        named = self.service(service) != service
        return named or bool(self._call.if_there(f"/services/{quote(service, safe='')}"))

    def open(self, service_id: str, key: str, title: str, details: str, urgency: str,
             priority: str | None) -> Incident:
        """Open an incident; Refused where one with this key is open on the service already."""
        known = self._priorities().get(priority or "")
        body = {
            "type": "incident", "title": title, "incident_key": key,
            "service": {"id": service_id, "type": "service_reference"},
            "body": {"type": "incident_body", "details": details},
            **({"urgency": urgency} if urgency else {}),
            **({"priority": {"id": known, "type": "priority_reference"}} if known else {}),
        }
        made = readable_incident(self._call("POST", "/incidents", body={"incident": body})["incident"])
        if made is None:
            raise Permanent("PagerDuty's answer is not as documented")
        return made.incident
