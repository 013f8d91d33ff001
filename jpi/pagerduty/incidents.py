"""Opening incidents on PagerDuty, once each: the incident key stands for what they were opened for."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from jpi.domain.model import Incident
from jpi.errors import PermanentError
from jpi.http_client import ApiClient
from jpi.pagerduty.payloads import try_parse_incident_snapshot

# PagerDuty looks back a month unless told.
ALL_DATES = {"date_range": "all"}
PAGE_SIZE = 100


class NewIncidents:
    """New incidents of one account."""

    def __init__(self, api: ApiClient, get_priority_ids: Callable[[], Mapping[str, str]]) -> None:
        self._api = api
        self._get_priority_ids = get_priority_ids

    def find_by_key(self, key: str) -> Incident | None:
        """The newest incident with this key, open or not."""
        asked = {"incident_key": key, **ALL_DATES, "sort_by": "created_at:desc"}
        answer = self._api.request("GET", "/incidents", asked)["incidents"]
        # An account that ignores the filter must not hand us somebody else's.
        there = [one for one in map(try_parse_incident_snapshot, answer) if one and one.incident.key == key]
        return there[0].incident if there else None

    def get_service_id(self, name: str) -> str:
        """The id of the service of this name or id."""
        # It finds parts of names too; of many, 25 unless asked for more.
        found = self._api.request("GET", "/services", {"query": name, "limit": PAGE_SIZE})["services"]
        same = [str(one["id"]) for one in found if one["name"] == name]
        return same[0] if same else name

    def has_service(self, service: str) -> bool:
        """Whether there is a service of this name or id."""
        named = self.get_service_id(service) != service
        return named or bool(self._api.read_if_exists(f"/services/{quote(service, safe='')}"))

    def open_incident(self, service_id: str, key: str, title: str, details: str, urgency: str,
                      priority: str | None) -> Incident:
        """Open an incident; Refused where one with this key is open on the service already."""
        known = self._get_priority_ids().get(priority or "")
        body = {"type": "incident", "title": title, "incident_key": key,
                "service": {"id": service_id, "type": "service_reference"},
                "body": {"type": "incident_body", "details": details}, **({"urgency": urgency} if urgency else {}),
                **({"priority": {"id": known, "type": "priority_reference"}} if known else {})}
        made = try_parse_incident_snapshot(self._api.request("POST", "/incidents", body={"incident": body})["incident"])
        if made is None:
            raise PermanentError("PagerDuty's answer is not as documented")
        return made.incident
