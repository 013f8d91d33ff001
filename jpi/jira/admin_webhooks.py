"""Jira's admin webhooks, which only a Jira administrator may read and write."""

from collections.abc import Sequence
from typing import Any

from jpi.domain.model import Webhook
from jpi.http_client import Calls

# Under the site's address, not under the API's.
HOOKS = "/rest/webhooks/1.0/webhook"
SECTION = "issue-related-events-section"


class AdminWebhooks:
    """Jira's; they take a Jira administrator. Every method may raise what `Calls` does."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def all(self) -> list[Webhook]:
        """Every one of the site."""
        return [Webhook(one["self"].rsplit("/", 1)[-1], one["url"], frozenset(one["events"]),
                     (one.get("filters") or {}).get(SECTION) or "", on=bool(one.get("enabled", True)),
                     signed=bool(one.get("isSigned"))) for one in self._call("GET", HOOKS)]

    def add(self, url: str, events: Sequence[str], jql: str, secret: str) -> None:
        """Make one."""
        self._call("POST", HOOKS, body=_webhook(url, events, jql, secret))

    def update(self, hook: Webhook, events: Sequence[str], jql: str, secret: str) -> None:
        """Have it tell of these events of these issues, signed with this secret, and be on."""
        self._call("PUT", f"{HOOKS}/{hook.id}", body={**_webhook(hook.url, events, jql, secret), "enabled": True})

    def delete(self, hook: Webhook) -> None:
        """Take it away."""
        self._call.unless_gone("DELETE", f"{HOOKS}/{hook.id}")


def _webhook(url: str, events: Sequence[str], jql: str, secret: str) -> dict[str, Any]:
    return {"name": "jpi", "url": url, "events": sorted(events), "filters": {SECTION: jql}, "excludeBody": False,
            "secret": secret}
