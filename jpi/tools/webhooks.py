"""Both services' webhooks to one endpoint: what is not as it should be, and how to mend it."""

import secrets
from collections.abc import Callable, Iterator, Sequence

from jpi import wiring
from jpi.domain.model import Webhook, WebhookScope
from jpi.domain.policy import Policy
from jpi.errors import PermanentError
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import webhooks as pagerduty_webhooks

SecretStore = Callable[[str, str], None]


class WebhookSetup:
    """Both services' webhooks to one endpoint."""

    def __init__(self, app: wiring.App, url: str, scopes: Sequence[WebhookScope], store_secret: SecretStore) -> None:
        self._pagerduty, self._jira = app.pagerduty.subscriptions, app.jira.admin_webhooks
        self._settings = app.settings
        self._urls = {"pagerduty": f"{url}/pagerduty-webhook", "jira": f"{url}/jira-webhook"}
        self._scopes = scopes
        self._jql = build_jql(app.policy)
        self._store_secret = store_secret

    def find_problems(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What is not as it should be, in words, and how to mend it."""
        for scope in self._scopes:
            yield from self._check_subscription(scope)
        yield from self._check_jira_webhook()

    def list_pagerduty_webhooks(self) -> list[Webhook]:
        """PagerDuty's that point here."""
        return [one for one in self._pagerduty.list_all() if one.url == self._urls["pagerduty"]]

    def list_jira_webhooks(self) -> list[Webhook]:
        """Jira's that point here."""
        return [one for one in self._jira.list_all() if one.url == self._urls["jira"]]

    def describe_webhooks(self) -> Iterator[str]:
        """All that point here, a line each."""
        for name, hooks in (("PagerDuty", self.list_pagerduty_webhooks()), ("Jira", self.list_jira_webhooks())):
            for hook in hooks:
                scope = hook.scope if isinstance(hook.scope, str) else " ".join(filter(None, hook.scope))
                state = "on" if hook.is_delivering else "switched off"
                yield f"{name} {hook.id}: {state}, {scope}, {len(hook.event_types)} events"

    def enable_pagerduty(self) -> None:
        """Switch PagerDuty's on again."""
        for hook in [one for one in self.list_pagerduty_webhooks() if one.is_active]:
            self._pagerduty.enable(hook)

    def delete(self) -> Iterator[str]:
        """Take away all that point here; a line each."""
        for hook in self.list_pagerduty_webhooks():
            self._pagerduty.delete(hook)
            yield f"PagerDuty webhook {hook.id}: taken away"
        for hook in self.list_jira_webhooks():
            self._jira.delete(hook)
            yield f"Jira webhook {hook.id}: taken away"

    def rotate_secrets(self) -> None:
        """New secrets, in front of the old: PagerDuty's with a second webhook, which is off until `finish`."""
        for scope in self._scopes:
            self._add_subscription(scope, active=False)
        self._store_secret("JIRA_WEBHOOK_SECRET", secrets.token_urlsafe(32))

    def finish_rotation(self) -> None:
        """Once the new secrets are deployed: sign with them, and take PagerDuty's old webhooks away."""
        for scope in self._scopes:
            news, olds = ([one for one in self._find_in_scope(scope) if one.is_active is active]
                          for active in (False, True))
            for hook in news[:1]:
                self._switch_on(hook)
            for hook in [*olds, *news[1:]] if news else ():
                self._pagerduty.delete(hook)
        for hook in self.list_jira_webhooks():
            self._jira.update(hook, list(jira_webhooks.EVENT_PARSERS), self._jql, self._get_or_make_jira_secret())

    def ping_pagerduty(self) -> None:
        """Have PagerDuty send its test to each of ours."""
        hooks = self.list_pagerduty_webhooks()
        if not hooks:
            raise PermanentError("PagerDuty has no webhook that points here yet.")
        for hook in hooks:
            self._pagerduty.send_ping(hook)

    def _check_subscription(self, scope: WebhookScope) -> Iterator[tuple[str, Callable[[], None]]]:
        name = f"PagerDuty webhook for {' '.join(filter(None, scope))}"
        # While a secret is changed there is a second one, which is not active yet.
        found = sorted(self._find_in_scope(scope), key=lambda one: not one.is_active)
        there = found[0] if found else None
        if there is None:
            yield f"{name}: missing", lambda: self._add_subscription(scope, active=True)
            return
        if there.event_types != pagerduty_webhooks.V3_EVENT_TYPES.keys():
            yield (f"{name}: tells of other events", lambda: self._pagerduty.update(there,
                                                                                    list(
                pagerduty_webhooks.V3_EVENT_TYPES)))
        if not there.is_delivering:
            yield f"{name}: switched off", lambda: self._switch_on(there)

    def _find_in_scope(self, scope: WebhookScope) -> list[Webhook]:
        return [one for one in self.list_pagerduty_webhooks() if one.scope == scope]

    def _add_subscription(self, scope: WebhookScope, active: bool) -> None:
        made = self._pagerduty.add(self._urls["pagerduty"], list(pagerduty_webhooks.V3_EVENT_TYPES), scope, active)
        # The old ones stay valid: others' webhooks are signed with them.
        self._store_secret("PAGERDUTY_WEBHOOK_SECRET", made)

    def _switch_on(self, hook: Webhook) -> None:
        self._pagerduty.update(hook, list(pagerduty_webhooks.V3_EVENT_TYPES))
        self._pagerduty.enable(hook)

    def _check_jira_webhook(self) -> Iterator[tuple[str, Callable[[], None]]]:
        there = next(iter(self.list_jira_webhooks()), None)
        if there is None:
            yield "Jira webhook: missing", lambda: self._jira.add(
                self._urls["jira"], list(jira_webhooks.EVENT_PARSERS), self._jql, self._get_or_make_jira_secret())
        elif (there.event_types != jira_webhooks.EVENT_PARSERS.keys() or there.scope != self._jql
              or not (there.is_delivering and there.is_signed)):
            yield "Jira webhook: differs", lambda: self._jira.update(
                there, list(jira_webhooks.EVENT_PARSERS), self._jql, self._get_or_make_jira_secret())

    def _get_or_make_jira_secret(self) -> str:
        """The first of ours; one made now where there is none."""
        if self._settings.jira_webhook_secret:
            return self._settings.jira_webhook_secret[0]
        made = secrets.token_urlsafe(32)
        self._store_secret("JIRA_WEBHOOK_SECRET", made)
        return made


def build_jql(policy: Policy) -> str:
    """The issues whose events concern us; empty: any may."""
    made = {rule.issue_spec.project or policy.incident_project for rule in policy.all_rules if rule.issue_spec}
    opening = [rule.condition.projects for rule in policy.opening_rules]
    if not all(opening):
        return ""
    keys = sorted({policy.incident_project, *made, *(key for keys in opening for key in keys)})
    return f"project = {keys[0]}" if len(keys) == 1 else f"project in ({', '.join(keys)})"
