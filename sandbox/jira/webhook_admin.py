"""Registration of admin webhooks: `/rest/webhooks/1.0/webhook`."""

from urllib.parse import urlsplit

from sandbox.jira.json_view import Json
from sandbox.jira.outbox import Webhook
from sandbox.jira.query_context import parse_query
from sandbox.jira.rest import BAD_PAYLOAD, Refusal, Routes, get_actor, parse_strings, read_body, require_admin
from sandbox.jira.state import JiraState
from sandbox.jira.webhook_events import EVENT_TYPES

route = Routes("/rest/webhooks/1.0")
WEBHOOK_KEYS = ("name", "url", "events", "filters", "excludeBody", "secret", "enabled", "description")
FILTER_SECTION = "issue-related-events-section"


@route("GET", "/webhook")
def list_webhooks(site: JiraState) -> list[Json]:
    """All webhooks."""
    require_admin()
    return [to_webhook_json(site, one) for one in site.webhooks.values()]


@route("POST", "/webhook")
def add_webhook(site: JiraState) -> tuple[Json, int]:
    """Add a webhook."""
    require_admin()
    asked = read_body(WEBHOOK_KEYS, required=["name", "url", "events"])
    hook = Webhook(site.make_id(), "", "", [], get_actor().account_id, site.clock())
    _update_webhook(site, hook, asked)
    site.webhooks[hook.id] = hook
    return to_webhook_json(site, hook), 201


@route("GET", "/webhook/<one>")
def read_webhook(site: JiraState, one: str) -> Json:
    """One webhook."""
    return to_webhook_json(site, _find_webhook(site, one))


@route("PUT", "/webhook/<one>")
def change_webhook(site: JiraState, one: str) -> Json:
    """Change what is given; the secret stays unless a new one is."""
    hook = _find_webhook(site, one)
    _update_webhook(site, hook, read_body(WEBHOOK_KEYS))
    return to_webhook_json(site, hook)


@route("DELETE", "/webhook/<one>")
def remove_webhook(site: JiraState, one: str) -> tuple[None, int]:
    """Remove a webhook."""
    del site.webhooks[_find_webhook(site, one).id]
    return None, 204


def to_webhook_json(site: JiraState, hook: Webhook) -> Json:
    """A webhook as it is shown: never with its secret."""
    return {"name": hook.name, "url": hook.url, "excludeBody": hook.exclude_body, "filters": {FILTER_SECTION: hook.jql},
            "events": hook.events, "enabled": hook.enabled, "isSigned": hook.secret is not None,
            "self": f"{site.base_url}/rest/webhooks/1.0/webhook/{hook.id}", "lastUpdatedUser": hook.owner,
            "lastUpdatedDisplayName": site.users[hook.owner].name, "lastUpdated": int(hook.updated * 1000)}


def _find_webhook(site: JiraState, one: str) -> Webhook:
    require_admin()
    if one not in site.webhooks:
        raise Refusal(404, f"No webhook with id {one} exists.")
    return site.webhooks[one]


def _update_webhook(site: JiraState, hook: Webhook, asked: Json) -> None:
    said = {"name": hook.name, "url": hook.url, "events": hook.events, "excludeBody": hook.exclude_body,
            "enabled": hook.enabled, "secret": hook.secret, "filters": {FILTER_SECTION: hook.jql}, **asked}
    _check_webhook(site, said)
    hook.name, hook.url, hook.events = said["name"], said["url"], said["events"]
    hook.exclude_body, hook.enabled, hook.secret = bool(said["excludeBody"]), bool(said["enabled"]), said["secret"]
    hook.jql = said["filters"].get(FILTER_SECTION) or ""
    hook.owner, hook.updated = get_actor().account_id, site.clock()


def _check_webhook(site: JiraState, said: Json) -> None:
    filters = said["filters"]
    if not isinstance(said["name"], str) or not said["name"].strip():
        raise Refusal(400, "The webhook name must not be empty.")
    if urlsplit(str(said["url"])).scheme not in ("http", "https") or not urlsplit(str(said["url"])).netloc:
        raise Refusal(400, "The webhook URL is not valid.")
    unknown = [one for one in parse_strings(said["events"]) if one not in EVENT_TYPES]
    if unknown:
        raise Refusal(400, f"Unknown webhook event: {', '.join(unknown)}")
    if not isinstance(filters, dict) or set(filters) - {FILTER_SECTION} or not isinstance(said["secret"], str | None):
        raise Refusal(400, BAD_PAYLOAD)
    parse_query(site, filters.get(FILTER_SECTION) or "", get_actor())
