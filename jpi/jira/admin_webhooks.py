"""Jira's admin webhooks, which only a Jira administrator may read and write."""

from collections.abc import Sequence
from typing import Any

from jpi.domain.model import Webhook
from jpi.http_client import ApiClient

# Under the site's address, not under the API's.
WEBHOOKS_PATH = "/rest/webhooks/1.0/webhook"
ISSUE_EVENTS_SECTION = "issue-related-events-section"


class AdminWebhooks:
    """Jira's; they take a Jira administrator. Every method may raise what `Calls` does."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_all(self) -> list[Webhook]:
        """Every one of the site."""
        return [Webhook(one["self"].rsplit("/", 1)[-1], one["url"],
                        frozenset(one["events"]), (one.get("filters") or {}).get(ISSUE_EVENTS_SECTION) or "",
                        is_delivering=bool(one.get("enabled", True)), is_signed=bool(one.get("isSigned")))
                for one in self._api.request("GET", WEBHOOKS_PATH)]

    def add(self, url: str, events: Sequence[str], jql: str, secret: str) -> None:
        """Make one."""
        self._api.request("POST", WEBHOOKS_PATH, body=_build_body(url, events, jql, secret))

    def update(self, hook: Webhook, events: Sequence[str], jql: str, secret: str) -> None:
        """Have it tell of these events of these issues, signed with this secret, and be on."""
        self._api.request("PUT", f"{WEBHOOKS_PATH}/{hook.id}",
                          body={**_build_body(hook.url, events, jql, secret), "enabled": True})

    def delete(self, hook: Webhook) -> None:
        """Take it away."""
        self._api.write_if_exists("DELETE", f"{WEBHOOKS_PATH}/{hook.id}")


def _build_body(url: str, events: Sequence[str], jql: str, secret: str) -> dict[str, Any]:
    return {"name": "jpi", "url": url, "events": sorted(events), "filters": {ISSUE_EVENTS_SECTION: jql},
            "excludeBody": False, "secret": secret}
