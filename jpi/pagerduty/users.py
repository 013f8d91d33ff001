"""Finds PagerDuty users by e-mail or id."""

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
        """Return the e-mail of a user; None if the user does not exist."""
        email: str | None = self._api.read_if_exists(f"/users/{user_id}").get("user", {}).get("email")
        return email
