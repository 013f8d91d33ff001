"""Jira's people, found by e-mail or by account id."""

from jpi.http_client import ApiClient


class Accounts:
    """Jira's people. Who may not browse users is shown none."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def find_id_by_email(self, email: str) -> str | None:
        """The account of the one active person who is found by this e-mail; an address is often not shown."""
        found = self._api.request("GET", "/user/search", {"query": email})
        people = [one for one in found if one.get("active") and one.get("accountType") == "atlassian"]
        same = [one for one in people if one.get("emailAddress", email).lower() == email.lower()]
        return str(same[0]["accountId"]) if len(same) == 1 else None

    def find_email_by_id(self, account_id: str) -> str | None:
        """The e-mail of an account; None where it is hidden or gone."""
        found: str | None = self._api.read_if_exists("/user", {"accountId": account_id}).get("emailAddress")
        return found
