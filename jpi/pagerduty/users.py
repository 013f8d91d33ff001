"""PagerDuty's people, found by e-mail or by id."""

from jpi.http_client import Calls


class Users:
    """PagerDuty's people."""

    def __init__(self, call: Calls) -> None:
        self._call = call

    def of(self, email: str) -> str | None:
        """The id of the user with this e-mail."""
        found = self._call("GET", "/users", {"query": email})["users"]
        same = [user["id"] for user in found if user.get("email", "").lower() == email.lower()]
        return str(same[0]) if same else None

    def email(self, user_id: str) -> str | None:
        """The e-mail of a user; None where they are gone."""
        found: str | None = self._call.if_there(f"/users/{user_id}").get("user", {}).get("email")
        return found
