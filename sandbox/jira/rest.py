"""How the simulated Jira reads requests and words its answers: routes, refusals, bodies, pages."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from sandbox.simulated_service import get_served_state, make_empty_response

REST = "/rest/api/3"
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
NOT_JSON = "There was an error parsing JSON. Check that your request body is valid."
# Recorded answers of Jira Cloud with these messages have no `errors`; all other refusals have them, empty or not.
MESSAGES_WITHOUT_ERRORS = frozenset({BAD_PAYLOAD, NOT_JSON})
NOT_SIGNED_IN = "You are not authenticated. Authentication required to perform this operation."
NOT_ADMIN = "Only Jira administrators can perform this operation."
Handler = Callable[..., Any]


class Refusal(Exception):
    """Raised to answer with an error, in Jira's words."""

    def __init__(self, status: int, *messages: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(*messages)
        self.status = status
        self.body: dict[str, Any] = {"errorMessages": list(messages)}
        if MESSAGES_WITHOUT_ERRORS.isdisjoint(messages):
            self.body["errors"] = errors or {}


class Problem(Refusal):
    """Raised to answer with `application/problem+json`, as the frame around Jira's operations does."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.body = {"type": "about:blank", "title": HTTP_STATUS_CODES[status], "status": status, "detail": detail,
                     "instance": request.path}


class Routes:
    """Handlers by method and path; each receives the site's state and the variables of its path."""

    def __init__(self, prefix: str = REST) -> None:
        self.prefix = prefix
        self.rules: list[tuple[str, str, Handler]] = []

    def add(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Register the decorated handler for this method and path."""
        def register_handler(handler: Handler) -> Handler:
            self.rules.append((method, self.prefix + path, handler))
            return handler
        return register_handler

    def register_on(self, app: Any) -> None:
        """Add the handlers to a Flask app."""
        for method, path, handler in self.rules:
            app.add_url_rule(path, f"{method} {path}", _make_view(handler), methods=[method])


def _make_view(handler: Handler) -> Callable[..., Response]:
    def answer_request(**path_values: str) -> Response:
        result = handler(get_served_state(), **path_values)
        content, status = result if isinstance(result, tuple) else (result, 200)
        return make_empty_response(status) if content is None else make_json_response(content, status)
    return answer_request


def make_json_response(content: Any, status: int) -> Response:
    """Make a JSON response with Jira's content type."""
    response = jsonify(content)
    response.status_code = status
    response.headers["Content-Type"] = "application/json;charset=UTF-8"
    return response


def answer_refusal(error: Refusal) -> Response:
    """Turn a refusal into a response."""
    response = make_json_response(error.body, error.status)
    if isinstance(error, Problem):
        response.headers["Content-Type"] = "application/problem+json;charset=UTF-8"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'OAuth realm="https%3A%2F%2Fsandbox.atlassian.net"'
    return response


def answer_unknown_path(error: HTTPException) -> Response:
    """Answer a path or method that Jira does not know."""
    status = error.code or 500
    details = {404: f"No endpoint {request.method} {request.path}.",
               405: f"Method '{request.method}' is not supported."}
    return answer_refusal(Problem(status, details.get(status, "Internal server error")))


def get_actor() -> Any:
    """Return the user who is calling."""
    return g.user


def require_admin(status: int = 403) -> None:
    """Refuse unless an administrator is calling; the reference has other statuses than 403 for some calls."""
    if not get_actor().admin:
        raise Refusal(status, NOT_ADMIN)


def read_body(allowed: Iterable[str] | None = None, required: Iterable[str] = ()) -> dict[str, Any]:
    """Return the request's JSON object; refuse it with keys outside `allowed`, or without a required one."""
    body = read_json()
    if not isinstance(body, dict) or (allowed is not None and set(body) - set(allowed) - set(required)):
        raise Refusal(400, BAD_PAYLOAD)
    missing = [name for name in required if name not in body]
    if missing:
        raise Refusal(400, errors={name: f"{name} must be provided." for name in missing})
    return body


def read_json() -> Any:
    """Return the request's JSON value."""
    if request.mimetype != "application/json":
        raise Refusal(415, f"Unsupported Media Type: {request.mimetype or 'none'}")
    try:
        return json.loads(request.get_data())
    except ValueError as error:
        raise Refusal(400, NOT_JSON if request.get_data() else BAD_PAYLOAD) from error


def read_list(name: str) -> list[str]:
    """Return the values of a query parameter that may be repeated or hold commas."""
    return [part for value in request.args.getlist(name) for part in value.split(",") if part]


def read_number(name: str, default: int) -> int:
    """Return a query parameter that is a whole number, at least 0."""
    text = request.args.get(name, str(default))
    if not text.isdecimal():
        raise Problem(400, f"Failed to convert '{name}' with value: '{text}'")
    return int(text)


def check_order(choices: Sequence[str], default: str) -> str:
    """Return what `orderBy` asks for, with its sign; refuse a field that is not among these."""
    order = request.args.get("orderBy", default)
    if order.lstrip("+-") not in choices:
        raise Refusal(400, f"The field to order by should be one of [{', '.join(choices)}]. Instead, it was: {order}.")
    return order


def make_page(values: Sequence[Any], most: int = 50) -> dict[str, Any]:
    """Return the part of `values` that `startAt` and `maxResults` ask for, as Jira's page bean."""
    start, size = read_number("startAt", 0), min(read_number("maxResults", most), 1000)
    part = list(values[start : start + size])
    last = start + len(part) >= len(values)
    return {"maxResults": size, "startAt": start, "total": len(values), "isLast": last, "values": part}


def parse_strings(value: Any) -> list[str]:
    """Return a list of strings out of a body; refuse anything else."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refusal(400, BAD_PAYLOAD)
    return value


def check_property_value(value: Any) -> Any:
    """Return a value that fits an entity property, which holds at most 32768 characters of JSON."""
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) > 32768:
        raise Refusal(400, "The property value is too long. It must not exceed 32768 characters.")
    return value


def parse_properties(value: Any) -> dict[str, Any]:
    """Parse the `properties` of a create or edit: `[{key, value}]`."""
    if not isinstance(value, list) or any(not isinstance(entry, dict) or set(entry) != {"key", "value"}
                                          for entry in value):
        raise Refusal(400, BAD_PAYLOAD)
    return {parse_property_key(entry["key"]): check_property_value(entry["value"]) for entry in value}


def parse_property_key(key: Any) -> str:
    """Return a property's name, at most 255 characters."""
    if not isinstance(key, str) or not 0 < len(key) <= 255:
        raise Refusal(400, "The property key must be 1 to 255 characters long.")
    return key


def read_text(body: dict[str, Any], key: str) -> str:
    """Return a text that a body must hold, not empty."""
    value = body[key]
    if not isinstance(value, str) or not value.strip():
        raise Refusal(400, errors={key: f"The {key} must not be empty."})
    return value.strip()
