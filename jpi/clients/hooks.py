"""The webhooks of both services: PagerDuty's subscriptions (V3) and Jira's admin webhooks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jpi.clients.calls import Calls

PAGE = 100
# Under the site's address, not under the API's: shared facts, jira 1.8.
HOOKS = "/rest/webhooks/1.0/webhook"
SECTION = "issue-related-events-section"
Scope = tuple[str, str]
ACCOUNT: Scope = ("account", "")


@dataclass(frozen=True)
class Hook:
    """A webhook as it is: `scope` is what it is for, Jira's JQL or PagerDuty's (kind, id).

    `active`: it is meant to deliver; `on`: it does, as PagerDuty has not switched it off.
    """

    id: str
    url: str
    events: frozenset[str]
    scope: str | Scope
    active: bool = True
    on: bool = True
    signed: bool = True


class Subscriptions:
    """PagerDuty's. Every method may raise what `Calls` does."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def all(self) -> Iterator[Hook]:
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

    def update(self, hook: Hook, events: Sequence[str]) -> None:
        """Have it tell of these events, and be on."""
        self._call("PUT", f"/webhook_subscriptions/{hook.id}", body={"webhook_subscription": {
            "type": "webhook_subscription", "events": sorted(events), "active": True}})

    def enable(self, hook: Hook) -> None:
        """On again, after PagerDuty switched it off."""
        self._call("POST", f"/webhook_subscriptions/{hook.id}/enable")

    def ping(self, hook: Hook) -> None:
        """Have PagerDuty send its test."""
        self._call("POST", f"/webhook_subscriptions/{hook.id}/ping")

    def delete(self, hook: Hook) -> None:
        """Take it away."""
        self._call.unless_gone("DELETE", f"/webhook_subscriptions/{hook.id}")


class AdminWebhooks:
    """Jira's; they take a Jira administrator. Every method may raise what `Calls` does."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def all(self) -> list[Hook]:
        """Every one of the site."""
        return [Hook(one["self"].rsplit("/", 1)[-1], one["url"], frozenset(one["events"]),
                     (one.get("filters") or {}).get(SECTION) or "", on=bool(one.get("enabled", True)),
                     signed=bool(one.get("isSigned"))) for one in self._call("GET", HOOKS)]

    def add(self, url: str, events: Sequence[str], jql: str, secret: str) -> None:
        """Make one."""
        self._call("POST", HOOKS, body=_webhook(url, events, jql, secret))

    def update(self, hook: Hook, events: Sequence[str], jql: str, secret: str) -> None:
        """Have it tell of these events of these issues, signed with this secret, and be on."""
        self._call("PUT", f"{HOOKS}/{hook.id}", body={**_webhook(hook.url, events, jql, secret), "enabled": True})

    def delete(self, hook: Hook) -> None:
        """Take it away."""
        self._call.unless_gone("DELETE", f"{HOOKS}/{hook.id}")


def _webhook(url: str, events: Sequence[str], jql: str, secret: str) -> dict[str, Any]:
    return {"name": "jpi", "url": url, "events": sorted(events), "filters": {SECTION: jql}, "excludeBody": False,
            "secret": secret}


def _filter(scope: Scope) -> dict[str, str]:
    kind, one = scope
    return {"type": f"{kind}_reference", **({"id": one} if one else {})}


def _subscription(found: dict[str, Any]) -> Hook:
    method, scope = found["delivery_method"], found["filter"]
    active = bool(found.get("active", True))
    return Hook(found["id"], method["url"], frozenset(found["events"]),
                (scope["type"].removesuffix("_reference"), scope.get("id") or ""), active,
                active and not method.get("temporarily_disabled"))
