"""Finds PagerDuty users by e-mail or id, and verifies that PagerDuty knows our own."""

from jpi.errors import Refused
from jpi.http_client import ApiClient
from jpi.pagerduty.paging import read_pages


class Users:
    """The users of an account."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def find_id_by_email(self, email: str) -> str | None:
        """Return the id of the user with this e-mail; None if an account that knows us has none."""
        user_id = self.search_id(email)
        if user_id is None:
            self._api.identity.verify_account()
        return user_id

    def search_id(self, email: str) -> str | None:
        """Return the id of the user with this e-mail; any account answers that it has none."""
        users = read_pages(self._api, "/users", "users", {"query": email})
        return next((str(user["id"]) for user in users if user.get("email", "").lower() == email.lower()), None)

    def find_email_by_id(self, user_id: str) -> str | None:
        """Return the e-mail of a user. One 404 proves nothing: whoever needs the user asks again later."""
        email: str | None = self._api.request("GET", f"/users/{user_id}").get("user", {}).get("email")
        return email


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

    def require_visible_service(self, name: str | None = None) -> None:
        """Raise IdentityDoubt if the key does not show this service, or none at all: its user may have lost a team."""
        if not self.has_visible_service(name):
            service = f"the service {name}" if name else "any of the account's services"
            raise self._api.identity.make_doubt(f"it does not show {service}; is its user in all teams?")

    def has_visible_service(self, name: str | None = None) -> bool:
        """True if the key shows the service with this name; no name: any service."""
        if name is None:
            return bool(self._api.request("GET", "/services", {"limit": 1})["services"])
        # PagerDuty matches parts of names too.
        services = read_pages(self._api, "/services", "services", {"query": name})
        return any(service.get("name") == name for service in services)
