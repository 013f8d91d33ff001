"""Webhook subscriptions of the simulated account over REST."""

from typing import Any

from flask import Response, request

from sandbox.pagerduty.model import Json
from sandbox.pagerduty.rest import RestApi, make_input_refusal
from sandbox.pagerduty.webhooks import Subscription
from sandbox.pagerduty.write_api import parse_reference_id, require_type
from sandbox.simulated_service import make_empty_response

FILTER_TYPES = ("account_reference", "service_reference", "team_reference")
CHANGEABLE_KEYS = {"type", "id", "description", "events", "filter", "active", "oauth_client_id"}


class SubscriptionApi(RestApi):
    """The operations on webhook subscriptions."""

    def list_subscriptions(self) -> Json:
        """GET /webhook_subscriptions."""
        filter_type, filter_id = request.args.get("filter_type"), request.args.get("filter_id")
        subscriptions = [
            subscription
            for subscription in self.account.webhooks.subscriptions.values()
            if subscription.version == 3
            and filter_type in (None, subscription.filter["type"].removesuffix("_reference"))
            and filter_id in (None, subscription.filter.get("id"))
        ]
        return self._make_page("webhook_subscriptions", subscriptions,
                               lambda subscription: subscription.to_json(False, self._is_disabled(subscription)))

    def read_subscription(self, hook_id: str) -> Json:
        """GET /webhook_subscriptions/{id}."""
        return self._to_answer(self._find_subscription(hook_id))

    def create_subscription(self) -> Json:
        """POST /webhook_subscriptions: the only answer with the secret. OpenAPI documents status 200."""
        given = self._read_object("webhook_subscription")
        require_type(given, "webhook_subscription")
        method = given.get("delivery_method")
        if not isinstance(method, dict) or method.get("type") != "http_delivery_method":
            raise make_input_refusal("delivery_method must be of type http_delivery_method")
        subscription = Subscription(parse_url(method.get("url")), parse_events(given.get("events")),
                                    parse_filter(given.get("filter")), parse_headers(method.get("custom_headers")),
                                    given.get("description", ""), given.get("active", True))
        return {"webhook_subscription": self.account.webhooks.add(subscription).to_json(True, False)}

    def update_subscription(self, hook_id: str) -> Json:
        """PUT /webhook_subscriptions/{id}: change anything but the delivery method."""
        hook, given = self._find_subscription(hook_id), self._read_object("webhook_subscription")
        if set(given) - CHANGEABLE_KEYS:
            raise make_input_refusal(f"{', '.join(sorted(set(given) - CHANGEABLE_KEYS))} cannot be changed")
        events = parse_events(given.get("events", hook.events))
        hook.filter = parse_filter(given.get("filter", hook.filter))
        hook.events, hook.active = events, given.get("active", hook.active)
        hook.description = given.get("description", hook.description)
        return self._to_answer(hook)

    def delete_subscription(self, hook_id: str) -> Response:
        """DELETE /webhook_subscriptions/{id}."""
        del self.account.webhooks.subscriptions[self._find_subscription(hook_id).id]
        return make_empty_response(204)

    def enable_subscription(self, hook_id: str) -> Json:
        """POST .../enable: enable it again after too many drops."""
        hook = self._find_subscription(hook_id)
        self.account.outbox.disabled_until.pop(hook.id, None)
        return self._to_answer(hook)

    def ping_subscription(self, hook_id: str) -> Response:
        """POST .../ping."""
        self.account.webhooks.send_ping(self._find_subscription(hook_id), self.account.clock.now())
        return make_empty_response(202)

    def _find_subscription(self, hook_id: str) -> Subscription:
        hooks = [hook for hook in self.account.webhooks.subscriptions.values() if hook.version == 3]
        subscription: Subscription = self.find_by_id(hooks, hook_id)
        return subscription

    def _to_answer(self, hook: Subscription) -> Json:
        return {"webhook_subscription": hook.to_json(False, self._is_disabled(hook))}

    def _is_disabled(self, hook: Subscription) -> bool:
        return self.account.outbox.disabled_until.get(hook.id, 0.0) > self.account.clock()


def parse_url(value: Any) -> str:
    """Return an absolute address."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise make_input_refusal("url must be an absolute address")
    return value


def parse_events(value: Any) -> list[str]:
    """Return one or more event types, each once."""
    if not isinstance(value, list) or not value or not all(isinstance(event, str) for event in value):
        raise make_input_refusal("events must be a list of strings, and not empty")
    if len(set(value)) != len(value):
        raise make_input_refusal("events must be unique")
    return value


def parse_filter(value: Any) -> Json:
    """Return the filter: the account, a service or a team."""
    if not isinstance(value, dict) or value.get("type") not in FILTER_TYPES:
        raise make_input_refusal(f"filter must be of type {', '.join(FILTER_TYPES)}")
    if value["type"] != "account_reference":
        parse_reference_id(value, "filter")
    return value


def parse_headers(value: Any) -> list[Json]:
    """Return custom headers; each name is unique."""
    headers = value or []
    if not isinstance(headers, list) or not all(isinstance(header, dict) and {"name", "value"} <= set(header)
                                                for header in headers):
        raise make_input_refusal("custom_headers must be a list of names and values")
    if len({header["name"].lower() for header in headers}) != len(headers):
        raise make_input_refusal("custom_headers must have unique names")
    return headers
