"""Both services' webhooks to one endpoint: what is not as it should be, and how to mend it."""

import secrets
from collections.abc import Callable, Iterator, Sequence

from jpi import wiring
from jpi.domain.model import Scope, Webhook
from jpi.domain.policy import Policy
from jpi.errors import Permanent
from jpi.jira import webhooks as jira_webhooks
from jpi.pagerduty import webhooks as pagerduty_webhooks

Store = Callable[[str, str], None]


class Webhooks:
    """Both services' webhooks to one endpoint."""

    def __init__(self, there: wiring.Jpi, url: str, scopes: Sequence[Scope], store: Store) -> None:
        self._pagerduty, self._jira = there.pagerduty.subscriptions, there.jira.hooks
        self._chosen = there.settings
        self._urls = {"pagerduty": f"{url}/pagerduty-webhook", "jira": f"{url}/jira-webhook"}
        self._scopes = scopes
        self._jql = jql(there.policy)
        self._store = store

    def missing(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What is not as it should be, in words, and how to mend it."""
        for scope in self._scopes:
            yield from self._subscription(scope)
        yield from self._admin_webhook()

    def of_pagerduty(self) -> list[Webhook]:
        """PagerDuty's that point here."""
        return [one for one in self._pagerduty.all() if one.url == self._urls["pagerduty"]]

    def of_jira(self) -> list[Webhook]:
        """Jira's that point here."""
        return [one for one in self._jira.all() if one.url == self._urls["jira"]]

    def listed(self) -> Iterator[str]:
        """All that point here, a line each."""
        for name, hooks in (("PagerDuty", self.of_pagerduty()), ("Jira", self.of_jira())):
            for hook in hooks:
                scope = hook.scope if isinstance(hook.scope, str) else " ".join(filter(None, hook.scope))
                yield f"{name} {hook.id}: {'on' if hook.on else 'switched off'}, {scope}, {len(hook.events)} events"

    def enable(self) -> None:
        """Switch PagerDuty's on again."""
        for hook in [one for one in self.of_pagerduty() if one.active]:
            self._pagerduty.enable(hook)

    def delete(self) -> Iterator[str]:
        """Take away all that point here; a line each."""
        for hook in self.of_pagerduty():
            self._pagerduty.delete(hook)
            yield f"PagerDuty webhook {hook.id}: taken away"
        for hook in self.of_jira():
            self._jira.delete(hook)
            yield f"Jira webhook {hook.id}: taken away"

    def rotate(self) -> None:
        """New secrets, in front of the old: PagerDuty's with a second webhook, which is off until `finish`."""
        for scope in self._scopes:
            self._subscribe(scope, active=False)
        self._store("JIRA_WEBHOOK_SECRET", secrets.token_urlsafe(32))

    def finish(self) -> None:
        """Once the new secrets are deployed: sign with them, and take PagerDuty's old webhooks away."""
        for scope in self._scopes:
            news, olds = ([one for one in self._scoped(scope) if one.active is active] for active in (False, True))
            for hook in news[:1]:
                self._switch_on(hook)
            for hook in [*olds, *news[1:]] if news else ():
                self._pagerduty.delete(hook)
        for hook in self.of_jira():
            self._jira.update(hook, list(jira_webhooks.KINDS), self._jql, self._secret())

    def ping(self) -> None:
        """Have PagerDuty send its test to each of ours."""
        hooks = self.of_pagerduty()
        if not hooks:
            raise Permanent("PagerDuty has no webhook that points here yet.")
        for hook in hooks:
            self._pagerduty.ping(hook)

    def _subscription(self, scope: Scope) -> Iterator[tuple[str, Callable[[], None]]]:
        name = f"PagerDuty webhook for {' '.join(filter(None, scope))}"
        # While a secret is changed there is a second one, which is not active yet.
        found = sorted(self._scoped(scope), key=lambda one: not one.active)
        there = found[0] if found else None
        if there is None:
            yield f"{name}: missing", lambda: self._subscribe(scope, active=True)
            return
        if there.events != pagerduty_webhooks.V3.keys():
            yield f"{name}: tells of other events", lambda: self._pagerduty.update(there, list(pagerduty_webhooks.V3))
        if not there.on:
            yield f"{name}: switched off", lambda: self._switch_on(there)

    def _scoped(self, scope: Scope) -> list[Webhook]:
        return [one for one in self.of_pagerduty() if one.scope == scope]

    def _subscribe(self, scope: Scope, active: bool) -> None:
        made = self._pagerduty.add(self._urls["pagerduty"], list(pagerduty_webhooks.V3), scope, active)
        # The old ones stay valid: others' webhooks are signed with them.
        self._store("PAGERDUTY_WEBHOOK_SECRET", made)

    def _switch_on(self, hook: Webhook) -> None:
        self._pagerduty.update(hook, list(pagerduty_webhooks.V3))
        self._pagerduty.enable(hook)

    def _admin_webhook(self) -> Iterator[tuple[str, Callable[[], None]]]:
        there = next(iter(self.of_jira()), None)
        if there is None:
            yield "Jira webhook: missing", lambda: self._jira.add(
                self._urls["jira"], list(jira_webhooks.KINDS), self._jql, self._secret())
        elif there.events != jira_webhooks.KINDS.keys() or there.scope != self._jql or not (there.on and there.signed):
            yield "Jira webhook: differs", lambda: self._jira.update(
                there, list(jira_webhooks.KINDS), self._jql, self._secret())

    def _secret(self) -> str:
        """The first of ours; one made now where there is none."""
        if self._chosen.jira_webhook_secret:
            return self._chosen.jira_webhook_secret[0]
        made = secrets.token_urlsafe(32)
        self._store("JIRA_WEBHOOK_SECRET", made)
        return made


def jql(policy: Policy) -> str:
    """The issues whose events concern us; empty: any may."""
    made = {rule.create.project or policy.incident_project for rule in policy.all_rules if rule.create}
    opening = [rule.when.projects for rule in policy.open]
    if not all(opening):
        return ""
    keys = sorted({policy.incident_project, *made, *(key for keys in opening for key in keys)})
    return f"project = {keys[0]}" if len(keys) == 1 else f"project in ({', '.join(keys)})"
