"""Register admin webhooks: `/rest/webhooks/1.0/webhook`."""

from urllib.parse import urlsplit

from sandbox.jira.json_view import Json
from sandbox.jira.outbox import Webhook
from sandbox.jira.query_context import parse_query
from sandbox.jira.rest import BAD_PAYLOAD, Refusal, Routes, get_actor, parse_strings, read_body, require_admin
from sandbox.jira.state import JiraState
from sandbox.jira.webhook_events import EVENT_TYPES

routes = Routes("/rest/webhooks/1.0")
WEBHOOK_KEYS = ("name", "url", "events", "filters", "excludeBody", "secret", "enabled", "description")
FILTER_SECTION = "issue-related-events-section"


@routes.add("GET", "/webhook")
def list_webhooks(site: JiraState) -> list[Json]:
    """Return all webhooks."""
    require_admin()
    return [to_webhook_json(site, hook) for hook in site.webhooks.values()]


@routes.add("POST", "/webhook")
def add_webhook(site: JiraState) -> tuple[Json, int]:
    """Add a webhook."""
    require_admin()
    body = read_body(WEBHOOK_KEYS, required=["name", "url", "events"])
    hook = Webhook(site.make_id(), "", "", [], get_actor().account_id, site.clock())
    _update_webhook(site, hook, body)
    site.webhooks[hook.id] = hook
    return to_webhook_json(site, hook), 201


@routes.add("GET", "/webhook/<hook_id>")
def read_webhook(site: JiraState, hook_id: str) -> Json:
    """Return one webhook."""
    return to_webhook_json(site, _find_webhook(site, hook_id))


@routes.add("PUT", "/webhook/<hook_id>")
def change_webhook(site: JiraState, hook_id: str) -> Json:
    """Change what is given; the secret stays unless a new one is given."""
    hook = _find_webhook(site, hook_id)
    _update_webhook(site, hook, read_body(WEBHOOK_KEYS))
    return to_webhook_json(site, hook)


@routes.add("DELETE", "/webhook/<hook_id>")
def remove_webhook(site: JiraState, hook_id: str) -> tuple[None, int]:
    """Remove a webhook."""
    del site.webhooks[_find_webhook(site, hook_id).id]
    return None, 204


def to_webhook_json(site: JiraState, hook: Webhook) -> Json:
    """Return a webhook as the API shows it, without its secret."""
    return {"name": hook.name, "url": hook.url, "excludeBody": hook.exclude_body, "filters": {FILTER_SECTION: hook.jql},
            "events": hook.events, "enabled": hook.enabled, "isSigned": hook.secret is not None,
            "self": f"{site.base_url}/rest/webhooks/1.0/webhook/{hook.id}", "lastUpdatedUser": hook.owner,
            "lastUpdatedDisplayName": site.users[hook.owner].name, "lastUpdated": int(hook.updated * 1000)}


def _find_webhook(site: JiraState, hook_id: str) -> Webhook:
    require_admin()
    if hook_id not in site.webhooks:
        raise Refusal(404, f"No webhook with id {hook_id} exists.")
    return site.webhooks[hook_id]


def _update_webhook(site: JiraState, hook: Webhook, body: Json) -> None:
    values = {"name": hook.name, "url": hook.url, "events": hook.events, "excludeBody": hook.exclude_body,
              "enabled": hook.enabled, "secret": hook.secret, "filters": {FILTER_SECTION: hook.jql}, **body}
    _check_webhook(site, values)
    hook.name, hook.url, hook.events = values["name"], values["url"], values["events"]
    hook.exclude_body, hook.enabled, hook.secret = (bool(values["excludeBody"]), bool(values["enabled"]),
                                                    values["secret"])
    hook.jql = values["filters"].get(FILTER_SECTION) or ""
    hook.owner, hook.updated = get_actor().account_id, site.clock()


def _check_webhook(site: JiraState, values: Json) -> None:
    filters = values["filters"]
    if not isinstance(values["name"], str) or not values["name"].strip():
        raise Refusal(400, "The webhook name must not be empty.")
    if urlsplit(str(values["url"])).scheme not in ("http", "https") or not urlsplit(str(values["url"])).netloc:
        raise Refusal(400, "The webhook URL is not valid.")
    unknown = [event for event in parse_strings(values["events"]) if event not in EVENT_TYPES]
    if unknown:
        raise Refusal(400, f"Unknown webhook event: {', '.join(unknown)}")
    if not isinstance(filters, dict) or set(filters) - {FILTER_SECTION} or not isinstance(values["secret"], str | None):
        raise Refusal(400, BAD_PAYLOAD)
    parse_query(site, filters.get(FILTER_SECTION) or "", get_actor())
