"""Which operation of the REST API is answered by what."""

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask, jsonify

from sandbox.pagerduty.extensions import Extensions
from sandbox.pagerduty.incidents import Incidents
from sandbox.pagerduty.lists import Lists
from sandbox.pagerduty.rest import Refusal, Rest
from sandbox.pagerduty.subscriptions import Subscriptions
from sandbox.web import new_app


@cache
def make_app() -> Flask:
    """Make the Flask app with all operations; it serves whichever account a request's environment names."""
    rest, incidents, lists = Rest(), Incidents(), Lists()
    hooks, extensions = Subscriptions(), Extensions()
    app = new_app("pagerduty")
    app.before_request(rest.authorize)
    app.register_error_handler(Refusal, lambda refusal: (jsonify(refusal.body), refusal.status))
    routes: dict[tuple[str, str], Callable[..., Any]] = {
        ("GET", "/abilities"): lambda: {"abilities": ["teams", "urgencies", "advanced_reports"]},
        ("GET", "/priorities"): rest.priorities,
        ("GET", "/users"): rest.users,
        ("GET", "/users/me"): rest.me,
        ("GET", "/users/<user_id>"): lambda user_id: {"user": rest.one(rest.account.users, user_id).view()},
        ("GET", "/services"): rest.services,
        ("GET", "/services/<service_id>"): lambda service_id: {
            "service": rest.one(rest.account.services, service_id).view()},
        ("GET", "/incidents"): lists.incidents,
        ("POST", "/incidents"): incidents.create_incident,
        ("GET", "/incidents/<incident_id>"): lambda incident_id: incidents.shown(incidents.incident(incident_id)),
        ("PUT", "/incidents/<incident_id>"): incidents.update_incident,
        ("PUT", "/incidents"): incidents.update_incidents,
        ("PUT", "/incidents/<incident_id>/merge"): incidents.merge,
        ("GET", "/incidents/<incident_id>/notes"): incidents.notes,
        ("POST", "/incidents/<incident_id>/notes"): incidents.create_note,
        ("PUT", "/incidents/<incident_id>/notes/<note_id>"): incidents.update_note,
        ("DELETE", "/incidents/<incident_id>/notes/<note_id>"): incidents.delete_note,
        ("GET", "/incidents/<incident_id>/log_entries"): lists.incident_log,
        ("GET", "/log_entries"): lists.log_entries,
        ("GET", "/log_entries/<entry_id>"): lists.log_entry,
        ("GET", "/webhook_subscriptions"): hooks.subscriptions,
        ("POST", "/webhook_subscriptions"): hooks.subscribe,
        ("GET", "/webhook_subscriptions/<hook_id>"): hooks.subscription,
        ("PUT", "/webhook_subscriptions/<hook_id>"): hooks.update,
        ("DELETE", "/webhook_subscriptions/<hook_id>"): hooks.unsubscribe,
        ("POST", "/webhook_subscriptions/<hook_id>/enable"): hooks.enable,
        ("POST", "/webhook_subscriptions/<hook_id>/ping"): hooks.ping,
        ("GET", "/extensions"): extensions.extensions,
        ("POST", "/extensions"): extensions.extend,
    }
    for (method, path), view in routes.items():
        app.add_url_rule(path, f"{method} {path}", view, methods=[method])
    return app
