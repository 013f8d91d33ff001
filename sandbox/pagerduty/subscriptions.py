"""Webhook subscriptions of the simulated account over REST."""

from typing import Any

from flask import Response, request

from sandbox.pagerduty.fields import need_type, reference_id
from sandbox.pagerduty.hooks import Subscription
from sandbox.pagerduty.model import Json
from sandbox.pagerduty.rest import Rest, invalid

FILTERS = ("account_reference", "service_reference", "team_reference")
CHANGEABLE = {"type", "id", "description", "events", "filter", "active", "oauth_client_id"}


class Subscriptions(Rest):
    """One method an operation."""

    def subscriptions(self) -> Json:
        """GET /webhook_subscriptions."""
        kind, one_id = request.args.get("filter_type"), request.args.get("filter_id")
        found = [one for one in self.account.hooks.all.values() if one.version == 3
                 and kind in (None, one.filter["type"].removesuffix("_reference"))
                 and one_id in (None, one.filter.get("id"))]
        return self._page("webhook_subscriptions", found, lambda one: one.view(False, self._disabled(one)))

    def subscription(self, hook_id: str) -> Json:
        """GET /webhook_subscriptions/{id}."""
        return self._shown(self._hook(hook_id))

    def subscribe(self) -> Json:
        """POST /webhook_subscriptions: the only answer that shows the secret. OpenAPI documents 200 for it."""
        given = self._object("webhook_subscription")
        need_type(given, "webhook_subscription")
        method = given.get("delivery_method")
        if not isinstance(method, dict) or method.get("type") != "http_delivery_method":
            raise invalid("delivery_method must be of type http_delivery_method")
        made = Subscription(url_of(method.get("url")), events_of(given.get("events")), filter_of(given.get("filter")),
                            headers_of(method.get("custom_headers")), given.get("description", ""),
                            given.get("active", True))
        return {"webhook_subscription": self.account.hooks.add(made).view(True, False)}

    def update(self, hook_id: str) -> Json:
        """PUT /webhook_subscriptions/{id}: anything but where and how it is delivered."""
        hook, given = self._hook(hook_id), self._object("webhook_subscription")
        if set(given) - CHANGEABLE:
            raise invalid(f"{', '.join(sorted(set(given) - CHANGEABLE))} cannot be changed")
        events = events_of(given.get("events", hook.events))
        hook.filter = filter_of(given.get("filter", hook.filter))
        hook.events, hook.active = events, given.get("active", hook.active)
        hook.description = given.get("description", hook.description)
        return self._shown(hook)

    def unsubscribe(self, hook_id: str) -> Response:
        """DELETE /webhook_subscriptions/{id}."""
        del self.account.hooks.all[self._hook(hook_id).id]
        return Response(status=204)

    def enable(self, hook_id: str) -> Json:
        """POST .../enable: on again, after too many drops."""
        hook = self._hook(hook_id)
        self.account.outbox.disabled_until.pop(hook.id, None)
        return self._shown(hook)

    def ping(self, hook_id: str) -> Response:
        """POST .../ping."""
        self.account.hooks.ping(self._hook(hook_id), self.account.clock.now())
        return Response(status=202)

    def _hook(self, hook_id: str) -> Subscription:
        hooks = [one for one in self.account.hooks.all.values() if one.version == 3]
        found: Subscription = self.one(hooks, hook_id)
        return found

    def _shown(self, hook: Subscription) -> Json:
        return {"webhook_subscription": hook.view(False, self._disabled(hook))}

    def _disabled(self, hook: Subscription) -> bool:
        return self.account.outbox.disabled_until.get(hook.id, 0.0) > self.account.clock()


def url_of(found: Any) -> str:
    """An absolute address."""
    if not isinstance(found, str) or not found.startswith(("http://", "https://")):
        raise invalid("url must be an absolute address")
    return found


def events_of(found: Any) -> list[str]:
    """One event type or more, each once."""
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise invalid("events must be a list of strings, and not empty")
    if len(set(found)) != len(found):
        raise invalid("events must be unique")
    return found


def filter_of(found: Any) -> Json:
    """What it is for: the account, a service, a team."""
    if not isinstance(found, dict) or found.get("type") not in FILTERS:
        raise invalid(f"filter must be of type {', '.join(FILTERS)}")
    if found["type"] != "account_reference":
        reference_id(found, "filter")
    return found


def headers_of(found: Any) -> list[Json]:
    """Custom headers, each name once."""
    headers = found or []
    if not isinstance(headers, list) or not all(isinstance(one, dict) and {"name", "value"} <= set(one)
                                                for one in headers):
        raise invalid("custom_headers must be a list of names and values")
    if len({one["name"].lower() for one in headers}) != len(headers):
        raise invalid("custom_headers must have unique names")
    return headers
