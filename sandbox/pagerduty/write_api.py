"""Check the whole body of a write to an incident before anything changes."""

from dataclasses import dataclass
from typing import Any

from sandbox.pagerduty.model import Incident, Json, Priority, Service, User
from sandbox.pagerduty.rest import Refusal, RestApi, make_input_refusal

STATUSES = ("triggered", "acknowledged", "resolved")
URGENCIES = ("high", "low")


@dataclass(frozen=True)
class IncidentChange:
    """The changes that a write asks for; None or empty: no change."""

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
        """Parse and check every field that may be set."""
        if given.get("assignments") and given.get("escalation_policy"):
            raise make_input_refusal("Assignments and escalation policy cannot both be set")
        return IncidentChange(title=parse_title(given) if "title" in given else None,
                              status=self._parse_status(given.get("status")),
                              priority=self._parse_priority(given.get("priority")),
                              urgency=parse_urgency(given.get("urgency")),
                              assignees=self._parse_assignees(given.get("assignments")),
                              policy=self._parse_policy(given.get("escalation_policy")),
                              resolution=parse_text(given.get("resolution"), "Resolution"))

    def find_referenced(self, objects: list[Any], reference: Any, name: str) -> Any:
        """Return the object that a reference in a body names."""
        match = next((candidate for candidate in objects if candidate.id == parse_reference_id(reference, name)), None)
        if match is None:
            raise make_input_refusal(f"{name} not found")
        return match

    def check_open(self, incident: Incident, change: IncidentChange) -> None:
        """Refuse to resolve a resolved incident."""
        if change.status == "resolved" == incident.status:
            raise Refusal(400, 1001, "Incident Already Resolved")

    def _parse_status(self, value: Any) -> str | None:
        if value is not None and value not in STATUSES:
            raise Refusal(400, 1003, "Invalid Status Provided")
        return parse_text(value, "Status")

    def _parse_priority(self, value: Any) -> Priority | None:
        if value is None:
            return None
        if not self.account.priorities_enabled:
            raise make_input_refusal("Priority is not enabled")
        key = value if isinstance(value, str) else parse_reference_id(value, "Priority")
        matches = [priority for priority in self.account.priorities.values() if key in (priority.id, priority.name)]
        if not matches:
            raise Refusal(400, 1020, "Invalid Priority")
        return matches[0]

    def _parse_assignees(self, value: Any) -> list[User]:
        if value is not None and not (isinstance(value, list)
                                      and all(isinstance(assignment, dict) for assignment in value)):
            raise make_input_refusal("Assignments must be a list of objects")
        return [self.find_referenced(self.account.users, assignment.get("assignee"), "Assignee") for assignment in value
                or []]

    def _parse_policy(self, value: Any) -> Service | None:
        if value is None:
            return None
        policy_id = parse_reference_id(value, "Escalation policy")
        service = next((service for service in self.account.services if service.policy_id == policy_id), None)
        if service is None:
            raise make_input_refusal("Escalation policy not found")
        return service


def require_type(given: Json, *kinds: str) -> None:
    """Check the type that every object in a body must name."""
    if given.get("type") not in kinds:
        raise make_input_refusal(f"Type must be {' or '.join(kinds)}")


def parse_reference_id(value: Any, name: str) -> str:
    """Return the id of a reference in a body."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise make_input_refusal(f"{name} must be a reference with an id")
    return str(value["id"])


def parse_title(given: Json) -> str:
    """Return the title, which must not be empty."""
    title = given.get("title")
    if not isinstance(title, str) or not title.strip():
        raise make_input_refusal("Title cannot be empty.")
    return title


def parse_text(value: Any, name: str) -> str | None:
    """Return a text or None."""
    if value is not None and not isinstance(value, str):
        raise make_input_refusal(f"{name} must be a string")
    return value


def parse_urgency(value: Any) -> str | None:
    """Return one of the two urgencies, or None."""
    if value is not None and value not in URGENCIES:
        raise make_input_refusal("Urgency must be high or low")
    return parse_text(value, "Urgency")
