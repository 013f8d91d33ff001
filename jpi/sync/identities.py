"""Finds a person of one side on the other: by USER_MAP, else by e-mail; results are cached for a day."""

from jpi.domain.policy import Policy
from jpi.sync.ports import Cache, Jira, PagerDuty


class Identities:
    """Finds people; never guesses."""

    def __init__(self, jira: Jira, pagerduty: PagerDuty, policy: Policy, cache: Cache) -> None:
        self._jira = jira
        self._pagerduty = pagerduty
        self._account_id_by_email = policy.user_map
        self._cache = cache

    def get_cached_account_id(self, user_id: str) -> str | None:
        """Return the Jira account of a PagerDuty user if it is cached."""
        account_id = self._cache.get(f"account:{user_id}")
        return str(account_id) if account_id else None

    def find_account_id(self, user_id: str) -> str | None:
        """Return the Jira account of a PagerDuty user; None unless exactly one active person has their e-mail."""
        return self._cache.get_or_compute(f"account:{user_id}", lambda: self._look_up_account_id(user_id))

    def find_user_id(self, account_id: str) -> str | None:
        """Return the PagerDuty user of a Jira account; None if their e-mail is hidden or unknown to PagerDuty."""
        return self._cache.get_or_compute(f"user:{account_id}", lambda: self._look_up_user_id(account_id))

    def _look_up_account_id(self, user_id: str) -> str | None:
        email = self._pagerduty.users.find_email_by_id(user_id)
        if email is None:
            return None
        return self._account_id_by_email.get(email.lower()) or self._jira.accounts.find_id_by_email(email)

    def _look_up_user_id(self, account_id: str) -> str | None:
        mapped = next((email for email, account in self._account_id_by_email.items() if account == account_id), None)
        email = mapped or self._jira.accounts.find_email_by_id(account_id)
        return self._pagerduty.users.find_id_by_email(email) if email else None
