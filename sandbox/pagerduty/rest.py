"""The REST API v2 of the simulated account: what it takes, and how it refuses."""

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
    """An error answer: HTTP status, PagerDuty's own code, message, details."""

    def __init__(self, status: int, code: int, message: str, *details: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "code": code, **({"errors": list(details)} if details else {})}}


def make_input_refusal(*details: str) -> Refusal:
    """400, invalid input."""
    return Refusal(400, 2001, "Invalid Input Provided", *details)


class RestApi:
    """One method an operation."""

    @property
    def account(self) -> PagerDutyState:
        """The account that this request is for."""
        account: PagerDutyState = get_served_state()
        return account

    def authorize(self) -> None:
        """Account key or a user's own; anything else is 401."""
        token = request.headers.get("Authorization", "").removeprefix("Token token=")
        if token not in {self.account.account_key, *(user.key for user in self.account.users)}:
            raise Refusal(401, 2006, "Authentication failed")

    def find_writer(self) -> User:
        """Who a write is by: the user whose key it is, else the one in the From header."""
        token = request.headers.get("Authorization", "").removeprefix("Token token=")
        sender = request.headers.get("From")
        if sender is None:
            raise Refusal(400, 2016, NO_FROM_TEXT)
        found = next((user for user in self.account.users if user.key == token), None)
        user = found or self.account.find_user(sender)
        if user is None:
            raise Refusal(400, 1008, "Requester User Not Found")
        return user

    def find_by_id(self, things: list[Any], thing_id: str) -> Any:
        """The thing with this id."""
        found = next((thing for thing in things if thing.id == thing_id), None)
        if found is None:
            raise Refusal(404, 2100, "Not Found")
        return found

    def find_incident(self, incident_id: str) -> Incident:
        """By id or by number."""
        number = next((one for one in self.account.incidents.values() if str(one.number) == incident_id), None)
        found = self.account.incidents.get(incident_id) or number
        if found is None or found.id in self.account.hidden_incident_ids:
            raise Refusal(404, 5001, "Incident Not Found")
        return found

    def list_priorities(self) -> Json:
        """402 where the account's plan has none."""
        if not self.account.priorities_enabled:
            raise Refusal(402, 2014, "Account does not have the abilities to perform the action")
        return {"priorities": [one.to_json() for one in self.account.priorities.values()],
                **make_page_info(0, 25, False)}

    def list_users(self) -> Json:
        """Those whose name or e-mail holds the query."""
        query = request.args.get("query", "").lower()
        found = [user for user in self.account.users if query in user.name.lower() or query in user.email.lower()]
        return self._make_page("users", found, lambda user: user.to_json())

    def read_current_user(self) -> Json:
        """Only a user's own key belongs to anybody."""
        token = request.headers["Authorization"].removeprefix("Token token=")
        found = next((user for user in self.account.users if user.key == token), None)
        if found is None:
            raise Refusal(400, 2001, "User not found for this key")
        return {"user": found.to_json()}

    def list_services(self) -> Json:
        """By exact name, or by what the name holds."""
        name, query = request.args.get("name"), request.args.get("query", "").lower()
        found = [one for one in self.account.services if query in one.name.lower() and name in (None, one.name)]
        return self._make_page("services", found, lambda service: service.to_json())

    def _read_object(self, name: str) -> Json:
        found = self._read_body().get(name)
        if not isinstance(found, dict):
            raise make_input_refusal(f"{name} must be an object")
        return found

    def _read_objects(self, name: str) -> list[Json]:
        found = self._read_body().get(name)
        if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
            raise make_input_refusal(f"{name} must be a list of objects")
        return found

    def _read_body(self) -> Json:
        found = request.get_json(silent=True)
        if not isinstance(found, dict):
            raise make_input_refusal("The body must be a JSON object")
        return found

    def _make_page(self, name: str, found: list[Any], view: Callable[[Any], Json]) -> Json:
        limit, offset = read_whole_number("limit", 25), read_whole_number("offset", 0)
        if offset + limit > MAX_OFFSET_PLUS_LIMIT:
            raise make_input_refusal("Offset and limit must not sum to more than 10000")
        limit = min(limit, 100)
        total = len(found) if request.args.get("total") == "true" else None
        shown = [view(one) for one in found[offset : offset + limit]]
        return {name: shown, **make_page_info(offset, limit, offset + limit < len(found), total)}


def make_page_info(offset: int, limit: int, more: bool, total: int | None = None) -> Json:
    """What every list ends with."""
    return {"limit": limit, "offset": offset, "total": total, "more": more}


def read_whole_number(name: str, default: int) -> int:
    """A whole number of the query."""
    value = request.args.get(name, str(default))
    if not value.isdecimal():
        raise make_input_refusal(f"{name} must be a whole number")
    return int(value)


def read_time(name: str) -> datetime | None:
    """A time of the query; one without a zone is refused here, for the real one would guess it."""
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
