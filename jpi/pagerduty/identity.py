"""Proves that a PagerDuty account is the one that jpi works for: by its user, and by something else of it."""

from jpi.errors import Refused
from jpi.http_client import ApiClient
from jpi.pagerduty.users import Users


class OwnIdentity:
    """The user that jpi writes as; proves the account to the API client's identity check."""

    def __init__(self, api: ApiClient, email: str) -> None:
        self._api = api
        self._email = email
        self._users = Users(api)
        api.identity.prove_account = self.prove_account

    def find_own_id(self) -> str | None:
        """Return the id of the user that jpi writes as; None if PagerDuty knows none with that e-mail."""
        own_id = self._users.search_id(self._email)
        if own_id:
            self._api.identity.accept_account()
        return own_id

    def prove_account(self) -> None:
        """Raise IdentityDoubt unless the account has our user or, for a key that may not read users, a service."""
        try:
            own_id = self.find_own_id()
        except Refused as refused:
            if not refused.is_forbidden:
                raise
            self.require_visible_service()
            return
        if own_id is None:
            raise self._api.identity.make_doubt(f"it has no user {self._email} (PAGERDUTY_USER_EMAIL)")

    def require_visible_service(self) -> None:
        """Raise IdentityDoubt if the key shows no service: a foreign account, or a user without teams."""
        if not self._api.request("GET", "/services", {"limit": 1})["services"]:
            raise self._api.identity.make_doubt("it shows none of the account's services")
