"""How the simulated Jira takes requests and words its answers: routes, refusals, bodies, pages."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.web import served_state

REST = "/rest/api/3"
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
NOT_SIGNED_IN = "You are not authenticated. Authentication required to perform this operation."
NOT_ADMIN = "Only Jira administrators can perform this operation."
Handler = Callable[..., Any]


class Refusal(Exception):
    """An answer other than success, in Jira's words."""

    def __init__(self, status: int, *messages: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(*messages)
        self.status = status
        self.body = {"errorMessages": list(messages), "errors": errors or {}}


class Routes:
    """Handlers by method and path; each is given the site's state and what its path names."""

    def __init__(self, prefix: str = REST) -> None:
        self.prefix = prefix
        self.rules: list[tuple[str, str, Handler]] = []

    def __call__(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Keep the decorated handler for this method and path."""
        def keep(handler: Handler) -> Handler:
            self.rules.append((method, self.prefix + path, handler))
            return handler
        return keep

    def serve(self, app: Any) -> None:
        """Put the handlers into a Flask app."""
        for method, path, handler in self.rules:
            app.add_url_rule(path, f"{method} {path}", _answering(handler), methods=[method])


def _answering(handler: Handler) -> Callable[..., Response]:
    def view(**named: str) -> Response:
        made = handler(served_state(), **named)
        content, status = made if isinstance(made, tuple) else (made, 200)
        return Response(status=status) if content is None else answer(content, status)
    return view


def answer(content: Any, status: int) -> Response:
    """JSON as Jira labels it."""
    response = jsonify(content)
    response.status_code = status
    response.headers["Content-Type"] = "application/json;charset=UTF-8"
    return response


def refused(error: Refusal) -> Response:
    """A refusal as an answer."""
    response = answer(error.body, error.status)
    if error.status == 401:
        response.headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        response.headers["WWW-Authenticate"] = 'OAuth realm="https%3A%2F%2Fsandbox.atlassian.net"'
    return response


def lost(error: HTTPException) -> Response:
    """The answer to a path or method that Jira does not know."""
    status = error.code or 500
    said = f"No endpoint {request.method} {request.path}." if status in (404, 405) else "Internal server error"
    return answer({"errorMessages": [said], "errors": {}}, status)


def actor() -> Any:
    """The user who is calling."""
    return g.user


def need_admin(status: int = 403) -> None:
    """Refused unless an administrator is calling; the reference has other statuses than 403 for some calls."""
    if not actor().admin:
        raise Refusal(status, NOT_ADMIN)


def body(allowed: Iterable[str] | None = None, required: Iterable[str] = ()) -> dict[str, Any]:
    """The request's JSON object; refused where it is none, has other keys than `allowed`, or lacks a required one."""
    found = any_body()
    if not isinstance(found, dict) or (allowed is not None and set(found) - set(allowed) - set(required)):
        raise Refusal(400, BAD_PAYLOAD)
    lacking = [name for name in required if name not in found]
    if lacking:
        raise Refusal(400, errors={name: f"{name} must be provided." for name in lacking})
    return found


def any_body() -> Any:
    """The request's JSON value."""
    if request.mimetype != "application/json":
        raise Refusal(415, f"Unsupported Media Type: {request.mimetype or 'none'}")
    try:
        return json.loads(request.get_data())
    except ValueError as error:
        raise Refusal(400, BAD_PAYLOAD) from error


def listed(name: str) -> list[str]:
    """A query parameter that may be repeated or hold commas."""
    return [part for value in request.args.getlist(name) for part in value.split(",") if part]


def number(name: str, default: int) -> int:
    """A query parameter that is a whole number, 0 at least."""
    said = request.args.get(name, str(default))
    if not said.isdecimal():
        raise Refusal(400, f"The value '{said}' of '{name}' is not a valid number.")
    return int(said)


def page(values: Sequence[Any], most: int = 50) -> dict[str, Any]:
    """The part of `values` that `startAt` and `maxResults` ask for, as Jira's page bean."""
    start, size = number("startAt", 0), min(number("maxResults", most), 1000)
    part = list(values[start : start + size])
    last = start + len(part) >= len(values)
    return {"maxResults": size, "startAt": start, "total": len(values), "isLast": last, "values": part}


def strings(value: Any) -> list[str]:
    """A list of strings out of a body; refused if it is anything else."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refusal(400, BAD_PAYLOAD)
    return value


def storable(value: Any) -> Any:
    """A value fit for an entity property, which holds at most 32768 characters of JSON."""
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) > 32768:
        raise Refusal(400, "The property value is too long. It must not exceed 32768 characters.")
    return value


def named_properties(value: Any) -> dict[str, Any]:
    """The `properties` of a create or edit: `[{key, value}]`."""
    if not isinstance(value, list) or any(not isinstance(one, dict) or set(one) != {"key", "value"} for one in value):
        raise Refusal(400, BAD_PAYLOAD)
    return {property_key(one["key"]): storable(one["value"]) for one in value}


def property_key(key: Any) -> str:
    """A property's name, at most 255 characters."""
    if not isinstance(key, str) or not 0 < len(key) <= 255:
        raise Refusal(400, "The property key must be 1 to 255 characters long.")
    return key


def text(asked: dict[str, Any], key: str) -> str:
    """A text that a body must hold, not empty."""
    value = asked[key]
    if not isinstance(value, str) or not value.strip():
        raise Refusal(400, errors={key: f"The {key} must not be empty."})
    return value.strip()
