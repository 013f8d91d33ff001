"""PagerDuty's people, found by e-mail or by id."""

from jpi.http_client import ApiClient


class Users:
    """PagerDuty's people."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def find_id_by_email(self, email: str) -> str | None:
        """The id of the user with this e-mail."""
        found = self._api.request("GET", "/users", {"query": email})["users"]
        same = [user["id"] for user in found if user.get("email", "").lower() == email.lower()]
        return str(same[0]) if same else None

    def find_email_by_id(self, user_id: str) -> str | None:
        """The e-mail of a user; None where they are gone."""
        found: str | None = self._api.read_if_exists(f"/users/{user_id}").get("user", {}).get("email")
        return found
