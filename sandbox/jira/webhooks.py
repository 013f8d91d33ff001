"""Registration of admin webhooks: `/rest/webhooks/1.0/webhook`."""

from urllib.parse import urlsplit

from sandbox.jira.hooks import EVENTS
from sandbox.jira.http import BAD_PAYLOAD, Refusal, Routes, actor, body, need_admin, strings
from sandbox.jira.outbox import Webhook
from sandbox.jira.query_context import parsed
from sandbox.jira.state import JiraState
from sandbox.jira.view import Json

route = Routes("/rest/webhooks/1.0")
KEYS = ("name", "url", "events", "filters", "excludeBody", "secret", "enabled", "description")
SECTION = "issue-related-events-section"


@route("GET", "/webhook")
def every(site: JiraState) -> list[Json]:
    """All webhooks."""
    need_admin()
    return [shown(site, one) for one in site.webhooks.values()]


@route("POST", "/webhook")
def register(site: JiraState) -> tuple[Json, int]:
    """Add a webhook."""
    need_admin()
    asked = body(KEYS, required=["name", "url", "events"])
    hook = Webhook(site.new_id(), "", "", [], actor().account_id, site.clock())
    _set(site, hook, asked)
    site.webhooks[hook.id] = hook
    return shown(site, hook), 201


@route("GET", "/webhook/<one>")
def read(site: JiraState, one: str) -> Json:
    """One webhook."""
    return shown(site, _webhook(site, one))


@route("PUT", "/webhook/<one>")
def change(site: JiraState, one: str) -> Json:
    """Change what is given; the secret stays unless a new one is."""
    hook = _webhook(site, one)
    _set(site, hook, body(KEYS))
    return shown(site, hook)


@route("DELETE", "/webhook/<one>")
def remove(site: JiraState, one: str) -> tuple[None, int]:
    """Remove a webhook."""
    del site.webhooks[_webhook(site, one).id]
    return None, 204


def shown(site: JiraState, hook: Webhook) -> Json:
    """A webhook as it is shown: never with its secret."""
    return {
        "name": hook.name, "url": hook.url, "excludeBody": hook.exclude_body, "filters": {SECTION: hook.jql},
        "events": hook.events, "enabled": hook.enabled, "isSigned": hook.secret is not None,
        "self": f"{site.base}/rest/webhooks/1.0/webhook/{hook.id}", "lastUpdatedUser": hook.owner,
        "lastUpdatedDisplayName": site.users[hook.owner].name, "lastUpdated": int(hook.updated * 1000),
    }


def _webhook(site: JiraState, one: str) -> Webhook:
    need_admin()
    if one not in site.webhooks:
        raise Refusal(404, f"No webhook with id {one} exists.")
    return site.webhooks[one]


def _set(site: JiraState, hook: Webhook, asked: Json) -> None:
    said = {"name": hook.name, "url": hook.url, "events": hook.events, "excludeBody": hook.exclude_body,
            "enabled": hook.enabled, "secret": hook.secret, "filters": {SECTION: hook.jql}, **asked}
    _check(site, said)
    hook.name, hook.url, hook.events = said["name"], said["url"], said["events"]
    hook.exclude_body, hook.enabled, hook.secret = bool(said["excludeBody"]), bool(said["enabled"]), said["secret"]
    hook.jql = said["filters"].get(SECTION) or ""
    hook.owner, hook.updated = actor().account_id, site.clock()


def _check(site: JiraState, said: Json) -> None:
    filters = said["filters"]
    if not isinstance(said["name"], str) or not said["name"].strip():
        raise Refusal(400, "The webhook name must not be empty.")
    if urlsplit(str(said["url"])).scheme not in ("http", "https") or not urlsplit(str(said["url"])).netloc:
        raise Refusal(400, "The webhook URL is not valid.")
    unknown = [one for one in strings(said["events"]) if one not in EVENTS]
    if unknown:
        raise Refusal(400, f"Unknown webhook event: {', '.join(unknown)}")
    if not isinstance(filters, dict) or set(filters) - {SECTION} or not isinstance(said["secret"], str | None):
        raise Refusal(400, BAD_PAYLOAD)
    parsed(site, filters.get(SECTION) or "", actor())
