"""Map each operation of the REST API to the method that answers it."""

from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask, jsonify

from sandbox.pagerduty.extensions import ExtensionApi
from sandbox.pagerduty.incidents import IncidentApi
from sandbox.pagerduty.list_api import ListApi
from sandbox.pagerduty.rest import Refusal, RestApi
from sandbox.pagerduty.subscriptions import SubscriptionApi
from sandbox.simulated_service import make_flask_app


@cache
def make_app() -> Flask:
    """Make the Flask app with all operations; it serves whichever account a request's environment names."""
    rest, incidents, lists = RestApi(), IncidentApi(), ListApi()
    hooks, extensions = SubscriptionApi(), ExtensionApi()
    app = make_flask_app("pagerduty")
    app.before_request(rest.check_token)
    app.register_error_handler(Refusal, lambda refusal: (jsonify(refusal.body), refusal.status))
    routes: dict[tuple[str, str], Callable[..., Any]] = {
        ("GET", "/abilities"): lambda: {"abilities": ["teams", "urgencies", "advanced_reports"]},
        ("GET", "/priorities"): rest.list_priorities,
        ("GET", "/users"): rest.list_users,
        ("GET", "/users/me"): rest.read_current_user,
        ("GET", "/users/<user_id>"): lambda user_id: {"user": rest.find_by_id(rest.account.users, user_id).to_json()},
        ("GET", "/services"): rest.list_services,
        ("GET", "/services/<service_id>"): lambda service_id: {
            "service": rest.find_by_id(rest.account.services, service_id).to_json()
        },
        ("GET", "/incidents"): lists.list_incidents,
        ("POST", "/incidents"): incidents.create_incident,
        ("GET", "/incidents/<incident_id>"): lambda incident_id: incidents.to_answer(
            incidents.find_incident(incident_id)
        ),
        ("PUT", "/incidents/<incident_id>"): incidents.update_incident,
        ("PUT", "/incidents"): incidents.update_incidents,
        ("PUT", "/incidents/<incident_id>/merge"): incidents.merge_incidents,
        ("GET", "/incidents/<incident_id>/notes"): incidents.list_notes,
        ("POST", "/incidents/<incident_id>/notes"): incidents.create_note,
        ("PUT", "/incidents/<incident_id>/notes/<note_id>"): incidents.update_note,
        ("DELETE", "/incidents/<incident_id>/notes/<note_id>"): incidents.delete_note,
        ("GET", "/incidents/<incident_id>/log_entries"): lists.list_incident_log,
        ("GET", "/log_entries"): lists.list_log_entries,
        ("GET", "/log_entries/<entry_id>"): lists.read_log_entry,
        ("GET", "/webhook_subscriptions"): hooks.list_subscriptions,
        ("POST", "/webhook_subscriptions"): hooks.create_subscription,
        ("GET", "/webhook_subscriptions/<hook_id>"): hooks.read_subscription,
        ("PUT", "/webhook_subscriptions/<hook_id>"): hooks.update_subscription,
        ("DELETE", "/webhook_subscriptions/<hook_id>"): hooks.delete_subscription,
        ("POST", "/webhook_subscriptions/<hook_id>/enable"): hooks.enable_subscription,
        ("POST", "/webhook_subscriptions/<hook_id>/ping"): hooks.ping_subscription,
        ("GET", "/extensions"): extensions.list_extensions,
        ("POST", "/extensions"): extensions.create_extension,
    }
    for (method, path), view in routes.items():
        app.add_url_rule(path, f"{method} {path}", view, methods=[method])
    return app
