"""Finds Jira users by e-mail or account id, and where Jira takes our own token."""

import uuid

from jpi.errors import MISSING_SCOPE_TEXT, IdentityDoubt, JpiError, Refused
from jpi.http_client import ApiClient

# Atlassian takes tokens with scopes here, and not at the site's own address:
# https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account
SCOPED_API_URL = "https://api.atlassian.com/ex/jira"


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


def find_scoped_address(api: ApiClient, site_url: str) -> str | None:
    """Return where Atlassian takes the token as one with scopes; "" if it does not, None if that cannot be asked.

    The cloud id: https://support.atlassian.com/jira/kb/retrieve-my-atlassian-sites-cloud-id/
    """
    try:
        cloud_id = uuid.UUID(api.request("GET", f"{site_url}/_edge/tenant_info")["cloudId"])
    except (JpiError, KeyError, TypeError, ValueError, AttributeError):
        return None
    address = f"{SCOPED_API_URL}/{cloud_id}"
    try:
        api.request("GET", f"{address}/rest/api/3/myself")
    except (IdentityDoubt, Refused) as error:
        return address if MISSING_SCOPE_TEXT in str(error) else ""
    except JpiError:
        return None
    return address
