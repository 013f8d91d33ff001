"""Reads and writes PagerDuty's webhook subscriptions (V3)."""

from collections.abc import Iterator, Sequence

from jpi.domain.model import Webhook, WebhookScope
from jpi.http_client import ApiClient
from jpi.json_fields import Json
from jpi.pagerduty.paging import read_pages

ACCOUNT_SCOPE: WebhookScope = ("account", "")


class WebhookSubscriptions:
    """The subscriptions of an account. Every method may raise what `ApiClient.request` raises."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_all(self) -> Iterator[Webhook]:
        """Return every subscription that the token may see."""
        return map(_parse_subscription, read_pages(self._api, "/webhook_subscriptions", "webhook_subscriptions"))

    def add(self, url: str, events: Sequence[str], scope: WebhookScope, active: bool) -> str:
        """Add a subscription; return its secret, which no later answer shows. Only an `active` one delivers."""
        subscription = {"type": "webhook_subscription", "description": "jpi", "events": sorted(events),
                        "filter": _build_filter(scope), "active": active,
                        "delivery_method": {"type": "http_delivery_method", "url": url}}
        answer = self._api.request("POST", "/webhook_subscriptions", body={"webhook_subscription": subscription})
        return str(answer["webhook_subscription"]["delivery_method"]["secret"])

    def update(self, hook: Webhook, events: Sequence[str]) -> None:
        """Make a subscription active, for these events."""
        self._api.request("PUT", f"/webhook_subscriptions/{hook.id}", body={"webhook_subscription": {
            "type": "webhook_subscription", "events": sorted(events), "active": True}})

    def enable(self, hook: Webhook) -> None:
        """Enable a subscription that PagerDuty has disabled."""
        self._api.request("POST", f"/webhook_subscriptions/{hook.id}/enable")

    def send_ping(self, hook: Webhook) -> None:
        """Make PagerDuty send its test event."""
        self._api.request("POST", f"/webhook_subscriptions/{hook.id}/ping")

    def delete(self, hook: Webhook) -> None:
        """Delete a subscription if it exists."""
        self._api.write_if_exists("DELETE", f"/webhook_subscriptions/{hook.id}")


def _build_filter(scope: WebhookScope) -> dict[str, str]:
    kind, scope_id = scope
    return {"type": f"{kind}_reference", **({"id": scope_id} if scope_id else {})}


def _parse_subscription(data: Json) -> Webhook:
    method, scope = data["delivery_method"], data["filter"]
    active = bool(data.get("active", True))
    return Webhook(data["id"], method["url"], frozenset(data["events"]),
                   (scope["type"].removesuffix("_reference"), scope.get("id") or ""), active,
                   active and not method.get("temporarily_disabled"))
