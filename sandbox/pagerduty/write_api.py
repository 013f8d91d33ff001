"""What a write of an incident may say, all of it checked before any of it happens."""

from dataclasses import dataclass
from typing import Any

from sandbox.pagerduty.model import Incident, Json, Priority, Service, User
from sandbox.pagerduty.rest import Refusal, RestApi, make_input_refusal

STATUSES = ("triggered", "acknowledged", "resolved")
URGENCIES = ("high", "low")


@dataclass(frozen=True)
class IncidentChange:
    """What a write asks for; None or empty where it does not say."""

    title: str | None
    status: str | None
    priority: Priority | None
    urgency: str | None
    assignees: list[User]
    policy: Service | None
    resolution: str | None


class WriteApi(RestApi):
    """Reads the fields of a write, and refuses what PagerDuty refuses."""

    def parse_change(self, given: Json) -> IncidentChange:
        """Every field that may be set, checked."""
        if given.get("assignments") and given.get("escalation_policy"):
            raise make_input_refusal("Assignments and escalation policy cannot both be set")
        return IncidentChange(title=parse_title(given) if "title" in given else None,
                              status=self._parse_status(given.get("status")),
                              priority=self._parse_priority(given.get("priority")),
                              urgency=parse_urgency(given.get("urgency")),
                              assignees=self._parse_assignees(given.get("assignments")),
                              policy=self._parse_policy(given.get("escalation_policy")),
                              resolution=parse_text(given.get("resolution"), "Resolution"))

    def find_referenced(self, things: list[Any], found: Any, what: str) -> Any:
        """The thing that a reference in a body names."""
        thing = next((one for one in things if one.id == parse_reference_id(found, what)), None)
        if thing is None:
            raise make_input_refusal(f"{what} not found")
        return thing

    def check_open(self, incident: Incident, wanted: IncidentChange) -> None:
        """An incident is resolved only once."""
        if wanted.status == "resolved" == incident.status:
            raise Refusal(400, 1001, "Incident Already Resolved")

    def _parse_status(self, found: Any) -> str | None:
        if found is not None and found not in STATUSES:
            raise Refusal(400, 1003, "Invalid Status Provided")
        return parse_text(found, "Status")

    def _parse_priority(self, found: Any) -> Priority | None:
        if found is None:
            return None
        if not self.account.priorities_enabled:
            raise make_input_refusal("Priority is not enabled")
        key = found if isinstance(found, str) else parse_reference_id(found, "Priority")
        same = [one for one in self.account.priorities.values() if key in (one.id, one.name)]
        if not same:
            raise Refusal(400, 1020, "Invalid Priority")
        return same[0]

    def _parse_assignees(self, found: Any) -> list[User]:
        if found is not None and not (isinstance(found, list) and all(isinstance(one, dict) for one in found)):
            raise make_input_refusal("Assignments must be a list of objects")
        return [self.find_referenced(self.account.users, one.get("assignee"), "Assignee") for one in found or []]

    def _parse_policy(self, found: Any) -> Service | None:
        if found is None:
            return None
        wanted = parse_reference_id(found, "Escalation policy")
        service = next((one for one in self.account.services if one.policy_id == wanted), None)
        if service is None:
            raise make_input_refusal("Escalation policy not found")
        return service


def require_type(given: Json, *kinds: str) -> None:
    """Every object in a body names its type."""
    if given.get("type") not in kinds:
        raise make_input_refusal(f"Type must be {' or '.join(kinds)}")


def parse_reference_id(found: Any, what: str) -> str:
    """The id that a reference in a body carries."""
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        raise make_input_refusal(f"{what} must be a reference with an id")
    return str(found["id"])


def parse_title(given: Json) -> str:
    """The title, which is never empty."""
    title = given.get("title")
    if not isinstance(title, str) or not title.strip():
        raise make_input_refusal("Title cannot be empty.")
    return title


def parse_text(found: Any, what: str) -> str | None:
    """Text, or nothing."""
    if found is not None and not isinstance(found, str):
        raise make_input_refusal(f"{what} must be a string")
    return found


def parse_urgency(found: Any) -> str | None:
    """One of the two urgencies, or nothing."""
    if found is not None and found not in URGENCIES:
        raise make_input_refusal("Urgency must be high or low")
    return parse_text(found, "Urgency")
