"""PagerDuty's webhook subscriptions (V3)."""

from collections.abc import Iterator, Sequence
from typing import Any

from jpi.domain.model import Webhook, WebhookScope
from jpi.http_client import ApiClient

PAGE_SIZE = 100
ACCOUNT_SCOPE: WebhookScope = ("account", "")


class WebhookSubscriptions:
    """PagerDuty's. Every method may raise what `Calls` does."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_all(self) -> Iterator[Webhook]:
        """Every one that the token may see."""
        start, more = 0, True
        while more:
            found = self._api.request("GET", "/webhook_subscriptions", {"limit": PAGE_SIZE, "offset": start})
            yield from map(_parse_subscription, found["webhook_subscriptions"])
            start, more = start + PAGE_SIZE, bool(found.get("more"))

    def add(self, url: str, events: Sequence[str], scope: WebhookScope, active: bool) -> str:
        """Make one; the secret, which no other answer shows. Only one that is `active` delivers."""
        made = self._api.request("POST", "/webhook_subscriptions",
                                 body={"webhook_subscription": {"type": "webhook_subscription", "description": "jpi",
                                                                "events": sorted(events),
                                                                "filter": _build_filter(scope), "active": active,
                                                                "delivery_method": {"type": "http_delivery_method",
                                                                                    "url": url}}})
        return str(made["webhook_subscription"]["delivery_method"]["secret"])

    def update(self, hook: Webhook, events: Sequence[str]) -> None:
        """Have it tell of these events, and be on."""
        self._api.request("PUT", f"/webhook_subscriptions/{hook.id}", body={"webhook_subscription": {
            "type": "webhook_subscription", "events": sorted(events), "active": True}})

    def enable(self, hook: Webhook) -> None:
        """On again, after PagerDuty switched it off."""
        self._api.request("POST", f"/webhook_subscriptions/{hook.id}/enable")

    def send_ping(self, hook: Webhook) -> None:
        """Have PagerDuty send its test."""
        self._api.request("POST", f"/webhook_subscriptions/{hook.id}/ping")

    def delete(self, hook: Webhook) -> None:
        """Take it away."""
        self._api.write_if_exists("DELETE", f"/webhook_subscriptions/{hook.id}")


def _build_filter(scope: WebhookScope) -> dict[str, str]:
    kind, one = scope
    return {"type": f"{kind}_reference", **({"id": one} if one else {})}


def _parse_subscription(found: dict[str, Any]) -> Webhook:
    method, scope = found["delivery_method"], found["filter"]
    active = bool(found.get("active", True))
    return Webhook(found["id"], method["url"], frozenset(found["events"]), (scope["type"].removesuffix("_reference"),
                                                                            scope.get("id") or ""), active,
                   active and not method.get("temporarily_disabled"))
