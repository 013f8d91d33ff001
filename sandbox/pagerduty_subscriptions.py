"""Webhook subscriptions of the simulated account over REST."""

from flask import Response

from sandbox.pagerduty_hooks import Subscription
from sandbox.pagerduty_model import Json
from sandbox.pagerduty_rest import Rest, invalid


class Subscriptions(Rest):
    """One method an operation."""

    def subscriptions(self) -> Json:
        """GET /webhook_subscriptions."""
        found = [one for one in self._account.hooks.all.values() if one.version == 3]
        return self._page("webhook_subscriptions", found, lambda one: one.view(False, self._disabled(one)))

    def subscribe(self) -> tuple[Json, int]:
        """POST /webhook_subscriptions: the only answer that shows the secret."""
        given = self._object("webhook_subscription")
        method, events = given.get("delivery_method") or {}, given.get("events") or []
        if not method.get("url") or not events or len(set(events)) != len(events) or not given.get("filter"):
            raise invalid("delivery_method.url, filter and unique events are required")
        made = Subscription(method["url"], events, given["filter"], method.get("custom_headers") or [],
                            given.get("description", ""), given.get("active", True))
        return {"webhook_subscription": self._account.hooks.add(made).view(True, False)}, 201

    def unsubscribe(self, hook_id: str) -> Response:
        """DELETE /webhook_subscriptions/{id}."""
        del self._account.hooks.all[self._hook(hook_id).id]
        return Response(status=204)

    def enable(self, hook_id: str) -> Json:
        """POST .../enable: on again, after too many drops."""
        hook = self._hook(hook_id)
        self._account.outbox.disabled_until.pop(hook.id, None)
        return {"webhook_subscription": hook.view(False, False)}

    def ping(self, hook_id: str) -> Response:
        """POST .../ping."""
        self._account.hooks.ping(self._hook(hook_id), self._account.clock.now())
        return Response(status=202)

    def _hook(self, hook_id: str) -> Subscription:
        found: Subscription = self.one(list(self._account.hooks.all.values()), hook_id)
        return found

    def _disabled(self, hook: Subscription) -> bool:
        return self._account.outbox.disabled_until.get(hook.id, 0.0) > self._account.clock()
