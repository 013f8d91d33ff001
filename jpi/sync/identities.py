"""Who on one side is who on the other: by USER_MAP, else by e-mail; remembered for a day."""

from jpi.domain.policy import Policy
from jpi.sync.ports import Cache, Jira, PagerDuty


class People:
    """Finds people; nobody is ever guessed."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, policy: Policy, cache: Cache) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._accounts = policy.users
        self._cache = cache

    def known_account(self, user_id: str) -> str | None:
        """The Jira account of a PagerDuty user, as far as that is known without asking anybody."""
        found = self._cache.get(f"account:{user_id}")
        return str(found) if found else None

    def account_of(self, user_id: str) -> str | None:
        """The Jira account of a PagerDuty user; None where not exactly one active person has their e-mail."""
        return self._cache.remembered(f"account:{user_id}", lambda: self._account(user_id))

    def user_of(self, account_id: str) -> str | None:
        """The PagerDuty user of a Jira account; None where their e-mail is hidden, or nobody has it there."""
        return self._cache.remembered(f"user:{account_id}", lambda: self._user(account_id))

    def _account(self, user_id: str) -> str | None:
        email = self._pagerduty.users.email(user_id)
        if email is None:
            return None
        return self._accounts.get(email.lower()) or self._jira.accounts.of(email)

    def _user(self, account_id: str) -> str | None:
        mapped = next((email for email, account in self._accounts.items() if account == account_id), None)
        email = mapped or self._jira.accounts.email(account_id)
        return self._pagerduty.users.of(email) if email else None
