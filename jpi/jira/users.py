"""Finds Jira users by e-mail or account id."""

from jpi.http_client import ApiClient


class Accounts:
    """The users of a site. Jira finds none for an account without the permission to browse users."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def find_id_by_email(self, email: str) -> str | None:
        """Return the account id of the only active person with this e-mail; users may hide their address."""
        users = self._api.request("GET", "/user/search", {"query": email})
        matches = [user for user in users if user.get("active") and user.get("accountType") == "atlassian"
                   and user.get("emailAddress", email).lower() == email.lower()]
        if not users:
            self._api.identity.verify_account()
        return str(matches[0]["accountId"]) if len(matches) == 1 else None

    def find_email_by_id(self, account_id: str) -> str | None:
        """Return the e-mail of an account, None if it is hidden. One 404 proves nothing, as on PagerDuty."""
        email: str | None = self._api.request("GET", "/user", {"accountId": account_id}).get("emailAddress")
        return email
