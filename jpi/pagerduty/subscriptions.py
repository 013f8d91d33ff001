"""PagerDuty's webhook subscriptions (V3)."""

from collections.abc import Iterator, Sequence
from typing import Any

from jpi.domain.model import Scope, Webhook
from jpi.http_client import Calls

PAGE = 100
ACCOUNT: Scope = ("account", "")


class Subscriptions:
    """PagerDuty's. Every method may raise what `Calls` does."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def all(self) -> Iterator[Webhook]:
        """Every one that the token may see."""
        start, more = 0, True
        while more:
            found = self._call("GET", "/webhook_subscriptions", {"limit": PAGE, "offset": start})
            yield from map(_subscription, found["webhook_subscriptions"])
            start, more = start + PAGE, bool(found.get("more"))

    def add(self, url: str, events: Sequence[str], scope: Scope, active: bool) -> str:
        """Make one; the secret, which no other answer shows. Only one that is `active` delivers."""
        made = self._call("POST", "/webhook_subscriptions", body={"webhook_subscription": {
            "type": "webhook_subscription", "description": "jpi", "events": sorted(events), "filter": _filter(scope),
            "active": active, "delivery_method": {"type": "http_delivery_method", "url": url}}})
        return str(made["webhook_subscription"]["delivery_method"]["secret"])

    def update(self, hook: Webhook, events: Sequence[str]) -> None:
        """Have it tell of these events, and be on."""
        self._call("PUT", f"/webhook_subscriptions/{hook.id}", body={"webhook_subscription": {
            "type": "webhook_subscription", "events": sorted(events), "active": True}})

    def enable(self, hook: Webhook) -> None:
        """On again, after PagerDuty switched it off."""
        self._call("POST", f"/webhook_subscriptions/{hook.id}/enable")

    def ping(self, hook: Webhook) -> None:
        """Have PagerDuty send its test."""
        self._call("POST", f"/webhook_subscriptions/{hook.id}/ping")

    def delete(self, hook: Webhook) -> None:
        """Take it away."""
        self._call.unless_gone("DELETE", f"/webhook_subscriptions/{hook.id}")


def _filter(scope: Scope) -> dict[str, str]:
    kind, one = scope
    return {"type": f"{kind}_reference", **({"id": one} if one else {})}


def _subscription(found: dict[str, Any]) -> Webhook:
    method, scope = found["delivery_method"], found["filter"]
    active = bool(found.get("active", True))
    return Webhook(found["id"], method["url"], frozenset(found["events"]),
                (scope["type"].removesuffix("_reference"), scope.get("id") or ""), active,
                active and not method.get("temporarily_disabled"))
