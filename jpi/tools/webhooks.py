"""Manage both services' webhooks to one endpoint: find what is wrong, and fix it."""

import secrets
from collections.abc import Callable, Iterator, Sequence

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from jpi import wiring
from jpi.domain.model import Webhook, WebhookScope
from jpi.domain.policy import Policy
from jpi.errors import PermanentError
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import webhooks as pagerduty_webhooks
from jpi.signatures import sign_as_jira, sign_as_pagerduty

# Signed deliveries of a type that jpi ignores.
JIRA_PROBE = b'{"webhookEvent": "jpi:probe"}'
PAGERDUTY_PROBE = b'{"event": {"id": "probe", "event_type": "jpi.probe", "occurred_at": "2026-01-01T00:00:00Z"}}'
PROBE_TIMEOUT_SECONDS = 10.0
SecretStore = Callable[[str, str], None]


class WebhookSetup:
    """The webhooks of both services that point to one endpoint."""

    def __init__(self, app: wiring.App, url: str, scopes: Sequence[WebhookScope], store_secret: SecretStore) -> None:
        self._pagerduty, self._jira = app.pagerduty.subscriptions, app.jira.admin_webhooks
        self._settings = app.settings
        self._urls = {"pagerduty": f"{url}/pagerduty-webhook", "jira": f"{url}/jira-webhook"}
        self._scopes = scopes
        self._jql = build_jql(app.policy)
        self._store_secret = store_secret

    def find_problems(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield each problem as a text, and the function that fixes it."""
        for scope in self._scopes:
            yield from self._check_subscription(scope)
        yield from self._check_jira_webhook()

    def list_pagerduty_webhooks(self) -> list[Webhook]:
        """Return PagerDuty's webhooks to this endpoint."""
        return [hook for hook in self._pagerduty.list_all() if hook.url == self._urls["pagerduty"]]

    def list_jira_webhooks(self) -> list[Webhook]:
        """Return Jira's webhooks to this endpoint."""
        return [hook for hook in self._jira.list_all() if hook.url == self._urls["jira"]]

    def describe_webhooks(self) -> Iterator[str]:
        """Describe each webhook to this endpoint in one line."""
        for name, hooks in (("PagerDuty", self.list_pagerduty_webhooks()), ("Jira", self.list_jira_webhooks())):
            for hook in hooks:
                scope = hook.scope if isinstance(hook.scope, str) else " ".join(filter(None, hook.scope))
                state = "on" if hook.is_delivering else "switched off"
                yield f"{name} {hook.id}: {state}, {scope}, {len(hook.event_types)} events"

    def enable_pagerduty(self) -> None:
        """Enable the webhooks that PagerDuty has switched off."""
        for hook in self.list_pagerduty_webhooks():
            if hook.is_active:
                self._pagerduty.enable(hook)

    def delete(self) -> Iterator[str]:
        """Delete all webhooks to this endpoint; yield one line for each."""
        for hook in self.list_pagerduty_webhooks():
            self._pagerduty.delete(hook)
            yield f"PagerDuty webhook {hook.id}: deleted"
        for hook in self.list_jira_webhooks():
            self._jira.delete(hook)
            yield f"Jira webhook {hook.id}: deleted"

    def rotate_secrets(self) -> None:
        """Add new secrets in front of the old ones. PagerDuty gets a second, still inactive webhook."""
        for scope in self._scopes:
            self._add_subscription(scope, active=False)
        self._store_secret("JIRA_WEBHOOK_SECRET", secrets.token_urlsafe(32))

    def finish_rotation(self, adapter: BaseAdapter | None = None) -> None:
        """Sign with the new secrets and delete PagerDuty's old webhooks; PermanentError if they are not deployed."""
        self._verify_deployed_secrets(adapter or HTTPAdapter())
        for scope in self._scopes:
            new_hooks, old_hooks = ([hook for hook in self._find_in_scope(scope) if hook.is_active is active]
                                    for active in (False, True))
            for hook in new_hooks[:1]:
                self._switch_on(hook)
            for hook in [*old_hooks, *new_hooks[1:]] if new_hooks else ():
                self._pagerduty.delete(hook)
        for hook in self.list_jira_webhooks():
            self._jira.update(hook, list(jira_webhooks.EVENT_PARSERS), self._jql, self._get_or_create_jira_secret())

    def _verify_deployed_secrets(self, adapter: BaseAdapter) -> None:
        """Send jpi a delivery that means nothing, signed with each new secret, and see that it is taken."""
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        probes = (("jira", "JIRA_WEBHOOK_SECRET", self._settings.jira_webhook_secret, sign_as_jira, JIRA_PROBE),
                  ("pagerduty", "PAGERDUTY_WEBHOOK_SECRET", self._settings.pagerduty_webhook_secret, sign_as_pagerduty,
                   PAGERDUTY_PROBE))
        for service, name, values, sign, body in probes:
            headers = {"Content-Type": "application/json", **(sign(body, values[0]) if values else {})}
            answer = session.post(self._urls[service], data=body, headers=headers, allow_redirects=False,
                                  timeout=PROBE_TIMEOUT_SECONDS)
            if not answer.ok or answer.is_redirect:
                raise PermanentError(f"The deployed jpi does not take the new {name} yet (it answered "
                                     f"{answer.status_code}): deploy it first. Nothing was changed.")

    def ping_pagerduty(self) -> None:
        """Ask PagerDuty to send a test to each of its webhooks."""
        hooks = self.list_pagerduty_webhooks()
        if not hooks:
            raise PermanentError("PagerDuty has no webhook to this endpoint yet.")
        for hook in hooks:
            self._pagerduty.send_ping(hook)

    def _check_subscription(self, scope: WebhookScope) -> Iterator[tuple[str, Callable[[], None]]]:
        name = f"PagerDuty webhook for {' '.join(filter(None, scope))}"
        # During a secret rotation there is a second webhook, which is not active yet.
        hook = min(self._find_in_scope(scope), key=lambda hook: not hook.is_active, default=None)
        if hook is None:
            yield f"{name}: missing", lambda: self._add_subscription(scope, active=True)
            return
        if hook.event_types != pagerduty_webhooks.V3_EVENT_TYPES.keys():
            yield (f"{name}: wrong event types",
                   lambda: self._pagerduty.update(hook, list(pagerduty_webhooks.V3_EVENT_TYPES)))
        if not hook.is_delivering:
            yield f"{name}: switched off", lambda: self._switch_on(hook)

    def _find_in_scope(self, scope: WebhookScope) -> list[Webhook]:
        return [hook for hook in self.list_pagerduty_webhooks() if hook.scope == scope]

    def _add_subscription(self, scope: WebhookScope, active: bool) -> None:
        secret = self._pagerduty.add(self._urls["pagerduty"], list(pagerduty_webhooks.V3_EVENT_TYPES), scope, active)
        # The old secrets stay valid: other webhooks are signed with them.
        self._store_secret("PAGERDUTY_WEBHOOK_SECRET", secret)

    def _switch_on(self, hook: Webhook) -> None:
        self._pagerduty.update(hook, list(pagerduty_webhooks.V3_EVENT_TYPES))
        self._pagerduty.enable(hook)

    def _check_jira_webhook(self) -> Iterator[tuple[str, Callable[[], None]]]:
        hook = next(iter(self.list_jira_webhooks()), None)
        if hook is None:
            yield "Jira webhook: missing", lambda: self._jira.add(
                self._urls["jira"], list(jira_webhooks.EVENT_PARSERS), self._jql, self._get_or_create_jira_secret())
        elif (hook.event_types != jira_webhooks.EVENT_PARSERS.keys() or hook.scope != self._jql
              or not (hook.is_delivering and hook.is_signed)):
            yield "Jira webhook: differs", lambda: self._jira.update(
                hook, list(jira_webhooks.EVENT_PARSERS), self._jql, self._get_or_create_jira_secret())

    def _get_or_create_jira_secret(self) -> str:
        """Return the newest secret of the settings, or create and store one."""
        if self._settings.jira_webhook_secret:
            return self._settings.jira_webhook_secret[0]
        secret = secrets.token_urlsafe(32)
        self._store_secret("JIRA_WEBHOOK_SECRET", secret)
        return secret


def build_jql(policy: Policy) -> str:
    """Return the JQL of the issues whose events jpi needs; empty if it needs those of all issues."""
    created = {rule.issue_spec.project or policy.incident_project for rule in policy.all_rules if rule.issue_spec}
    opening = [rule.condition.projects for rule in policy.opening_rules]
    if not all(opening):
        return ""
    keys = sorted({policy.incident_project, *created, *(key for keys in opening for key in keys)})
    return f"project = {keys[0]}" if len(keys) == 1 else f"project in ({', '.join(keys)})"
