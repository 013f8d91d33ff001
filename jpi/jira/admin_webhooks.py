"""Reads and writes Jira's admin webhooks. Needs a Jira administrator."""

from collections.abc import Sequence

from jpi.domain.model import Webhook
from jpi.http_client import ApiClient
from jpi.json_fields import Json

# Relative to the site's address, not to the API's.
WEBHOOKS_PATH = "/rest/webhooks/1.0/webhook"
ISSUE_EVENTS_SECTION = "issue-related-events-section"


class AdminWebhooks:
    """The admin webhooks of a site. Every method may raise what `ApiClient.request` raises."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def list_all(self) -> list[Webhook]:
        """Return all webhooks of the site."""
        return [Webhook(webhook["self"].rsplit("/", 1)[-1], webhook["url"],
                        frozenset(webhook["events"]), (webhook.get("filters") or {}).get(ISSUE_EVENTS_SECTION) or "",
                        is_delivering=bool(webhook.get("enabled", True)), is_signed=bool(webhook.get("isSigned")))
                for webhook in self._api.request("GET", WEBHOOKS_PATH)]

    def add(self, url: str, events: Sequence[str], jql: str, secret: str) -> None:
        """Add a webhook."""
        self._api.request("POST", WEBHOOKS_PATH, body=_build_body(url, events, jql, secret))

    def update(self, hook: Webhook, events: Sequence[str], jql: str, secret: str) -> None:
        """Enable a webhook for these events of the issues that the JQL matches, signed with this secret."""
        self._api.request("PUT", f"{WEBHOOKS_PATH}/{hook.id}",
                          body={**_build_body(hook.url, events, jql, secret), "enabled": True})

    def delete(self, hook: Webhook) -> None:
        """Delete a webhook if it exists."""
        self._api.write_if_exists("DELETE", f"{WEBHOOKS_PATH}/{hook.id}")


def _build_body(url: str, events: Sequence[str], jql: str, secret: str) -> Json:
    return {"name": "jpi", "url": url, "events": sorted(events), "filters": {ISSUE_EVENTS_SECTION: jql},
            "excludeBody": False, "secret": secret}
