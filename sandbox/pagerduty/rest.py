"""The REST API v2 of the simulated account: what it accepts, and how it refuses."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import request

from sandbox.pagerduty.model import Incident, Json, User
from sandbox.pagerduty.state import PagerDutyState
from sandbox.simulated_service import get_served_state

MAX_OFFSET_PLUS_LIMIT = 10_000
NO_FROM_TEXT = "You must specify a user's email address in the \"From\" header to perform this action"


class Refusal(Exception):
    """Raised to answer with an error: HTTP status, PagerDuty's own code, message, details."""

    def __init__(self, status: int, code: int, message: str, *details: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "code": code, **({"errors": list(details)} if details else {})}}


def make_input_refusal(*details: str) -> Refusal:
    """Make a 400 for invalid input."""
    return Refusal(400, 2001, "Invalid Input Provided", *details)


class RestApi:
    """The operations on users, services and priorities, and what all operations share."""

    @property
    def account(self) -> PagerDutyState:
        """Return the account that this request is for."""
        account: PagerDutyState = get_served_state()
        return account

    def check_token(self) -> None:
        """Accept the account's key or a user's own key; answer 401 to anything else."""
        token = request.headers.get("Authorization", "").removeprefix("Token token=")
        if token not in {self.account.account_key, *(user.key for user in self.account.users)}:
            raise Refusal(401, 2006, "Authentication failed")

    def find_writer(self) -> User:
        """Return who writes: the user with this key, else the one in the From header."""
        token = request.headers.get("Authorization", "").removeprefix("Token token=")
        sender = request.headers.get("From")
        if sender is None:
            raise Refusal(400, 2016, NO_FROM_TEXT)
        key_owner = next((user for user in self.account.users if user.key == token), None)
        user = key_owner or self.account.find_user(sender)
        if user is None:
            raise Refusal(400, 1008, "Requester User Not Found")
        return user

    def find_by_id(self, objects: list[Any], object_id: str) -> Any:
        """Return the object with this id."""
        match = next((candidate for candidate in objects if candidate.id == object_id), None)
        if match is None:
            raise Refusal(404, 2100, "Not Found")
        return match

    def find_incident(self, incident_id: str) -> Incident:
        """Return the incident with this id or number."""
        incidents = self.account.incidents
        match = incidents.get(incident_id) or next(
            (incident for incident in incidents.values() if str(incident.number) == incident_id), None)
        if match is None or match.id in self.account.hidden_incident_ids:
            raise Refusal(404, 5001, "Incident Not Found")
        return match

    def list_priorities(self) -> Json:
        """Return all priorities; 402 if the account's plan has none."""
        if not self.account.priorities_enabled:
            raise Refusal(402, 2014, "Account does not have the abilities to perform the action")
        return {"priorities": [priority.to_json() for priority in self.account.priorities.values()],
                **make_page_info(0, 25, False)}

    def list_users(self) -> Json:
        """Return the users whose name or e-mail contains the query."""
        query = request.args.get("query", "").lower()
        users = [user for user in self.account.users if query in user.name.lower() or query in user.email.lower()]
        return self._make_page("users", users, lambda user: user.to_json())

    def read_current_user(self) -> Json:
        """Return the user whose own key this is; the account's key belongs to nobody."""
        token = request.headers["Authorization"].removeprefix("Token token=")
        owner = next((user for user in self.account.users if user.key == token), None)
        if owner is None:
            raise Refusal(400, 2001, "User not found for this key")
        return {"user": owner.to_json()}

    def list_services(self) -> Json:
        """Return the services with this name, or those whose name contains the query."""
        name, query = request.args.get("name"), request.args.get("query", "").lower()
        services = [service for service in self.account.services if query in service.name.lower()
                    and name in (None, service.name) and service.id not in self.account.hidden_service_ids]
        return self._make_page("services", services, lambda service: service.to_json())

    def _read_object(self, name: str) -> Json:
        value = self._read_body().get(name)
        if not isinstance(value, dict):
            raise make_input_refusal(f"{name} must be an object")
        return value

    def _read_objects(self, name: str) -> list[Json]:
        values = self._read_body().get(name)
        if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
            raise make_input_refusal(f"{name} must be a list of objects")
        return values

    def _read_body(self) -> Json:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise make_input_refusal("The body must be a JSON object")
        return body

    def _make_page(self, name: str, values: list[Any], view: Callable[[Any], Json]) -> Json:
        limit, offset = read_whole_number("limit", 25), read_whole_number("offset", 0)
        if offset + limit > MAX_OFFSET_PLUS_LIMIT:
            raise make_input_refusal("Offset and limit must not sum to more than 10000")
        limit = min(limit, 100)
        total = len(values) if request.args.get("total", "").lower() == "true" else None
        page = [view(value) for value in values[offset : offset + limit]]
        return {name: page, **make_page_info(offset, limit, offset + limit < len(values), total)}


def make_page_info(offset: int, limit: int, more: bool, total: int | None = None) -> Json:
    """Return the fields that end every list."""
    return {"limit": limit, "offset": offset, "total": total, "more": more}


def read_whole_number(name: str, default: int) -> int:
    """Return a whole number of the query."""
    value = request.args.get(name, str(default))
    if not value.isdecimal():
        raise make_input_refusal(f"{name} must be a whole number")
    return int(value)


def read_time(name: str) -> datetime | None:
    """Return a time of the query; refuse one without a zone, which the real API would guess."""
    value = request.args.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise make_input_refusal(f"{name} is not a time") from None
    if at.tzinfo is None:
        raise make_input_refusal(f"{name} names no time zone")
    return at.astimezone(UTC)
